#!/usr/bin/env python3
"""
Nobody can hurt another: while an unmodified aplay plays, hostile clients send what they
like, store what they like in their words, and read nothing. aplay's frames reach the
device's WAV file bit for bit and unbroken, each hostile client's end has a line in the
log, and the server's descriptors, mappings and memory are afterwards what they were.

aplay plays noise, without an end, on the device `main`, and is interrupted when the
attack is over. What is hostile plays on the default device `scratch`, whatever comes of
it; on `main` it plays too where the test says so, and there its ring holds only zeros.

Options (before any name of a test): --seed N, --messages N of each kind, --stores N.
"""

import argparse
import array
import collections
import contextlib
import errno
import fcntl
import mmap
import os
import random
import re
import select
import signal
import struct
import sys
import threading
import time

sys.dont_write_bytecode = True
import protocol_client as pc
import sound
from harness import (SANITIZED, SLOWNESS, Server, equal, expect, fd_count, held, main,
                     test, wait_until)

# After a fifth of the attack. The statistics of 1,024 ended streams are kept, and malloc
# keeps some: 0.5 MiB was the most in a plain build, after 10,000 messages or 40,000.
# A page of a pool, or a session, leaked with each dropped client is far beyond.
MOST_GROWTH_KIB = 2048
NOISE_SECONDS = 10
RATE = 48000
# /proc/PID/task/TID/syscall of x86-64: the number and the second argument. The audio
# thread's own wait is FUTEX_WAIT_BITSET_PRIVATE; a lock's would be FUTEX_WAIT_PRIVATE.
MAY_BE_IN = {"running", "202 0x89"}
DESCRIPTORS = ("file", "pipe", "socket", "unsealed", "small", "huge", "read-only", "good")
VALUES = (0, 1, 2, 3, 4, 5, 64, 255, 256, 4096, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1,
          2**32, 2**61, 2**62 - 1, 2**62, 2**62 + 1, 2**63 - 1, 2**63, 2**64 - 2,
          2**64 - 1)

options = argparse.Namespace()


class Attacked(Server):
    """The two devices, and aplay on one of them for as long as the attack lasts."""

    def __init__(self, *settings):
        super().__init__("scratch=virtual", "main=virtual,wav=@/device.wav",
                         settings=("log_level=debug", *settings))

    def __enter__(self):
        super().__enter__()
        self.noise = sound.noise("S16_LE", RATE, 2, NOISE_SECONDS, options.seed).data
        reader, writer = os.pipe()
        self._feeder = threading.Thread(target=self._feed, args=(writer,))
        self._aplay = self.start("aplay", "-q", "-D", "shm:main", "-t", "raw", "-f",
                                 "S16_LE", "-r", RATE, "-c", 2, stdin=reader)
        os.close(reader)
        self._feeder.start()
        self.wait_for_log("name=aplay stream=")
        self.before = held(self)
        self.warm_kib = None
        return self

    def _feed(self, writer):
        """The noise again and again, until aplay is gone."""
        with contextlib.suppress(BrokenPipeError), os.fdopen(writer, "wb") as file:
            while True:
                file.write(self.noise)

    def resident_kib(self):
        with open(f"/proc/{self.pid}/status", encoding="utf-8") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1])

    def warmed_up(self):
        """From here on memory does not grow, whatever comes."""
        self.warm_kib = self.resident_kib()

    def require_unharmed(self):
        """The attack is over: look at all that must be as if there had been none."""
        expect(self._aplay.is_alive(), "aplay has ended: " + self._aplay.errors)
        wait_until(f"the server holds {self.before} descriptors and mappings again, "
                   f"not {held(self)}", lambda: held(self) == self.before, 10)
        growth = self.resident_kib() - (self.warm_kib or 0)
        if self.warm_kib and not SANITIZED:  # a sanitizer keeps what was freed
            expect(growth <= MOST_GROWTH_KIB, f"{growth} KiB more resident memory")
        # It goes on as before.
        end = os.path.getsize(self.path("device.wav")) + RATE * 4 // 2
        wait_until("aplay is heard for half a second more",
                   lambda: os.path.getsize(self.path("device.wav")) > end, 10 * SLOWNESS)
        self._aplay.signal(signal.SIGINT)
        self._aplay.wait()
        self._feeder.join()
        self.wait_for_log("name=aplay gone")
        self._require_all_ends_told()
        self.stop()
        self._require_unbroken()

    def _require_all_ends_told(self):
        """Each client that the log names has one line that says how it ended."""
        ends = collections.Counter()
        seen = set()
        for line in self.log().splitlines():
            if found := re.search(r" client=(\d+) pid=", line):
                seen.add(found[1])
                ends[found[1]] += bool(
                    re.search(r" (gone\b|dropped: .|refused: .)", line))
        wrong = [client for client in seen if ends[client] != 1]
        expect(not wrong, f"clients without one line about their end: {wrong[:10]}")

    def _require_unbroken(self):
        heard = sound.strip_silence(sound.read_wav(self.path("device.wav"))).data
        expect(len(heard) > RATE, f"aplay was heard for {len(heard)} bytes only")
        whole = self.noise * (len(heard) // len(self.noise) + 1)
        if not whole.startswith(heard):
            first = next(i for i in range(len(heard)) if heard[i] != whole[i])
            raise AssertionError(f"frame {first // 4} of aplay's is not what it played, "
                                 f"and it was heard for {len(heard) // 4}")
        played, = (s for s in self.stats["streams"] if s["client"]["name"] == "aplay")
        equal("xruns of aplay", 0, played["xruns"])
        equal("lost events", 0, sum(d["dropped_events"] for d in self.stats["devices"]))
        expect(" late frames=" not in self.log(), "the audio thread was late")


class AudioThreads(contextlib.AbstractContextManager):
    """Looks, while the attack lasts, at where the server's audio threads wait."""

    def __init__(self, server):
        tasks = f"/proc/{server.pid}/task"
        self._files = [f"{tasks}/{task}/syscall" for task in os.listdir(tasks)
                       if "audio" in self._name(f"{tasks}/{task}/comm")]
        expect(len(self._files) == 2, "no two audio threads")
        self._seen = collections.Counter()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look)

    @staticmethod
    def _name(path):
        with open(path, encoding="utf-8") as file:
            return file.read()

    def _look(self):
        while not self._end.wait(0.005):
            for name in self._files:
                with contextlib.suppress(OSError), open(name, encoding="utf-8") as file:
                    fields = file.read().split()
                    self._seen[" ".join(fields[0:3:2])] += 1

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()

    def require_never_blocked(self):
        if os.uname().machine != "x86_64" or not self._seen:
            print("    the audio thread's system calls cannot be seen here")
            return
        # Calls that do not wait take microseconds, so a sample rarely falls into one.
        elsewhere = {call: count for call, count in self._seen.items()
                     if call not in MAY_BE_IN and count > sum(self._seen.values()) // 20}
        expect(not elsewhere, f"the audio thread is found in system calls {elsewhere}")


def descriptor(kind, source):
    """A new descriptor of a kind, which the caller closes."""
    if kind == "file":
        return os.open("/proc/self/exe", os.O_RDONLY)
    if kind in ("pipe", "socket"):
        one, other = os.pipe() if kind == "pipe" else (
            s.detach() for s in pc.socket.socketpair())
        os.close(other)
        return one
    size = {"small": 8192, "huge": 1 << 36}.get(kind, pc.RING_OFFSET * 4)
    fd = os.memfd_create("hostile", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, size)
    seals = pc.SEALS if kind != "unsealed" else source.choice((0, pc.SEALS & ~0x10, 0x1))
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
    if kind == "read-only":
        writable, fd = fd, os.open(f"/proc/self/fd/{fd}", os.O_RDONLY)
        os.close(writable)
    return fd


GOOD_POOL_BYTES = pc.RING_OFFSET * 4


class Victim:
    """
    A hostile connection: sends bursts, and finds out after each whether the server has
    dropped it, by a request that is always granted.
    """

    def __init__(self, path, source, stage):
        self.connection = pc.Connection(path, timeout=20 * SLOWNESS)
        self._greeted = stage > 0
        for type_, body in ((pc.HELLO, pc.hello_body("hostile", source.randrange(4))),
                            (pc.OPEN_STREAM, pc.open_body(source.randrange(2))),
                            (pc.SET_PARAMS, pc.params_body("S16_LE", 2, pc.SOCKET, RATE,
                                                           64, 4096)))[:stage]:
            self.connection.send(type_, body, 1)

    def survives(self, burst):
        """Send [(packet, descriptors)...]. @return False when the server closed it."""
        self.connection.fds_were_kept_out = False
        try:
            for packet, fds in burst:
                self.connection.send_raw(packet, fds)
            probe = (pc.SET_GAIN, struct.pack("=II", 1000, 0)) if self._greeted else (
                pc.HELLO, pc.hello_body("hostile"))
            self.connection.send(*probe, serial=0xfeed)
            while True:
                answer = self.connection.receive()
                for fd in answer.fds:
                    os.close(fd)
                if answer.serial == 0xfeed and answer.type in (pc.GAIN_SET, pc.HELLO):
                    self._greeted = True
                    return True
        except pc.Dropped:
            return False

    def close(self):
        self.connection.close()


class Attack:
    """Bursts on victims, a new one for each that was dropped, and the count of those."""

    def __init__(self, server, source):
        self._path = server.environment["SHMD_SOCKET"]
        self._source = source
        self._victim = None
        self.dropped = 0
        self._kinds = {}

    def send(self, burst, must_drop=False):
        if self._victim is None:
            self._victim = Victim(self._path, self._source, self._source.randrange(4))
        if not self._victim.survives(burst):
            self.dropped += 1
        else:
            # What went without its descriptors may be right.
            expect(not must_drop or self._victim.connection.fds_were_kept_out,
                   f"the server keeps a client that has sent {burst}")
            if self._source.random() > 0.02:
                return
        self.renew()

    def renew(self):
        if self._victim:
            self._victim.close()
        self._victim = None

    def descriptors(self, count):
        """Descriptors to send; the same ones again and again, as one may."""
        kinds = [self._source.choice(DESCRIPTORS) for _ in range(count)]
        return [self._kinds.setdefault(kind, descriptor(kind, self._source))
                if kind not in self._kinds else self._kinds[kind] for kind in kinds]

    def close(self):
        self.renew()
        for fd in self._kinds.values():
            os.close(fd)


def header_fits(packet, fd_count_):
    if not pc.HEADER.size <= len(packet) <= pc.MAX_MESSAGE_BYTES or fd_count_ > 1:
        return False
    _, fds, size, _, reserved = pc.HEADER.unpack_from(packet)
    return size == len(packet) and fds == fd_count_ and reserved == 0


def random_packet(source):
    """Bytes by chance; half of them with a header that fits, so that they get further."""
    size = source.choice((1, 15, 16, 17, source.randrange(18, 100),
                          source.randrange(18, 200), source.randrange(200, 8192),
                          8192, 8193, 20000))
    packet = source.randbytes(size)
    fds = source.choice((0, 0, 0, 0, 0, 1, 1, 2, 3, 4))
    if source.random() < 0.5 and size >= 16:
        packet = pc.message(source.randrange(24), packet[16:], source.randrange(99), fds)
    return packet, fds


def sane_packets(source):
    """One of each message that there is, with the descriptors that it wants."""
    playing = pc.params_body("S16_LE", 2, pc.SOCKET, RATE, 64, 1024)
    words = struct.pack("=6Q", 0, 1 << 32 | 1 << 16 | source.randrange(4), 0, 1, 64, 1024)
    frames = source.randrange(1, 600)
    return [(pc.HELLO, pc.hello_body("sane", 1), 0), (pc.OPEN_STREAM, pc.open_body(0), 0),
            (pc.OPEN_STREAM, pc.open_body(1, "scratch.monitor"), 0),
            (pc.REGISTER_POOL, pc.pool_body(1, GOOD_POOL_BYTES), 1),
            (pc.SET_PARAMS, playing, 0), (pc.FREE_PARAMS, b"", 0),
            (pc.SET_PARAMS, pc.params_body("FLOAT_LE", 2, pc.MEMFD, 44100, 64, 1024,
                                           (4096, 8192)), 0),
            (pc.SET_GAIN, struct.pack("=II", 500, 0), 0), (pc.CLIENT_WORDS, words, 0),
            (pc.DATA, struct.pack("=QII", source.randrange(2000), frames, 0) +
             source.randbytes(4 * frames), 0), (pc.KICK, b"", 0), (pc.WAKE, b"", 0),
            (pc.SET_PARAMS, pc.params_body("S16_LE", 2, pc.MEMFD, RATE, 64, 1024,
                                           (4096, 4096), source.randrange(3)), 0),
            *((type_, struct.pack("=II", source.randrange(4), 0), 0) for type_ in (
                pc.DIRECT_GRANT, pc.DIRECT_RECALL, pc.DIRECT_RETURNED))]


def mutated_packet(source):
    """A message that was right: bits flipped, bytes and words replaced, cut, or grown."""
    type_, body, fds = source.choice(sane_packets(source))
    packet = bytearray(pc.message(type_, body, source.randrange(99), fds))
    for _ in range(source.choice((0, 1, 1, 1, 2, 4, 16))):
        at = source.randrange(len(packet))
        size = source.choice((0, 1, 2, 4, 8))
        if size == 0:
            packet[at] ^= 1 << source.randrange(8)
        else:
            at -= at % size
            value = source.choice(VALUES) % 256**size
            packet[at:at + size] = value.to_bytes(size, "little")[:len(packet) - at]
    if source.random() < 0.15:
        packet = packet[:source.randrange(1, len(packet) + 1)]
    elif source.random() < 0.1:
        packet += source.randbytes(source.choice((1, 8, 9000)))
    if source.random() < 0.1:
        fds = source.randrange(5)
    return bytes(packet), fds


def bombard(kind, make_packet):
    source = random.Random(f"{kind} {options.seed}")
    with Attacked() as server:
        attack = Attack(server, source)
        with AudioThreads(server) as threads:
            for sent in range(options.messages):
                if sent == options.messages // 5:
                    server.warmed_up()
                burst = []
                for _ in range(source.choice((1, 1, 2, 8))):
                    packet, fds = make_packet(source)
                    burst.append((packet, attack.descriptors(fds)))
                attack.send(burst, not all(header_fits(p, len(f)) for p, f in burst))
            attack.close()
        server.require_unharmed()
        threads.require_never_blocked()
        log = server.log()
        told = len(re.findall(r" (?:dropped|refused): .", log))
        equal("clients that the log says were dropped", attack.dropped, told)
        expect(attack.dropped > options.messages // 20, "hardly anybody was dropped")


@test
def random_messages_hurt_nobody():
    bombard("random", random_packet)


@test
def mutated_messages_hurt_nobody():
    bombard("mutated", mutated_packet)


class Steps:
    """A connection for a table of steps, and what comes of each."""

    def __init__(self, server):
        self._server = server
        self.connection = pc.Connection(server.environment["SHMD_SOCKET"])
        self._source = random.Random(1)

    def ask(self, type_, body=b"", kinds=(), raw=None):
        """@return the answer's type, -errno, or 'dropped'"""
        fds = [descriptor(kind, self._source) for kind in kinds]
        try:
            packet = pc.message(type_, body, 7, len(fds)) if raw is None else raw
            self.connection.send_raw(packet, fds)
            while True:
                answer = self.connection.receive()
                for fd in answer.fds:
                    os.close(fd)
                if answer.type == pc.REFUSED:
                    return -struct.unpack_from("=HxxI", answer.body)[1]
                if answer.type != pc.REGISTER_POOL:
                    return answer.type
        except pc.Dropped:
            return "dropped"
        finally:
            for fd in fds:
                os.close(fd)


def params(format_=3, channels=2, transport=pc.SOCKET, rate=RATE, period=64, buffer=1024,
           ring=(0, 0), last=bytes(32), direct=0):
    return struct.pack("=BBBBIIIQQ32s", format_, channels, transport, direct, rate,
                       period, buffer, *ring, last)


HELLO = (pc.HELLO, pc.hello_body("steps", pc.FLAG_MEMFD))
OPEN = (pc.OPEN_STREAM, pc.open_body(pc.PLAYBACK))
POOL = (pc.REGISTER_POOL, pc.pool_body(1, GOOD_POOL_BYTES), ["good"])
SET = (pc.SET_PARAMS, params())
MEMFD_RING = {"transport": pc.MEMFD, "ring": (4096, 4096)}
DATA_2 = struct.pack("=QII", 0, 2, 0) + bytes(8)


def words(**given):
    return struct.pack("=6Q", *({**dict.fromkeys(pc.OFFSETS, 0), **given}.values()))


def bad_params(**given):
    return [HELLO, OPEN, (pc.SET_PARAMS, params(**given))], -errno.EINVAL


def bad_pool(kind, size=GOOD_POOL_BYTES):
    return [HELLO, (pc.REGISTER_POOL, pc.pool_body(1, size), [kind])], "dropped"


# Steps of which all but the last are granted, and what comes of the last.
TABLE = {
    "kick before hello": ([(pc.KICK,)], "dropped"),
    "unknown type before hello": ([(99,)], "dropped"),
    "second hello": ([HELLO, HELLO], "dropped"),
    "other version": ([(pc.HELLO, pc.hello_body("x", 0, 2))], -errno.EPROTONOSUPPORT),
    "unknown flags": ([(pc.HELLO, pc.hello_body("x", 2**32 - 2))], pc.HELLO),
    "name without its NUL": ([(pc.HELLO, pc.hello_body("x" * 64))], "dropped"),
    "name with a newline": ([(pc.HELLO, pc.hello_body("a\nb"))], "dropped"),
    "unknown type": ([HELLO, (99,)], -errno.ENOSYS),
    "the server's type": ([HELLO, (pc.WAKE,)], -errno.ENOSYS),
    "no such device": ([HELLO, (pc.OPEN_STREAM, pc.open_body(0, "no"))], -errno.ENODEV),
    "play on a monitor": ([HELLO, (pc.OPEN_STREAM, pc.open_body(0, "monitor"))],
                          -errno.ENODEV),
    "no such direction": ([HELLO, (pc.OPEN_STREAM, pc.open_body(2))], "dropped"),
    "second stream": ([HELLO, OPEN, OPEN], -errno.EBUSY),
    "params before stream": ([HELLO, SET], -errno.EBADFD),
    "params free": ([HELLO, (pc.FREE_PARAMS,)], pc.PARAMS_FREED),
    "memfd without pool": ([HELLO, OPEN, (pc.SET_PARAMS, params(**MEMFD_RING))],
                           -errno.EINVAL),
    "gain too high": ([HELLO, (pc.SET_GAIN, struct.pack("=II", 4001, 0))], -errno.EINVAL),
    "gain with a field not 0": ([HELLO, (pc.SET_GAIN, struct.pack("=II", 1, 1))],
                                "dropped"),
    "second pool": ([HELLO, POOL, POOL], -errno.EEXIST),
    "unknown pool": ([HELLO, (pc.REGISTER_POOL, pc.pool_body(2, GOOD_POOL_BYTES),
                              ["good"])], -errno.EINVAL),
    "pool without descriptor": ([HELLO, (pc.REGISTER_POOL, pc.pool_body(1, 16384))],
                                "dropped"),
    "pool not agreed on": ([(pc.HELLO, pc.hello_body("x")), POOL], "dropped"),
    "two descriptors": ([HELLO, (pc.REGISTER_POOL, pc.pool_body(1, GOOD_POOL_BYTES),
                                 ["good", "good"])], "dropped"),
    "descriptor with a kick": ([HELLO, (pc.KICK, b"", ["good"])], "dropped"),
    "a file for a pool": bad_pool("file"), "a pipe for a pool": bad_pool("pipe"),
    "a socket for a pool": bad_pool("socket"), "unsealed": bad_pool("unsealed"),
    "sealed and small": bad_pool("small"), "sealed and huge": bad_pool("huge"),
    "sealed, huge and proud of it": bad_pool("huge", 1 << 36),
    "smaller than it says": bad_pool("good", GOOD_POOL_BYTES + 1),
    "larger than it says": bad_pool("good", GOOD_POOL_BYTES - 4096),
    "a pool of nothing": bad_pool("good", 0),
    "read-only pool": ([HELLO, (pc.REGISTER_POOL, pc.pool_body(1, GOOD_POOL_BYTES),
                                ["read-only"])], pc.POOL_REGISTERED),
    "ring behind the pool": ([HELLO, OPEN, POOL, (pc.SET_PARAMS, params(
        transport=pc.MEMFD, ring=(GOOD_POOL_BYTES, 4096)))], -errno.EINVAL),
    "ring beyond the pool": ([HELLO, OPEN, POOL, (pc.SET_PARAMS, params(
        transport=pc.MEMFD, ring=(2**64 - 4096, 4096)))], -errno.EINVAL),
    "ring over the block": ([HELLO, OPEN, POOL, (pc.SET_PARAMS, params(
        transport=pc.MEMFD, ring=(4095, 4096)))], -errno.EINVAL),
    "ring and buffer differ": ([HELLO, OPEN, POOL, (pc.SET_PARAMS, params(
        transport=pc.MEMFD, ring=(4096, 4092)))], -errno.EINVAL),
    "ring with the socket": bad_params(ring=(4096, 4096)),
    "format 0": bad_params(format_=0), "format 15": bad_params(format_=15),
    "channels 0": bad_params(channels=0), "channels 33": bad_params(channels=33),
    "transport 0": bad_params(transport=0), "transport 3": bad_params(transport=3),
    "rate 3999": bad_params(rate=3999), "rate 384001": bad_params(rate=384001),
    "period 0": bad_params(period=0), "period of 60 bytes": bad_params(period=15),
    "buffer of 1 period": bad_params(buffer=64), "huge period": bad_params(period=2**31),
    "buffer over 4 MiB": bad_params(buffer=2**20 + 1),
    "channel map": bad_params(last=bytes([37]) + bytes(31)),
    "no such wish for direct mode": bad_params(direct=3),
    "direct mode on a device without a ring": ([HELLO, OPEN, POOL, (
        pc.SET_PARAMS, params(**MEMFD_RING, direct=pc.DIRECT_REQUIRE))],
                                               -errno.EOPNOTSUPP),
    "direct mode over the socket": ([HELLO, OPEN, (
        pc.SET_PARAMS, params(direct=pc.DIRECT_REQUIRE))], -errno.EOPNOTSUPP),
    "a grant from a client": ([HELLO, (pc.DIRECT_GRANT, bytes(8))], -errno.ENOSYS),
    "a recall from a client": ([HELLO, (pc.DIRECT_RECALL, bytes(8))], -errno.ENOSYS),
    "a ring returned before hello": ([(pc.DIRECT_RETURNED, bytes(8))], "dropped"),
    "a ring returned in too few bytes": ([HELLO, (pc.DIRECT_RETURNED, b"none")],
                                         "dropped"),
    "a ring returned in too many bytes": ([HELLO, (pc.DIRECT_RETURNED, bytes(12))],
                                          "dropped"),
    "a ring returned with a field not 0": ([HELLO, (
        pc.DIRECT_RETURNED, struct.pack("=II", 1, 1))], "dropped"),
    "a ring returned with a descriptor": ([HELLO, (pc.DIRECT_RETURNED, bytes(8),
                                                   ["good"])], "dropped"),
    "params after params": ([HELLO, OPEN, SET, SET], pc.PARAMS_SET),
    "memfd after socket": ([HELLO, OPEN, POOL, SET,
                            (pc.SET_PARAMS, params(**MEMFD_RING))], pc.PARAMS_SET),
    "data before params": ([HELLO, OPEN, (pc.DATA, DATA_2)], "dropped"),
    "data on memfd": ([HELLO, OPEN, POOL, (pc.SET_PARAMS, params(**MEMFD_RING)),
                       (pc.DATA, DATA_2)], "dropped"),
    "words on memfd": ([HELLO, OPEN, POOL, (pc.SET_PARAMS, params(**MEMFD_RING)),
                        (pc.CLIENT_WORDS, words())], "dropped"),
    "data of no frames": ([HELLO, OPEN, SET, (pc.DATA, struct.pack("=QII", 0, 0, 0))],
                          "dropped"),
    "data of other size": ([HELLO, OPEN, SET, (pc.DATA, DATA_2 + b"x")], "dropped"),
    "data of more than a buffer": ([HELLO, OPEN, SET, (
        pc.DATA, struct.pack("=QII", 0, 1025, 0) + bytes(4100))], "dropped"),
    "data beyond 2^62": ([HELLO, OPEN, SET, (
        pc.DATA, struct.pack("=QII", 2**62 + 1, 1, 0) + bytes(4))], "dropped"),
    "data on capture": ([HELLO, (pc.OPEN_STREAM, pc.open_body(1)), SET,
                         (pc.DATA, DATA_2)], "dropped"),
    "a command that is none": ([HELLO, OPEN, SET, (
        pc.CLIENT_WORDS, words(command=1 << 32 | 1 << 16 | 4))], "dropped"),
    "a start beyond 2^62": ([HELLO, OPEN, SET, (pc.CLIENT_WORDS, words(
        command=1 << 32 | 1 << 16 | 1, start=2**62 + 1))], "dropped"),
    "written too far": ([HELLO, OPEN, SET, (pc.CLIENT_WORDS, words(
        command=1 << 32 | 1 << 16 | 1, written=2049, stop_threshold=pc.NEVER))],
                        "dropped"),
    "capture written ahead": ([HELLO, (pc.OPEN_STREAM, pc.open_body(1)), SET, (
        pc.CLIENT_WORDS, words(command=1 << 32 | 1 << 16 | 1, written=10**9))],
                              "dropped"),
}


@test
def what_is_against_the_protocol_is_refused_or_dropped_as_it_says():
    with Attacked() as server:
        problems = []
        for name, (steps, expected) in TABLE.items():
            run = Steps(server)
            for step in steps[:-1]:
                seen = run.ask(*step)
                if seen == "dropped" or seen < 0:
                    problems.append(f"{name}: {seen} already at {step}")
            seen = run.ask(*steps[-1])
            if expected == "dropped" and seen == pc.SERVER_WORDS:
                seen = run.ask(pc.KICK)  # on capture the words' answer comes first
            if seen != expected:
                problems.append(f"{name}: expected {expected}, saw {seen}")
            run.connection.close()
        expect(not problems, "\n".join(problems))
        server.require_unharmed()


class LyingStream:
    """A memfd stream whose words are stored to by chance."""

    def __init__(self, server, source, direction, device, may_sound):
        self._open = (direction, device, server.environment["SHMD_SOCKET"])
        self._source, self._may_sound = source, may_sound
        self.dropped = 0
        self._stream = None

    def _renew(self):
        direction, device, path = self._open
        self._stream = pc.Stream(direction, device, path, name="lying",
                                 max_ring_bytes=65536)
        expect(self._stream.transport == pc.MEMFD, "no memfd transport")
        rate = self._source.choice((RATE, RATE, 44100))
        period = self._source.choice((16, 64, 480))
        self._stream.set_params("S16_LE", 2, rate, period, 4096,
                                self._source.choice((pc.DIRECT_NEVER, pc.DIRECT_AUTO)))
        self._epoch = 0

    def store(self):
        """One lie, or one of the things that keep the stream going."""
        if self._stream is None:
            self._renew()
        try:
            self._lie()
            while self._stream.connection.receive(0):
                pass
        except pc.Dropped:
            self.dropped += 1
            self.close()

    def _any_value(self):
        return self._source.choice(VALUES + (self._source.getrandbits(64),))

    def _lie(self):
        own = self._stream._link._own  # pylint: disable=protected-access
        generation = self._stream._generation  # pylint: disable=protected-access
        server_words = self._stream._link.server_words()
        near = server_words.limit + self._source.randrange(-5000, 4096)
        choice = self._source.random()
        if choice < 0.2:
            self._epoch += 1
            own.store("start", server_words.limit if self._source.random() < 0.99 else
                      self._source.choice(VALUES))
            own.store("written", server_words.limit)
            own.store("command", self._epoch << 32 | generation << 16 | 1)
            self._stream.connection.send(pc.KICK)
        elif choice < 0.5:
            own.store("written", near % 2**64)
        elif choice < 0.7:
            own.store("armed", self._any_value())
        elif choice < 0.8:
            own.store(self._source.choice(("avail_min", "stop_threshold")),
                      self._source.choice(VALUES))
        elif choice < 0.83:
            self._lie_about_the_ring(own)
        elif choice < 0.88:
            own.store("command", self._epoch << 32 | generation << 16 |
                      self._source.randrange(4))
            self._stream.connection.send(pc.KICK)
        elif choice < 0.995:
            if self._may_sound:
                at = self._source.randrange(4096, 65536)
                own.memory[at:at + 4096] = self._source.randbytes(4096)
        else:
            own.store(self._source.choice(tuple(pc.OFFSETS)), self._any_value())
            self._stream.connection.send(pc.KICK)

    def _lie_about_the_ring(self, own):
        """As if there had been a grant, and as if there had been one more."""
        own.store(self._source.choice(tuple(pc.DIRECT_OFFSETS)), self._any_value())
        for _ in range(self._source.randrange(3)):
            self._stream.connection.send(pc.DIRECT_RETURNED, struct.pack(
                "=II", self._source.choice((0, 1, 2, 2**32 - 1)), 0))

    def close(self):
        if self._stream:
            self._stream.close()
        self._stream = None


@test
def lying_words_hurt_nobody():
    source = random.Random(f"words {options.seed}")
    with Attacked() as server:
        # Those on `main` play only zeros: they are mixed with aplay, and add nothing.
        liars = [LyingStream(server, source, *what) for what in (
            (pc.PLAYBACK, "scratch", True), (pc.PLAYBACK, "scratch", True),
            (pc.PLAYBACK, "main", False), (pc.PLAYBACK, "main", False),
            (pc.CAPTURE, "main.monitor", False), (pc.CAPTURE, "scratch", True))]
        with AudioThreads(server) as threads:
            for stored in range(options.stores):
                if stored == options.stores // 5:
                    server.warmed_up()
                source.choice(liars).store()
                if stored % 16 == 0:
                    time.sleep(0.001)  # so that the audio thread sees some of them
        for liar in liars:
            liar.close()
        server.require_unharmed()
        threads.require_never_blocked()
        told = re.findall(r"dropped: impossible value in the word (\w+)", server.log())
        expect(len(told) >= sum(liar.dropped for liar in liars) > 0,
               f"{[liar.dropped for liar in liars]} were dropped, the log knows {told}")


def flood(connection, make_packet, seconds=20):
    """Send without ever reading, one packet after the other, until it is dropped."""
    connection.socket.setblocking(False)
    deadline = time.monotonic() + seconds * SLOWNESS
    number = 0
    while time.monotonic() < deadline:
        try:
            for _ in range(100):
                number += 1
                connection.send_raw(make_packet(number))
        except pc.Dropped:
            return
        except BlockingIOError:
            select.select([], [connection.socket], [], 0.1)
    raise AssertionError("it was not dropped")


@test
def who_reads_no_answers_is_dropped():
    with Attacked() as server:
        path = server.environment["SHMD_SOCKET"]
        run = Steps(server)
        run.ask(*HELLO)
        flood(run.connection, lambda serial: pc.message(
            pc.SET_GAIN, struct.pack("=II", 1000, 0), serial))
        run.connection.close()
        capture = pc.Stream(pc.CAPTURE, "main.monitor", path, memfd=False)
        capture.set_params("S16_LE", 2, RATE, 480, 4800)
        flood(capture.connection, lambda wish: pc.message(pc.CLIENT_WORDS, words(
            command=1 << 32 | 1 << 16 | 1, stop_threshold=pc.NEVER, armed=wish)))
        capture.close()
        wait_until("the log tells of both", lambda: server.log().count(
            "dropped: it does not read its answers") == 2, 10)
        server.require_unharmed()


def await_answer(path):
    """Connections are served in their order: when this one is, all before it were."""
    connection = pc.Connection(path)
    try:
        connection.request(pc.HELLO, pc.hello_body("last"))
    except (pc.Refused, pc.Dropped):
        pass
    connection.close()


@test
def storms_of_kicks_and_connections_hurt_nobody():
    with Attacked("max_clients=40") as server:
        path = server.environment["SHMD_SOCKET"]
        with AudioThreads(server) as threads:
            streams = []
            for device in ("main", "scratch", "main"):
                stream = pc.Stream(pc.PLAYBACK, device, path, max_ring_bytes=65536)
                stream.set_params("S16_LE", 2, RATE, 480, 4096)
                stream.write(bytes(4 * 4096))
                stream.start()
                streams.append(stream)
            kick = pc.message(pc.KICK)
            for number in range(options.messages):
                streams[number % 3].connection.send_raw(kick)
            open_files = fd_count(server.pid)
            for _ in range(20):
                crowd = [pc.Connection(path) for _ in range(50)]
                for connection in crowd:
                    connection.close()
            # Else some of the last take the places of those that were not gone yet, or
            # not even there.
            await_answer(path)
            wait_until("the crowd is gone", lambda: fd_count(server.pid) ==
                       open_files)
            last = [pc.Connection(path) for _ in range(60)]
            answer = last[-1].receive()
            equal("what one too many gets", (pc.REFUSED, errno.EDQUOT),
                  (answer.type, struct.unpack_from("=HxxI", answer.body)[1]))
            for connection in last:
                connection.close()
            for stream in streams:
                stream.close()
        server.require_unharmed()
        threads.require_never_blocked()


def parse():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    parser.add_argument("--messages", type=int, default=10000)
    parser.add_argument("--stores", type=int, default=20000)
    _, rest = parser.parse_known_args(namespace=options)
    sys.argv[1:] = rest
    print(f"--seed {options.seed}", flush=True)


if __name__ == "__main__":
    parse()
    main()
