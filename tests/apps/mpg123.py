#!/usr/bin/env python3
"""mpg123 plays an MP3 file that ffmpeg has made."""

import sys

sys.dont_write_bytecode = True
import apps
import commands
import sound
from apps import test_each
from harness import expect, main

apps.need("mpg123", "ffmpeg")


def encode(server):
    sound.write_wav(server.path("made.wav"), apps.made_sound())
    return commands.encode_mp3(server)


@test_each(("its own buffer", []), ("a process that decodes ahead", ["-b", 1024]),
           ("an output buffer of 0.1 s", ["--devbuffer", 0.1]))
def mpg123_plays_what_it_decodes_with(options):
    with apps.playback_server() as server:
        mp3, decoded = encode(server)
        expect(decoded.frames >= apps.RATE, f"it decodes {decoded.frames} frames")
        server.run(*commands.mpg123_plays(mp3, *options))
        server.stop()
        sound.require_once("the device", server.heard(), decoded.data)
        server.require_no_xruns()


@test_each(("44.1 kHz", ["-r", 44100]), ("mono", ["-m"]), ("float", ["-e", "f32"]))
def mpg123_plays_to_the_end_in(options):
    """What the server converts is not compared here; the length is."""
    with apps.playback_server() as server:
        mp3, decoded = encode(server)
        server.run(*commands.mpg123_plays(mp3, *options))
        server.stop()
        heard = sound.strip_silence(server.heard())
        server.require_no_xruns()
    expect(abs(heard.frames - decoded.frames) < apps.RATE // 20,
           f"{heard.frames} frames were heard of {decoded.frames}")


if __name__ == "__main__":
    main()
