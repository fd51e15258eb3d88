#!/usr/bin/env python3
"""
The audio thread's time is shared: a user that opens one dear stream after the other is
refused from some number on, with EBUSY and the reason, and three players beside them are
heard whole.

The dear streams are FLOAT64_BE of 32 channels at odd rates above 352,800 Hz, all silent,
always full, of the user 65534. The players are unmodified ones with a period of 10 ms and
a buffer of 100 ms, each in a channel of its own of the same device.
"""

import array
import contextlib
import errno
import json
import os
import sys
import time

sys.dont_write_bytecode = True
import protocol_client as pc
import sound
from harness import Server, equal, expect, main, skip, test, wait_until

NOBODY = 65534
RATE = 48000
CHANNELS = 4
SECONDS = 6
MOST_STREAMS = 30
PERIOD, BUFFER = 3528, 14000  # 32 channels of 8 bytes: most of a ring


class Dear(pc.Stream):
    """A stream whose ring is full of silence as long as fill() is called in time."""

    def __init__(self, path, number):
        super().__init__(pc.PLAYBACK, "main", path, name="dear", timeout=20,
                         max_ring_bytes=4 << 20)
        self.set_params("FLOAT64_BE", 32, 352801 + number, PERIOD, BUFFER)
        self._words["stop_threshold"] = pc.NEVER
        self.fill()
        self.start()

    def fill(self):
        """Nothing is copied: the ring was never anything but zeros."""
        self._words["written"] = max(self.written, self.hw_ptr() + self.buffer)
        self._link.publish(self._words)


def attack(path, seconds, report):
    """Open what is let in, and keep it playing; write down how many, and the reason."""
    streams, refusal = [], None
    while len(streams) < MOST_STREAMS and refusal is None:
        try:
            streams.append(Dear(path, len(streams)))
        except pc.Refused as error:
            refusal = [error.errno, error.strerror]
    with os.fdopen(report, "w") as file:
        json.dump([len(streams), refusal], file)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for stream in streams:
            with contextlib.suppress(OSError):  # it was stopped: that is its own affair
                stream.fill()
        time.sleep(0.004)


@contextlib.contextmanager
def attacked(server, seconds):
    """Another user attacks meanwhile; gives what became of it."""
    path = server.environment["SHMD_SOCKET"]
    os.chmod(path, 0o666)
    os.chmod(os.path.dirname(path), 0o755)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        with contextlib.suppress(Exception):
            os.close(reader)
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            attack(path, seconds, writer)
            status = 0
        os._exit(status)
    os.close(writer)
    with os.fdopen(reader) as file:
        yield json.loads(file.read() or "null")
    equal("the attacker's status", 0, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def in_channel(data, channel):
    """`data`, 16 bits in mono, in that channel of frames that are silent otherwise."""
    frames = array.array("h", bytes(len(data) * CHANNELS))
    frames[channel::CHANNELS] = array.array("h", data)
    return frames.tobytes()


def start_player(server, channel):
    mono = sound.noise("S16_LE", RATE, 1, SECONDS, seed=channel + 1).data
    path = server.path(f"{channel}.raw")
    with open(path, "wb") as file:
        file.write(in_channel(mono, channel))
    player = server.start("aplay", "-q", "-D", "shm:main", "-t", "raw", "-f", "S16_LE",
                          "-r", RATE, "-c", CHANNELS, "--period-time=10000",
                          "--buffer-time=100000", path)
    return player, mono


def require_whole(server, sounds):
    heard = sound.read_wav(server.path("device.wav"))
    for channel, mono in enumerate(sounds):
        one = sound.Sound("S16_LE", RATE, 1, heard.samples(channel))
        sound.require_once(f"player {channel}", one, mono)
    for stream in server.stats["streams"]:
        if stream["client"]["name"] == "aplay":
            equal("xruns of a player", 0, stream["xruns"])


def dear_streams_of_another_user_cost_three_players_no_sample():
    with Server(f"main=virtual,rate={RATE},channels={CHANNELS},wav=@/device.wav",
                settings=["log_level=debug"]) as server:
        players = [start_player(server, channel) for channel in range(3)]
        wait_until("they play", lambda: server.log().count(" stream=") >= 3)
        with attacked(server, SECONDS) as result:
            expect(result is not None, "the attacker failed")
            admitted, refusal = result
            expect(refusal is not None, f"{admitted} streams were admitted")
            for player, _ in players:
                player.succeed()
        equal("the refusal", errno.EBUSY, refusal[0])
        expect(" of a processor" in refusal[1], f"the reason is {refusal[1]!r}")
        expect(admitted > 0, "none was admitted")
        expect("ordinary scheduling" not in server.log(), "real time was lost")
        server.stop()
        require_whole(server, [mono for _, mono in players])


TITLE = "dear streams of another user cost three players no sample"
if os.geteuid() == 0:
    test(dear_streams_of_another_user_cost_three_players_no_sample)
else:
    skip(TITLE, "only root can be another user")

if __name__ == "__main__":
    sys.exit(main())
