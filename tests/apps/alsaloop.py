#!/usr/bin/env python3
"""alsaloop (alsa-utils) carries what one device captures to another."""

import signal
import sys

sys.dont_write_bytecode = True
import apps
import sound
from apps import test_each
from harness import equal, expect, main, wait_until

apps.need("alsaloop")
RATE = apps.RATE
ROOM = apps.made_sound(0.7)
FRAMES = RATE
DEVICES = ("a=virtual,capture=@/room.wav", "b=virtual,wav=@/device.wav")
LOOP = ["alsaloop", "-C", "shm:a", "-P", "shm:b", "-f", "S16_LE", "-r", RATE, "-c", 2]


def prepare(server):
    sound.write_wav(server.path("room.wav"), ROOM)


def loop(server, *options):
    """Run alsaloop until the second device has heard enough of it."""
    program = server.start(*LOOP, *options)
    wait_until("it is heard", lambda: not program.is_alive() or
               sound.strip_silence(server.heard()).frames >= FRAMES)
    expect(program.is_alive(), f"alsaloop has ended: {program.output}{program.errors}")
    program.signal(signal.SIGINT)
    program.succeed()
    server.stop()


@test_each(("blocking", ["-t", 200000]), ("nonblocking", ["-t", 200000, "-b"]),
           ("with a thread of its own", ["-t", 200000, "-T", -1]))
def alsaloop_carries_each_frame(options):
    with apps.Server(*DEVICES, prepare=prepare) as server:
        loop(server, "-S", "none", *options)
        heard = sound.strip_silence(server.heard())
        server.require_no_xruns()
    apps.require_from("what was heard", heard.data, ROOM.data)


@test_each(("both are slowed down or sped up", "auto"), ("frames are dropped", "simple"),
           ("the rate is converted", "samplerate"))
def alsaloop_keeps_two_devices_together(mode):
    """The devices share a clock here; what it corrects is the first latency."""
    with apps.Server(*DEVICES, prepare=prepare) as server:
        loop(server, "-S", mode, "-t", 200000)
        server.require_no_xruns()
        equal("streams", ["capture", "playback"],
              sorted(stream["kind"] for stream in server.streams()))


if __name__ == "__main__":
    main()
