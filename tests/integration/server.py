#!/usr/bin/env python3
"""The server as a program: its socket, its signals, its configuration, its refusals."""

import ctypes
import errno
import grp
import os
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback

sys.dont_write_bytecode = True
import protocol_client as pc
import sound
from harness import (SANITIZED, SHMD, SLOWNESS, Program, Server, contains, equal,
                     expect, main, skip, test, test_each, wait_until)

# sysexits.h
EX_USAGE, EX_UNAVAILABLE, EX_CONFIG = 64, 69, 78
SOON_S = 10 * SLOWNESS
OTHER_UID = 65534  # nobody, for what a second user does
LONG = ["-t", "raw", "-f", "S16_LE", "-r", 48000, "-c", 2]


class Daemon:
    """The server itself, without shmd-run, in a folder of its own."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="shmd-test-")
        self.socket = self.path("socket")
        self.programs = []
        return self

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def start(self, *options, prefix=(), config="/dev/null", environment=None, **others):
        """Start one; `config` None means that it has to find its file."""
        configured = [f"--config={config}"] if config else []
        notified = {"HOME": self.folder, "XDG_RUNTIME_DIR": self.folder}
        kept = {name: value for name, value in os.environ.items()
                if name not in ("SHMD_SOCKET", "NOTIFY_SOCKET", "LISTEN_FDS",
                                "XDG_CONFIG_HOME", "JOURNAL_STREAM")}
        program = Program([*prefix, SHMD, *configured, *options],
                          {**kept, **notified, **(environment or {})}, **others)
        self.programs.append(program)
        return program

    def serve(self, *options, **others):
        """Start one that listens on `socket`, and return when it does."""
        program = self.start(f"--socket={self.socket}", *options, **others)
        # The devices come after the socket, and are the last that can fail.
        self.wait_for(program, " spec=")
        return program

    @staticmethod
    def wait_for(program, words):
        wait_until(f"the server says '{words}'", lambda: words in program.errors or
                   not program.is_alive())
        contains("what the server says", program.errors, words)

    @staticmethod
    def wait_until_it_answers(program, path):
        wait_until("the server answers", lambda: answers(path) or not program.is_alive())
        expect(program.is_alive(), f"the server has ended:\n{program.errors}")

    def __exit__(self, kind, error, trace):
        for program in self.programs:
            if program.is_alive():
                program.end()
            if error is not None:
                error.add_note(f"{program.command} said:\n{program.errors}")
        shutil.rmtree(self.folder)


def as_user(uid, do, groups=()):
    """Run do() in a process of another user, in these groups alone. Only root may."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups(groups)
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            do()
            status = 0
        except BaseException:  # pylint: disable=broad-except  # it forked
            traceback.print_exc()
        finally:
            os._exit(status)  # pylint: disable=protected-access
    equal(f"exit status of what uid {uid} does", 0, os.waitpid(child, 0)[1])


def connect(path):
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    return connection


def answers(path):
    try:
        connect(path).close()
    except OSError:
        return False
    return True


@test
def a_second_server_on_a_live_socket_refuses():
    with Daemon() as daemon:
        first = daemon.serve()
        second = daemon.start(f"--socket={daemon.socket}")
        equal("exit status", EX_UNAVAILABLE, second.wait(SOON_S))
        contains("what it says", second.errors, "another server is live", daemon.socket)
        expect(first.is_alive() and answers(daemon.socket), "the first is harmed")


@test
def a_second_server_leaves_the_files_of_the_first_alone():
    with Daemon() as daemon:
        wav = daemon.path("device.wav")
        daemon.serve(f"--device=virtual,wav={wav}")
        before = os.stat(wav)
        second = daemon.start(f"--socket={daemon.socket}", f"--device=virtual,wav={wav}")
        equal("exit status", EX_UNAVAILABLE, second.wait(SOON_S))
        equal("size and time of the WAV file", (before.st_size, before.st_mtime_ns),
              (os.stat(wav).st_size, os.stat(wav).st_mtime_ns))


@test
def a_stale_socket_is_replaced():
    with Daemon() as daemon:
        first = daemon.serve()
        first.signal(signal.SIGKILL)
        first.wait()
        expect(os.path.exists(daemon.socket), "there is no stale socket to test with")
        daemon.serve()


@test
def a_server_leaves_the_socket_of_another_that_has_taken_its_place():
    with Daemon() as daemon:
        first = daemon.serve()
        for path in (daemon.socket, daemon.socket + ".lock"):
            os.unlink(path)
        # No client can reach the first any more, so another may start.
        second = daemon.serve()
        first.signal(signal.SIGTERM)
        equal("exit status of the first", 0, first.wait(SOON_S))
        expect(answers(daemon.socket), "the first has removed the socket of the second")
        second.signal(signal.SIGTERM)
        equal("exit status of the second", 0, second.wait(SOON_S))
        expect(not os.path.exists(daemon.socket), "the second has left its socket")


@test
def a_second_server_refuses_also_when_the_lock_file_was_deleted():
    with Daemon() as daemon:
        daemon.serve()
        os.unlink(daemon.socket + ".lock")
        second = daemon.start(f"--socket={daemon.socket}")
        equal("exit status", EX_UNAVAILABLE, second.wait(SOON_S))
        contains("what it says", second.errors, "another server is live")


@test
def a_file_that_is_no_socket_is_not_replaced():
    with Daemon() as daemon:
        daemon.write("socket", "precious")
        program = daemon.start(f"--socket={daemon.socket}")
        equal("exit status", EX_UNAVAILABLE, program.wait(SOON_S))
        contains("what it says", program.errors, daemon.socket, "not a socket")
        with open(daemon.socket, encoding="utf-8") as file:
            equal("the file", "precious", file.read())


@test_each(("SIGTERM", signal.SIGTERM), ("SIGINT", signal.SIGINT))
def it_stops_cleanly_and_removes_its_socket_on(number):
    with Daemon() as daemon:
        program = daemon.serve()
        program.signal(number)
        equal("exit status", 0, program.wait(SOON_S))
        expect(not os.path.exists(daemon.socket), "the socket is still there")
        contains("what it says", program.errors, f"stopping on signal {int(number)}")


@test_each(*((name, getattr(signal, name)) for name in (
    "SIGUSR1", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGVTALRM", "SIGPROF", "SIGIO", "SIGPWR",
    "SIGXFSZ", "SIGRTMIN", "SIGRTMAX")))
def it_lives_on_after(number):
    with Daemon() as daemon:
        program = daemon.serve()
        program.signal(number)
        daemon.wait_until_it_answers(program, daemon.socket)
        program.signal(signal.SIGTERM)
        equal("exit status", 0, program.wait(SOON_S))


@test
def closed_standard_descriptors_are_no_files_of_the_server():
    with Daemon() as daemon:
        program = daemon.start(f"--socket={daemon.socket}", "--log-level=debug",
                               prefix=["bash", "-c", 'exec "$@" <&- >&- 2>&-', "-"])
        daemon.wait_until_it_answers(program, daemon.socket)
        for number in range(3):
            equal(f"descriptor {number}", "/dev/null",
                  os.readlink(f"/proc/{program.pid}/fd/{number}"))
        program.signal(signal.SIGTERM)
        equal("exit status", 0, program.wait(SOON_S))
        equal("bytes in the lock file", 0, os.path.getsize(daemon.socket + ".lock"))


@test
def its_socket_is_in_the_users_runtime_folder():
    with Daemon() as daemon:
        program = daemon.start()
        path = daemon.path("shmd/socket")
        daemon.wait_until_it_answers(program, path)
        mode = os.stat(os.path.dirname(path)).st_mode & 0o777
        equal("mode of the folder", oct(0o700), oct(mode))


@test
def the_environment_names_another_socket():
    with Daemon() as daemon:
        program = daemon.start(environment={"SHMD_SOCKET": daemon.socket})
        daemon.wait_until_it_answers(program, daemon.socket)


@test
def it_does_not_start_with_statistics_that_it_cannot_write():
    with Daemon() as daemon:
        path = daemon.path("missing/stats.json")
        program = daemon.start(f"--socket={daemon.socket}", f"--stats-file={path}")
        equal("exit status", EX_CONFIG, program.wait(SOON_S))
        contains("what it says", program.errors, "stats_file", path, "No such file")


@test
def statistics_are_not_made_or_changed_before_it_stops():
    with Daemon() as daemon:
        old = daemon.write("old.json", "old")
        new = daemon.path("new.json")
        config = daemon.write("shmd.conf", f'stats_file "{old}"\n')
        program = daemon.serve(config=config)
        daemon.write("shmd.conf", 'stats_file "/nonexistent/stats.json"\n')
        program.signal(signal.SIGHUP)
        daemon.wait_for(program, "not reloaded: key 'stats_file': cannot write /nonexist")
        daemon.write("shmd.conf", f'stats_file "{new}"\n')
        program.signal(signal.SIGHUP)
        wait_until("it has reloaded twice",
                   lambda: program.errors.count("reloaded\n") == 2)
        expect(not os.path.exists(new), "the file is there already")
        program.signal(signal.SIGTERM)
        equal("exit status", 0, program.wait(SOON_S))
        with open(old, encoding="utf-8") as file:
            equal("the earlier file", "old", file.read())
        expect(os.path.getsize(new) > 0, "no statistics")


@test
def a_reload_changes_what_can_be_changed():
    with Daemon() as daemon:
        config = daemon.write("shmd.conf", "log_level info\n")
        program = daemon.serve(config=config)
        daemon.write("shmd.conf", "max_clients 1\nlog_level info\n")
        program.signal(signal.SIGHUP)
        daemon.wait_for(program, "reloaded")
        with connect(daemon.socket), connect(daemon.socket) as second:
            answer = second.recv(8192).decode("latin-1")
            contains("the answer to the second client", answer, "max_clients")
        daemon.wait_for(program, "refused: the limit max_clients of shmd.conf is reached")


@test
def a_reload_of_a_bad_file_changes_nothing():
    with Daemon() as daemon:
        config = daemon.write("shmd.conf", "max_clients 5\n")
        program = daemon.serve(config=config)
        daemon.write("shmd.conf", "max_clients 1\nvolume 11\n")
        program.signal(signal.SIGHUP)
        daemon.wait_for(program, "not reloaded")
        contains("what it says", program.errors, f"{config}:2: key 'volume'")
        with connect(daemon.socket), connect(daemon.socket):
            expect(program.is_alive() and "refused" not in program.errors,
                   "it has changed its limits, or ended")


@test_each(("an unknown key", "gain 1\n\nvolume 11\n", 3, "volume"),
           ("a value out of range", "gain 17.0\n", 1, "gain"),
           ("a value of the wrong type", "# text\nmax_clients many\n", 2, "max_clients"),
           ("a device of another kind", "log_level info\ndevice {\n  tv -3\n}\n", 3,
            "device.tv"))
def a_bad_configuration_is_named_by_file_line_and_key(text, line, key):
    with Daemon() as daemon:
        config = daemon.write("bad.conf", text)
        program = daemon.start(config=config)
        equal("exit status", EX_CONFIG, program.wait(SOON_S))
        contains("what it says", program.errors, f"{config}:{line}: key '{key}'")


@test
def a_configuration_that_is_no_syntax_is_named_by_its_file():
    with Daemon() as daemon:
        config = daemon.write("bad.conf", "device {\n")
        program = daemon.start(config=config)
        equal("exit status", EX_CONFIG, program.wait(SOON_S))
        contains("what it says", program.errors, config)


@test
def a_configuration_that_is_named_must_be_there():
    with Daemon() as daemon:
        program = daemon.start(config=daemon.path("missing.conf"))
        equal("exit status", EX_CONFIG, program.wait(SOON_S))
        contains("what it says", program.errors, "missing.conf: No such file")


@test_each(("an unknown option", "--loud", "--loud"),
           ("an argument too many", "now", "now"))
def a_bad_command_line_is_refused(option, words):
    with Daemon() as daemon:
        program = daemon.start(option)
        equal("exit status", EX_USAGE, program.wait(SOON_S))
        contains("what it says", program.errors, words)


@test_each(("a device of no kind", "--device=tube", "tube"),
           ("a device's key", "--device=virtual,volume=3", "volume"),
           ("a WAV file in no folder", "--device=virtual,wav=/nowhere/x.wav",
            "/nowhere/x.wav"))
def a_device_that_cannot_be_is_named(option, words):
    with Daemon() as daemon:
        program = daemon.start(f"--socket={daemon.socket}", option)
        expect(program.wait(SOON_S) in (EX_CONFIG, EX_UNAVAILABLE), "its exit status")
        contains("what it says", program.errors, "device", words)
        expect(not os.path.exists(daemon.socket), "it left its socket behind")


@test
def an_option_has_the_last_word_over_the_file():
    with Daemon() as daemon:
        config = daemon.write("shmd.conf", "max_clients 1000\n")
        program = daemon.serve("--max-clients=1", config=config)
        with connect(daemon.socket), connect(daemon.socket):
            daemon.wait_for(program, "the limit max_clients of shmd.conf is reached")


def listening(kind, path):
    listener = socket.socket(socket.AF_UNIX, kind)
    listener.bind(path)
    listener.listen()
    return listener


def start_activated(daemon, listener):
    """Start the server as a service manager does: the socket is its descriptor 3."""
    script = 'exec env LISTEN_PID=$$ LISTEN_FDS=1 "$@" 3<&"$0"'
    return daemon.start(prefix=["bash", "-c", script, str(listener.fileno())],
                        pass_fds=[listener.fileno()])


@test
def socket_activation_is_honoured():
    with Daemon() as daemon, listening(socket.SOCK_SEQPACKET, daemon.socket) as listener:
        # A client may come before the server: it is served then.
        with connect(daemon.socket) as client:
            program = start_activated(daemon, listener)
            client.settimeout(SOON_S)
            client.send(b"no message at all")
            equal("the answer to nonsense is the end", b"", client.recv(100))
        daemon.wait_for(program, "listening on the socket that was passed")
        program.signal(signal.SIGTERM)
        equal("exit status", 0, program.wait(SOON_S))
        expect(os.path.exists(daemon.socket), "it removed the service manager's socket")


@test
def a_passed_socket_of_another_kind_is_refused():
    with Daemon() as daemon, listening(socket.SOCK_STREAM, daemon.socket) as listener:
        program = start_activated(daemon, listener)
        equal("exit status", EX_UNAVAILABLE, program.wait(SOON_S))
        contains("what it says", program.errors, "LISTEN_FDS", "SOCK_SEQPACKET")


@test
def it_tells_the_service_manager_when_it_is_ready():
    with Daemon() as daemon, \
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(daemon.path("notify"))
        manager.settimeout(SOON_S)
        program = daemon.start(f"--socket={daemon.socket}",
                               environment={"NOTIFY_SOCKET": daemon.path("notify")})
        equal("first", b"READY=1", manager.recv(100))
        expect(answers(daemon.socket), "it is ready, and does not answer")
        program.signal(signal.SIGTERM)
        equal("exit status", 0, program.wait(SOON_S))


def fail_io_uring(number):
    """For the child, before it executes: io_uring_setup fails with this errno."""
    io_uring_setup = 425
    pr_set_no_new_privs, pr_set_seccomp, mode_filter = 38, 22, 2
    filter_ = b"".join(struct.pack("=HBBI", *line) for line in (
        (0x20, 0, 0, 0),                    # load the number of the system call
        (0x15, 0, 1, io_uring_setup),       # if it is not this one, skip the next
        (0x06, 0, 0, 0x00050000 | number),  # return ERRNO
        (0x06, 0, 0, 0x7FFF0000)))          # return ALLOW
    buffer = ctypes.create_string_buffer(filter_)
    program = struct.pack("@HP", 4, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(pr_set_no_new_privs, 1, 0, 0, 0) != 0 or \
            libc.prctl(pr_set_seccomp, mode_filter, program, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")


@test_each(
    ("forbidden, as in a container", errno.EPERM, "Operation not permitted",
     "kernel.io_uring_disabled", "seccomp"),
    ("no memory that may be locked, as before Linux 5.12", errno.ENOMEM,
     "Cannot allocate memory", "RLIMIT_MEMLOCK, is 64 KiB", "LimitMEMLOCK="),
    ("no descriptor left", errno.EMFILE, "Too many open files", "RLIMIT_NOFILE, is 500",
     "LimitNOFILE="))
def a_server_without_io_uring_says_what_to_change(number, *words):
    def prepare():
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (65536, 65536))
        resource.setrlimit(resource.RLIMIT_NOFILE, (500, 500))
        fail_io_uring(number)

    with Daemon() as daemon:
        program = daemon.start(f"--socket={daemon.socket}", preexec_fn=prepare)
        equal("exit status", EX_CONFIG, program.wait(SOON_S))
        contains("what it says", program.errors, "io_uring is not available", *words)
        expect(number == errno.EPERM or "seccomp" not in program.errors,
               "it says that io_uring is forbidden")


# UndefinedBehaviorSanitizer opens files to look at objects, and reports those that it
# cannot see.
TOO_FEW_FILES = [] if SANITIZED else [("at the socket", 6), ("at the device", 8)]
if SANITIZED:
    skip("a server that may open too few files names the limit",
         "a sanitizer needs files, too")


@test_each(*TOO_FEW_FILES)
def a_server_that_may_open_too_few_files_names_the_limit(limit):
    def prepare():
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))

    with Daemon() as daemon:
        program = daemon.start(f"--socket={daemon.socket}", preexec_fn=prepare)
        expect(program.wait(SOON_S) in (EX_UNAVAILABLE, EX_CONFIG), "its exit status")
        contains("what it says", program.errors, "Too many open files",
                 f"RLIMIT_NOFILE, is {limit}")


@test
def a_user_has_no_more_clients_than_allowed():
    with Server("virtual", settings=["max_clients_per_user=2"]) as server:
        for number in (1, 2):
            server.start("aplay", "-q", "-D", "shm", *LONG, "/dev/zero")
            server.wait_for_log(f"stream={number} ")
        words = "the limit max_clients_per_user of shmd.conf is reached"
        for _ in range(20):  # the refusal and the client's first messages cross
            third = server.start("aplay", "-q", "-D", "shm", *LONG, "/dev/zero")
            equal("exit status of the third", 1, third.wait(SOON_S))
            contains("what it says", third.errors, words)
            server.wait_for_log(f"pid={third.pid} uid={os.geteuid()} name=")
            contains("the log", server.log(), f"refused: {words}")


@test
def a_client_that_left_makes_room_for_another():
    with Server("virtual", settings=["max_clients_per_user=1"]) as server:
        for number in (1, 2, 3):
            server.run("aplay", "-q", "-D", "shm", *LONG, "-s", 480, "/dev/zero")
            wait_until("it is gone", lambda: server.log().count(" gone") == number)


@test
def a_client_that_talks_nonsense_is_dropped_and_named_and_harms_nobody():
    made = sound.noise("S16_LE", 48000, 2, 1)
    with Server("virtual,wav=@/device.wav") as server:
        path = sound.write_wav(server.path("made.wav"), made)
        player = server.start("aplay", "-q", "-D", "shm", path)
        server.wait_for_log("stream=1 ")
        with connect(server.environment["SHMD_SOCKET"]) as client:
            client.settimeout(SOON_S)
            client.send(b"\xff" * 64)
            equal("the answer", b"", client.recv(100))
        server.wait_for_log("dropped: malformed message header")
        contains("the log", server.log(), f"pid={os.getpid()} uid={os.getuid()}")
        player.succeed()
        server.stop()
        sound.require_once("the device", sound.read_wav(server.path("device.wav")),
                           made.data)


def bad_clients(path, count, name=None):
    """So many clients that are dropped, one after the other; `name` is what they are."""
    for _ in range(count):
        with connect(path) as client:
            client.settimeout(SOON_S)
            if name is not None:
                client.send(pc.message(pc.HELLO, struct.pack("=II64s", 1, 0, name)))
            client.send(b"\xff" * 64)
            while client.recv(8192):
                pass


@test
def a_log_pipe_that_is_not_read_holds_nothing_up():
    with Daemon() as daemon:
        reader, writer = os.pipe()
        program = daemon.start(f"--socket={daemon.socket}", "--log-level=debug",
                               prefix=["bash", "-c", 'exec "$@" 2>&"$0"', str(writer)],
                               pass_fds=[writer])
        daemon.wait_until_it_answers(program, daemon.socket)
        bad_clients(daemon.socket, 2000)  # far more lines than the pipe holds
        honest = pc.Connection(daemon.socket)
        honest.request(pc.HELLO, pc.hello_body("honest"))
        honest.close()
        program.signal(signal.SIGTERM)
        started = time.monotonic()
        equal("exit status", 0, program.wait(SOON_S))
        seconds = time.monotonic() - started
        expect(seconds < 1 * SLOWNESS, f"it took {seconds} s to end")
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            expect(b" dropped: " in pipe.read(), "what the pipe held is no log")


@test
def a_log_that_is_read_late_tells_how_much_is_missing():
    with Daemon() as daemon:
        reader, writer = os.pipe()
        program = daemon.start(f"--socket={daemon.socket}", "--log-level=debug",
                               prefix=["bash", "-c", 'exec "$@" 2>&"$0"', str(writer)],
                               pass_fds=[writer])
        os.close(writer)
        daemon.wait_until_it_answers(program, daemon.socket)
        count = 15000  # of 100 bytes each: more than the pipe and the queue hold
        bad_clients(daemon.socket, count, b"x" * 63)
        text = ""
        with os.fdopen(reader, "rb", buffering=0) as pipe:
            while not (told := re.search(r"left_out=(\d+) lines", text)):
                text += pipe.read(65536).decode()
        equal("lines, and lines that are told to be missing", count,
              text.count(" dropped: ") + int(told[1]))


def lines_and_left_out(log, words, kind):
    """How many lines have these words, and how many are told to have been left out."""
    lines = [line for line in log.splitlines() if words in line]
    rest = [line for line in log.splitlines() if f" kind={kind}" in line]
    return len(lines), sum(int(left_out[1]) for line in lines + rest
                           if (left_out := re.search(r" left_out=(\d+)", line)))


@test
def a_user_cannot_flood_the_log():
    with Daemon() as daemon:
        program = daemon.serve()
        started = time.monotonic()
        bad_clients(daemon.socket, 2000)
        stream = pc.Stream(pc.PLAYBACK, "", daemon.socket, memfd=False)
        for _ in range(1000):
            stream.set_params("S16_LE", 2, 48000, 480, 4800)
        seconds = time.monotonic() - started
        stream.close()
        if os.geteuid() == 0:  # its own lines are there all the same
            os.chmod(daemon.folder, 0o755)
            as_user(OTHER_UID, lambda: bad_clients(daemon.socket, 1, b"other"))
            daemon.wait_for(program, f" uid={OTHER_UID} name=other dropped: ")
        program.signal(signal.SIGTERM)
        equal("exit status", 0, program.wait(SOON_S))
        own = f" uid={os.geteuid()} name= dropped: "
        for words, kind, count in ((own, "dropped", 2000),
                                   (" transport=socket", "stream", 1000)):
            lines, left_out = lines_and_left_out(program.errors, words, kind)
            equal(f"lines with '{words}' and those left out", count, lines + left_out)
            expect(lines <= 11 + seconds, f"{lines} lines with '{words}'")


@test
def what_was_left_out_is_told_when_it_is_quiet_again():
    with Server("virtual", settings=["log_level=info"]) as server:
        bad_clients(server.environment["SHMD_SOCKET"], 100)
        server.wait_for_log(" kind=dropped")
        lines, left_out = lines_and_left_out(server.log(), " dropped: ", "dropped")
        equal("lines and those left out", 100, lines + left_out)


@test_each(("blanks and equals signs", b"aplay gone client=99 pid=1 uid=0 name=systemd",
            r"aplay\x20gone\x20client\x3d99\x20pid\x3d1\x20uid\x3d0\x20name\x3dsystemd"),
           ("C1 controls", b"a\xc2\x9b31mb", r"a\xc2\x9b31mb"),
           ("no UTF-8", b"a\x9b\xff", r"a\x9b\xff"),
           ("another direction", b"a\xe2\x80\xaeb", r"a\xe2\x80\xaeb"))
def no_name_of_a_client_forges_a_line(name, shown):
    with Server("virtual") as server:
        with connect(server.environment["SHMD_SOCKET"]) as client:
            for type_, body in (
                    (pc.HELLO, struct.pack("=II64s", 1, 0, name)),
                    (pc.OPEN_STREAM, pc.open_body(pc.PLAYBACK)),
                    (pc.SET_PARAMS, pc.params_body("S16_LE", 2, pc.SOCKET, 48000, 480,
                                                   4800))):
                client.send(pc.message(type_, body))
            server.wait_for_log(" stream=1 ")
        server.wait_for_log(" gone")
        server.stop()  # which reads the statistics: they are JSON whatever the name is
        equal("streams in the statistics", 1, len(server.streams(stream=1)))
        told = re.findall(r" client=(\d+) pid=\d+ uid=\d+ name=(\S*) (stream=1|gone)\b",
                          server.log())
        equal("the lines", {("1", shown, "stream=1"), ("1", shown, "gone")}, set(told))
        expect("client=99" not in server.log(), "it reads as the line of another client")


def outcome(path, direction, device):
    """What comes of opening a stream: "granted", or the errno's name."""
    connection = pc.Connection(path)
    try:
        connection.request(pc.HELLO, pc.hello_body("listener"))
        connection.request(pc.OPEN_STREAM, pc.open_body(direction, device))
        return "granted"
    except pc.Refused as refused:
        if refused.errno == errno.EACCES:
            contains("the reason", str(refused), f"uid {os.geteuid()} may not",
                     "of shmd.conf")
            # The connection stays, and may play.
            connection.request(pc.OPEN_STREAM, pc.open_body(pc.PLAYBACK))
        return errno.errorcode[refused.errno]
    finally:
        connection.close()


HEARD = ((pc.CAPTURE, ""), (pc.CAPTURE, "tv"), (pc.CAPTURE, "monitor"),
         (pc.CAPTURE, "tv.monitor"))


def require_heard(path, *outcomes):
    """What comes of recording both devices' capture and both devices' monitor."""
    equal("what may be played", "granted", outcome(path, pc.PLAYBACK, "tv"))
    equal("what may be heard", outcomes, tuple(outcome(path, *what) for what in HEARD))


NONE, ALL = ("EACCES",) * 4, ("granted",) * 4
CAPTURE_ONLY = ("granted", "granted", "EACCES", "EACCES")
TWO_DEVICES = ("--device=virtual", "--device=tv=virtual")


@test_each(("nobody", ("--record=no", "--monitor=no"), NONE),
           ("the own user, by default", (), ALL),
           ("everybody", ("--record=yes", "--monitor=yes"), ALL),
           ("what is captured alone", ("--monitor=no",), CAPTURE_ONLY))
def who_may_hear(options, outcomes):
    with Daemon() as daemon:
        program = daemon.serve(*TWO_DEVICES, *options)
        require_heard(daemon.socket, *outcomes)
        if "EACCES" in outcomes:
            daemon.wait_for(program, " name=listener may not monitor")


def another_user_may_hear(options, outcomes, groups=()):
    with Daemon() as daemon:
        daemon.serve(*TWO_DEVICES, *options)
        os.chmod(daemon.folder, 0o755)
        as_user(OTHER_UID, lambda: require_heard(daemon.socket, *outcomes), groups)


def audio_group():
    try:
        return grp.getgrnam("audio").gr_gid
    except KeyError:
        return None


if os.geteuid() != 0:
    skip("another user may hear", "only root can be another user")
elif audio_group() is None:
    skip("another user may hear", "there is no group audio")
else:
    test_each(("nothing by default", (), NONE),
              ("all by default, in the group of the cards", (), ALL, [audio_group()]),
              ("nothing, as the same user alone may",
               ("--record=same_user", "--monitor=same_user"), NONE, [audio_group()]),
              ("what is captured", ("--record=root, nobody",), CAPTURE_ONLY),
              ("what is captured, in a group of the list",
               ("--record=root @audio", "--monitor=root"), CAPTURE_ONLY,
               [audio_group()]),
              ("all if everybody may", ("--record=yes", "--monitor=yes"), ALL)
              )(another_user_may_hear)


def not_roots_server_lets_the_group_hear(folder, outcomes):
    """A server that another user than root runs, in a namespace with its own /run."""
    script = ("mount -t tmpfs none /run && mkdir -m 777 /run/shmd /run/user && "
              f"exec setpriv --reuid={OTHER_UID} --regid={OTHER_UID} --clear-groups "
              '"$@"')
    with Daemon() as daemon:
        program = daemon.start(f"--socket={folder}/socket", *TWO_DEVICES,
                               prefix=["unshare", "--mount", "bash", "-c", script, "-"])
        daemon.wait_for(program, "device=tv spec=")
        entered = os.open(f"/proc/{program.pid}/root{folder}", os.O_PATH)
        as_user(OTHER_UID - 1, lambda: require_heard(
            f"/proc/self/fd/{entered}/socket", *outcomes), [audio_group()])
        os.close(entered)


def other_user_can_serve():
    """Whether there may be namespaces, and the program lies where all users reach it."""
    script = f'mount -t tmpfs none /run && exec setpriv --reuid={OTHER_UID} test -x "$0"'
    return os.geteuid() == 0 and subprocess.run(
        ["unshare", "--mount", "bash", "-c", script, SHMD],
        capture_output=True, check=False).returncode == 0


if audio_group() is not None and other_user_can_serve():
    test_each(("the system's, by its socket", "/run/shmd", ALL),
              ("a user's", "/run/user", NONE))(not_roots_server_lets_the_group_hear)
else:
    skip("not roots server lets the group hear",
         "no group audio, or no namespaces, or the build is out of reach")


@test
def a_reload_changes_who_may_hear():
    with Daemon() as daemon:
        config = daemon.write("shmd.conf", 'record no\nmonitor no\n')
        program = daemon.serve(*TWO_DEVICES, config=config)
        require_heard(daemon.socket, *NONE)
        daemon.write("shmd.conf", 'record "same_user"\nmonitor no\n')
        program.signal(signal.SIGHUP)
        daemon.wait_for(program, "info: reloaded")
        require_heard(daemon.socket, *CAPTURE_ONLY)
        daemon.write("shmd.conf", 'record "@nonesuch"\nmonitor yes\n')
        program.signal(signal.SIGHUP)
        daemon.wait_for(program, "record: there is no group 'nonesuch'")
        require_heard(daemon.socket, *CAPTURE_ONLY)


@test
def an_idle_server_sleeps():
    with Server("virtual") as server:
        server.run("aplay", "-q", "-D", "shm", *LONG, "-s", 4800, "/dev/zero")
        wait_until("it is gone", lambda: " gone" in server.log())
        wait_until("no thread runs for a while", lambda: is_idle(server.pid), SOON_S)


@test
def an_audio_thread_that_never_pauses_loses_its_priority_for_a_while():
    with Daemon() as daemon:
        program = daemon.serve("--device=virtual")
        refused = "without SCHED_FIFO" in program.errors
        equal("has SCHED_FIFO", not refused, any(is_fifo(program.pid)))
        program.signal(signal.SIGXCPU)
        daemon.wait_for(program, "ordinary scheduling for 10 s")
        wait_until("it has ordinary scheduling", lambda: not any(is_fifo(program.pid)))
        daemon.wait_until_it_answers(program, daemon.socket)
        if not refused:
            daemon.wait_for(program, "have real-time scheduling again")
            expect(any(is_fifo(program.pid)), "no thread has SCHED_FIFO again")


@test
def the_time_that_an_audio_thread_may_compute_is_limited():
    with Daemon() as daemon:
        program = daemon.serve("--device=virtual")
        soft, hard = resource.prlimit(program.pid, resource.RLIMIT_RTTIME)
        expect(0 < soft <= 200_000 and soft < hard <= 2_000_000,
               f"the limits are {soft} and {hard} us")


def is_fifo(pid):
    """Of each thread whether it has SCHED_FIFO."""
    return [os.sched_getscheduler(int(thread)) & ~os.SCHED_RESET_ON_FORK == os.SCHED_FIFO
            for thread in os.listdir(f"/proc/{pid}/task")]


def is_idle(pid):
    before = switches(pid)
    time.sleep(0.5)
    return switches(pid) == before


def switches(pid):
    counts = []
    for thread in sorted(os.listdir(f"/proc/{pid}/task")):
        with open(f"/proc/{pid}/task/{thread}/status", encoding="utf-8") as status:
            counts += [int(line.split()[1]) for line in status
                       if line.startswith("voluntary_ctxt_switches")]
    return counts


if __name__ == "__main__":
    main()
