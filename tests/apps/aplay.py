#!/usr/bin/env python3
"""aplay (alsa-utils) in its modes; mind that tests/integration has many more of it."""

import contextlib
import sys

sys.dont_write_bytecode = True
import apps
import sound
from apps import test, test_each
from harness import Failed, contains, equal, expect, fails, main

apps.need("aplay")
RATE = apps.RATE
DISABLED = ["--disable-resample", "--disable-channels", "--disable-format",
            "--disable-softvol"]


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)
    return path


@test_each(("mmap", "-M"), ("nonblocking", "-N"), ("mmap, nonblocking", "-M", "-N"),
           ("nothing converted in the application", *DISABLED),
           ("its position tested", "--test-position"),
           ("its position tested over mmap", "--test-position", "-M"),
           ("an early start", "--start-delay=1000"),
           ("an early stop", "--stop-delay=-1000"), ("all xruns fatal", "--fatal-errors"),
           ("few wakes", "--avail-min=400000"))
def aplay_plays_bit_for_bit_with(*options):
    program = apps.plays_bit_for_bit(
        lambda path: ["aplay", "-q", "-D", "shm", *options, path])
    equal("what aplay says", "", program.errors)


@test
def aplay_plays_a_raw_file():
    made = apps.made_sound()
    with apps.playback_server() as server:
        path = write(server.path("made.raw"), made.data)
        server.run("aplay", "-q", "-D", "shm", *made.raw_options(), path)
        server.stop()
        sound.require_once("the device", server.heard(), made.data)
        server.require_no_xruns()


@test
def aplay_plays_a_sparc_audio_file():
    made = sound.noise("S16_BE", RATE, 2, 1)
    head = b".snd" + b"".join(word.to_bytes(4, "big") for word in (
        24, len(made.data), 3, RATE, 2))  # 3: linear, 16 bits
    with apps.playback_server() as server:
        server.run("aplay", "-q", "-t", "au", "-D", "shm",
                   write(server.path("made.au"), head + made.data))
        server.stop()
        sound.require_once("the device", server.heard(), sound.in_wav(made))
        server.require_no_xruns()


@test
def aplay_plays_a_file_for_each_channel():
    made = apps.made_sound()
    with apps.playback_server() as server:
        paths = [write(server.path(f"{channel}.raw"),
                       made.samples(channel).tobytes()) for channel in (0, 1)]
        server.run("aplay", "-q", "-D", "shm", "-I", *made.raw_options(), *paths)
        server.stop()
        sound.require_once("the device", server.heard(), made.data)
        server.require_no_xruns()


@test_each(("a number of seconds", ["--duration=1"], RATE),
           ("a number of frames", ["--samples=12345"], 12345))
def aplay_ends_after(options, frames):
    made = apps.made_sound(1.5)
    with apps.playback_server() as server:
        path = sound.write_wav(server.path("made.wav"), made)
        server.run("aplay", "-q", "-D", "shm", *options, path)
        server.stop()
        sound.require_once("the device", server.heard(), made.data[:4 * frames])
        server.require_no_xruns()


@test
def aplay_shows_what_the_pcm_can_do_and_what_it_chose():
    program = apps.plays_bit_for_bit(
        lambda path: ["aplay", "-v", "--dump-hw-params", "-D", "shm", path])
    contains("what aplay says", program.output + program.errors,
             'HW Params of device "shm"',
             "ACCESS:  MMAP_INTERLEAVED MMAP_NONINTERLEAVED RW_INTERLEAVED", "S24_3LE",
             "shmd sound server", "rate         : 48000")


def seconds_of_play(*options):
    """The processor time that aplay takes, however much that is."""
    with apps.playback_server() as server:
        path = sound.write_wav(server.path("made.wav"), apps.made_sound())
        server.run("aplay", "-q", "-D", "shm", *options, path)
        with contextlib.suppress(Failed):
            server.stop()
    return server.programs_s


@test
def a_program_that_spins_is_seen():
    """How much of a busy machine it gets is not known; that it is far more is."""
    calm, spinning = seconds_of_play("-N"), seconds_of_play("-N", "--test-nowait")
    expect(spinning > 3 * calm, f"{spinning} s of a program that spins, {calm} s else")
    apps.require_calm("one that waits", calm, 1)
    fails("a spin", apps.require_calm, "one that has a processor", 0.9, 1)


if __name__ == "__main__":
    main()
