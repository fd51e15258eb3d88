#!/usr/bin/env python3
"""speaker-test (alsa-utils): a sine, pink noise and spoken files, a channel at a time."""

import sys

sys.dont_write_bytecode = True
import apps
import commands
from apps import test
from harness import equal, expect, main

apps.need("speaker-test")
RATE = apps.RATE
# Its own choice is the greatest buffer: a period of it is 5 s.
SHORT = ["-b", 400000, "-p", 100000]


def play(*options):
    """What the device hears of one round, from a program that ends well."""
    with apps.playback_server() as server:
        server.run(*commands.SPEAKER_TEST, *options)
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
    commands.require_spoken_files(play("-t", "wav"))


if __name__ == "__main__":
    main()
