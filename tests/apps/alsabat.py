#!/usr/bin/env python3
"""alsabat (alsa-utils) plays a sine, records it meanwhile, and looks for it there."""

import sys

sys.dont_write_bytecode = True
import apps
import commands
import sound
from apps import test, test_each
from harness import contains, equal, expect, main

apps.need("alsabat")

@test_each(("the loopback", "shm", 1, 44100), ("the monitor", "shm:monitor", 2, 48000))
def alsabat_finds_its_tone_in(capture, channels, rate):
    device = f"virtual,wav=@/device.wav,rate={rate}"
    with apps.Server(device) as server:
        program = commands.run_alsabat(server, "-P", "shm", "-C", capture, "-f", "S16_LE",
                                       "-c", channels, "-r", rate, "-n", rate,
                                       "-F", 997).succeed()
        server.stop()
        server.require_no_xruns()
        heard = server.heard()
    equal("channels with the tone", channels,
          program.output.count("PASS: Peak detected at target frequency"))
    expect(sound.strip_silence(heard).frames > rate, "the device has not heard it")


@test
def alsabat_does_not_find_a_tone_that_was_not_played():
    """What it plays comes from a file: it must not pass by itself."""
    with apps.playback_server() as server:
        path = sound.write_wav(server.path("made.wav"), apps.made_tone(440, 2))
        program = commands.run_alsabat(server, "-D", "shm", "-f", "S16_LE", "-c", 2,
                                       "-r", apps.RATE, "-n", apps.RATE, "--file", path)
        server.stop()
        server.require_no_xruns()
    expect(program.wait() != 0, "alsabat finds 997 Hz in 440 Hz")
    contains("what alsabat says", program.errors, "FAIL: Peak freq too low 4")


if __name__ == "__main__":
    main()
