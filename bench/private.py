"""Programs that live in a folder of their own, and do not outlive who started them."""

import contextlib
import ctypes
import os
import signal
import subprocess
import tempfile
import time

STOCK_ALSA_CONFIG = "/usr/share/alsa/alsa.conf"
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class Failed(RuntimeError):
    """Something could not be measured; the sentence says why."""


def die_with_parent():
    """In the child, before it executes: also if bench/run is killed, it ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Home:
    """
    A folder that is all that its programs know as the user's: run-time files,
    configuration, state. Leaving it ends them and removes it.
    """

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="shmd-bench-")
        self.path = self._folder.name
        self._programs = []
        return self

    def __exit__(self, *_):
        for program in reversed(self._programs):
            program.send_signal(signal.SIGTERM)
        for program in self._programs:
            with contextlib.suppress(subprocess.TimeoutExpired):
                program.wait(2)
            program.kill()
            program.wait()
        self._folder.cleanup()

    def environment(self, **more):
        """Nothing of the user's is in it but the search path."""
        path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
        return {"PATH": path, "HOME": self.path, "XDG_RUNTIME_DIR": self.path,
                "XDG_CONFIG_HOME": self.path, "XDG_STATE_HOME": self.path,
                "XDG_CACHE_HOME": self.path, "LC_ALL": "C.UTF-8",
                "DBUS_SESSION_BUS_ADDRESS": f"unix:path={self.path}/no-bus",
                "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={self.path}/no-bus", **more}

    def write(self, name, text):
        path = os.path.join(self.path, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def alsa_config(self, text):
        """ALSA_CONFIG_PATH of the stock configuration with `text` after it."""
        return STOCK_ALSA_CONFIG + ":" + self.write("alsa.conf", text)

    def start(self, command, environment, **options):
        """Start a program that runs until we leave; what it says is in the file log."""
        with open(os.path.join(self.path, "log"), "ab") as log:
            program = subprocess.Popen(
                command, env=environment, stdin=options.pop("stdin", subprocess.DEVNULL),
                stdout=log, stderr=log, preexec_fn=die_with_parent, cwd=self.path,
                start_new_session=True, **options)
        self._programs.append(program)
        return program

    def log(self):
        with open(os.path.join(self.path, "log"), encoding="utf-8",
                  errors="replace") as file:
            return file.read()

    def wait_for(self, what, condition, seconds=10):
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            if any(program.poll() is not None for program in self._programs):
                raise Failed(f"{what}: it ended\n{self.log()}")
            if time.monotonic() > deadline:
                raise Failed(f"{what}: not in {seconds} s\n{self.log()}")
            time.sleep(0.02)
        return value
