#!/usr/bin/env python3
"""The server goes and comes back: the application goes on."""

import array
import errno
import os
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
import sound
from harness import (BUILD, SHMD, SLOWNESS, Failed, Program, Server, contains, equal,
                     expect, main, test, test_each, wait_until)

CLIENT_OF_ALSA = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                              "alsa_client.py")
REFUSED = os.path.join(BUILD, "tests/integration/programs/refused")
RATE = 48000
FRAME_BYTES = 4
BUFFER_FRAMES = 4800
# A server that is killed may have played what it has not said yet; over the socket it
# says it once a period. That is heard again.
CYCLE_FRAMES = 480
RESTARTS = 50
TRANSPORTS = (("memfd", "yes"), ("socket", "no"))
CLIENT = ["-D", "shm", "-f", "S16_LE", "-r", RATE, "-c", 2]


class Mortal:
    """A server that is killed and started again, each time with another device."""

    def __init__(self, host, memfd="yes"):
        self._host = host
        self._options = ["--config=/dev/null", f"--socket={host.path('again')}",
                         f"--memfd={memfd}"]
        self._programs = []

    def __enter__(self):
        self.start()
        return self

    @property
    def environment(self):
        return {"SHMD_SOCKET": self._host.path("again")}

    def start(self, device=None):
        device = device or f"virtual,wav={self._device_path(len(self._programs))}"
        program = Program([SHMD, *self._options, f"--device={device}"],
                          self._host.environment)
        self._programs.append(program)
        wait_until("the server is ready", lambda: " spec=" in program.errors
                   or not program.is_alive())
        expect(program.is_alive(), f"no server: {program.errors}")

    def stop(self, number=signal.SIGKILL):
        self._programs[-1].signal(number)
        self._programs[-1].wait()

    def _device_path(self, number):
        return self._host.path(f"device{number}.wav")

    def heard(self, number=None):
        """What the newest device, or `number`, has played but for silence, in frames."""
        number = len(self._programs) - 1 if number is None else number
        frames = array.array("I")
        try:
            data = sound.read_wav(self._device_path(number)).data
        except (FileNotFoundError, Failed):
            return frames
        frames.frombytes(data[:len(data) // FRAME_BYTES * FRAME_BYTES])
        return array.array("I", (frame for frame in frames if frame))

    def heard_by_all(self):
        return [self.heard(number) for number in range(len(self._programs))]

    def __exit__(self, *_):
        for program in self._programs:
            program.end()


@test_each(*TRANSPORTS)
def parameters_that_fail_leave_nothing_to_write_into(memfd):
    with Server("virtual") as host, Mortal(host, memfd) as server:
        program = host.start(REFUSED, "shm", environment=server.environment,
                             stdin=subprocess.PIPE)

        def go_on(word):
            wait_until(f"it says {word}", lambda: f"{word}\n" in program.output
                       or not program.is_alive())
            expect(program.is_alive(), f"it has ended: {program.errors}")
            program.stdin.write(b"\n")
            program.stdin.flush()

        wait_until("it is ready", lambda: "ready\n" in program.output)
        server.stop()
        go_on("ready")
        wait_until("it has failed", lambda: "again\n" in program.output)
        server.start()
        go_on("again")
        equal("exit status", 0, program.wait())
        equal("what it says",
              ["ready", "set 1", "channels 8", f"transfer {-errno.EBADFD}",
               f"prepare {-errno.EBADFD}", f"start {-errno.EBADFD}", "again", "set 0",
               "written 480"], program.output.split("\n")[:-1])


def write_numbers(path, frames):
    """Frame n is n + 1: none is silence."""
    with open(path, "wb") as file:
        array.array("I", range(1, frames + 1)).tofile(file)
    return path


def unbroken_runs(frames):
    """The first and last of each run of numbers that follow one another."""
    begin = 0
    for at in range(1, len(frames) + 1):
        if at == len(frames) or frames[at] != frames[at - 1] + 1:
            yield frames[begin], frames[at - 1]
            begin = at


def require_gaps(heard, last, xruns, most_lost):
    """
    Each device went on behind the one before it, and what is missing was reported: also
    what a device that stayed has not got, as the machine was late. Return how often.
    """
    next_frame = 1
    gaps = holes = 0
    for number, frames in enumerate(heard):
        for first, end in unbroken_runs(frames):
            holes += first != frames[0]
            lost = first - next_frame
            expect(-CYCLE_FRAMES <= lost < most_lost,
                   f"at device {number} {lost} frames are missing before {first}")
            gaps += lost > 0
            next_frame = end + 1
    equal("the last frame", last, next_frame - 1)
    expect(gaps <= xruns, f"{gaps} gaps, and {xruns} xruns were reported")
    return holes


@test_each(*TRANSPORTS)
def a_player_outlives_its_server_fifty_times(memfd):
    frames = 60 * RATE
    with Server("virtual") as host, Mortal(host, memfd) as server:
        path = write_numbers(host.path("numbers.raw"), frames)
        player = host.start("aplay", *CLIENT, "-t", "raw",
                            f"--buffer-size={BUFFER_FRAMES}", path,
                            environment=server.environment)
        for _ in range(RESTARTS):
            wait_until("it is heard", lambda: server.heard() or not player.is_alive())
            expect(player.is_alive(), f"the player has ended: {player.errors}")
            server.stop()
            server.start()
        wait_until("it is heard", server.heard)
        player.signal(signal.SIGINT)
        heard = server.heard_by_all()
        xruns = player.errors.count("underrun!!!")
        holes = require_gaps(heard, heard[-1][-1], xruns, BUFFER_FRAMES)
        expect(xruns <= RESTARTS + holes, f"{xruns} xruns")


@test_each(*TRANSPORTS)
def a_player_plays_to_its_end_on_the_next_server(memfd):
    frames = 2 * RATE
    with Server("virtual") as host, Mortal(host, memfd) as server:
        path = write_numbers(host.path("numbers.raw"), frames)
        player = host.start("aplay", *CLIENT, "-t", "raw", path,
                            environment=server.environment)
        wait_until("it is heard", server.heard)
        server.stop(signal.SIGTERM)
        server.start()
        player.succeed()
        require_gaps(server.heard_by_all(), frames, player.errors.count("underrun!!!"),
                     RATE)


def with_pcm(host, server, name, keys):
    """The environment of a program to which `name` is this server, by these keys."""
    with open(host.path(f"{name}.conf"), "w", encoding="utf-8") as file:
        file.write(f"pcm.{name} {{ type shmd {keys} }}\n")
    config = host.environment["ALSA_CONFIG_PATH"] + ":" + file.name
    return {**server.environment, "ALSA_CONFIG_PATH": config}


@test_each(*TRANSPORTS)
def what_is_drained_comes_out_of_the_next_server(memfd):
    """All of it is queued already: nothing is reported, for nothing but time is lost."""
    frames = 3 * RATE
    with Server("virtual") as host, Mortal(host, memfd) as server:
        path = write_numbers(host.path("numbers.raw"), frames)
        patient = with_pcm(host, server, "patient", "buffer_max_ms 4000")
        player = host.start("aplay", *CLIENT, "-D", "patient", "-t", "raw",
                            f"--buffer-size={4 * RATE}", path, environment=patient)
        wait_until("it is heard", server.heard)
        server.stop()
        server.start()
        player.succeed()
        equal("what it says", 0, player.errors.count("underrun!!!"))
        before, after = server.heard_by_all()
        equal("the last frame", frames, after[-1])
        expect(after[0] - before[-1] < RATE / 2, "more than was on its way is missing")


@test_each(*TRANSPORTS)
def a_recorder_outlives_its_server(memfd):
    with Server("virtual") as host, Mortal(host, memfd) as server:
        recorder = host.start("arecord", *CLIENT, "-t", "raw", f"--samples={3 * RATE}",
                              f"--buffer-size={RATE}", host.path("recorded"),
                              environment=server.environment)
        wait_until("it records", lambda: os.path.exists(host.path("recorded"))
                   and os.path.getsize(host.path("recorded")) > 0)
        server.stop()
        server.start()
        recorder.succeed()
        equal("xruns", 1, recorder.errors.count("overrun!!!"))
        equal("what it recorded", 3 * RATE * FRAME_BYTES,
              os.path.getsize(host.path("recorded")))


@test
def a_pcm_without_parameters_gets_them_from_the_next_server():
    with Server("virtual") as host, Mortal(host) as server:
        client = host.start(sys.executable, CLIENT_OF_ALSA, "late-params", "shm",
                            environment=server.environment, stdin=subprocess.PIPE)
        for times in (1, 2):
            wait_until("it has no parameters",
                       lambda t=times: client.output.count("ready") == t)
            server.stop()
            server.start()
            client.stdin.write(b"\n")
            client.stdin.flush()
        client.succeed()


@test
def a_server_that_stays_away_is_a_device_that_is_gone():
    with Server("virtual") as host, Mortal(host) as server:
        path = write_numbers(host.path("numbers.raw"), 60 * RATE)
        player = host.start("aplay", *CLIENT, "-D", "short", "-t", "raw", path,
                            environment=with_pcm(host, server, "short",
                                                 "reconnect_timeout 1"))
        wait_until("it is heard", server.heard)
        used = player.processor_seconds()
        server.stop()
        wait_until("it ends", player.has_ended, 20 * SLOWNESS)
        used = player.processor_seconds() - used
        equal("exit status", 1, player.wait())
        contains("what it says", player.errors, "No such device")
        expect(used < 0.3 * SLOWNESS, f"it used {used:.2f} s of the processor")


if __name__ == "__main__":
    main()
