#!/usr/bin/env python3
"""Where a stream is, how often it wakes, where its channels are, and what it leaves."""

import json
import os
import statistics
import sys

sys.dont_write_bytecode = True
import sound
from harness import DEADLINE_S, HERE, Server, equal, expect, main, test, test_each

RATE = 48000
FRAME_BYTES = 4
BUFFER = RATE  # alsa_client.py's
CYCLE_FRAMES = 480
PROBE = os.path.join(HERE, "alsa_probe.py")
TRANSPORTS = (("memfd", "yes"), ("socket", "no"))
# The promise is made for SHMD_POSITION_SECONDS=60 with 10,000 samples; the usual run is
# a short one.
SECONDS = float(os.environ.get("SHMD_POSITION_SECONDS", "4"))
SAMPLES = int(max(700, 10000 * SECONDS / 60))


def probe(server, *arguments):
    """What alsa_probe.py answers."""
    program = server.start(sys.executable, PROBE, *arguments)
    return json.loads(program.succeed(DEADLINE_S + SECONDS).output)


def require_no_way_back(what, values):
    for before, after in zip(values, values[1:]):
        expect(before <= after, f"{what} goes back, from {before} to {after}")


def require_on_a_line(samples, frames, most_late_us=0):
    """
    The frame at which the device is, as `delay` tells it in each of the samples, against
    a straight line at the rate; the virtual device is one. For the half of the samples
    whose moment is known best. A player's frames are not passed before the server, which
    may be late, has read them.
    """
    moments = sorted((after - before, (before + after) / 2e9 * RATE, frame)
                     for (before, after, *_), frame in zip(samples, frames))
    offsets = [frame - at for _, at, frame in moments[:len(moments) // 2]]
    middle = statistics.median(offsets)
    late = [abs(offset - middle) for offset in offsets]
    median, worst = statistics.median(late), max(late)
    print(f"{len(samples)} samples: median {median / RATE * 1e3:.4f} ms, "
          f"worst {worst / RATE * 1e3:.3f} ms")
    expect(median < RATE * 0.0001, f"the median error is {median:.1f} frames")
    most = CYCLE_FRAMES + most_late_us * RATE / 1e6
    expect(worst <= most, f"the worst error is {worst:.1f} frames, not {most:.1f}")


def positions(memfd, direction):
    """What alsa_probe.py saw of a stream without xruns, and how late its server was."""
    with Server("virtual", settings=[f"memfd={memfd}"]) as server:
        samples = probe(server, "positions", "shm", direction, SECONDS, SAMPLES)
        server.stop()
        stream, = server.streams()
    equal("xruns", 0, stream["xruns"])
    return samples, max(device["most_late_us"] for device in server.stats["devices"])


@test_each(*TRANSPORTS)
def the_position_is_where_the_device_is(memfd):
    samples, late_us = positions(memfd, "playback")
    hw_frames = [written + avail - BUFFER for _, _, written, avail, _ in samples]
    heard = [written - delay for _, _, written, _, delay in samples]
    require_no_way_back("hw_ptr", hw_frames)
    require_no_way_back("what is heard", heard)
    for (before, after, _, avail, delay), hw in zip(samples, hw_frames):
        # avail_delay looks twice, one moment after the other.
        passed = (after - before) * RATE / 1e9 + 1
        expect(-passed <= avail + delay - BUFFER <= CYCLE_FRAMES,
               f"at frame {hw} avail is {avail}, delay {delay}, the buffer {BUFFER}")
    require_on_a_line(samples, heard, late_us)


@test_each(*TRANSPORTS)
def a_recorders_delay_is_since_the_device_captured(memfd):
    samples, _ = positions(memfd, "capture")
    captured = [read + delay for _, _, read, _, delay in samples]
    require_no_way_back("hw_ptr", [read + avail for _, _, read, avail, _ in samples])
    require_no_way_back("what was captured", captured)
    for _, _, read, avail, delay in samples:
        expect(delay >= avail, f"at frame {read} avail is {avail} and delay {delay}")
    require_on_a_line(samples, captured)


@test_each(*TRANSPORTS)
def a_blocked_writer_wakes_once_a_period(memfd):
    periods = 100
    with Server("virtual", settings=[f"memfd={memfd}"]) as server:
        slept = probe(server, "blocked", "shm", periods)["sleeps"]
    # A mutex or a page may cost one now and then; twice a period is another figure.
    expect(slept <= periods * 1.2, f"it slept {slept} times in {periods} periods")


@test_each(*TRANSPORTS)
def a_blocked_reader_wakes_once_a_period(memfd):
    periods = 100
    with Server("virtual", settings=[f"memfd={memfd}"]) as server:
        slept = probe(server, "reading", "shm", periods)["sleeps"]
        server.stop()
        stream, = server.streams(kind="capture")
    expect(slept <= periods * 1.2, f"it slept {slept} times in {periods} periods")
    # With a pool the server wakes a recorder at its end, if at all.
    expect(memfd == "no" or stream["wakes"] <= 1, f"the server woke it: {stream}")


@test_each(*TRANSPORTS)
def a_poll_that_has_nothing_to_wait_for_is_not_woken(memfd):
    with Server("virtual", settings=[f"memfd={memfd}"]) as server:
        answer = probe(server, "idle", "shm", 10)
    equal("returns of poll(2)", 0, answer["returns"])
    expect(answer["sleeps"] <= 3, f"it slept {answer['sleeps']} times")


@test_each(*TRANSPORTS)
def a_host_that_loads_and_unloads_alsa_lib_keeps_nothing(memfd):
    with Server("virtual", settings=[f"memfd={memfd}"]) as server:
        answer = probe(server, "reload", "shm", 20)
        server.stop()
    equal("descriptors before and after", answer["fds"][0], answer["fds"][1])
    equal("threads", 1, answer["threads"])
    equal("pools that are mapped", 0, answer["pools"])


@test_each(*TRANSPORTS)
def a_channel_map_says_where_each_channel_is_heard(memfd):
    made = sound.noise("S16_LE", RATE, 2, 0.15)
    with Server("virtual,wav=@/device.wav", settings=[f"memfd={memfd}"]) as server:
        with open(server.path("made.raw"), "wb") as file:
            file.write(made.data)
        answer = probe(server, "map", "shm", "FR FL", "made.raw")
        equal("the map", "FR FL", answer["map"])
        server.stop()
        heard = sound.read_wav(server.path("device.wav"))
    swapped = b"".join(made.data[at + 2:at + 4] + made.data[at:at + 2]
                       for at in range(0, len(made.data), FRAME_BYTES))
    sound.require_once("the device", heard, swapped)


if __name__ == "__main__":
    main()
