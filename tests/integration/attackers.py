"""
What attackers do, each in a process of its own: function(socket path, ready, ...), see
victims.Attackers. Where the server refuses them something or drops them, they begin anew.
"""

import contextlib
import os
import select
import socket
import struct
import sys
import threading
import time

sys.dont_write_bytecode = True
import protocol_client as pc

RATE = 48000
LINGER_SECONDS = 15
ROUND_SECONDS = 0.2
MOST_RING_BYTES = 4 << 20
POOL_BYTES = pc.RING_OFFSET * 4
OPEN_SCRATCH = pc.open_body(pc.PLAYBACK, "scratch")


def again_and_again(ready, act):
    """The attack is on once it was done once."""
    act()
    ready(1)
    while True:
        time.sleep(ROUND_SECONDS)
        act()


def connect(path, flags=0):
    """A connection that has sent its Hello."""
    connection = pc.Connection(path, timeout=20)
    connection.send(pc.HELLO, pc.hello_body("attacker", flags), 1)
    return connection


# --- descriptors whose last close blocks -----------------------------------------------

def unsent_tcp(listener):
    """A socket with data that its peer does not take: closing it waits for that."""
    one = socket.socket()
    one.connect((b"127.0.0.1", listener.getsockname()[1]))
    one.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            one.send(bytes(65536))
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("=ii", 1,
                                                                    LINGER_SECONDS))
    return one.detach()


def greet(path):
    """A connection whose Hello was accepted: before that the kernel lets no descriptor
    through, from Linux 6.16 on."""
    connection = connect(path, pc.FLAG_MEMFD)
    connection.receive()
    return connection


def pass_as_pool(path, fd):
    """With a message that may have a descriptor."""
    connection = greet(path)
    connection.send(pc.REGISTER_POOL, pc.pool_body(1, POOL_BYTES), 2, [fd])
    connection.close()


def pass_first(path, fd):
    """With a message that may have none, before Hello."""
    connection = pc.Connection(path)
    connection.send(pc.KICK, fds=[fd])
    connection.close()


def leave_unread(path, fd):
    """With a message that the server does not receive: it has dropped the client."""
    connection = greet(path)
    with contextlib.suppress(pc.Dropped):
        connection.send_raw(b"no message")
        for _ in range(5):
            connection.send(pc.KICK, fds=[fd])
    connection.close()


def close_elsewhere(fd):
    """Where the server has closed its copy before, this is the close that takes long."""
    thread = threading.Thread(target=os.close, args=(fd,), daemon=True)
    thread.start()
    return thread


PASSES = {"as a pool": pass_as_pool, "before Hello": pass_first,
          "never received": leave_unread}


def pass_slow_to_close(path, ready, way, make):
    """Only the server's copy is left, a moment later."""
    # A FUSE answers this thread alone.
    close = os.close if make else close_elsewhere
    make = make or tcp_maker()

    def act():
        fd = make()
        PASSES[way](path, fd)
        close(fd)
    again_and_again(ready, act)


def tcp_maker():
    listener = socket.create_server((b"127.0.0.1", 0), backlog=4096)
    return lambda: unsent_tcp(listener)


# --- many connections ------------------------------------------------------------------

def keep_silent_connections(path, ready, count):
    """Connections that never say Hello; a new one for each that was closed."""
    held = {}
    poll = select.poll()

    def fill():
        while len(held) < count:
            connection = pc.Connection(path)
            held[connection.socket.fileno()] = connection
            poll.register(connection.socket, select.POLLRDHUP)
    with contextlib.suppress(OSError):
        fill()
    ready(len(held))
    while True:
        for fd, _ in poll.poll(100):
            poll.unregister(fd)
            held.pop(fd).close()
        with contextlib.suppress(OSError):
            fill()


def come_and_go(path, ready):
    """Connect, say Hello, leave, as fast as can be."""
    ready(1)
    while True:
        with contextlib.suppress(OSError):
            connect(path).close()


def break_the_protocol(path, ready):
    """Be dropped, again and again, each time for something else and by another name."""
    ready(1)
    number = 0
    while True:
        number += 1
        with contextlib.suppress(OSError):
            connection = pc.Connection(path)
            connection.send(pc.HELLO, pc.hello_body(f"breaks {number}"), 1)
            connection.send(number % 64, bytes(number % 100))
            connection.close()


class Crowd:
    """Connections with a stream each that send all that their sockets take."""

    def __init__(self, path, count, packets):
        """@param packets  sent over and over, round and round"""
        self._path, self._packets = path, packets
        self._connections = []
        self._poll = select.poll()
        self._next = 0
        for _ in range(count):
            self._add()

    def _add(self):
        with contextlib.suppress(OSError):
            connection = connect(self._path)
            connection.send(pc.OPEN_STREAM, OPEN_SCRATCH, 2)
            connection.socket.setblocking(False)
            self._connections.append(connection)

    def __len__(self):
        return len(self._connections)

    def push(self):
        """@return how many messages the sockets took"""
        return sum(self._push(connection) for connection in list(self._connections))

    def _push(self, connection):
        sent = 0
        try:
            with contextlib.suppress(BlockingIOError):
                while True:
                    connection.receive()
            while True:
                connection.send_raw(self._packets[self._next % len(self._packets)])
                self._next += 1
                sent += 1
        except BlockingIOError:
            pass
        except pc.Dropped:
            self._connections.remove(connection)
            connection.close()
            self._add()
        return sent


def push_requests(path, ready, count, packets):
    crowd = Crowd(path, count, packets)
    taken = crowd.push()
    ready((len(crowd), taken))
    while True:
        if not crowd.push():
            time.sleep(0.001)


def params_packet(rate, **how):
    return pc.message(pc.SET_PARAMS, pc.params_body(
        how.get("format_", "S16_LE"), how.get("channels", 2), pc.SOCKET, rate, 64, 1024),
                      3)


ODD_RATES = [params_packet(4001 + 2 * number) for number in range(6000)]
GAINS = [pc.message(pc.SET_GAIN, struct.pack("=II", 1000, 0), 3)]
SAME_PARAMS = [params_packet(RATE)]
REFUSED = [pc.message(pc.SET_GAIN, struct.pack("=II", 2**32 - 1, 0), 3)]


def leave_answers(path, ready, count, packets):
    """Send, and read nothing; a new connection for each that was dropped."""
    held = []

    def act():
        while len(held) < count:
            held.append(connect(path))
            held[-1].socket.setblocking(False)
        for connection in list(held):
            try:
                for number in range(2000):
                    connection.send_raw(packets[number % len(packets)])
            except BlockingIOError:
                pass
            except pc.Dropped:
                held.remove(connection)
                connection.close()
    again_and_again(ready, act)


def gather_grants(path, ready, count):
    """Ask for the card's ring again and again, and take nothing of what is sent."""
    stream = pc.Stream(pc.PLAYBACK, "main", path)
    stream.set_params("S16_LE", 2, RATE, 6000, 48000)
    again = pc.message(pc.SET_PARAMS, pc.params_body(
        "S16_LE", 2, stream.transport, RATE, 6000, 48000, (pc.RING_OFFSET, 4 * 48000),
        pc.DIRECT_AUTO), 9)
    stream.connection.socket.settimeout(5)
    sent = 0
    with contextlib.suppress(TimeoutError, BlockingIOError, pc.Dropped):
        for sent in range(count):
            stream.connection.send_raw(again)
    ready(sent)
    while True:
        time.sleep(ROUND_SECONDS)


# --- streams that are dear, or loud ----------------------------------------------------

class Constant:
    """A memfd stream on `main` that plays one value, without writing it again."""

    def __init__(self, path, format_, channels, rate, sample, gain_milli=1000):
        frame_bytes = pc.FORMATS[format_][1] * channels
        self.buffer = min(16384, MOST_RING_BYTES // frame_bytes)
        self.stream = pc.Stream(pc.PLAYBACK, "main", path, name="constant",
                                max_ring_bytes=self.buffer * frame_bytes)
        self.stream.set_params(format_, channels, rate, self.buffer // 8, self.buffer)
        self.stream.set_gain(gain_milli)
        self.stream.write(sample * (channels * self.buffer))
        self._begin()

    def _begin(self):
        self.stream.tell(stop_threshold=pc.NEVER)
        self.stream.start()

    def go_on(self):
        while self.stream.connection.receive(0):
            pass
        if self.stream.state() in (pc.XRUN, pc.STOPPED):
            self._begin()
        self.stream.tell(written=self.stream.limit() + self.buffer // 2)


def play_constants(path, ready, kinds, apart_seconds=0):
    """A stream for each of `kinds`; @see Constant. What is refused is tried no more."""
    streams = []
    for kind in kinds:
        time.sleep(apart_seconds)
        with contextlib.suppress(pc.Refused, pc.Dropped, TimeoutError):
            streams.append(Constant(path, *kind))
    ready(len(streams))
    while True:
        for stream in list(streams):
            try:
                stream.go_on()
            except pc.Dropped:
                streams.remove(stream)
        time.sleep(0.002)


HUGE = [("FLOAT_LE", 2, RATE, struct.pack("=f", value), 4000) for value in (3e38, -3e38)]
DEAREST = ("FLOAT64_BE", 32, 352801, bytes(8))
