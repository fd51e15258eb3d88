#!/usr/bin/env python3
"""
The example of a default PCM takes what the stock default of alsa-lib takes, and costs
nothing where nothing is converted: what is not the server's own format goes through
`plug`, everything else past it.
"""

import os
import random
import sys

sys.dont_write_bytecode = True
import sound
from harness import HERE, Server, contains, equal, expect, main, test_each

EXAMPLE = os.path.join(HERE, "../../conf/asound.conf.d/99-shmd-default.conf.example")
TRANSPORTS = (("memfd", "yes"), ("socket", "no"))
FRAMES, CHANNELS, RATE = 4800, 2, 48000
# What another format than the device's keeps: it goes through float in the server.
EXACT_BITS = 24

# Of each: the name, significant bits, and bytes a sample. All linear, S and U, LE and BE.
LINEAR = [(f"{sign}{name}", bits, size) for sign in "SU" for name, bits, size in (
    ("8", 8, 1), ("16_LE", 16, 2), ("16_BE", 16, 2), ("24_LE", 24, 4), ("24_BE", 24, 4),
    ("32_LE", 32, 4), ("32_BE", 32, 4), ("20_LE", 20, 4), ("20_BE", 20, 4),
    ("24_3LE", 24, 3), ("24_3BE", 24, 3), ("20_3LE", 20, 3), ("20_3BE", 20, 3),
    ("18_3LE", 18, 3), ("18_3BE", 18, 3))]


def mu_law(code):
    """ITU-T G.711, in 16 bits."""
    code ^= 0xFF
    magnitude = (((code & 0x0F) << 3) + 0x84) << ((code & 0x70) >> 4)
    return 0x84 - magnitude if code & 0x80 else magnitude - 0x84


def a_law(code):
    code ^= 0x55
    exponent = (code & 0x70) >> 4
    magnitude = ((code & 0x0F) << 4) + (8 if exponent == 0 else 0x108)
    magnitude <<= max(exponent - 1, 0)
    return magnitude if code & 0x80 else -magnitude


def make_linear(name, bits, size, dice):
    """Random samples: their bytes, and what a device of S32_LE plays then."""
    exact = min(bits, EXACT_BITS)
    values = [dice.randrange(-1 << exact - 1, 1 << exact - 1) << bits - exact
              for _ in range(FRAMES * CHANNELS)]
    order = "big" if name.endswith("BE") else "little"
    unsigned = name.startswith("U")
    offset = 1 << bits - 1 if unsigned else 0
    data = b"".join((value + offset).to_bytes(size, order, signed=not unsigned)
                    for value in values)
    return data, in_32_bits(value << 32 - bits for value in values)


def make_law(decode, dice):
    codes = bytes(dice.randrange(256) for _ in range(FRAMES * CHANNELS))
    return codes, in_32_bits(decode(code) << 16 for code in codes)


def in_32_bits(values):
    return b"".join(value.to_bytes(4, "little", signed=True) for value in values)


def with_example(server):
    return {"ALSA_CONFIG_PATH": server.environment["ALSA_CONFIG_PATH"] + ":" + EXAMPLE}


def play_raw(server, data, format_, rate=RATE, options=()):
    with open(server.path("made.raw"), "wb") as file:
        file.write(data)
    return server.run("aplay", "-q", *options, "-t", "raw", "-f", format_, "-r", rate,
                      "-c", CHANNELS, "made.raw", environment=with_example(server))


@test_each(*((f"{words} over {transport}", options, memfd)
             for transport, memfd in TRANSPORTS
             for words, options in (("written", []), ("with mmap", ["-M"]))))
def every_format_of_the_stock_default_is_played_exactly(options, memfd):
    dice = random.Random(20)
    made = [(name, *make_linear(name, bits, size, dice)) for name, bits, size in LINEAR]
    made += [(name, *make_law(decode, dice))
             for name, decode in (("MU_LAW", mu_law), ("A_LAW", a_law))]
    with Server("virtual,format=S32_LE,wav=@/device.wav",
                settings=[f"memfd={memfd}"]) as server:
        for name, data, _ in made:
            play_raw(server, data, name, options=options)
        server.stop()
        equal("streams with an xrun", [], [stream for stream in server.streams()
                                           if stream["xruns"]])
        heard = sound.read_wav(server.path("device.wav")).data
    for name, _, expected in made:
        expect(expected in heard, f"{name} does not arrive bit for bit")


@test_each(*TRANSPORTS)
def every_format_of_the_stock_default_is_recorded(memfd):
    room = sound.noise("S16_LE", RATE, 2, 1)
    with Server("virtual,capture=@/room.wav", settings=[f"memfd={memfd}"],
                prepare=lambda server: sound.write_wav(server.path("room.wav"),
                                                       room)) as server:
        for name, size in [row[::2] for row in LINEAR] + [("MU_LAW", 1), ("A_LAW", 1)]:
            server.run("arecord", "-q", "-t", "raw", "-f", name, "-r", RATE, "-c",
                       CHANNELS, "-s", FRAMES, "heard.raw",
                       environment=with_example(server))
            equal(f"bytes of {name}", FRAMES * CHANNELS * size,
                  os.path.getsize(server.path("heard.raw")))
        server.stop()


@test_each(("705.6 kHz", 705600), ("768 kHz", 768000))
def a_rate_above_the_servers_is_played_too(rate):
    made = sound.noise("S16_LE", RATE, 2, 1)
    with Server("virtual,wav=@/device.wav") as server:
        play_raw(server, made.data * (rate // RATE), "S16_LE", rate)
        server.stop()
        heard = sound.strip_silence(sound.read_wav(server.path("device.wav")))
    expect(abs(heard.seconds - RATE * (rate // RATE) / rate) < 0.05,
           f"{heard.seconds:.2f} s were heard")


@test_each(*((f"{format_} {rate} Hz {words} over {transport}", format_, rate, options,
              memfd)
             for transport, memfd in TRANSPORTS
             for format_, rate in (("S16_LE", 44100), ("S24_3LE", 48000),
                                   ("FLOAT_LE", 96000))
             for words, options in (("written", []), ("with mmap", ["-M"]))))
def what_the_device_takes_passes_plug_by(format_, rate, options, memfd):
    made = sound.noise(format_, rate, CHANNELS, 0.5)
    with Server(f"virtual,format={format_},rate={rate},wav=@/device.wav",
                settings=[f"memfd={memfd}"]) as server:
        path = sound.write_wav(server.path("made.wav"), made)
        program = server.run("aplay", "-v", *options, path,
                             environment=with_example(server))
        server.stop()
        contains("what aplay says of the PCM", program.errors,
                 "Plug PCM: shmd sound server\n")
        expect("Slave:" not in program.errors, "a plugin of alsa-lib converts")
        sound.require_once("the device", sound.read_wav(server.path("device.wav")),
                           made.data)


if __name__ == "__main__":
    main()
