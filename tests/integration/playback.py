#!/usr/bin/env python3
"""What one unmodified aplay plays reaches the device: every frame, once, in time."""

import functools
import glob
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import sound
from harness import (SHMD_RUN, SLOWNESS, Program, Server, equal, expect, fails, main,
                     test, test_each)

SPOKEN = sorted(glob.glob("/usr/share/sounds/alsa/*.wav"))
# aplay's own choice: a buffer of half a second, and four periods in it.
PERIOD_S = 0.125


def device_for(heard):
    return (f"virtual,wav=@/device.wav,rate={heard.rate},channels={heard.channels},"
            f"format={heard.format}")


def require_played(server, played, what="the device"):
    """The device's WAV holds `played`, bit for bit, and nothing else."""
    heard = sound.read_wav(server.path("device.wav"))
    equal("the device's rate and channels", (played.rate, played.channels),
          (heard.rate, heard.channels))
    sound.require_once(what, heard, sound.in_wav(played))
    stream, = server.streams()
    equal("xruns", 0, stream["xruns"])


@functools.cache
def allowance_s():
    """
    What starting shmd-run, the server and aplay, and ending them, takes besides the
    sound: 0.04 to 0.06 s where it was measured, alone on 2 cores. A busy machine takes
    longer, so it is measured here too: a file of one frame takes a period.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = sound.write_wav(os.path.join(folder, "one.wav"),
                               sound.noise("S16_LE", 48000, 2, 1 / 48000))
        run = Program([SHMD_RUN, "--", "aplay", "-q", "-D", "shm", path]).succeed()
    return max(0.25, 4 * (run.seconds - PERIOD_S)) * SLOWNESS


def play_in_time(played, path):
    """`shmd-run -- aplay -D shm FILE`, word for word."""
    allowed = allowance_s()
    with tempfile.TemporaryDirectory() as folder:
        device = device_for(played).replace("@", folder)
        run = Program([SHMD_RUN, "--strict", "--device", device, "--", "aplay", "-D",
                       "shm", path])
        run.succeed()
        heard = sound.read_wav(os.path.join(folder, "device.wav"))
    equal("errors of shmd-run", [], [line for line in run.errors.splitlines()
                                     if not line.startswith("Playing WAVE")])
    sound.require_once("the device", heard, sound.in_wav(played))
    low, high = played.seconds, played.seconds + PERIOD_S + allowed
    expect(low <= run.seconds <= high,
           f"a sound of {played.seconds:.3f} s took {run.seconds:.3f} s, expected "
           f"{low:.3f} to {high:.3f}")


@test_each(*((os.path.basename(path), path) for path in SPOKEN))
def aplay_plays_a_spoken_file_bit_for_bit_in_its_time(path):
    play_in_time(sound.read_wav(path), path)


@test
def alsa_utils_ships_spoken_files():
    expect(SPOKEN, "there is no WAV file in /usr/share/sounds/alsa (package alsa-utils)")


@test_each(*((f"{format_} {rate} Hz {channels} channels", format_, rate, channels)
             for format_, rate, channels in [
                 ("S16_LE", 44100, 2), ("S24_3LE", 96000, 2), ("FLOAT_LE", 192000, 2),
                 ("U8", 8000, 1), ("S16_LE", 48000, 6), ("S16_LE", 4000, 1),
                 ("S32_LE", 384000, 1)]))
def aplay_plays_a_wav_file_bit_for_bit_in_its_time(format_, rate, channels):
    made = sound.noise(format_, rate, channels, 1.3)
    with tempfile.TemporaryDirectory() as folder:
        play_in_time(made, sound.write_wav(os.path.join(folder, "made.wav"), made))


@test_each(*((format_, format_) for format_ in sound.SAMPLE_BYTES))
def aplay_plays_raw_frames_bit_for_bit(format_):
    made = sound.noise(format_, 48000, 2, 0.8)
    with Server(device_for(made)) as server:
        with open(server.path("made.raw"), "wb") as file:
            file.write(made.data)
        server.run("aplay", "-q", "-D", "shm", *made.raw_options(), "made.raw")
        server.stop()
        require_played(server, made)


@test
def a_frame_that_is_lost_or_doubled_or_changed_would_be_seen():
    made = sound.noise("S16_LE", 48000, 2, 0.1)
    at, size, quiet = len(made.data) // 2, made.frame_bytes, bytes(400)
    head, frame, tail = made.data[:at], made.data[at:at + size], made.data[at + size:]
    for what, data in (("a lost frame", head + tail),
                       ("a doubled frame", head + 2 * frame + tail),
                       ("a changed frame", head + frame[::-1] + tail),
                       ("a gap", head + frame + quiet + tail),
                       ("a shift by a byte", b"\0" + made.data),
                       ("what came before", frame + quiet + made.data),
                       ("what came after", made.data + quiet + frame)):
        heard = sound.Sound("S16_LE", 48000, 2, quiet + data + quiet)
        fails(what, sound.require_once, what, heard, made.data)
    heard = sound.Sound("S16_LE", 48000, 2, quiet + made.data + quiet)
    equal("where it begins", 100, sound.require_once("the right one", heard, made.data))


@test
def thirty_two_channels_are_played_bit_for_bit():
    made = sound.noise("S16_LE", 48000, 32, 0.6)
    with Server(device_for(made)) as server:
        with open(server.path("made.raw"), "wb") as file:
            file.write(made.data)
        server.run("aplay", "-q", "-D", "shm", *made.raw_options(), "made.raw")
        server.stop()
        require_played(server, made)


@test
def one_after_the_other_is_played_bit_for_bit():
    first = sound.noise("S16_LE", 48000, 2, 0.4, seed=1)
    second = sound.noise("S16_LE", 48000, 2, 0.4, seed=2)
    with Server("virtual,wav=@/device.wav") as server:
        for number, made in enumerate((first, second)):
            path = sound.write_wav(server.path(f"{number}.wav"), made)
            server.run("aplay", "-q", "-D", "shm", path)
        server.stop()
        heard = sound.read_wav(server.path("device.wav")).data
    at = heard.find(first.data)
    expect(at >= 0, "the first is not in the device's WAV")
    end = at + len(first.data)
    then = heard.find(second.data, end)
    expect(then >= 0, "the second is not in the device's WAV, after the first")
    expect(not heard[:at].strip(b"\0") and not heard[end:then].strip(b"\0") and
           not heard[then + len(second.data):].strip(b"\0"), "there is other sound")


@test
def the_name_shmd_is_the_same_pcm():
    made = sound.noise("S16_LE", 48000, 2, 0.3)
    with Server(device_for(made)) as server:
        path = sound.write_wav(server.path("made.wav"), made)
        server.run("aplay", "-q", "-D", "shmd", path)
        server.stop()
        require_played(server, made)


@test
def each_device_plays_what_was_sent_to_it():
    with Server("a=virtual,wav=@/a.wav", "b=virtual,wav=@/b.wav,rate=44100") as server:
        sounds = {"a": sound.noise("S16_LE", 48000, 2, 0.6, seed=1),
                  "b": sound.noise("S16_LE", 44100, 2, 0.6, seed=2)}
        playing = []
        for name, made in sounds.items():
            path = sound.write_wav(server.path(f"{name}-in.wav"), made)
            playing.append(server.start("aplay", "-q", "-D", f"shm:{name}", path))
        for program in playing:
            program.succeed()
        server.stop()
        for name, made in sounds.items():
            heard = sound.read_wav(server.path(f"{name}.wav"))
            sound.require_once(f"device {name}", heard, made.data)


@test
def the_first_device_is_the_default():
    made = sound.noise("S16_LE", 48000, 2, 0.3)
    with Server("a=virtual,wav=@/a.wav", "b=virtual,wav=@/b.wav") as server:
        path = sound.write_wav(server.path("made.wav"), made)
        server.run("aplay", "-q", "-D", "shm", path)
        server.stop()
        sound.require_once("device a", sound.read_wav(server.path("a.wav")), made.data)
        equal("frames of device b", 0, sound.read_wav(server.path("b.wav")).frames)


@test
def a_device_that_does_not_exist_is_refused_by_name():
    with Server("virtual") as server:
        program = server.start("aplay", "-q", "-D", "shm:attic", SPOKEN[0])
        equal("exit status", 1, program.wait())
        expect("no device 'attic'" in program.errors, f"saw {program.errors!r}")


@test
def a_pipe_is_played_as_it_comes():
    made = sound.noise("S16_LE", 48000, 2, 0.8)
    with Server("virtual,wav=@/device.wav") as server:
        program = server.start("aplay", "-q", "-D", "shm", *made.raw_options(),
                               stdin=subprocess.PIPE)
        program.stdin.write(made.data)
        program.stdin.close()
        program.succeed()
        server.stop()
        require_played(server, made)


if __name__ == "__main__":
    main()
