#!/usr/bin/env python3
"""arecord (alsa-utils) in its modes; tests/integration/capture.py has many more of it."""

import sys

sys.dont_write_bytecode = True
import apps
import sound
from apps import test, test_each
from harness import contains, equal, main

apps.need("arecord")
RATE = apps.RATE
ROOM = apps.made_sound(0.7)
FRAMES = 40000  # no whole number of periods, and more than the file has
DISABLED = ["--disable-resample", "--disable-channels", "--disable-format",
            "--disable-softvol"]


def record(server, *options, name="recorded.wav"):
    """Run arecord to its end, and return what it says and wrote."""
    program = server.run("arecord", "-D", "shm", "-f", "dat", *options,
                         server.path(name))
    server.stop()
    server.require_no_xruns()
    return program.output + program.errors


def read(path):
    with open(path, "rb") as file:
        return file.read()


@test_each(("mmap", "-M"), ("nonblocking", "-N"), ("mmap, nonblocking", "-M", "-N"),
           ("nothing converted in the application", *DISABLED),
           ("its position tested", "--test-position"),
           ("its position tested over mmap", "--test-position", "-M"),
           ("all xruns fatal", "--fatal-errors"),
           ("a start when it first reads", "--start-delay=1"))
def arecord_records_it_exactly_with(*options):
    with apps.capture_server(ROOM) as server:
        said = record(server, "-q", f"--samples={FRAMES}", *options)
        equal("what arecord says", "", said)
        recorded = sound.read_wav(server.path("recorded.wav"))
    equal("frames", FRAMES, recorded.frames)
    apps.require_from("the recording", recorded.data, ROOM.data)


@test_each(("raw", "raw", 0, "S16_LE"), ("Sparc audio", "au", 24, "S16_BE"))
def arecord_writes_a_file_that_is(kind, head_bytes, format_):
    with apps.capture_server(ROOM) as server:
        record(server, "-q", f"--samples={FRAMES}", "-t", kind, "-f", format_)
        recorded = read(server.path("recorded.wav"))
    equal("bytes", head_bytes + 4 * FRAMES, len(recorded))
    room = ROOM.data if format_ == "S16_LE" else swapped(ROOM.data)
    apps.require_from("the recording", recorded[head_bytes:], room)


def swapped(data):
    other = bytearray(len(data))
    other[0::2], other[1::2] = data[1::2], data[0::2]
    return bytes(other)


@test
def arecord_writes_a_file_for_each_channel():
    with apps.capture_server(ROOM) as server:
        record(server, "-q", "-I", f"--samples={FRAMES}", "-t", "raw", name="channel")
        channels = [read(server.path(f"channel.{number}")) for number in (0, 1)]
    equal("bytes of each channel", [2 * FRAMES] * 2, [len(data) for data in channels])
    both = bytearray(4 * FRAMES)
    for number, data in enumerate(channels):
        both[2 * number::4], both[2 * number + 1::4] = data[0::2], data[1::2]
    apps.require_from("the recording", bytes(both), ROOM.data)


@test
def arecord_ends_after_a_number_of_seconds():
    with apps.capture_server(ROOM) as server:
        record(server, "-q", "--duration=1")
        recorded = sound.read_wav(server.path("recorded.wav"))
    equal("frames", RATE, recorded.frames)
    apps.require_from("the recording", recorded.data, ROOM.data)


@test
def arecord_shows_what_the_pcm_can_do_and_what_it_chose():
    with apps.capture_server(ROOM) as server:
        said = record(server, "-v", "--dump-hw-params", f"--samples={FRAMES}")
        recorded = sound.read_wav(server.path("recorded.wav"))
    contains("what arecord says", said, 'HW Params of device "shm"', "shmd sound server",
             "stream       : CAPTURE", "rate         : 48000")
    apps.require_from("the recording", recorded.data, ROOM.data)


if __name__ == "__main__":
    main()
