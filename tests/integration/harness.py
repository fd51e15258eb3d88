"""What the integration tests have in common: a private server, programs, and the count.

A test is a function marked with @test, whose name is a sentence. Tests stand alone, each
with its own server and folder, and several run at once, in processes of their own: they
mostly wait for real time.
What a failed test prints: what was expected, what was seen, and the server's log.
"""

import concurrent.futures
import contextlib
import glob
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

sys.dont_write_bytecode = True  # the source tree may be read-only
import host

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.realpath(os.environ.get("abs_top_builddir") or ".")
SHMD_RUN = os.environ.get("SHMD_RUN") or os.path.join(BUILD, "shmd-run")
SHMD = os.path.join(BUILD, "shmd")
# A sanitizer's build does the same, later; only what asserts a duration asks.
SANITIZED = bool(os.environ.get("SANITIZE", "").strip())
SLOWNESS = 5 if SANITIZED else 1
# ThreadSanitizer's runtime breaks a shell that preloads it. So nothing here preloads it,
# and only what is linked with it can load the plugin: the program conformance is.
RACES_ARE_SEEN = "thread" in os.environ.get("SANITIZE", "")
WITHOUT_PRELOAD = ["env", "-u", "LD_PRELOAD"] if RACES_ARE_SEEN else []
# Far more than anything here takes: what hangs is ended, and has failed.
DEADLINE_S = 60 * SLOWNESS
AT_ONCE = 5
TRIES = 5  # of a test that failed while the host was late: host.py
HOST_WATCH = host.Watch(0.02 * SLOWNESS)
AGAIN_ANYWAY = False  # also where the host was in time

# Who runs in the background of a shell has it ignored, and so would all its children.
signal.signal(signal.SIGINT, signal.default_int_handler)

_tests = []
_skips = []


class Failed(AssertionError):
    """What was seen is not what was expected."""


class TooLate(Failed):
    """
    All is right but the time it took. An ordinary thread that works gets its share of a
    processor, and how soon depends on all that runs; a timer, which sleeps, does not show
    it. So that is asked again: what is too late each time has failed.
    """


def expect(holds, what):
    if not holds:
        raise Failed(what)


def equal(what, expected, seen):
    if expected != seen:
        raise Failed(f"{what}: expected {expected!r}, saw {seen!r}")


def contains(what, text, *parts):
    for part in parts:
        if part not in text:
            raise Failed(f"{what}: expected '{part}' in it, saw {text!r}")


def fails(what, check, *arguments):
    """The negative test: check(...) must not hold."""
    try:
        check(*arguments)
    except Failed:
        return
    raise Failed(f"{what} is not seen")


def wait_until(what, condition, seconds=DEADLINE_S):
    """Return the first value of condition() that is true."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise Failed(f"waited {seconds} s, in vain, until {what}")
        time.sleep(0.01)
    return value


def test(function):
    _tests.append((function.__name__.replace("_", " "), function))
    return function


def test_each(*cases):
    """A test for each of `cases`, which are (words for its name, arguments...)."""
    def mark(function):
        name = function.__name__.replace("_", " ")
        for words, *arguments in cases:
            _tests.append((f"{name}: {words}",
                           lambda arguments=arguments: function(*arguments)))
        return function
    return mark


def skip(name, reason):
    """Say that a test cannot be run here, and why."""
    _skips.append(f"SKIP: {name}: {reason}")


def fd_count(pid="self"):
    return len(os.listdir(f"/proc/{pid}/fd"))


def memfd_mapping_count(pid):
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        return sum("/memfd:" in line for line in maps)


def held(server):
    """What a server may not have more of, when its clients are gone."""
    return fd_count(server.pid), memfd_mapping_count(server.pid)


class Program:
    """A child with its output in memory, which does not outlive its test."""

    def __init__(self, command, environment=None, stdin=subprocess.DEVNULL, **options):
        self.command = [str(word) for word in command]
        self._output = tempfile.TemporaryFile()
        self._errors = tempfile.TemporaryFile()
        self.started = time.monotonic()
        self._child = subprocess.Popen(self.command, env=environment, stdin=stdin,
                                       stdout=self._output, stderr=self._errors,
                                       **options)
        self.pid = self._child.pid
        self.stdin = self._child.stdin
        self.seconds = None

    @staticmethod
    def _text(file):
        # The child shares the offset of its open file: read without moving it.
        return os.pread(file.fileno(), 1 << 20, 0).decode("utf-8", "replace")

    @property
    def output(self):
        return self._text(self._output)

    @property
    def errors(self):
        return self._text(self._errors)

    def is_alive(self):
        return self._child.poll() is None

    def has_ended(self):
        """Without waiting for it: a zombie's processor time can still be read."""
        with open(f"/proc/{self.pid}/stat", encoding="utf-8") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] == "Z"

    def wait(self, seconds=DEADLINE_S):
        """Its exit status, -N for signal N."""
        try:
            status = self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            threads = self._threads()
            self.end()
            raise Failed(f"{self.command} did not end within {seconds} s\n"
                         f"{threads}{self.errors}") from None
        if self.seconds is None:
            self.seconds = time.monotonic() - self.started
        return status

    def _threads(self):
        """Where each of its threads is, a line each."""
        lines = ""
        for path in glob.glob(f"/proc/{self.pid}/task/*"):
            for name in ("comm", "wchan", "syscall"):
                with contextlib.suppress(OSError), \
                        open(f"{path}/{name}", encoding="utf-8") as file:
                    lines += file.read().strip() + " "
            lines += "\n"
        return lines

    def succeed(self, seconds=DEADLINE_S):
        status = self.wait(seconds)
        if status != 0:
            raise Failed(f"{self.command}: exit status {status}\n{self.errors}")
        return self

    def signal(self, number):
        self._child.send_signal(number)

    def end(self):
        self._child.kill()
        self._child.wait()

    def processor_seconds(self):
        """User and system time up to now; the child must be alive."""
        with open(f"/proc/{self.pid}/stat", encoding="utf-8") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Server:
    """
    A private server with the given devices, and programs that play to it:

        with Server("virtual,wav=@/device.wav") as server:
            server.run("aplay", "-D", "shm", file)
            server.stop()
            ... server.path("device.wav"), server.stats ...

    `@` stands for the test's own folder, which `prepare`, if given, fills before the
    server starts. Stopping checks that the server ended well and leaked nothing, unless
    `dies` says that the test ends it.
    """

    def __init__(self, *devices, settings=(), prepare=None, dies=False):
        self._options = [f"--device={device}" for device in devices]
        if not any(setting.startswith("log_level=") for setting in settings):
            # At `info` the log leaves out lines of which there are too many.
            self._options += ["--set=log_level=debug"]
        self._options += [f"--set={setting}" for setting in settings]
        self._prepare = prepare
        self._dies = dies
        self._programs = []
        self._run = None
        self.stats = None

    def path(self, name):
        return os.path.join(self.folder, name)

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="shmd-test-")
        if self._prepare:
            self._prepare(self)
        options = [option.replace("@", self.folder) for option in self._options]
        script = 'env -0 >"$0.part" && mv "$0.part" "$0" && read -r _ || :'
        self._run = Program(
            [SHMD_RUN, "--strict", f"--log={self.path('log')}",
             f"--stats={self.path('stats.json')}", *options, "--",
             *WITHOUT_PRELOAD, "sh", "-c", script, self.path("env")],
            stdin=subprocess.PIPE)
        try:
            wait_until("the server is ready", lambda: os.path.exists(self.path("env"))
                       or not self._run.is_alive())
            expect(os.path.exists(self.path("env")), "no server:\n" + self._run.errors)
            with open(self.path("env"), "rb") as file:
                words = os.fsdecode(file.read()).split("\0")
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        self.environment = dict(word.split("=", 1) for word in words if "=" in word)
        self.pid = int(self.environment["SHMD_SERVER_PID"])
        return self

    def start(self, *command, stdin=subprocess.DEVNULL, environment=None, **options):
        """Start a program to which `shm` is this server."""
        program = Program(command, {**self.environment, **(environment or {})}, stdin,
                          cwd=self.folder, **options)
        self._programs.append(program)
        return program

    def run(self, *command, **options):
        """Start it and wait; its exit status must be 0."""
        return self.start(*command, **options).succeed()

    def log(self):
        with contextlib.suppress(FileNotFoundError):
            with open(self.path("log"), encoding="utf-8", errors="replace") as file:
                return file.read()
        return ""

    def wait_for_log(self, part):
        wait_until(f"the log says '{part}'", lambda: part in self.log())

    def stop(self):
        """Stop the server, and read its statistics."""
        run, self._run = self._run, None
        for program in self._programs:
            if program.is_alive():
                program.end()
        run.stdin.close()
        status = run.wait()
        if self._dies:
            return
        if status != 0 or run.errors:
            raise Failed(f"shmd-run: exit status {status}\n{run.errors}")
        with open(self.path("stats.json"), encoding="utf-8") as file:
            self.stats = json.load(file)

    def streams(self, **wanted):
        """The streams in the statistics with these values, in the order of opening."""
        found = [stream for stream in self.stats["streams"]
                 if all(stream[key] == value for key, value in wanted.items())]
        return sorted(found, key=lambda stream: stream["stream"])

    def __exit__(self, kind, error, trace):
        try:
            if self._run is not None:
                self.stop()
        except Failed as failure:
            if error is None:
                error = failure
                raise
            error.add_note(str(failure))
        finally:
            if error is not None:
                error.add_note("the server's log:\n" + self.log())
            shutil.rmtree(self.folder, ignore_errors=True)


def _try(function):
    """The exception that says what is wrong, or None."""
    try:
        function()
    except Exception as error:  # pylint: disable=broad-except  # any is a failed test
        return error
    return None


def _run_one(number):
    """A test's name, what is wrong with it or None, and how late the host was each time
    that it had to be done again."""
    name, function = _tests[number]
    late = []
    for _ in range(TRIES):
        started = time.monotonic()
        error = _try(function)
        seconds = time.monotonic() - started
        is_void = (AGAIN_ANYWAY or isinstance(error, TooLate) or
                   HOST_WATCH.late_since(started))
        if not error or not is_void:
            break
        late.append(HOST_WATCH.late_since(started))
    problem = "".join(traceback.format_exception(error)) if error else None
    return name, problem, late[:TRIES - 1], seconds


def _results(chosen):
    # Forked, so that they know the tests.
    with (HOST_WATCH,
          concurrent.futures.ProcessPoolExecutor(
              AT_ONCE, multiprocessing.get_context("fork")) as pool):
        for done in concurrent.futures.as_completed(
                [pool.submit(_run_one, number) for number in chosen]):
            yield done.result()


def main():
    """Run all tests of the program, or those that its arguments name a part of."""
    chosen = [number for number, (name, _) in enumerate(_tests)
              if not sys.argv[1:] or any(part in name for part in sys.argv[1:])]
    failed = 0
    for name, problem, late, seconds in _results(chosen):
        for once in late:
            why = f"late by {1000 * once:.0f} ms" if once else "in time, and it failed"
            print(f"AGAIN: {name}: the host was {why}")
        if problem:
            failed += 1
            print("    " + problem.rstrip().replace("\n", "\n    "))
        result = "FAIL" if problem else "pass"
        print(f"{result}: {name} ({seconds:.1f} s)", flush=True)
    for line in _skips:
        print(line)
    print(f"{len(chosen) - failed} passed, {failed} failed, {len(_skips)} skipped")
    sys.exit(1 if failed else 0)
