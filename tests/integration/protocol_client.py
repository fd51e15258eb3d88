"""
A client of shmd, written from doc/protocol.md alone, with Python's own library alone.

It shows that the document is enough to write one, so nothing here may be taken from the
sources of shmd. Section numbers are those of the document.

    stream = Stream(PLAYBACK, memfd=True)
    stream.set_params("S16_LE", channels=2, rate=48000, period=480, buffer=4800)
    stream.write(frames)
    stream.drain()
    stream.close()

As a program: protocol_client.py play|record FILE.wav [--device NAME] [--socket]
[--seconds N]
"""

import argparse
import array
import collections
import ctypes
import fcntl
import mmap
import os
import select
import socket
import struct
import sys
import time
import wave

# Section 2.
HELLO, REGISTER_POOL, POOL_REGISTERED, POOL_REFUSED, OPEN_STREAM = range(1, 6)
STREAM_OPENED, SET_PARAMS, PARAMS_SET, FREE_PARAMS, PARAMS_FREED = range(6, 11)
SET_GAIN, GAIN_SET, REFUSED, DATA, CLIENT_WORDS, SERVER_WORDS, KICK, WAKE = range(11, 19)
DIRECT_GRANT, DIRECT_RECALL, DIRECT_RETURNED = range(19, 22)
DIRECT_NEVER, DIRECT_AUTO, DIRECT_REQUIRE = range(3)
HEADER = struct.Struct("=HHIII")
MAX_MESSAGE_BYTES = 8192
MAX_DATA_BYTES = 8160
VERSION = 1
FLAG_MEMFD = 1
PLAYBACK, CAPTURE = 0, 1
MEMFD, SOCKET = 1, 2
CLIENT_POOL, SERVER_POOL = 1, 2

# Section 3. Python 3.11 does not name the last of the seals.
SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL | 0x0010
RING_OFFSET = 4096

# Section 4: the number and the bytes of a sample.
FORMATS = {name: (number, size) for number, (name, size) in enumerate([
    ("U8", 1), ("S8", 1), ("S16_LE", 2), ("S16_BE", 2), ("S24_LE", 4), ("S24_BE", 4),
    ("S24_3LE", 3), ("S24_3BE", 3), ("S32_LE", 4), ("S32_BE", 4), ("FLOAT_LE", 4),
    ("FLOAT_BE", 4), ("FLOAT64_LE", 8), ("FLOAT64_BE", 8)], start=1)}

# Section 5: offsets in the client's block, and what is wanted of a stream.
OFFSETS = {"written": 0, "command": 64, "start": 72, "armed": 80, "avail_min": 88,
           "stop_threshold": 96}
DIRECT_OFFSETS = {"direct_used": 104, "direct_from": 112}  # not in ClientWords
NEVER = 2**64 - 1
STOP, RUN, DRAIN, PAUSE = range(4)
IDLE, RUNNING, DRAINING, PAUSED, XRUN, STOPPED = range(6)
WOKEN_OFFSET = 64

Message = collections.namedtuple("Message", "type serial body fds")
ServerWords = collections.namedtuple(
    "ServerWords", "acted state position position_ns limit delay xruns")

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int,
                       ctypes.c_int, ctypes.c_long]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]


class Refused(OSError):
    """The server understood, and said no."""


class Dropped(ConnectionError):
    """The server has closed the connection, or is gone."""


def server_path():
    """Where section 1 says that a client looks."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    user = os.path.join(runtime, "shmd/socket") if runtime else ""
    return (os.environ.get("SHMD_SOCKET") or
            (user if user and os.path.exists(user) else "/run/shmd/socket"))


def message(type_, body=b"", serial=0, fd_count=0):
    return HEADER.pack(type_, fd_count, HEADER.size + len(body), serial, 0) + body


def hello_body(name="protocol_client", flags=0, version=VERSION):
    return struct.pack("=II64s", version, flags, name.encode())


def open_body(direction, device=""):
    return struct.pack("=B7x64s", direction, device.encode())


def params_body(format_, channels, transport, rate, period, buffer, ring=(0, 0),
                direct=DIRECT_NEVER):
    return struct.pack("=BBBBIIIQQ32x", FORMATS[format_][0], channels, transport, direct,
                       rate, period, buffer, *ring)


def pool_body(pool_id, size):
    return struct.pack("=IIQ", pool_id, 0, size)


class Connection:
    """One socket to the server. Messages that are no answers are kept in `events`."""

    def __init__(self, path=None, timeout=5):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # Python's own timeout would make it EAGAIN where many are about to connect.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO,
                               struct.pack("@ll", timeout, 0))
        self.socket.connect(path or server_path())
        self.socket.settimeout(timeout)
        self.events = collections.deque()
        self.fds_were_kept_out = False
        self._serial = 0

    def send(self, type_, body=b"", serial=0, fds=()):
        self.send_raw(message(type_, body, serial, len(fds)), fds)

    def send_raw(self, packet, fds=()):
        """`packet` may be anything; so it is for tests too. It goes without `fds` where
        the server lets none come: before its Hello, on Linux 6.16."""
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))
        try:
            try:
                self.socket.sendmsg([packet], [rights] if fds else [])
            except PermissionError:
                self.fds_were_kept_out = True
                self.socket.send(packet)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Dropped("send") from error

    def receive(self, timeout=None):
        """The next message, or None when `timeout` seconds have passed without one."""
        if timeout is not None and not select.select([self.socket], [], [], timeout)[0]:
            return None
        try:
            packet, rights, _, _ = self.socket.recvmsg(MAX_MESSAGE_BYTES, 64)
        except ConnectionResetError as error:
            raise Dropped("receive") from error
        if not packet:
            raise Dropped("receive")
        type_, fd_count, size, serial, _ = HEADER.unpack_from(packet)
        fds = array.array("i")
        for level, kind, data in rights:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                fds.frombytes(data[:len(data) - len(data) % fds.itemsize])
        if size != len(packet) or fd_count != len(fds):
            raise ValueError(f"the header does not fit the message: {packet[:16]}")
        return Message(type_, serial, packet[HEADER.size:], list(fds))

    def request(self, type_, body=b"", fds=()):
        """Send it and wait for its answer; what comes in between goes to `events`."""
        self._serial += 1
        self.send(type_, body, self._serial, fds)
        while True:
            answer = self.receive()
            if answer.type == REFUSED and answer.serial in (0, self._serial):
                _, code, reason = struct.unpack("=HxxI128s", answer.body)
                raise Refused(code, reason.rstrip(b"\0").decode())
            if answer.serial == self._serial:
                return answer
            self.events.append(answer)

    def next_event(self, timeout=None):
        return self.events.popleft() if self.events else self.receive(timeout)

    def close(self):
        self.socket.close()


class Pool:
    """The client's own memory, sealed as section 3 says. register() closes `fd`."""

    def __init__(self, size):
        self.size = size
        self.fd = os.memfd_create("pool", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(self.fd, size)
        self.memory = mmap.mmap(self.fd, size)
        fcntl.fcntl(self.fd, fcntl.F_ADD_SEALS, SEALS)
        self._words = {name: ctypes.c_uint64.from_buffer(self.memory, offset)
                       for name, offset in (OFFSETS | DIRECT_OFFSETS).items()}

    def store(self, name, value):
        """A whole store. Python on x86 keeps the order of the program: release."""
        self._words[name].value = value

    def register(self, connection):
        """True if the server has it."""
        body = pool_body(CLIENT_POOL, self.size)
        answer = connection.request(REGISTER_POOL, body, [self.fd])
        os.close(self.fd)
        return answer.type == POOL_REGISTERED

    def close(self):
        self._words = {}
        self.memory.close()


class ServerPool:
    """The server's memory, to read. ctypes wants an address, which mmap does not tell."""

    def __init__(self, fd, size):
        seals = fcntl.fcntl(fd, fcntl.F_GET_SEALS)
        if seals & SEALS != SEALS or os.fstat(fd).st_size != size:
            raise ValueError("the server's pool is not as section 3 says")
        self.size = size
        self._address = _libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, fd, 0)
        if self._address == ctypes.c_void_p(-1).value:
            raise OSError(ctypes.get_errno(), "mmap of the server's pool")
        os.close(fd)

    def load(self, offset):
        return ctypes.c_uint64.from_address(self._address + offset).value

    def words(self):
        """The seven under the sequence lock, and `woken`."""
        for _ in range(10000):
            before = self.load(0)
            words = [self.load(offset) for offset in range(8, 64, 8)]
            if before % 2 == 0 and self.load(0) == before:
                return ServerWords(*words)
        raise Dropped("the server died while it wrote its words")

    def bytes(self, offset, size):
        return ctypes.string_at(self._address + offset, size)

    def close(self):
        _libc.munmap(self._address, self.size)


class MemfdLink:
    """Words and frames through the two pools: sections 3, 5, 6."""

    transport = MEMFD

    def __init__(self, connection, own, theirs):
        self._connection, self._own, self._theirs = connection, own, theirs
        self._sent_command = 0

    def client_ring(self, size):
        return RING_OFFSET, size

    def set_ring(self, offset, size, frame_bytes):
        self._ring_offset, self._ring_bytes = offset, size
        self._frame_bytes = frame_bytes

    def put(self, position, frames):
        for place, part in self._places(position, frames):
            self._own.memory[RING_OFFSET + place:RING_OFFSET + place + len(part)] = part

    def take(self, position, count):
        size = count * self._frame_bytes
        place = position * self._frame_bytes % self._ring_bytes
        first = min(size, self._ring_bytes - place)
        return (self._theirs.bytes(self._ring_offset + place, first) +
                self._theirs.bytes(self._ring_offset, size - first))

    def publish(self, words):
        for name in ("written", "avail_min", "stop_threshold", "start", "command",
                     "armed"):
            self._own.store(name, words[name])
        if words["command"] != self._sent_command:
            self._sent_command = words["command"]
            self._connection.send(KICK)

    def server_words(self):
        return self._theirs.words()

    def wait(self, timeout):
        """Until a Wake comes; True if it did."""
        return self._connection.next_event(timeout) is not None

    def close(self):
        self._own.close()
        self._theirs.close()

    def _places(self, position, frames):
        place = position * self._frame_bytes % self._ring_bytes
        first = min(len(frames), self._ring_bytes - place)
        return ((place, frames[:first]), (0, frames[first:]))


class SocketLink:
    """Words and frames as messages: section 7."""

    transport = SOCKET

    def __init__(self, connection):
        self._connection = connection
        self._words = ServerWords(0, 0, 0, 0, 0, 0, 0)
        self._sent = {}
        self._frames = bytearray()

    def client_ring(self, _size):
        return 0, 0

    def set_ring(self, _offset, _size, frame_bytes):
        self._frame_bytes = frame_bytes
        self._frames.clear()

    def put(self, position, frames):
        step = MAX_DATA_BYTES // self._frame_bytes * self._frame_bytes
        for offset in range(0, len(frames), step):
            part = frames[offset:offset + step]
            count = len(part) // self._frame_bytes
            self._connection.send(DATA, struct.pack("=QII", position, count, 0) + part)
            position += count
        self._sent["written"] = position

    def take(self, _position, count):
        """Data comes in order, so the frames wait in order."""
        size = count * self._frame_bytes
        frames = bytes(self._frames[:size])
        del self._frames[:size]
        return frames

    def publish(self, words):
        if words != self._sent:
            self._sent = dict(words)
            self._connection.send(CLIENT_WORDS, struct.pack(
                "=6Q", *(words[name] for name in OFFSETS)))

    def server_words(self):
        while self._handle(self._connection.next_event(0)):
            pass
        return self._words

    def wait(self, timeout):
        """Until ServerWords come, which are the Wake; True if they did."""
        deadline = time.monotonic() + timeout
        while event := self._connection.next_event(max(0, deadline - time.monotonic())):
            self._handle(event)
            if event.type == SERVER_WORDS:
                return True
        return False

    def _handle(self, event):
        if event and event.type == SERVER_WORDS:
            self._words = ServerWords(*struct.unpack("=QQQqQQQQ", event.body)[:7])
        elif event and event.type == DATA:
            self._frames += event.body[16:]
        return event

    def close(self):
        pass


class Stream:
    """
    One stream. Counts frames from `first_frame`; blocks in write(), read() and drain(),
    for at most `timeout` seconds.
    """

    def __init__(self, direction, device="", path=None, memfd=True,
                 name="protocol_client", timeout=5, first_frame=0,
                 max_ring_bytes=1 << 20):
        self.direction, self._timeout = direction, timeout
        self.connection = Connection(path, timeout)
        own = Pool(RING_OFFSET + max_ring_bytes) if memfd else None
        hello = self.connection.request(
            HELLO, hello_body(name, FLAG_MEMFD if memfd else 0))
        flags = struct.unpack_from("=II", hello.body)[1]
        self._open(device)
        self._link = self._make_link(own, memfd and flags & FLAG_MEMFD)
        self._words = dict.fromkeys(OFFSETS, 0)
        self._words.update(written=first_frame, start=first_frame, stop_threshold=NEVER)
        self._epoch = self._generation = self._hw_ptr = 0

    @property
    def transport(self):
        return self._link.transport

    @property
    def written(self):
        return self._words["written"]

    def set_params(self, format_, channels, rate, period, buffer, direct=DIRECT_NEVER):
        self._rate, self.buffer = rate, buffer
        self.frame_bytes = FORMATS[format_][1] * channels
        size = buffer * self.frame_bytes
        ring = self._link.client_ring(size) if self.direction == PLAYBACK else (0, 0)
        answer = self.connection.request(SET_PARAMS, params_body(
            format_, channels, self.transport, rate, period, buffer, ring, direct))
        self._generation, offset, ring_bytes = struct.unpack("=H6xQQ", answer.body)
        self._link.set_ring(offset, size if self.direction == PLAYBACK else ring_bytes,
                            self.frame_bytes)
        self._words.update(avail_min=period, stop_threshold=buffer, start=self.written)
        self._hw_ptr = self.written
        self._started = False
        self._link.publish(self._words)

    def set_gain(self, milli):
        self.connection.request(SET_GAIN, struct.pack("=II", milli, 0))

    def free_params(self):
        self.connection.request(FREE_PARAMS)

    def start(self):
        """A new epoch: `start` is the first frame that was written and not yet played."""
        self._epoch += 1
        self._words["start"] = self._hw_ptr
        self._started = True
        self._command(RUN)

    def pause(self):
        self._command(PAUSE)

    def resume(self):
        self._command(RUN)

    def drop(self):
        """Stop at once; what was not played is forgotten."""
        self._command(STOP)
        self._wait(lambda: self.state() == STOPPED)
        self._hw_ptr = self._words["written"]
        self._started = False

    def drain(self):
        if not self._started:
            self.start()
        self._command(DRAIN)
        self._wait(lambda: self.state() == STOPPED)
        self._hw_ptr = self._words["written"]
        self._started = False

    def write(self, frames):
        frames = memoryview(frames)
        while frames:
            room = self.buffer - (self.written - self.hw_ptr())
            if room <= 0:
                if not self._started:
                    self.start()
                self._wait(self._has_room)
                continue
            part = frames[:room * self.frame_bytes]
            self._link.put(self.written, part)
            self._words["written"] += len(part) // self.frame_bytes
            self._link.publish(self._words)
            frames = frames[len(part):]

    def read(self, count):
        if not self._started:
            self.start()
        frames = b""
        while count:
            self._wait(lambda: self.hw_ptr() > self.written)
            ready = min(count, self.hw_ptr() - self.written)
            frames += self._link.take(self.written, ready)
            self._words["written"] += ready
            self._link.publish(self._words)
            count -= ready
        return frames

    def state(self):
        """What is known about this epoch; IDLE as long as nothing is."""
        words = self._link.server_words()
        return words.state if self._is_ours(words) else IDLE

    def hw_ptr(self):
        words = self._link.server_words()
        if self._started and self._is_ours(words):
            if words.state == XRUN:
                raise OSError(32, "xrun")
            now = words.position
            if words.state in (RUNNING, DRAINING):
                ahead = time.monotonic_ns() - words.position_ns
                now = min(words.limit, now + ahead * self._rate // 10**9)
            self._hw_ptr = max(self._hw_ptr, now)
        return self._hw_ptr

    def tell(self, **words):
        """Change these of the client's words, whatever they say, and wait for nothing."""
        self._words.update(words)
        self._link.publish(self._words)

    def limit(self):
        return self._link.server_words().limit

    def close(self):
        self.connection.close()
        self._link.close()

    def _open(self, device):
        answer = self.connection.request(OPEN_STREAM, open_body(self.direction, device))
        self.stream_id, self.device_rate, self.device_format, self.device_channels = (
            struct.unpack("=IIBB6x", answer.body))

    def _make_link(self, own, agreed):
        if agreed:
            offer = self.connection.next_event(self._timeout)
            theirs = ServerPool(offer.fds[0], struct.unpack("=IIQ", offer.body)[2])
            if own.register(self.connection):
                return MemfdLink(self.connection, own, theirs)
        return SocketLink(self.connection)

    def _is_ours(self, words):
        """Same epoch and generation: the command word without its low half."""
        return words.acted >> 16 == self._words["command"] >> 16

    def _has_room(self):
        return self.buffer - (self.written - self.hw_ptr()) >= self._words["avail_min"]

    def _command(self, wanted):
        self._words["command"] = self._epoch << 32 | self._generation << 16 | wanted
        self._words["armed"] += 1  # or its effect would not be heard over the socket
        self._link.publish(self._words)

    def _wait(self, ready):
        """Section 6: make the wish, look, wait; for at most the timeout."""
        deadline = time.monotonic() + self._timeout
        while not ready():
            self._words["armed"] += 1
            self._link.publish(self._words)
            if ready():
                return
            if not self._link.wait(max(0, deadline - time.monotonic())):
                raise TimeoutError("the server did not wake us")


def play(path, **options):
    """Play a WAV file of 8, 16 or 32 bits to its end."""
    with wave.open(path) as file:
        stream = Stream(PLAYBACK, **options)
        stream.set_params({1: "U8", 2: "S16_LE", 4: "S32_LE"}[file.getsampwidth()],
                          file.getnchannels(), file.getframerate(),
                          file.getframerate() // 50, file.getframerate())
        stream.write(file.readframes(file.getnframes()))
    stream.drain()
    stream.close()


def record(path, seconds, **options):
    """Record S16 stereo at 48 kHz."""
    stream = Stream(CAPTURE, **options)
    stream.set_params("S16_LE", 2, 48000, 960, 48000)
    with wave.open(path, "wb") as file:
        file.setparams((2, 2, 48000, 0, "NONE", ""))
        file.writeframes(stream.read(int(seconds * 48000)))
    stream.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("action", choices=["play", "record"])
    parser.add_argument("file")
    parser.add_argument("--device", default="")
    parser.add_argument("--socket", action="store_true", help="not memfd")
    parser.add_argument("--seconds", type=float, default=1)
    given = parser.parse_args()
    options = {"device": given.device, "memfd": not given.socket}
    if given.action == "play":
        play(given.file, **options)
    else:
        record(given.file, given.seconds, **options)


if __name__ == "__main__":
    sys.exit(main())
