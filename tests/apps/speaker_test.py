#!/usr/bin/env python3
"""speaker-test (alsa-utils): a sine, pink noise and spoken files, a channel at a time."""

import os
import sys

sys.dont_write_bytecode = True
import apps
import sound
from apps import test
from harness import equal, expect, main

apps.need("speaker-test")
RATE = apps.RATE
SPOKEN = "/usr/share/sounds/alsa"
# Its own choice is the greatest buffer: a period of it is 5 s.
SHORT = ["-b", 400000, "-p", 100000]


def play(*options):
    """What the device hears of one round, from a program that ends well."""
    with apps.playback_server() as server:
        server.run("speaker-test", "-D", "shm", "-r", RATE, "-c", 2, "-l", 1, *options)
        server.stop()
        server.require_no_xruns()
        return server.heard()


def loud(heard, channel):
    """The first and the last frame of a channel that are not silent."""
    found = [n for n, value in enumerate(heard.samples(channel)) if value]
    expect(found, f"channel {channel} is silent")
    return found[0], found[-1]


@test
def speaker_test_plays_pink_noise_in_each_channel_in_turn():
    """At this rate it has three seconds for each channel, and no fewer."""
    heard = play(*SHORT, "-t", "pink")
    (first, last), (next_first, next_last) = loud(heard, 0), loud(heard, 1)
    expect(last < next_first, "both channels are heard at once")
    for words, frames in ("left", last - first), ("right", next_last - next_first):
        expect(frames > 2 * RATE, f"the {words} channel is heard for {frames} frames")


@test
def speaker_test_plays_a_sine_in_one_speaker_alone():
    heard = play(*SHORT, "-t", "sine", "-s", 2)
    equal("sound on the left", False, any(heard.samples(0)))
    loud(heard, 1)


@test
def speaker_test_plays_the_spoken_files_bit_for_bit():
    heard = play("-t", "wav")
    parts = []
    for channel, name in enumerate(("Front_Left.wav", "Front_Right.wav")):
        spoken = sound.read_wav(os.path.join(SPOKEN, name))
        equal(f"rate and channels of {name}", (RATE, 1), (spoken.rate, spoken.channels))
        both = bytearray(4 * spoken.frames)
        both[2 * channel::4], both[2 * channel + 1::4] = spoken.data[0::2], \
            spoken.data[1::2]
        parts.append(bytes(both))
    at = heard.data.find(parts[0].strip(b"\0"))
    expect(at >= 0, "the left file is not heard as it is")
    expect(parts[1].strip(b"\0") in heard.data[at:], "the right file is not heard after")


if __name__ == "__main__":
    main()
