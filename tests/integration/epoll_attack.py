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
DESCRIPTORS = DUPLICATES + 1000  # with what a process needs besides
BUFFER_FRAMES = 4096
LEAST_PERIOD_FRAMES = 16
PAUSE_SECONDS = 0.0005
GAIN_1 = struct.pack("=II", 1000, 0)


def add_entries(fd, count):
    """`count` entries in epoll sets that nothing waits for; @return what holds them."""
    copies = [os.dup(fd) for _ in range(min(count, DUPLICATES))]
    sets = []
    for number in range(count):
        if number % DUPLICATES == 0:
            sets.append(select.epoll())
        sets[-1].register(copies[number % DUPLICATES], select.EPOLLIN | select.EPOLLOUT)
    return sets, copies


def open_silence(path, memfd):
    """A stream on `main` that is silent, and whose period is the least there is."""
    stream = pc.Stream(pc.PLAYBACK, "main", path, memfd=memfd, name="dear",
                       max_ring_bytes=4 * BUFFER_FRAMES)
    stream.set_params("S16_LE", 2, RATE, LEAST_PERIOD_FRAMES, BUFFER_FRAMES)
    stream.write(bytes(2 * BUFFER_FRAMES))
    stream.tell(avail_min=1, stop_threshold=pc.NEVER)
    stream.start()
    return stream


def wish_wakes(path, ready, entries, memfd):
    """Play silence, and wish to be woken all the time."""
    stream = open_silence(path, memfd)
    held = add_entries(stream.connection.socket.fileno(), entries)
    ready(entries)
    wish = 100
    while held:
        wish += 1
        while stream.connection.receive(0):
            pass
        stream.tell(armed=wish, written=stream.limit() + BUFFER_FRAMES // 2)
        time.sleep(PAUSE_SECONDS)


def ask_without_end(path, ready, entries):
    """Requests and kicks in a row, as many as the socket takes; answers are read."""
    stream = open_silence(path, memfd=True)
    held = add_entries(stream.connection.socket.fileno(), entries)
    stream.connection.socket.setblocking(False)
    ready(entries)
    serial = 0
    while held:
        serial += 1
        with contextlib.suppress(BlockingIOError):
            while True:
                stream.connection.send(pc.KICK)
                stream.connection.send(pc.SET_GAIN, GAIN_1, serial)
        with contextlib.suppress(BlockingIOError):
            while True:
                stream.connection.receive()
