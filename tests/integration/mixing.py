#!/usr/bin/env python3
"""Many at once: the device plays the saturated sum of all, and nobody's fate touches
others."""

import array
import operator
import signal
import sys

sys.dont_write_bytecode = True
import sound
from crowd import CHANNELS, CLIENTS, FRAMES, PERIOD_FRAMES, RATE, Client, require_sum
from harness import Server, equal, expect, main, test, test_each, wait_until

DEVICE = f"virtual,wav=@/device.wav,channels={CHANNELS}"
# A second: a machine that stands still for less makes no xrun.
APLAY = ("aplay", "-q", "-D", "shm", f"--buffer-size={RATE}",
         f"--period-size={PERIOD_FRAMES}")


def start_all(server, clients):
    """Each starts when something of the one before is heard: all start differently."""
    programs = []
    for client in clients:
        programs.append(server.start(*APLAY, client.path))
        wait_until(f"client {client.number} is there",
                   lambda: f"stream={len(programs)} " in server.log())
    return programs


def play_until_half_time(server, seconds):
    frames_bytes = 2 * CHANNELS * RATE * seconds
    wait_until(f"{seconds} s are played", lambda: len(
        sound.read_wav(server.path("device.wav")).data) > frames_bytes)


@test_each(("memfd", "yes"), ("socket", "no"))
def eight_at_once_are_their_saturated_sum(memfd):
    with Server(DEVICE, settings=[f"memfd={memfd}"]) as server:
        clients = [Client(server, number) for number in range(CLIENTS)]
        for program in start_all(server, clients):
            program.succeed()
        server.stop()
        device = sound.read_wav(server.path("device.wav"))
        for client in clients:
            client.find_in(device)
            equal(f"frames heard of client {client.number}", FRAMES, client.heard)
        equal("xruns", [0] * CLIENTS, [stream["xruns"] for stream in server.streams()])
        expect(len({client.first for client in clients}) > 1, "all start in one frame")
        require_sum(device, clients)


@test_each(("memfd", "yes"), ("socket", "no"))
def one_killed_and_one_stopped_harm_no_other(memfd):
    frames = 3 * RATE
    with Server(DEVICE, settings=[f"memfd={memfd}"]) as server:
        clients = [Client(server, number, frames) for number in range(CLIENTS)]
        programs = start_all(server, clients)
        play_until_half_time(server, 1)
        programs[2].signal(signal.SIGKILL)
        programs[5].signal(signal.SIGSTOP)
        for number in (0, 1, 3, 4, 6, 7):
            programs[number].succeed()
        equal("exit status of the killed one", -signal.SIGKILL, programs[2].wait())
        expect(programs[5].is_alive(), "the stopped one is gone")
        programs[5].end()
        server.stop()
        device = sound.read_wav(server.path("device.wav"))
        for client in clients:
            client.find_in(device)
        lengths = [client.heard for client in clients]
        for number, heard in enumerate(lengths):
            if number in (2, 5):
                expect(RATE // 4 < heard < frames, f"heard of client {number}: {heard}")
            else:
                equal(f"frames heard of client {number}", frames, heard)
        xruns = [stream["xruns"] for stream in server.streams()]
        equal("xruns of the six", 0, sum(xruns) - xruns[2] - xruns[5])
        equal("xruns of the stopped one", 1, xruns[5])
        require_sum(device, clients)


@test
def two_of_other_formats_are_summed_bit_for_bit():
    """S16 and S24 in a device of S24: all of it fits a float, so the sum is exact."""
    low = sound.noise("S16_LE", RATE, 2, 1)
    high = sound.noise("S24_LE", RATE, 2, 1, seed=2)
    with Server("virtual,wav=@/device.wav,format=S32_LE") as server:
        programs = []
        for name, made in (("low", low), ("high", high)):
            with open(server.path(name), "wb") as file:
                file.write(made.data)
            programs.append(server.start(*APLAY, *made.raw_options(), name))
        for program in programs:
            program.succeed()
        server.stop()
        device = sound.read_wav(server.path("device.wav")).samples(0)
    quiet_low = [value << 16 for value in array.array("h", low.data)[0::2]]
    quiet_high = [value << 8 for value in array.array("i", high.data)[0::2]]
    for first_low, first_high in starts_of(device, quiet_low, quiet_high):
        total = [0] * len(device)
        for first, part in ((first_low, quiet_low), (first_high, quiet_high)):
            total[first:first + RATE] = map(operator.add, total[first:first + RATE], part)
        expected = [min(max(value, -2 ** 31), 2 ** 31 - 1) for value in total]
        if all(seen == value or value >= 2 ** 31 - 256 <= seen
               for seen, value in zip(device, expected)):
            return
    expect(False, "the device does not hold the sum of the two, however aligned")


def starts_of(device, one, other):
    """Where both may begin: one is alone in the first frames, one alone in the last."""
    first = next(n for n, value in enumerate(device) if value)
    last = max(n for n, value in enumerate(device) if value)
    yield (first, last - len(other) + 1)
    yield (last - len(one) + 1, first)


@test
def a_gain_of_a_half_halves_every_sample():
    made = sound.noise("S16_LE", RATE, 2, 0.5)
    with Server("virtual,wav=@/device.wav", settings=["gain=0.5"]) as server:
        path = sound.write_wav(server.path("made.wav"), made)
        server.run("aplay", "-q", "-D", "shm", path)
        server.stop()
        heard = array.array("h", sound.strip_silence(
            sound.read_wav(server.path("device.wav"))).data)
    full = array.array("h", made.data)
    equal("samples", len(full), len(heard))
    expect(all(abs(2 * half - value) <= 1 for half, value in zip(heard, full)),
           "a sample is not half of what was played")


@test
def mono_is_heard_alike_in_both_channels():
    made = sound.noise("S16_LE", RATE, 1, 0.5)
    with Server("virtual,wav=@/device.wav") as server:
        path = sound.write_wav(server.path("made.wav"), made)
        server.run("aplay", "-q", "-D", "shm", path)
        server.stop()
        heard = sound.read_wav(server.path("device.wav"))
    equal("right is left", heard.samples(0), heard.samples(1))
    mono = sound.Sound("S16_LE", RATE, 1, heard.samples(0).tobytes())
    sound.require_once("the left channel", mono, made.data)


if __name__ == "__main__":
    main()
