#!/usr/bin/env python3
"""
A made-up server cannot hurt an application: unmodified aplay and arecord, which a server
answers as it likes, go on or end with an ordinary error, and never by a signal.
"""

import contextlib
import ctypes
import os
import random
import signal
import socket
import struct
import sys
import threading
import time

sys.dont_write_bytecode = True
import protocol_client as pc
import sound
from harness import Server, contains, expect, main, skip, test, test_each

RATE = 48000
FRAME_BYTES = 4
POOL_BYTES = 4096 + (4 << 20)
PATIENCE_S = 20
OTHER = 65534  # nobody
# The words of the server's block under its lock, and those that are not.
SEQUENCE, ACTED, STATE, POSITION, POSITION_NS, LIMIT, DELAY = range(0, 56, 8)
WOKEN, DIRECT, CYCLE_NS = 64, 72, 80
LIES = (0, 1, 959, 2**32, 2**62, 2**63 - 1, 2**63, 2**64 - 2, 2**64 - 1)


class Gone(Exception):
    """The application has closed its connection."""


class Peer:
    """The server's end of the one connection, up to where an attack begins."""

    def __init__(self, connection, memfd):
        self.socket = connection
        self.memfd = memfd
        self.params = None
        self.pool = pc.Pool(POOL_BYTES) if memfd else None
        self.client_memory = None

    def send(self, type_, body=b"", serial=0, fds=()):
        self.send_raw(pc.message(type_, body, serial, len(fds)), fds)

    def send_raw(self, packet, fds=()):
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack(f"{len(fds)}i", *fds))
        try:
            self.socket.sendmsg([packet], [rights] if fds else [])
        except OSError as error:
            raise Gone from error

    def receive(self, type_):
        """The next message of this type: its serial and body."""
        while True:
            packet, fds, _, _ = socket.recv_fds(self.socket, 8192, 4)
            for fd in fds:
                os.close(fd)
            if not packet:
                raise Gone
            seen, _, _, serial, _ = pc.HEADER.unpack_from(packet)
            if seen == type_:
                return serial, packet[pc.HEADER.size:]

    def greet(self):
        serial, _ = self.receive(pc.HELLO)
        flags = pc.FLAG_MEMFD if self.memfd else 0
        self.send(pc.HELLO, pc.hello_body("foreign", flags), serial)
        if self.memfd:
            self.send(pc.REGISTER_POOL, pc.pool_body(pc.SERVER_POOL, POOL_BYTES), 0,
                      [self.pool.fd])
        serial, _ = self.receive(pc.OPEN_STREAM)
        self.send(pc.STREAM_OPENED, struct.pack("=IIBB6x", 1, RATE, 3, 2), serial)
        if self.memfd:
            serial, _ = self.receive(pc.REGISTER_POOL)
            self.send(pc.POOL_REGISTERED, struct.pack("=II", pc.CLIENT_POOL, 0), serial)

    def await_params(self):
        """Receive SetParams, which is not answered yet."""
        self.params, body = self.receive(pc.SET_PARAMS)
        self.buffer, = struct.unpack_from("=I", body, 12)

    def answer_params(self, generation=1):
        ring = (4096, self.buffer * FRAME_BYTES) if self.memfd else (0, 0)
        self.send(pc.PARAMS_SET, struct.pack("=H6xQQ", generation, *ring), self.params)

    def store(self, offset, value):
        ctypes.c_uint64.from_buffer(self.pool.memory, offset).value = value

    def wait(self):
        with contextlib.suppress(Gone):
            self.receive(None)


@contextlib.contextmanager
def foreign_server(server, attack, memfd):
    """A server at server.path("foreign") that does `attack` with its only connection."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening.bind(server.path("foreign"))
    listening.listen(1)
    listening.settimeout(PATIENCE_S)

    def serve():
        connection, _ = listening.accept()
        listening.close()  # there is no other to come back to
        connection.settimeout(PATIENCE_S)
        with connection, contextlib.suppress(Gone, TimeoutError, ConnectionResetError):
            peer = Peer(connection, memfd)
            peer.greet()
            attack(peer)

    thread = threading.Thread(target=serve)
    thread.start()
    yield
    thread.join()


def survives(attack, capture=False, memfd=True):
    """aplay or arecord is attacked, and ends by itself."""
    with Server("virtual") as server:
        config = server.path("foreign.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f'pcm.foreign {{ type shmd server "{server.path("foreign")}" '
                       "reconnect no }\n")
        environment = {"ALSA_CONFIG_PATH":
                       f"{server.environment['ALSA_CONFIG_PATH']}:{config}"}
        form = ["-q", "-D", "foreign", "-f", "S16_LE", "-r", RATE, "-c", 2,
                "--buffer-size=4800", "--period-size=480"]
        with foreign_server(server, attack, memfd):
            if capture:
                program = server.start("arecord", *form, "-d", 2, "recorded.wav",
                                       environment=environment)
            else:
                made = sound.write_wav(server.path("made.wav"),
                                       sound.noise("S16_LE", RATE, 2, 2))
                program = server.start("aplay", *form, made, environment=environment)
            status = program.wait(PATIENCE_S)
        expect(status >= 0, f"{program.command[0]} ended by signal {-status}:\n"
                            f"{program.errors}")
        expect("Sanitizer" not in program.errors, program.errors)


def data(frames, payload_bytes, position=0):
    return struct.pack("=QII", position, frames, 0) + b"\xff" * payload_bytes


def sends_data_before_there_is_a_ring(peer):
    peer.send(pc.DATA, data(100, 100 * FRAME_BYTES))
    peer.await_params()
    peer.send(pc.DATA, data(1000, 1000 * FRAME_BYTES, 2**64 - 7))
    peer.answer_params()


def sends_data_that_does_not_fit(peer):
    peer.await_params()
    peer.answer_params()
    for frames, size in ((4801, 8000), (2**32 - 1, 4), (1, 8000), (2000, 8000), (0, 0)):
        peer.send(pc.DATA, data(frames, size, 2**64 - 100))
    time.sleep(0.5)


def grants(size):
    """A file as the card's ring, and the word that says to write there."""
    def attack(peer):
        fd = os.memfd_create("card")
        os.ftruncate(fd, size)
        peer.await_params()
        peer.send(pc.DIRECT_GRANT, struct.pack("=II", 1, 48000), 0, [fd])
        os.close(fd)
        peer.store(DIRECT, 1 << 32 | 1)
        peer.answer_params()
        time.sleep(0.5)
    return attack


def lies_in_its_block(peer):
    chance = random.Random(1)
    peer.await_params()
    peer.answer_params()
    until = time.monotonic() + 2
    while time.monotonic() < until:
        peer.store(SEQUENCE, 1)
        # The epoch that a program's first start has: most words then count for it.
        peer.store(ACTED, 1 << 32 | 1 << 16 | chance.randrange(4))
        peer.store(STATE, chance.choice((1, 1, 1, 2, 3, 99)))
        for offset in (POSITION, POSITION_NS, LIMIT, DELAY, CYCLE_NS, WOKEN, DIRECT):
            peer.store(offset, chance.choice(LIES))
        peer.store(SEQUENCE, 2)
        peer.send(pc.WAKE)
        time.sleep(0.001)


def lies_in_its_messages(peer):
    chance = random.Random(2)
    peer.await_params()
    peer.answer_params()
    until = time.monotonic() + 2
    while time.monotonic() < until:
        words = [chance.choice(LIES) for _ in range(6)]
        peer.send(pc.SERVER_WORDS, struct.pack(
            "=8Q", 1 << 32 | 1 << 16 | 1, chance.choice((1, 1, 2, 3, 99)), *words))
        time.sleep(0.001)


def sends_wakes_without_end(peer):
    peer.await_params()
    peer.answer_params()
    until = time.monotonic() + 2
    while time.monotonic() < until:
        peer.send(pc.WAKE)


def answers_nothing_but_talks(peer):
    until = time.monotonic() + 6
    while time.monotonic() < until:
        peer.send(pc.WAKE)
        time.sleep(0.05)


def shrinks_its_pool(peer):
    """A second pool, not sealed, and cut off as soon as it is sent."""
    fd = os.memfd_create("pool", os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, POOL_BYTES)
    peer.send(pc.REGISTER_POOL, pc.pool_body(pc.SERVER_POOL, POOL_BYTES), 0, [fd])
    os.ftruncate(fd, 0)
    os.close(fd)
    peer.await_params()
    peer.answer_params()
    time.sleep(0.5)


def refuses_with_no_errno(peer):
    peer.await_params()
    peer.send(pc.REFUSED, struct.pack("=HHi128s", pc.SET_PARAMS, 0, -2**31, b"\x1b[31m"),
              peer.params)


def sends_too_much(peer):
    peer.await_params()
    peer.answer_params()
    fds = [os.dup(0) for _ in range(50)]
    peer.send_raw(pc.message(pc.WAKE, b"", 0, 1), fds)
    peer.send_raw(b"\0" * 100000)
    for fd in fds:
        os.close(fd)


def anything(seed):
    """Every message, at every moment, with and without what it says that it has."""
    def attack(peer):
        chance = random.Random(seed)

        def burst():
            for _ in range(chance.randrange(8)):
                body = chance.choice((chance.randbytes(chance.randrange(200)),
                                      bytes(chance.randrange(200)),
                                      struct.pack("=2I", 1, 4096), b""))
                peer.send(chance.choice((pc.DIRECT_GRANT, pc.DIRECT_RECALL, pc.WAKE,
                                         pc.DATA, pc.SERVER_WORDS, pc.KICK, 99)), body)
        burst()
        peer.await_params()
        burst()
        peer.answer_params(chance.randrange(2**16))
        for _ in range(50):
            burst()
            time.sleep(0.01)
    return attack


ATTACKS = [
    ("sends data before there is a ring", sends_data_before_there_is_a_ring, False),
    ("sends data that does not fit", sends_data_that_does_not_fit, False),
    ("grants an empty file for a card", grants(0), True),
    ("grants a file of one page for a card", grants(4096), True),
    ("lies in its block", lies_in_its_block, True),
    ("lies in its messages", lies_in_its_messages, False),
    ("sends wakes without end", sends_wakes_without_end, True),
    ("sends wakes without end over the socket", sends_wakes_without_end, False),
    ("answers nothing but talks", answers_nothing_but_talks, True),
    ("shrinks its pool", shrinks_its_pool, True),
    ("refuses with no errno", refuses_with_no_errno, True),
    ("sends too much", sends_too_much, True),
    *((f"says anything, {seed}, {'memfd' if memfd else 'socket'}", anything(seed), memfd)
      for seed in range(5) for memfd in (True, False))]


@test_each(*ATTACKS)
def aplay_survives_a_server_that(attack, memfd):
    survives(attack, capture=False, memfd=memfd)


@test_each(*ATTACKS)
def arecord_survives_a_server_that(attack, memfd):
    survives(attack, capture=True, memfd=memfd)


@contextlib.contextmanager
def server_of(user, path):
    """A server of another user that hangs up on every client."""
    ready, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.setresuid(user, user, user)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
            listening.bind(path)
            os.chmod(path, 0o666)
            listening.listen(8)
            os.write(writer, b"1")
            while True:
                listening.accept()[0].close()
    os.read(ready, 1)
    try:
        yield
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(ready)
        os.close(writer)


def play_at(server, path, pcm="shm", **environment):
    """What aplay says that finds a server at this path."""
    program = server.start(
        "aplay", "-q", "-D", pcm, "-f", "cd", "/dev/zero",
        environment={"SHMD_SOCKET": path, **environment})
    expect(program.wait(PATIENCE_S) == 1, f"aplay has not failed: {program.errors}")
    return program.errors


def another_users_server_is_refused_unless_it_is_named():
    with Server("virtual") as server:
        os.chmod(server.folder, 0o777)
        path = server.path("other")
        with server_of(OTHER, path):
            contains("what aplay says", play_at(server, path), path, f"user {OTHER}",
                     "server_user", "Permission denied")
            for name in (str(OTHER), "nobody"):
                contains("what aplay says", play_at(server, path, SHMD_SERVER_USER=name),
                         "the shmd server is gone")
            config = server.path("named.conf")
            for value in (OTHER, '"nobody"'):
                with open(config, "w", encoding="utf-8") as file:
                    file.write(f"pcm.named {{ type shmd server_user {value} }}\n")
                environment = f"{server.environment['ALSA_CONFIG_PATH']}:{config}"
                contains("what aplay says",
                         play_at(server, path, "named", ALSA_CONFIG_PATH=environment),
                         "the shmd server is gone")
            contains("what aplay says of a user that is not there",
                     play_at(server, path, SHMD_SERVER_USER="nosuchuser"),
                     f"user {OTHER}")


NAME = another_users_server_is_refused_unless_it_is_named.__name__.replace("_", " ")
if os.geteuid() == 0:
    test(another_users_server_is_refused_unless_it_is_named)
else:
    skip(NAME, "only root can be another user")


if __name__ == "__main__":
    main()
