#!/usr/bin/env python3
"""
What a user may hold: while another user (uid 65534) takes all that it can get of the
server's connections, descriptors and memory, an unmodified aplay opens, plays, and is
heard bit for bit; what the other took is there again when it has gone.

The other user needs root's right to change the user. Without it these tests are skipped.
"""

import contextlib
import os
import re
import resource
import signal
import struct
import sys
import threading
import time

sys.dont_write_bytecode = True
import attackers
import epoll_attack
import protocol_client as pc
import sound
from harness import (SANITIZED, SLOWNESS, Server, contains, equal, expect, fd_count, main,
                     skip, test, wait_until)

NOBODY = 65534
MOST_FDS = 253  # the kernel's SCM_MAX_FD
RATE = 48000
MIB = 1 << 20
# A buffer of a second: these tests are not about its length.
APLAY = ("aplay", "-q", "-D", "shm:main", "--buffer-time=1000000")
DEVICES = ("scratch=virtual", "main=virtual,wav=@/device.wav")


def test_of_two_users(function):
    if os.getuid() == 0:
        return test(function)
    skip(function.__name__.replace("_", " "), "only root may become another user")
    return function


class Other:
    """
    A process of the other user. It runs `attack(path)`, which yields whenever it has done
    as much as the test waits for; then it goes on until it is ended.
    """

    def __init__(self, server, attack):
        path = server.environment["SHMD_SOCKET"]
        os.chmod(os.path.dirname(path), 0o711)
        os.chmod(path, 0o666)
        self._reader, writer = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            self._be(path, attack, writer)
        os.close(writer)
        self.await_step()

    def _be(self, path, attack, writer):
        try:
            # shmd-run's standard input too, whose end stops the server.
            os.closerange(3, writer)
            os.closerange(writer + 1, 65536)
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            for _ in attack(path):
                os.write(writer, b".")
        except BaseException as error:  # pylint: disable=broad-except
            os.write(2, f"the other user: {error!r}\n".encode())
        finally:
            os._exit(0)

    def await_step(self):
        expect(os.read(self._reader, 1) == b".", "the other user's process has ended")

    def end(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._reader)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


def take_connections(path, most, prepare=lambda connection: None):
    """
    Hold as many prepared connections as it gets, at most `most`, and replace those that
    are ended, for ever.
    """
    held = []
    while True:
        for connection in held[:]:
            with contextlib.suppress(BlockingIOError, pc.Dropped):
                connection.socket.setblocking(False)
                packet = connection.socket.recv(1)
                connection.socket.setblocking(True)
                if packet:
                    continue
                connection.close()
                held.remove(connection)
        while len(held) < most:
            connection = pc.Connection(path, timeout=20)
            try:
                prepare(connection)
                held.append(connection)
            except (pc.Refused, pc.Dropped, TimeoutError):
                connection.close()
                break
        yield
        time.sleep(0.05)


def forever(path, **options):
    """take_connections, telling of the first round only."""
    rounds = take_connections(path, **options)
    yield next(rounds)
    for _ in rounds:
        pass


def greet(connection):
    connection.request(pc.HELLO, pc.hello_body("other", pc.FLAG_MEMFD))


class Victim:
    """An unmodified aplay, and what it plays."""

    def __init__(self, server, seconds=2):
        self._server = server
        self._made = sound.noise("S16_LE", RATE, 2, seconds, seed=seconds)
        self._path = sound.write_wav(server.path("made.wav"), self._made)

    def start(self):
        return self._server.start(*APLAY, self._path)

    def require_exact(self):
        """When all have gone: it was heard whole, once, and without an xrun."""
        self._server.stop()
        sound.require_once("the device",
                           sound.read_wav(self._server.path("device.wav")),
                           self._made.data)
        equal("xruns of aplay", 0,
              [stream["xruns"] for stream in self._server.streams(device="main")][0])


class Limited(Server):
    """A server with a limit on open files, "soft:hard"."""

    def __init__(self, files, *devices):
        super().__init__(*devices)
        self._options.append(f"--server-command=prlimit --nofile={files}")


@test_of_two_users
def connections_that_say_nothing_leave_room_for_another_user():
    with Limited("1024:1024", *DEVICES) as server:
        victim = Victim(server)
        with Other(server, lambda path: forever(path, most=511)):
            wait_until("the other user has its share of the descriptors",
                       lambda: fd_count(server.pid) > 400)
            victim.start().succeed()
        victim.require_exact()


@test_of_two_users
def connections_that_say_hello_leave_room_for_another_user():
    with Limited("1024:1024", *DEVICES) as server:
        victim = Victim(server)
        with Other(server, lambda path: forever(path, most=511, prepare=greet)):
            victim.start().succeed()
        victim.require_exact()


HANGING = 20


def give_away(path, fd):
    """@return whether the server has the last copy, so that its own close takes long"""
    connection = pc.Connection(path, timeout=20)
    greet(connection)
    connection.send(pc.KICK, fds=[fd])
    closing = attackers.close_elsewhere(fd)
    closing.join(0.2)
    return not closing.is_alive()


def send_what_hangs(path):
    """
    All from one user: a descriptor whose close takes long, and then as many as a message
    carries on each of HANGING connections.
    """
    # As many may be on their way, too.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    held = [pc.Connection(path, timeout=20) for _ in range(HANGING)]
    for connection in held:
        greet(connection)
    make = attackers.tcp_maker()
    while not give_away(path, make()):
        pass
    harmless = os.open("/dev/null", os.O_RDONLY)
    for connection in held:
        with contextlib.suppress(OSError):
            connection.send_raw(pc.message(pc.KICK, fd_count=MOST_FDS),
                                [harmless] * MOST_FDS)
    yield
    signal.pause()


@test_of_two_users
def descriptors_whose_closing_hangs_are_bounded():
    with Limited("4096:4096", *DEVICES) as server:
        victim = Victim(server)
        before = fd_count(server.pid)
        with Other(server, send_what_hangs):
            player = victim.start()
            wait_until("some have come", lambda: fd_count(server.pid) > before + MOST_FDS)
            wait_until("it plays", lambda: "name=aplay stream=" in server.log())
            held = fd_count(server.pid) - before
            # 128 that wait for the helper, one message more, sockets and pools.
            expect(held < 128 + MOST_FDS + 3 * HANGING, f"{held} are held")
            player.succeed()
        victim.require_exact()


CROWD = 700


class MostDescriptors:
    """How many more than at the start a process has at most while it is watched."""

    def __init__(self, pid):
        self.count = 0
        self._pid, self._before = pid, fd_count(pid)
        self._is_over = threading.Event()
        self._watcher = threading.Thread(target=self._watch)

    def _watch(self):
        while not self._is_over.is_set():
            self.count = max(self.count, fd_count(self._pid) - self._before)

    def __enter__(self):
        self._watcher.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        self._watcher.join()


def crowd_while_pausing(path):
    """
    One connection, whose messages are so dear that its user has to pause; meanwhile many
    beyond the limit, which wait for that user's turn.
    """
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    silent = pc.Connection(path, timeout=20)
    greet(silent)
    dear = pc.Connection(path, timeout=20)
    greet(dear)
    held = [silent, dear, epoll_attack.Entries(dear.socket.fileno(), 200000)]
    dear.socket.setblocking(False)
    for _ in range(3):
        dear.send(pc.SET_GAIN, epoll_attack.GAIN_1, 9)
    with contextlib.suppress(OSError):
        while len(held) < CROWD:
            held.append(pc.Connection(path, timeout=20))
    yield
    signal.pause()


@test_of_two_users
def connections_beyond_the_limit_do_not_pile_up_while_their_user_pauses():
    with Server(*DEVICES, settings=("max_clients_per_user=2",)) as server:
        with MostDescriptors(server.pid) as most:
            with Other(server, crowd_while_pausing):
                server.run(*APLAY, "-f", "cd", "-d", "1", "/dev/zero")
        # 64 of them, and what the others have.
        expect(most.count < 64 + 20, f"{most.count} were held at once")


@test
def a_connection_that_says_nothing_is_dropped_after_five_seconds():
    with Server("virtual") as server:
        silent = pc.Connection(server.environment["SHMD_SOCKET"], timeout=20 * SLOWNESS)
        started = time.monotonic()
        try:
            silent.receive()
        except pc.Dropped:
            pass
        seconds = time.monotonic() - started
        expect(4.9 < seconds, f"it was dropped after {seconds} s already")
        server.wait_for_log("dropped: no hello")


@test
def a_connection_without_hello_holds_one_descriptor():
    with Server("virtual") as server:
        before = fd_count(server.pid)
        held = [pc.Connection(server.environment["SHMD_SOCKET"]) for _ in range(20)]
        wait_until("they are all accepted", lambda: fd_count(server.pid) >= before + 20)
        last = pc.Connection(server.environment["SHMD_SOCKET"])
        greet(last)
        # The pool's descriptor is on its way to the client for a moment.
        wait_until("20 silent connections and one that has sent Hello hold 21 "
                   "descriptors", lambda: fd_count(server.pid) - before == 21)
        for connection in held + [last]:
            connection.close()


@test
def more_files_may_be_open_than_the_soft_limit_allows():
    with Limited("256:1500", "virtual") as server:
        equal("its limits", (1500, 1500),
              resource.prlimit(server.pid, resource.RLIMIT_NOFILE))
        contains("the log", server.log(), "limits max_clients=1024 ", " descriptors=")


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1])


class Filled:
    """A connection that makes the server touch all that a connection can have."""

    def __init__(self, path):
        self._stream = pc.Stream(pc.PLAYBACK, "scratch", path, timeout=20 * SLOWNESS,
                                 max_ring_bytes=4 * MIB)
        self._connection = self._stream.connection
        self._play_from_the_pool()
        self._send_over_the_socket()

    def _play_from_the_pool(self):
        if self._stream.transport != pc.MEMFD:
            raise pc.Refused(12, "no pool")
        frames = 4 * MIB // 8
        self._stream.set_params("S32_LE", 2, 384000, frames // 4, frames)
        self._stream.write(bytes(4 * MIB))
        self._stream.start()
        link = self._stream._link  # pylint: disable=protected-access
        wait_until("the server has read the ring",
                   lambda: link.server_words().limit >= frames - 4800)
        self._stream.free_params()

    def _send_over_the_socket(self):
        frames = 4 * MIB // 4
        self._connection.request(pc.SET_PARAMS, pc.params_body(
            "S16_LE", 2, pc.SOCKET, RATE, frames // 4, frames))
        count = pc.MAX_DATA_BYTES // 4
        for position in range(0, 2 * frames - count, count):
            self._connection.send(pc.DATA, struct.pack("=QII", position, count, 0) +
                                  bytes(4 * count))


def fill_memory(path):
    """As many connections of that kind as it gets; and then at rest."""
    held = []
    with contextlib.suppress(pc.Refused, pc.Dropped):
        while len(held) < 100:
            held.append(Filled(path))
    yield
    signal.pause()


@test_of_two_users
def what_connections_make_the_server_use_is_no_more_than_what_it_says():
    with Server(*DEVICES, settings=("max_memory_per_user_mib=60",)) as server:
        victim = Victim(server)
        before = resident_kib(server.pid)
        with Other(server, fill_memory):
            # What malloc and the page tables take beside it is a few MiB at the start.
            growth = (resident_kib(server.pid) - before) / 1024
            expect(SANITIZED or growth < 60 + 6, f"it uses {growth:.0f} MiB more")
            expect(growth > 20, f"only {growth:.0f} MiB were used: this shows nothing")
            victim.start().succeed()
        victim.require_exact()


def send_unread(connection, packet, most):
    """Requests whose answers are not read. @return False when it was dropped"""
    connection.socket.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        for _ in range(most):
            try:
                connection.send_raw(packet)
            except OSError as error:
                if isinstance(error, BlockingIOError):
                    raise
                return False
    return True


def use_up_memory(path):
    """
    All that takes memory, again and again: pools while there is address space, answers
    that are not read and connections that say nothing for the rest.
    """
    told = False
    while True:
        pools, silent = [], []
        with contextlib.suppress(OSError):
            while len(pools) < 100:
                connection = pc.Connection(path)
                greet(connection)
                pools.append(connection)
        gain = pc.message(pc.SET_GAIN, struct.pack("=II", 1000, 0), 1)
        for _ in range(20):
            pools = [connection for connection in pools
                     if send_unread(connection, gain, 60)]
            with contextlib.suppress(OSError):
                for _ in range(25):
                    silent.append(pc.Connection(path))
            time.sleep(0.01)
        for connection in pools:
            send_unread(connection, gain, 20000)
        if not told:
            told = True
            yield
        for connection in pools + silent:
            connection.close()


def test_without_sanitizer(function):
    if SANITIZED:
        skip(function.__name__.replace("_", " "), "a sanitizer takes all address space")
        return function
    return test_of_two_users(function)


@test_without_sanitizer
def where_memory_ends_the_server_lives_and_plays():
    with Server(*DEVICES) as server:
        victim = Victim(server, seconds=6)
        player = victim.start()
        server.wait_for_log("name=aplay stream=")
        with open(f"/proc/{server.pid}/statm", encoding="utf-8") as statm:
            size = int(statm.read().split()[0]) * resource.getpagesize()
        # Some pools, and what is left is less than one.
        limit = size + 33 * MIB
        resource.prlimit(server.pid, resource.RLIMIT_AS, (limit, limit))
        with Other(server, use_up_memory):
            player.succeed()
            expect(os.path.exists(f"/proc/{server.pid}"), "the server has ended")
            contains("the log", server.log(), "no memory left")
        # What was taken is there again.
        server.run("aplay", "-q", "-D", "shm", "-f", "cd", "-d", "1", "/dev/zero")
        victim.require_exact()


if __name__ == "__main__":
    main()
