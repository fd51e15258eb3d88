#!/usr/bin/env python3
"""Tests on a real kernel with sound cards: what they have in common, and all of them.

They run inside the emulated machine of scripts/vm, with the harness of tests/integration,
one after the other: a card is used by one at a time. A file of tests stands alone there,

    scripts/vm --card dummy --card aloop --card hda -- python3 tests/vm/cards.py [PART]

and this file, as a program, runs all that lie beside it, with one count. It must be
started in the build tree, or with abs_top_builddir, as the integration tests are.

Time is emulated, slow and noisy there: assert contents, orders and counts.
"""

import glob
import importlib
import os
import re
import signal
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[1:1] = [os.path.join(HERE, "../integration"), os.path.join(HERE, "../apps")]
import harness
import host
import sound
# pylint: disable=unused-import  # what the tests import from here
from harness import (BUILD, SHMD, SHMD_RUN, Failed, Program, Server, contains, equal,
                     expect, fails, skip, test, test_each, wait_until)

KERNEL = os.environ.get("SHMD_VM_KERNEL")
if not KERNEL:
    sys.exit("this is for inside the emulated machine: scripts/vm --help")
# Whether Landlock can take a device's ioctls away (Linux 6.10): no direct mode without.
CAN_RESTRICT = KERNEL != "6.1"
RESULTS = os.environ["SHMD_VM_RESULTS"]  # what is put here outlives the machine
harness.AT_ONCE = 1


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def as_uid(uid, *command, groups=()):
    """The command as that user, whose group has the same number, in `groups` besides."""
    return Program(["setpriv", f"--reuid={uid}", f"--regid={uid}",
                    f"--groups={','.join(map(str, [uid, *groups]))}", *command])


PERIOD_FRAMES = 6000
SIZES = ["--buffer-size=48000", f"--period-size={PERIOD_FRAMES}"]


class Recorder:
    """arecord on the loopback's other side."""

    def __init__(self, server, format_="S16_LE", rate=48000, channels=2):
        self.kind = (format_, rate, channels)
        self.path = server.path("heard.raw")
        self.program = Program(["arecord", "-q", "-D", "hw:Loopback,1,0", "-t", "raw",
                                "-f", format_, "-r", str(rate), "-c", str(channels),
                                "--buffer-size=192000", f"--period-size={PERIOD_FRAMES}",
                                self.path])
        wait_until("arecord records", lambda: "state: RUNNING" in
                   read("/proc/asound/Loopback/pcm1c/sub0/status"))

    def size(self):
        """In bytes, so far; arecord makes the file when it has something to write."""
        return os.path.getsize(self.path) if os.path.exists(self.path) else 0

    def frames(self):
        """Captured so far; what arecord has not written yet is among them."""
        status = read("/proc/asound/Loopback/pcm1c/sub0/status")
        return int(re.search(r"hw_ptr\s*:\s*(\d+)", status).group(1))

    def heard(self):
        # What was played is on its way through the loopback and arecord's own buffer.
        rest = 4 * PERIOD_FRAMES * sound.Sound(*self.kind, b"").frame_bytes
        size = self.size() + rest
        wait_until("all is recorded", lambda: self.size() >= size)
        self.program.signal(signal.SIGINT)
        self.program.wait()
        equal("errors of arecord", "", self.program.errors)
        with open(self.path, "rb") as file:
            return sound.Sound(*self.kind, file.read())


def is_closed(pcm):
    return read(f"/proc/asound/{pcm}/sub0/status").strip() == "closed"


def main():
    """harness.main() for here."""
    # What plays here are ordinary programs, on slow processors. Few wake-ups: each costs
    # a millisecond.
    harness.HOST_WATCH = host.Watch(0.05, host.as_urgent_as(-15), period_seconds=0.05)
    harness.main()


def run_all():
    for path in sorted(glob.glob(os.path.join(HERE, "*.py"))):
        name = os.path.basename(path).removesuffix(".py")
        if name != "guest":
            importlib.import_module(name)
    main()


if __name__ == "__main__":
    run_all()
