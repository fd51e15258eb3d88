#!/usr/bin/env python3
"""
Rates that differ, from aplay to the device and on to arecord, as pure as decision 0001
promises: SNR of 100 dB, and within 0.05 dB up to 20 kHz, between 44.1 and 48 kHz.

Everything is FLOAT_LE, so that nothing but the resampler adds anything.
"""

import array
import math
import sys

sys.dont_write_bytecode = True
import sound
from harness import Server, equal, expect, fails, main, test, test_each

TONE_HZ = 997
AMPLITUDE = 10 ** (-1 / 20)  # -1 dBFS
LEAST_SNR_DB = 100
MOST_RIPPLE_DB = 0.05
SECONDS = 1.5
SETTLED_S = 0.05  # longer than the filter, at either end
WINDOW_S = 0.01


def play_to(device_rate, made):
    """What a FLOAT device of that rate plays of `made`; silence is cut off."""
    device = f"virtual,wav=@/device.wav,format=FLOAT_LE,channels=1,rate={device_rate}"
    with Server(device) as server:
        path = sound.write_wav(server.path("made.wav"), made)
        server.run("aplay", "-q", "-D", "shm", path)
        server.stop()
        stream, = server.streams()
        equal("rate of the stream", made.rate, stream["format"]["rate"])
        equal("xruns", 0, stream["xruns"])
        return sound.strip_silence(sound.read_wav(server.path("device.wav")))


def record_from(device_rate, made, rate):
    """The recording at `rate` of a device of another rate that captures `made`."""
    device = f"virtual,rate={device_rate},capture=@/room.wav"
    with Server(device, prepare=lambda server: sound.write_wav(server.path("room.wav"),
                                                               made)) as server:
        server.run("arecord", "-q", "-D", "shm", "-f", "FLOAT_LE", "-r", rate, "-c", 1,
                   "-s", int(rate * SECONDS), "recorded.wav")
        return sound.read_wav(server.path("recorded.wav"))


def require_pure_tone(what, heard):
    """In its middle second, `heard` is the tone at its amplitude, and hardly else."""
    samples = heard.samples()
    first = int(SETTLED_S * heard.rate)
    samples = samples[first:first + heard.rate]
    expect(len(samples) == heard.rate, f"{what} has {heard.seconds:.2f} s only")
    amplitude, rest = sound.fit(samples, [2 * math.pi * TONE_HZ * n / heard.rate
                                          for n in range(len(samples))])
    off = abs(sound.decibels(amplitude / AMPLITUDE))
    expect(off <= MOST_RIPPLE_DB, f"{what}: the level is {off:.3f} dB off")
    snr = sound.decibels(amplitude / math.sqrt(2) / rest)
    expect(snr >= LEAST_SNR_DB, f"{what}: SNR {snr:.1f} dB, at least {LEAST_SNR_DB}")


@test
def what_is_not_pure_or_not_flat_would_be_seen():
    pure = sound.tone(48000, SECONDS, TONE_HZ, AMPLITUDE)
    for what, hertz, level in (("another tone at -95 dB", 5000, 2e-5),
                               ("0.1 dB too much", TONE_HZ, 0.0103)):
        other = sound.tone(48000, SECONDS, hertz, level)
        both = array.array("f", map(sum, zip(pure.samples(), other.samples())))
        heard = sound.Sound("FLOAT_LE", 48000, 1, both.tobytes())
        fails(what, require_pure_tone, what, heard)
    require_pure_tone("the tone itself", pure)
    sweep = sound.Sweep(20, 20000, 0.5, AMPLITUDE)
    # The mean of two neighbours: 0.1 dB down at 2.3 kHz, and more above.
    samples = sweep.sound(48000).samples()
    dull = array.array("f", map(lambda a, b: (a + b) / 2, samples, samples[1:]))
    fails("a loss of high tones", require_flat, "a loss of high tones",
          sound.Sound("FLOAT_LE", 48000, 1, dull.tobytes()), sweep)


RATES = [("44.1 to 48 kHz", 44100, 48000), ("48 to 44.1 kHz", 48000, 44100),
         ("44.1 to 96 kHz", 44100, 96000), ("192 to 48 kHz", 192000, 48000),
         ("8 to 48 kHz", 8000, 48000)]


@test_each(*RATES)
def a_tone_is_played_pure(rate, device_rate):
    made = sound.tone(rate, SECONDS, TONE_HZ, AMPLITUDE)
    require_pure_tone("the device", play_to(device_rate, made))


@test_each(*RATES[:3])
def a_tone_is_recorded_pure(device_rate, rate):
    # Over and over: a whole number of periods, else there is a step at the seam.
    made = sound.tone(device_rate, 2, TONE_HZ, AMPLITUDE)
    require_pure_tone("the recording", record_from(device_rate, made, rate))


@test
def a_tone_comes_back_pure_from_44100_to_48000_and_back():
    made = sound.tone(44100, 2, TONE_HZ, AMPLITUDE)
    with Server("virtual,format=FLOAT_LE,channels=1") as server:
        path = sound.write_wav(server.path("made.wav"), made)
        player = server.start("aplay", "-q", "-D", "shm", path)
        server.wait_for_log("stream=1 ")
        server.run("arecord", "-q", "-D", "shm:monitor", "-f", "FLOAT_LE", "-r", 44100,
                   "-c", 1, "-s", int(1.4 * 44100), "recorded.wav")
        player.succeed()
        recorded = sound.strip_silence(sound.read_wav(server.path("recorded.wav")))
        server.stop()
    require_pure_tone("the recording", recorded)


@test_each(*RATES[:2])
def a_sweep_is_played_flat(rate, device_rate):
    sweep = sound.Sweep(20, 20000, 2, AMPLITUDE)
    heard = play_to(device_rate, sweep.sound(rate))
    require_flat("the device", heard, sweep)


def require_flat(what, heard, sweep):
    samples, rate = heard.samples(), heard.rate
    delay = find_delay(samples, rate, sweep)
    levels = []
    size = int(WINDOW_S * rate)
    for first in range(int(SETTLED_S * rate), len(samples) - int(SETTLED_S * rate) - size,
                       size):
        if (first + size - delay) / rate > sweep.seconds - SETTLED_S:
            break
        level, _ = fit_window(samples, first, size, rate, delay, sweep)
        levels.append(sound.decibels(level / sweep.amplitude))
    expect(len(levels) > 0.9 * sweep.seconds / WINDOW_S, f"{what}: only {len(levels)} "
           "windows of the sweep are heard")
    ripple = max(abs(level) for level in levels)
    expect(ripple <= MOST_RIPPLE_DB,
           f"{what}: {ripple:.3f} dB off, at most {MOST_RIPPLE_DB}")


def fit_window(samples, first, size, rate, delay, sweep):
    window = range(first, first + size)
    return sound.fit(samples[first:first + size],
                     [sweep.phase((n - delay) / rate) for n in window])


def find_delay(samples, rate, sweep):
    """
    Frames between the sweep's start and the first sample, to a frame: where the sweep
    fits best. Silence was cut off, so it is small, and may be less than nothing. What is
    left by the fit grows smoothly with the error, so it is found from coarse to fine.
    """
    first, size = int(sweep.seconds / 4 * rate), int(0.02 * rate)
    best = 0
    for step in (50, 7, 1):
        best = min(range(best - 4 * step, best + 5 * step, step), key=lambda delay:
                   fit_window(samples, first, size, rate, delay, sweep)[1])
    return best


@test
def a_tone_above_what_44100_carries_is_not_heard():
    made = sound.tone(48000, 1, 23500, AMPLITUDE)
    heard = play_to(44100, made).samples()[2205:-2205]
    expect(len(heard) > 20000, "nothing was played")
    loudest = sound.decibels(math.sqrt(math.fsum(v * v for v in heard) / len(heard)))
    expect(loudest <= -LEAST_SNR_DB, f"it is heard at {loudest:.1f} dB")


@test
def a_sound_of_another_rate_keeps_its_length():
    """A resampler that loses pace loses frames: 2 s at 44.1 kHz are 2 s at 48 kHz."""
    made = sound.noise("FLOAT_LE", 44100, 1, 2)
    heard = play_to(48000, made)
    # Silence pads the last period; the filter rings for less than 3 ms at either end.
    expect(abs(heard.frames - 2 * 48000) <= 288,
           f"{heard.frames} frames, expected about 96000")


if __name__ == "__main__":
    main()
