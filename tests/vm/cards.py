#!/usr/bin/env python3
"""The machine is what was asked for: its kernel, its cards, and what shmd needs of it."""

import grp
import os
import re
import signal
import sys
import tempfile

sys.dont_write_bytecode = True
from guest import (KERNEL, Program, Server, as_uid, contains, equal, expect, main, read,
                   test, test_each, wait_until)
import sound

NOBODY = 65534
# id: number, playback devices, capture devices
CARDS = {"Dummy": (0, [0], [0]), "Loopback": (1, [0, 1], [0, 1]), "Intel": (2, [0], [0])}


@test
def the_kernel_is_the_one_that_was_asked_for():
    equal("the release's beginning", KERNEL + ".", os.uname().release[:len(KERNEL) + 1])


def devices(program):
    """What `aplay -l` or `arecord -l` lists, as {id: [number of the card, devices]}."""
    found = {}
    text = Program([program, "-l"]).succeed().output
    for number, name, device in re.findall(r"^card (\d+): (\w+) .* device (\d+):", text,
                                           re.MULTILINE):
        found.setdefault(name, (int(number), []))[1].append(int(device))
    return found


@test
def the_three_cards_are_there_by_number_and_name():
    equal("playback", {name: (number, playback)
                       for name, (number, playback, _) in CARDS.items()},
          devices("aplay"))
    equal("capture", {name: (number, capture)
                      for name, (number, _, capture) in CARDS.items()},
          devices("arecord"))


@test_each(("Dummy", "Dummy", "pcm0p", 1), ("Loopback", "Loopback", "pcm0p", 8),
           ("Intel", "Intel", "pcm0p", 1))
def a_card_has_its_substreams(card, pcm, count):
    text = read(f"/proc/asound/{card}/{pcm}/info")
    contains(f"info of {card}", text, f"subdevices_count: {count}\n")


@test
def dummys_pages_are_real_ones():
    equal("fake_buffer", "N\n", read("/sys/module/snd_dummy/parameters/fake_buffer"))


@test_each(("Dummy", "Dummy", {"U8", "S16_LE"}, "[1 2]"),
           ("Loopback", "Loopback", {"S16_LE", "S24_3LE", "S32_LE", "FLOAT_LE"},
            "[1 32]"),
           ("Intel", "Intel", {"S16_LE"}, "2"))
def a_card_takes_the_expected_formats(card, formats, channels):
    shown = Program(["aplay", "--dump-hw-params", "-D", f"hw:{card}", "-t", "raw", "-f",
                     "S16_LE", "-r", "48000", "-c", "2", "-s", "1",
                     "/dev/zero"]).succeed().errors
    offered = set(re.search(r"^FORMAT: (.*)$", shown, re.MULTILINE)[1].split())
    equal("formats that are missing", set(), formats - offered)
    equal("channels", channels,
          re.search(r"^CHANNELS: (.*)$", shown, re.MULTILINE)[1].strip())


@test
def what_one_end_of_the_loopback_plays_the_other_records():
    made = sound.noise("S16_LE", 48000, 2, 0.5)
    # snd-aloop drops what is not yet recorded when the player stops.
    followed = sound.Sound("S16_LE", 48000, 2, made.data + bytes(2 * len(made.data)))
    # Four seconds of buffer: a busy host may have the machine stand still for one.
    sizes = ["--buffer-size=192000", "--period-size=6000"]
    with tempfile.TemporaryDirectory() as folder:
        path = sound.write_wav(os.path.join(folder, "made.wav"), followed)
        recorded = os.path.join(folder, "heard.raw")
        record = Program(["arecord", "-q", "-D", "hw:Loopback,1,0",
                          *made.raw_options(), *sizes, recorded])
        wait_until("arecord records", lambda: "state: RUNNING" in
                   read("/proc/asound/Loopback/pcm1c/sub0/status"))
        Program(["aplay", "-q", "-D", "hw:Loopback,0,0", *sizes, path]).succeed()
        record.signal(signal.SIGINT)
        record.wait()
        equal("errors of arecord", "", record.errors)
        with open(recorded, "rb") as file:
            heard = sound.Sound("S16_LE", 48000, 2, file.read())
    sound.require_once("the other end", heard, made.data)


@test_each(("44100", 44100), ("48000", 48000))
def aplay_plays_through_a_private_server_bit_for_bit(rate):
    made = sound.noise("S16_LE", rate, 2, 1.0)
    with Server(f"virtual,wav=@/device.wav,rate={rate},channels=2,"
                "format=S16_LE") as server:
        server.run("aplay", "-q", "-D", "shm",
                   sound.write_wav(server.path("made.wav"), made))
        server.stop()
        heard = sound.read_wav(server.path("device.wav"))
    sound.require_once("the device", heard, made.data)
    equal("xruns", [0], [stream["xruns"] for stream in server.streams()])


@test
def the_server_has_its_ring_and_the_client_its_sealed_pool():
    with Server("virtual") as server:
        player = server.start("aplay", "-q", "-D", "shm", "-t", "raw", "-f", "S16_LE",
                              "-r", "48000", "-c", "2", "-d", "60", "/dev/zero")
        server.wait_for_log("stream=")
        links = [os.readlink(f"/proc/{server.pid}/fd/{name}")
                 for name in os.listdir(f"/proc/{server.pid}/fd")]
        expect(any("io_uring" in link for link in links), f"no io_uring in {links}")
        contains("the client's mappings", read(f"/proc/{player.pid}/maps"), "/memfd:shmd")
        player.end()


@test
def who_is_in_the_group_audio_may_play_and_who_is_not_may_not():
    play = ["aplay", "-q", "-D", "hw:Dummy", "-t", "raw", "-f", "S16_LE", "-r", "48000",
            "-c", "2", "-s", "1", "/dev/zero"]
    as_uid(NOBODY, *play, groups=[grp.getgrnam("audio").gr_gid]).succeed()
    expect(as_uid(NOBODY, *play).wait() != 0, "nobody may play to hw:Dummy")
    # aplay says "No such device" whatever the reason.
    refused = as_uid(NOBODY, "cat", "/dev/snd/pcmC0D0p")
    refused.wait()
    contains("what the kernel says", refused.errors, "Permission denied")


if __name__ == "__main__":
    main()
