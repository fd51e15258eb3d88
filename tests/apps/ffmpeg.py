#!/usr/bin/env python3
"""FFmpeg plays to and records from an ALSA PCM."""

import sys

sys.dont_write_bytecode = True
import apps
import commands
import sound
from apps import test
from harness import expect, main

apps.need("ffmpeg")
RATE = apps.RATE


@test
def ffmpeg_plays_bit_for_bit():
    apps.plays_bit_for_bit(commands.ffmpeg_plays)


@test
def ffmpeg_plays_a_sound_in_another_format_and_rate():
    """44.1 kHz, mono, float: the PCM takes it as it is, and so does this device."""
    made = sound.tone(44100, 1, 440, 0.5)
    with apps.Server("virtual,wav=@/device.wav,rate=44100,channels=1,"
                     "format=FLOAT_LE") as server:
        path = sound.write_wav(server.path("made.wav"), made)
        server.run(*commands.FFMPEG, "-i", path, "-c:a", "pcm_f32le", "-f", "alsa", "shm")
        server.stop()
        sound.require_once("the device", server.heard(), made.data.strip(b"\0"))
        server.require_no_xruns()


@test
def ffmpeg_records_exactly():
    room = apps.made_sound(0.7)
    with apps.capture_server(room) as server:
        server.run(*commands.FFMPEG, "-f", "alsa", "-sample_rate", RATE, "-channels", 2,
                   "-i", "shm", "-t", 1, "-flags", "bitexact", "-f", "s16le",
                   "recorded.raw")
        with open(server.path("recorded.raw"), "rb") as file:
            recorded = file.read()
        server.stop()
        server.require_no_xruns()
    # It ends by its own time stamps, and the first is not exactly zero.
    expect(abs(len(recorded) // 4 - RATE) < RATE // 10, f"{len(recorded) // 4} frames")
    apps.require_from("the recording", recorded, room.data)


if __name__ == "__main__":
    main()
