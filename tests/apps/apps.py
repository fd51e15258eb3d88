"""What the tests of applications have in common: which are here, and who must not spin.

The harness and the sounds are those of the integration tests.
"""

import array
import contextlib
import ctypes
import os
import resource
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(FOLDER), "integration"))

import harness
import host
import sound
from commands import PYTHON, RATE
from harness import equal, expect

# Of the time that a test takes, and at least of a second, for the start of a program is
# in it. What spins takes as much as it gets; the rest takes a tenth, and mostly less.
MOST_OF_THE_TIME = 0.5
NICENESS = -15
# The programs are ordinary ones, and so are the timers that say whether one that had an
# xrun could have been in time. The smallest buffers here are of 20 ms.
# A thread of an application is late at times when the host is not seen to be.
harness.AGAIN_ANYWAY = True
harness.HOST_WATCH = host.Watch(0.01 * harness.SLOWNESS, host.as_urgent_as(NICENESS))


def has_library(name):
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def has_module(name):
    """Whether Debian's Python has the module."""
    command = [PYTHON, "-c", f"import {name}"]
    return os.path.exists(PYTHON) and subprocess.run(
        command, stderr=subprocess.DEVNULL, check=False).returncode == 0


def missing(*programs, libraries=(), modules=()):
    """Why they cannot be used here, or nothing."""
    names = [name for name in programs if not shutil.which(name)]
    names += [name for name in libraries if not has_library(name)]
    names += [f"Python's {name}" for name in modules if not has_module(name)]
    return f"{', '.join(names)} is not installed" if names else ""


def need(*programs, **others):
    """Call it before the first test: skip them all where one of these is missing."""
    if why := missing(*programs, **others):
        name = os.path.basename(sys.argv[0]).removesuffix(".py")
        harness.skip(name, why)
        harness.main()


test, test_each = harness.test, harness.test_each


def hurry():
    """
    In the child, before it executes: ahead of what else is busy, if the rights allow it.
    Not SCHED_FIFO: there, one that starts would hold up all that play.
    """
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)


def children_seconds():
    """Processor time of all children that have ended, and of theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def require_calm(who, processor_s, seconds):
    """A bound so wide that only what spins, or wakes without end, goes beyond it."""
    expect(processor_s < MOST_OF_THE_TIME * max(seconds, 1),
           f"{who} took {processor_s:.2f} s of processor time in {seconds:.2f} s")


class Server(harness.Server):
    """
    A harness.Server that also sees to it that neither side spins.

    programs_s: once it is stopped, the processor time of all that ran against it.
    """

    must_be_calm = not harness.SANITIZED
    programs_s = None

    def __enter__(self):
        super().__enter__()
        self._began_s = time.monotonic()
        self._before_s = children_seconds()
        return self

    def start(self, *command, **options):
        """As harness.Server does, and in a hurry: what is late for its buffer xruns."""
        return super().start(*command, **{"preexec_fn": hurry, **options})

    def stop(self):
        super().stop()
        seconds = time.monotonic() - self._began_s
        server_s = self.stats["server"]["processor_seconds"]
        # The server is a grandchild, and shmd-run has waited for it.
        self.programs_s = children_seconds() - self._before_s - server_s
        if self.must_be_calm:
            require_calm("the server", server_s, seconds)
            require_calm("the application", self.programs_s, seconds)

    def require_no_xruns(self):
        for stream in self.streams():
            equal(f"xruns of stream {stream['stream']}", 0, stream["xruns"])

    def heard(self):
        """What the device whose file is device.wav has played up to now."""
        return sound.read_wav(self.path("device.wav"))


def playback_server(**options):
    return Server("virtual,wav=@/device.wav", **options)


def capture_server(room, **options):
    """One whose device captures `room`, over and over."""
    def prepare(server):
        sound.write_wav(server.path("room.wav"), room)
    return Server("virtual,capture=@/room.wav", prepare=prepare, **options)


def made_sound(seconds=1.0, seed=1):
    return sound.noise("S16_LE", RATE, 2, seconds, seed)


def made_tone(frequency, seconds=1.0, amplitude=0.5):
    """A sine in S16_LE, the same in both channels."""
    values = array.array("f", sound.tone(RATE, seconds, frequency, amplitude, 2).data)
    data = array.array("h", [round(32767 * value) for value in values])
    return sound.Sound("S16_LE", RATE, 2, data.tobytes())


def require_from(what, recorded, room, frame_bytes=4):
    """`recorded` (bytes) must be whole frames of `room` (bytes), over and over."""
    expect(recorded, f"{what} is empty")
    times = len(recorded) // len(room) + 2
    at = (times * room).find(recorded)
    expect(at >= 0 and at % frame_bytes == 0, f"{what} is not the captured file, over "
           f"and over; it has {len(recorded)} bytes, and begins {recorded[:16].hex()}")


def plays_bit_for_bit(command, made=None, may_end_in_xrun=False, environment=None):
    """
    `command` (a function of the path to play) ends well, and the device has heard it all.

    Some applications let the stream run dry instead of draining it: the end is an xrun
    then, and only then, since before it nothing is missing.
    """
    made = made or made_sound()
    with playback_server() as server:
        path = sound.write_wav(server.path("made.wav"), made)
        program = server.run(*command(path), environment=environment)
        server.stop()
        sound.require_once("the device", server.heard(), made.data)
        if not may_end_in_xrun:
            server.require_no_xruns()
        for stream in server.streams():
            expect(stream["xruns"] <= 1, f"{stream['xruns']} xruns")
    return program
