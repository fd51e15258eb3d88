#!/usr/bin/env python3
"""When the server is not there, or goes away: an error, soon, or the fallback."""

import os
import signal
import sys
import time

sys.dont_write_bytecode = True
import sound
from harness import (SLOWNESS, Server, contains, equal, expect, main, test, test_each,
                     wait_until)

RATE = 48000
# The promise, and what it may cost meanwhile: a program that spins takes all of a second.
MOST_SECONDS = 1 * SLOWNESS
MOST_PROCESSOR_SECONDS = 0.2 * SLOWNESS
LONG = ["-t", "raw", "-f", "S16_LE", "-r", RATE, "-c", 2]
TRANSPORTS = (("memfd", "yes"), ("socket", "no"))
# The PCM that gives up at once; reconnect.py has those that wait for another server.
ONCE = "pcm.once { type shmd reconnect no buffer_max_ms 4000 }"
PLAYERS = tuple((words, ["aplay", "-q", "-D", "once", *LONG, *options, "/dev/zero"])
                for words, options in (
                    ("aplay", []), ("aplay mmap", ["-M"]), ("aplay nonblocking", ["-N"]),
                    ("aplay with a long buffer", ["--buffer-time=4000000"])))
RECORDERS = tuple((words, ["arecord", "-q", "-D", "once", *LONG, *options, "/dev/null"])
                  for words, options in (("arecord", []), ("arecord mmap", ["-M"]),
                                         ("arecord nonblocking", ["-N"])))


@test_each(*((f"{words}, {transport}", command, memfd)
             for words, command in PLAYERS + RECORDERS
             for transport, memfd in TRANSPORTS))
def a_killed_server_ends_the_program_within_a_second(command, memfd):
    with Server("virtual,wav=@/device.wav", settings=[f"memfd={memfd}"],
                dies=True) as server:
        program = server.start(*command, environment=write_config(server, ONCE))
        wait_until("the device plays", lambda: os.path.getsize(
            server.path("device.wav")) > RATE)
        expect(program.is_alive(), f"it ended by itself: {program.errors}")
        used = program.processor_seconds()
        os.kill(server.pid, signal.SIGKILL)
        killed = time.monotonic()
        # Looked at while it is a zombie, for its processor time.
        wait_until("the program ends", program.has_ended, 10 * SLOWNESS)
        seconds = time.monotonic() - killed
        used = program.processor_seconds() - used
        equal("exit status", 1, program.wait())
        expect(seconds <= MOST_SECONDS, f"it took {seconds:.2f} s to end")
        expect(used <= MOST_PROCESSOR_SECONDS, f"it used {used:.2f} s of the processor")
        contains("what it says", program.errors, "No such device")


@test
def a_server_that_is_stopped_says_goodbye_to_its_clients():
    with Server("virtual,wav=@/device.wav", dies=True) as server:
        program = server.start(*PLAYERS[0][1], environment=write_config(server, ONCE))
        wait_until("the device plays", lambda: os.path.getsize(
            server.path("device.wav")) > RATE)
        os.kill(server.pid, signal.SIGTERM)
        equal("exit status", 1, program.wait(10 * SLOWNESS))
        contains("what it says", program.errors, "No such device")


@test_each(("aplay", "aplay", "/dev/zero"), ("arecord", "arecord", "/dev/null"))
def an_absent_server_is_named_at_open(command, path):
    with Server("virtual") as server:
        program = server.start(command, "-D", "shm", *LONG, path,
                               environment={"SHMD_SOCKET": server.path("nowhere")})
        equal("exit status", 1, program.wait(10 * SLOWNESS))
        contains("what it says", program.errors, server.path("nowhere"), "start shmd",
                 "Connection refused")


@test
def a_socket_that_nobody_answers_on_is_an_absent_server():
    with Server("virtual") as server:
        # What a server leaves that was killed.
        server.run(sys.executable, "-c", "import socket, sys\n"
                   "socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)"
                   ".bind(sys.argv[1])", server.path("stale"))
        program = server.start("aplay", "-D", "shm", *LONG, "/dev/zero",
                               environment={"SHMD_SOCKET": server.path("stale")})
        equal("exit status", 1, program.wait(10 * SLOWNESS))
        contains("what it says", program.errors, server.path("stale"), "start shmd")


def write_config(server, text):
    """A private asound configuration; return the environment that has it read."""
    path = server.path("private.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return {"ALSA_CONFIG_PATH": server.environment["ALSA_CONFIG_PATH"] + ":" + path}


def fallback_config(server, server_path, fallback="spare"):
    return write_config(server, f"""
        pcm.mine {{ type shmd server "{server_path}" fallback "{fallback}" }}
        pcm.spare {{
            type file
            slave.pcm {{ type null }}
            file "{server.path('spare.raw')}"
            format raw
        }}""")


@test
def the_fallback_is_opened_when_the_server_is_absent():
    made = sound.noise("S16_LE", RATE, 2, 0.5)
    with Server("virtual") as server:
        environment = fallback_config(server, server.path("nowhere"))
        path = sound.write_wav(server.path("made.wav"), made)
        program = server.run("aplay", "-q", "-D", "mine", path, environment=environment)
        equal("what aplay says", "", program.errors)
        with open(server.path("spare.raw"), "rb") as file:
            played = file.read()
        expect(played.startswith(made.data), "the fallback did not get the frames")


@test
def the_fallback_is_left_alone_when_the_server_is_there():
    made = sound.noise("S16_LE", RATE, 2, 0.5)
    with Server("virtual,wav=@/device.wav") as server:
        environment = fallback_config(server, server.environment["SHMD_SOCKET"])
        path = sound.write_wav(server.path("made.wav"), made)
        server.run("aplay", "-q", "-D", "mine", path, environment=environment)
        server.stop()
        expect(not os.path.exists(server.path("spare.raw")), "the fallback was opened")
        sound.require_once("the device", sound.read_wav(server.path("device.wav")),
                           made.data)


@test
def a_fallback_to_itself_is_an_error_and_no_endless_loop():
    with Server("virtual") as server:
        environment = fallback_config(server, server.path("nowhere"), fallback="mine")
        program = server.start("aplay", "-q", "-D", "mine", *LONG, "/dev/zero",
                               environment=environment)
        equal("exit status", 1, program.wait(10 * SLOWNESS))
        contains("what it says", program.errors, "start shmd")


@test
def an_unknown_key_of_the_pcm_is_named():
    with Server("virtual") as server:
        environment = write_config(server, "pcm.mine { type shmd volume 3 }")
        program = server.start("aplay", "-q", "-D", "mine", *LONG, "/dev/zero",
                               environment=environment)
        equal("exit status", 1, program.wait(10 * SLOWNESS))
        contains("what it says", program.errors, "unknown key volume")


@test
def a_client_that_is_killed_leaves_nothing_in_the_server():
    with Server("virtual") as server:
        server.run("aplay", "-q", "-D", "shm", *LONG, "-s", 1000, "/dev/zero")
        for number in range(2, 7):
            program = server.start("aplay", "-q", "-D", "shm", *LONG, "/dev/zero")
            server.wait_for_log(f"stream={number} ")
            program.signal(signal.SIGKILL)
            program.wait()
            wait_until("the server has noticed",
                       lambda: server.log().count(" gone") == number)
        server.stop()  # which fails if anything leaked


if __name__ == "__main__":
    main()
