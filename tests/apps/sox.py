#!/usr/bin/env python3
"""SoX plays and records: as sox with -t alsa, and as play and rec."""

import sys

sys.dont_write_bytecode = True
import apps
import sound
from apps import test_each
from harness import equal, main

apps.need("sox", "play", "rec")
RATE = apps.RATE
ROOM = apps.made_sound(0.7)
FRAMES = 40000
ENVIRONMENT = {"AUDIODRIVER": "alsa", "AUDIODEV": "shm"}
# The same PCM by an option and by the environment.
INPUTS = (("sox", ["sox", "-q", "-t", "alsa", "-r", RATE, "-c", 2, "-b", 16, "shm"]),
          ("rec", ["rec", "-q", "-r", RATE, "-c", 2, "-b", 16]),
          ("rec with long buffers", ["rec", "-q", "--buffer", 32768, "-r", RATE, "-c", 2,
                                      "-b", 16]))


@test_each(("sox", lambda path: ["sox", "-q", path, "-t", "alsa", "shm"]),
           ("play", lambda path: ["play", "-q", path]),
           ("play with long buffers",
            lambda path: ["play", "-q", "--buffer", 32768, path]))
def it_plays_bit_for_bit(command):
    apps.plays_bit_for_bit(command, environment=ENVIRONMENT)


@test_each(*INPUTS)
def it_records_exactly(command):
    with apps.capture_server(ROOM) as server:
        server.run(*command, "recorded.wav", "trim", 0, f"{FRAMES}s",
                   environment=ENVIRONMENT)
        recorded = sound.read_wav(server.path("recorded.wav"))
        server.stop()
        server.require_no_xruns()
    equal("frames", FRAMES, recorded.frames)
    apps.require_from("the recording", recorded.data, ROOM.data)


if __name__ == "__main__":
    main()
