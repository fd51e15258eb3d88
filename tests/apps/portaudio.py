#!/usr/bin/env python3
"""PortAudio, under PyAudio: blocking calls and callbacks, to play, record and pass on."""

import sys

sys.dont_write_bytecode = True
import apps
import commands
import sound
from apps import test, test_each
from harness import equal, expect, main

apps.need(modules=["pyaudio"])
RATE = apps.RATE


def run(server, mode, name):
    server.run(*commands.portaudio(mode, name),
               environment=commands.PORTAUDIO_ENVIRONMENT)


def write_made(server, made):
    with open(server.path("made.raw"), "wb") as file:
        file.write(made.data)


def read(server, name):
    with open(server.path(name), "rb") as file:
        return file.read()


@test_each(("blocking calls", "write"), ("a callback", "play_by_callback"))
def portaudio_plays_bit_for_bit_with(mode):
    made = apps.made_sound()
    with apps.playback_server() as server:
        write_made(server, made)
        run(server, mode, "made.raw")
        server.stop()
        server.require_no_xruns()
        sound.require_once("the device", server.heard(), made.data)


@test
def portaudio_plays_with_its_own_short_buffer():
    """520 frames, 11 ms: a busy machine may be late for that, and it goes on then."""
    made = apps.made_sound()
    with apps.playback_server() as server:
        write_made(server, made)
        run(server, "play_by_callback_with_its_own_period", "made.raw")
        server.stop()
        stream, = [stream for stream in server.streams() if stream["frames"]]
        expect(stream["buffer"] < RATE // 50, f"a buffer of {stream['buffer']} frames")
        heard = server.heard()
    expect(made.data[:RATE // 1000 * 4] in heard.data, "the start is missing")
    if stream["xruns"] == 0:
        sound.require_once("the device", heard, made.data)


@test_each(("blocking calls", "read"), ("a callback", "record_by_callback"))
def portaudio_records_exactly_with(mode):
    room = apps.made_sound(0.7)
    with apps.capture_server(room) as server:
        run(server, mode, "recorded.raw")
        recorded = read(server, "recorded.raw")
        server.stop()
        server.require_no_xruns()
    expect(len(recorded) >= 4 * RATE, f"{len(recorded)} bytes were recorded")
    apps.require_from("the recording", recorded, room.data)


@test
def portaudio_plays_in_step_with_what_it_records():
    """One callback for both: each period that it is given is heard."""
    room = apps.made_sound(0.7)
    with apps.Server("virtual,capture=@/room.wav,wav=@/device.wav",
                     prepare=lambda server: sound.write_wav(server.path("room.wav"),
                                                            room)) as server:
        run(server, "pass_on_by_callback", "recorded.raw")
        recorded = read(server, "recorded.raw")
        server.stop()
        server.require_no_xruns()
        heard = sound.strip_silence(server.heard()).data
        equal("streams", ["capture", "playback"], sorted(
            stream["kind"] for stream in server.streams() if stream["frames"]))
    apps.require_from("the recording", recorded, room.data)
    # The last periods are still in its buffer when it stops.
    expect(len(heard) > len(recorded) // 2, f"only {len(heard)} bytes are heard")
    expect(recorded.startswith(heard), "what is heard is not what was recorded")


if __name__ == "__main__":
    main()
