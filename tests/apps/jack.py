#!/usr/bin/env python3
"""jackd on the PCM, for playback alone and in duplex, with clients of its own package."""

import array
import contextlib
import fcntl
import re
import sys

sys.dont_write_bytecode = True
import apps
import sound
from apps import test, test_each
from harness import equal, expect, main, wait_until
from jack_server import DUPLEX, PERIOD, PERIODS, PLAYBACK, Jack, without_least

apps.need("jackd", "jack_lsp", "jack_connect", "jack_rec", "jack_iodelay",
          "stdbuf")
RATE = apps.RATE


@contextlib.contextmanager
def one_at_a_time():
    """All servers of a machine share one register, and starting two at once breaks it."""
    with open(__file__, "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def room_server(room):
    def prepare(server):
        sound.write_wav(server.path("room.wav"), room)
    return apps.Server("virtual,capture=@/room.wav,wav=@/device.wav", prepare=prepare)


@test
def jackd_plays_what_a_client_gives_it():
    with one_at_a_time(), apps.playback_server() as server:
        jack = Jack(server, *PLAYBACK)
        equal("its ports", ["system:playback_1", "system:playback_2"], jack.ports())
        meter = jack.start_meter()
        jack.connect("jack_delay:out", "system:playback_1")
        wait_until("it is heard", lambda: not meter.is_alive() or
                   any(server.heard().samples(0)))
        meter.end()
        jack.close()
        server.stop()
        server.require_no_xruns()
        expect(not any(server.heard().samples(1)), "the other channel is not silent")


@test_each(("stereo", 2), ("5.1", 6))
def jackd_takes_as_many_channels_as_the_device_has(count):
    with one_at_a_time(), apps.Server(f"virtual,channels={count}") as server:
        jack = Jack(server, *PLAYBACK)
        equal("its ports", [f"system:playback_{n}" for n in range(1, count + 1)],
              jack.ports())
        jack.close()
        server.stop()


@test_each(("float", []), ("16 bits", ["--shorts"]))
def jackd_carries_each_captured_frame_to_the_device_and_a_client_in(options):
    room = without_least(apps.made_sound(0.7))
    with one_at_a_time(), room_server(room) as server:
        jack = Jack(server, *DUPLEX, *options)
        for channel in 1, 2:
            jack.connect(f"system:capture_{channel}", f"system:playback_{channel}")
        jack.run("jack_rec", "-f", "recorded.wav", "-d", 1, "-b", 32,
                 "system:capture_1", "system:capture_2")
        jack.close()
        recorded = sound.strip_silence(sound.read_wav(server.path("recorded.wav")))
        server.stop()
        server.require_no_xruns()
        heard = server.heard()
    # The channels are connected one after the other.
    both = [n for n, values in enumerate(zip(heard.samples(0), heard.samples(1)))
            if all(values)]
    expect(both and both[-1] - both[0] > RATE // 2, "it is not heard")
    apps.require_from("what is heard", heard.data[4 * both[0]:4 * both[-1]], room.data)
    if not jack.has_late_clients():
        require_recorded(recorded, room, 32767 if options else 32768)


def require_recorded(recorded, room, full_scale):
    """In 32 bits, from floats whose 1.0 is `full_scale` in the sound."""
    expect(recorded.frames > RATE // 2, f"{recorded.frames} frames were recorded")
    values = array.array("h", [round(value * full_scale / 2 ** 31) for value in
                               array.array("i", recorded.data)])
    apps.require_from("the recording", values.tobytes(), room.data)


@test
def jack_iodelay_measures_a_steady_delay():
    """The device is its own loopback: what is played is what is captured."""
    with one_at_a_time(), apps.Server("virtual") as server:
        jack = Jack(server, *DUPLEX)
        meter = jack.start_meter()
        jack.connect("jack_delay:out", "system:playback_1",
                     "system:capture_1", "jack_delay:in")
        # The first are of a signal that is not there yet, or not yet whole.
        wait_until("it has measured", lambda: not meter.is_alive() or
                   len(delays(meter)) > 8)
        measured = delays(meter)[4:]
        meter.end()
        jack.close()
        server.stop()
        server.require_no_xruns()
    # A period to capture, and a buffer to play.
    wanted = (1 + PERIODS) * PERIOD
    if not jack.has_late_clients():
        expect(all(abs(delay - wanted) < 0.01 for delay in measured),
               f"delays of {measured}, expected {wanted}")
    expect(PERIOD <= measured[-1] <= 2 * wanted, f"{measured[-1]} frames")


def delays(meter):
    return [float(frames) for frames in re.findall(r"([0-9.]+) frames .* total roundtrip",
                                                   meter.output)]


if __name__ == "__main__":
    main()
