#!/usr/bin/env python3
"""
A program that asks for what the device itself takes, with snd_pcm_open's NO_AUTO modes or
snd_pcm_hw_params_set_rate_resample(0), is offered that alone, whichever the device; one
that does not is offered everything.
"""

import json
import os
import sys

sys.dont_write_bytecode = True
import sound
from harness import BUILD, Server, equal, expect, main, test, test_each

PROBE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "alsa_probe.py")
OWN_MALLOC = os.path.join(BUILD, "tests/integration/programs/own_malloc")
# snd_pcm_open's modes, of alsa/pcm.h.
NO_AUTO_RESAMPLE, NO_AUTO_CHANNELS, NO_AUTO_FORMAT = 0x10000, 0x20000, 0x40000
RESAMPLING_FORBIDDEN = "0/0"  # set_rate_resample(0) after a plain open
RESAMPLING_ALLOWED = "0/1"

TRANSPORTS = {"memfd": "yes", "the socket": "no"}
DEVICES = [("S16_LE", 48000, 2), ("S24_3LE", 44100, 6), ("FLOAT_LE", 96000, 1),
           ("S32_BE", 192000, 8), ("U8", 8000, 32)]
CASES = [(f"{format} {rate} Hz {channels} channels over {transport}",
          format, rate, channels, memfd)
         for format, rate, channels in DEVICES
         for transport, memfd in TRANSPORTS.items()]
# The file that a device captures: another format than the one it plays.
ROOM_FORMAT, ROOM_CHANNELS = "S24_3LE", 3


def device_server(format_, rate, channels, memfd):
    def make_room(server):
        sound.write_wav(server.path("room.wav"),
                        sound.noise(ROOM_FORMAT, rate, ROOM_CHANNELS, 1))
    return Server(f"virtual,format={format_},rate={rate},channels={channels},"
                  "capture=@/room.wav", settings=[f"memfd={memfd}"], prepare=make_room)


def offers(server, pcm, direction, *ways):
    program = server.run(sys.executable, PROBE, "offers", pcm, direction, *ways)
    return json.loads(program.output)


def places(native):
    """Every PCM of the server, its direction, and what its device takes."""
    for prefix in ("", "plug:"):
        yield f"{prefix}shm", "playback", native
        yield f"{prefix}shm:monitor", "capture", native
        yield f"{prefix}shm", "capture", (ROOM_FORMAT, native[1], ROOM_CHANNELS)


@test_each(*CASES)
def what_is_not_to_be_converted_is_the_devices(format_, rate, channels, memfd):
    with device_server(format_, rate, channels, memfd) as server:
        for pcm, direction, native in places((format_, rate, channels)):
            what = f"{pcm} {direction}"
            own_format, own_rate, own_channels = native
            one_rate, one_count, one_format, no_resampling = offers(
                server, pcm, direction, NO_AUTO_RESAMPLE, NO_AUTO_CHANNELS,
                NO_AUTO_FORMAT, RESAMPLING_FORBIDDEN)
            for found in (one_rate, no_resampling):
                equal(f"{what}: the rates", [own_rate] * 2, found["rate"])
                equal(f"{what}: the rate that is set", own_rate, found["set"])
            equal(f"{what}: the channels", [own_channels] * 2, one_count["channels"])
            equal(f"{what}: the formats", [own_format], one_format["formats"])
        server.stop()


@test_each(*CASES[:2])
def all_that_the_server_converts_is_offered_else(format_, rate, channels, memfd):
    with device_server(format_, rate, channels, memfd) as server:
        for direction in ("playback", "capture"):
            for found in offers(server, "shm", direction, 0, RESAMPLING_ALLOWED):
                equal("the number of formats", 14, len(found["formats"]))
                equal("the rate that is set", 44100, found["set"])
                expect(found["rate"][0] < rate < found["rate"][1], "many rates")
                expect(found["channels"][1] > channels, "more channels")
        server.stop()


@test
def a_rate_that_plug_was_told_for_its_slave_stays():
    with Server("virtual,rate=48000") as server:
        with open(server.path(".asoundrc"), "w", encoding="utf-8") as file:
            file.write('pcm.plugged { type plug  slave { pcm "shm"  rate 44100 } }\n')
        program = server.run(sys.executable, PROBE, "offers", "plugged", "playback",
                             RESAMPLING_FORBIDDEN,
                             environment={"HOME": server.path("")})
        found, = json.loads(program.output)
        equal("the rate that is set", 44100, found["set"])
        server.stop()


@test
def a_program_with_a_malloc_of_its_own_opens_it():
    with Server("virtual") as server:
        equal("what it says", "fine\n", server.run(OWN_MALLOC, "shm").output)
        server.stop()


if __name__ == "__main__":
    main()
