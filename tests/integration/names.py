#!/usr/bin/env python3
"""What programs and devices are called, and what a program is told when a name fails."""

import os
import shutil
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
import sound
from harness import (HERE, Server, contains, equal, main, skip, test, test_each,
                     wait_until)


def make_wav(server):
    sound.write_wav(server.path("made.wav"), sound.noise("S16_LE", 48000, 2, 0.1))


# aplay wants its own name in the first word that it gets.
@test_each(
    ("a control character", b"aplay\tname", r"name=aplay\x3fname"),
    ("Latin-1", b"aplay caf\xe9", r"name=aplay\x20caf\x3f"),
    ("UTF-8 beyond the end of the field", b"aplay" + 40 * "ü".encode(),
     r"name=aplay\xc3\xbc"),
    ("a path of Windows, as wine leaves it", rb"m Files\aplay\game.exe",
     "name=aplay "))
def a_program_plays_whatever_its_name_is(name, shown):
    with Server("virtual", prepare=make_wav) as server:
        server.run("bash", "-c", 'exec -a "$0" aplay -q -D shm made.wav',
                   os.fsdecode(name))
        contains("log", server.log(), shown)


def play(server, definition):
    """aplay to a PCM with this definition, of which it is told."""
    with open(server.path("asoundrc"), "w", encoding="utf-8") as file:
        file.write(f"pcm.mine {{ type shmd {definition} }}\n")
    path = server.environment["ALSA_CONFIG_PATH"] + ":" + server.path("asoundrc")
    program = server.start("aplay", "-q", "-D", "mine", "made.wav",
                           environment={"ALSA_CONFIG_PATH": path})
    equal("exit status", 1, program.wait())
    return program.errors


@test
def a_device_with_a_control_character_is_not_there():
    with Server("virtual", prepare=make_wav) as server:
        contains("what it is told", play(server, r'device "a\tb"'), "No such device")


@test
def a_fallback_that_fails_says_that_the_server_was_missing_too():
    with Server("virtual", prepare=make_wav) as server:
        told = play(server, 'server "/nonexistent/socket" fallback "hw:77"')
        contains("what it is told", told, "no server answers at", "/nonexistent/socket",
                 "the fallback hw:77 cannot be opened")


@test_each(("the default device's", "shm:monitor", "'monitor' is what"),
           ("a device's by name", "shm:default.monitor", "'default.monitor' is what"),
           ("of a device that is not there", "shm:tv.monitor", "no device 'tv.monitor'"))
def nothing_plays_on_a_monitor(name, told):
    with Server("virtual", prepare=make_wav) as server:
        program = server.start("aplay", "-q", "-D", name, "made.wav")
        equal("exit status", 1, program.wait())
        contains("what it is told", program.errors, told)


@test_each(("by name", '"nosuchuser"'), ("by a number that no user has", '"4294967295"'))
def a_user_that_there_is_not_is_refused(value):
    with Server("virtual", prepare=make_wav) as server:
        contains("what it is told", play(server, f"server_user {value}"), "server_user",
                 value, "Invalid argument")


@test
def a_direct_mode_that_is_required_is_refused_with_one_reason():
    with Server("virtual,rate=48000", prepare=make_wav) as server:
        told = play(server, "direct require")
        contains("what it is told", told, "no ring that can be mapped")
        equal("times", 1, told.count("not supported"))
        equal("times in the log", 0, server.log().count("not supported"))


def listed(server, tool, environment=None):
    """The PCMs of ours that `aplay -L` lists, with what it says of them."""
    program = server.run(tool, "-L", environment=environment)
    equal("errors", "", program.errors)
    lines = program.output.splitlines()
    return {name: words.strip() for name, words in zip(lines, lines[1:])
            if name.startswith("shm_")}


DEVICES = {"shm_1": "shmd Sound Server, device main",
           "shm_2": "shmd Sound Server, device tv"}
MONITORS = {"shm_1_monitor": "shmd Sound Server, monitor of main",
            "shm_2_monitor": "shmd Sound Server, monitor of tv"}
CONFIG = os.path.join(HERE, "../../conf/asound.conf.d/60-shmd.conf")
MAY_TRACE = shutil.which("strace") is not None and subprocess.run(
    ["strace", "-o", "/dev/null", "true"], check=False, capture_output=True,
    ).returncode == 0
TWO = ("main=virtual,wav=@/main.wav", "tv=virtual,wav=@/tv.wav")


@test
def the_devices_of_a_running_server_are_listed():
    with Server(*TWO, prepare=make_wav) as server:
        equal("to play on", DEVICES, listed(server, "aplay"))
        equal("to record from", DEVICES | MONITORS, listed(server, "arecord"))
        server.run("aplay", "-q", "-D", "shm_2", "made.wav")
        server.run("arecord", "-q", "-D", "shm_2_monitor", "-f", "S16_LE", "-s", "100",
                   "monitor.wav")
        server.stop()
        equal("devices", ["tv", "tv"], [stream["device"] for stream in server.streams()])


@test
def the_devices_beyond_those_of_the_server_are_not_there():
    with Server("main=virtual", prepare=make_wav) as server:
        equal("to play on", ["shm_1"], list(listed(server, "aplay")))
        program = server.start("aplay", "-q", "-D", "shm_2", "made.wav")
        equal("exit status", 1, program.wait())
        contains("what it is told", program.errors, "no device '#2'")


@test_each(("is killed", signal.SIGKILL, True), ("ends", signal.SIGTERM, False))
def nothing_is_listed_when_the_server(number, leaves_its_file):
    with Server(*TWO, dies=True) as server:
        os.kill(server.pid, number)
        wait_until("nothing is listed", lambda: not listed(server, "arecord"))
        socket = server.environment["SHMD_SOCKET"]
        equal("left behind", leaves_its_file, os.path.exists(socket + ".devices"))
        os.unlink(socket)  # shmd-run still listens there
        for name in (*DEVICES, *MONITORS):
            program = server.start("arecord", "-q", "-D", name, "-s", "100")
            equal("exit status", 1, program.wait())
            contains("what it is told", program.errors, "no server answers at")


def system_calls(server, *command, environment=None):
    """The lines of strace that are about sockets, or that name our files."""
    log = server.path("strace")
    # LeakSanitizer cannot look for leaks in a process that is traced already.
    sanitizer = server.environment.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
    server.run("strace", "-f", "-o", log, "-e",
               "trace=socket,connect,poll,ppoll,select,nanosleep,clock_nanosleep,"
               "open,openat,flock", *command,
               environment={"ASAN_OPTIONS": sanitizer, **(environment or {})})
    with open(log, encoding="utf-8", errors="replace") as file:
        lines = [line.split(maxsplit=1)[1].strip() for line in file]
    return [line for line in lines if ".devices" in line
            or not line.startswith(("open", "exited", "+++"))]


def traced(function):
    """A test that needs strace, and to be allowed to use it."""
    if MAY_TRACE:
        return test(function)
    skip(function.__name__.replace("_", " "), "strace cannot trace a program here")
    return function


def list_and_compare(server, environment, files):
    """`aplay -L` looks for these files, calls nothing that could wait, and ends."""
    calls = system_calls(server, "aplay", "-L", environment=environment)
    equal("calls", len(files), len(calls))
    for path, call in zip(files, calls):
        contains("the call", call, "open", f'"{path}.devices"', "ENOENT")


@traced
def without_a_server_a_list_costs_two_failed_opens():
    with Server("virtual", dies=True) as server:
        nowhere = server.path("nowhere")
        environment = {"SHMD_SOCKET": "", "XDG_RUNTIME_DIR": nowhere}
        if os.path.exists("/run/shmd/socket.devices"):
            files = [f"{nowhere}/shmd/socket"]
        else:
            files = [f"{nowhere}/shmd/socket", "/run/shmd/socket"]
        list_and_compare(server, environment, files)


@traced
def a_stopped_server_is_listed_without_waiting_for_it():
    with Server(*TWO) as server:
        os.kill(server.pid, signal.SIGSTOP)
        try:
            equal("to play on", DEVICES, listed(server, "aplay"))
            calls = system_calls(server, "aplay", "-L")
            equal("calls", 2, len(calls))
            contains("calls", calls[1], "flock", "LOCK_SH|LOCK_NB")
        finally:
            os.kill(server.pid, signal.SIGCONT)


@test
def without_the_plugin_a_list_is_as_before():
    with Server(*TWO, prepare=make_wav) as server:
        with open(CONFIG, encoding="utf-8") as file:
            text = file.read().replace('lib "', 'lib "/nonexistent/')
        contains("the configuration", text, "/nonexistent/libasound_module_pcm_shmd.so")
        with open(server.path("missing.conf"), "w", encoding="utf-8") as file:
            file.write(text)
        stock = server.environment["ALSA_CONFIG_PATH"].split(":")[0]
        environment = {"ALSA_CONFIG_PATH": f"{stock}:{server.path('missing.conf')}"}
        equal("to play on", {}, listed(server, "aplay", environment))
        server.run("aplay", "-q", "-D", "null", "made.wav", environment=environment)


if __name__ == "__main__":
    main()
