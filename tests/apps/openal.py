#!/usr/bin/env python3
"""OpenAL Soft plays over mmap and with writes, and records."""

import sys

sys.dont_write_bytecode = True
import apps
import commands
import sound
from apps import test, test_each
from harness import equal, expect, main

apps.need(libraries=["libopenal.so.1"])
RATE = apps.RATE


def run(server, mode, name, mmap):
    return server.run(*commands.openal(mode, name),
                      environment=commands.openal_environment(server, mmap))


@test_each(("mmap", True), ("writes", False))
def openal_plays_bit_for_bit_with(mmap):
    made = apps.made_sound()
    with apps.playback_server() as server:
        with open(server.path("made.raw"), "wb") as file:
            file.write(made.data)
        program = run(server, "play", "made.raw", mmap)
        server.stop()
        server.require_no_xruns()
        sound.require_once("the device", server.heard(), made.data)
    equal("what OpenAL says", "", program.errors)


@test
def openal_records_exactly():
    room = apps.made_sound(0.7)
    with apps.capture_server(room) as server:
        run(server, "record", "recorded.raw", True)
        with open(server.path("recorded.raw"), "rb") as file:
            recorded = file.read()
        server.stop()
        server.require_no_xruns()
    expect(len(recorded) >= 4 * RATE, f"{len(recorded)} bytes were recorded")
    apps.require_from("the recording", recorded, room.data)


if __name__ == "__main__":
    main()
