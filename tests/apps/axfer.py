#!/usr/bin/env python3
"""axfer (alsa-utils), the other player and recorder of alsa-utils, with its waiters."""

import sys

sys.dont_write_bytecode = True
import apps
import sound
from apps import test_each
from harness import contains, equal, main

apps.need("axfer")
ROOM = apps.made_sound(0.7)
FRAMES = 40000
MODES = (("blocking", []), ("mmap", ["-M"]), ("nonblocking", ["-N"]),
         ("all xruns fatal", ["--fatal-errors"]),
         *((f"{waiter}, {words}", [option, f"--waiter-type={waiter}"])
           for waiter in ("snd_pcm_wait", "poll", "epoll", "select")
           for words, option in (("mmap", "-M"), ("nonblocking", "-N"))))


@test_each(*MODES)
def axfer_plays_bit_for_bit(options):
    program = apps.plays_bit_for_bit(
        lambda path: ["axfer", "transfer", "playback", "-D", "shm", *options, path])
    contains("what axfer says", program.output + program.errors,
             f"Actual {apps.RATE}frames")


@test_each(*MODES)
def axfer_records_exactly(options):
    with apps.capture_server(ROOM) as server:
        program = server.run("axfer", "transfer", "capture", "-D", "shm", "-f", "dat",
                             "-s", FRAMES, *options, "recorded.wav")
        recorded = sound.read_wav(server.path("recorded.wav"))
        server.stop()
        server.require_no_xruns()
    contains("what axfer says", program.output + program.errors,
             f"Actual {FRAMES}frames")
    equal("frames", FRAMES, recorded.frames)
    apps.require_from("the recording", recorded.data, ROOM.data)


if __name__ == "__main__":
    main()
