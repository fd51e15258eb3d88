#!/usr/bin/env python3
"""The ways in which applications use a PCM: mmap, nonblocking, poll, pause, buffers."""

import os
import pty
import sys

sys.dont_write_bytecode = True
import sound
from harness import (HERE, Server, equal, expect, main, test, test_each,
                     wait_until)

RATE = 48000
CLIENT = os.path.join(HERE, "alsa_client.py")
TRANSPORTS = (("memfd", "yes"), ("socket", "no"))


def play_with(options, memfd="yes", seconds=0.7):
    made = sound.noise("S16_LE", RATE, 2, seconds)
    with Server("virtual,wav=@/device.wav", settings=[f"memfd={memfd}"]) as server:
        path = sound.write_wav(server.path("made.wav"), made)
        program = server.run("aplay", "-q", "-D", "shm", *options, path)
        server.stop()
        equal("what aplay says", "", program.errors)
        stream, = server.streams()
        equal("xruns", 0, stream["xruns"])
        sound.require_once("the device", sound.read_wav(server.path("device.wav")),
                           made.data)
        return stream


@test_each(*((f"{words}, {transport}", options, memfd)
             for transport, memfd in TRANSPORTS for words, options in (
                 ("mmap", ["-M"]), ("nonblocking", ["-N"]),
                 ("nonblocking mmap", ["-N", "-M"]),
                 ("a start at the first period", ["-R", "1000"]),
                 ("two periods of 20 ms", ["--period-size=960", "--buffer-size=1920"]),
                 ("many short periods", ["--period-size=64", "--buffer-size=16384"]),
                 ("a long buffer", ["--period-size=48000", "--buffer-size=192000"]))))
def aplay_plays_bit_for_bit_with(options, memfd):
    play_with(options, memfd)


@test
def aplay_gets_the_small_buffer_that_it_asks_for():
    """
    64 / 256 frames are 1.3 / 5.3 ms: an ordinary process on a busy machine may come too
    late for that. Then the frames are still in order, but not in one piece.
    """
    made = sound.noise("S16_LE", RATE, 2, 0.5)
    with Server("virtual,wav=@/device.wav") as server:
        path = sound.write_wav(server.path("made.wav"), made)
        server.run("aplay", "-q", "-D", "shm", "--period-size=64", "--buffer-size=256",
                   path)
        server.stop()
        stream, = server.streams()
        equal("period and buffer", (64, 256), (stream["period"], stream["buffer"]))
        heard = sound.read_wav(server.path("device.wav"))
    if stream["xruns"] == 0:
        sound.require_once("the device", heard, made.data)
    at = 0
    for start in range(0, len(made.data) - 256, 64 * made.frame_bytes):
        at = heard.data.find(made.data[start:start + 32], at)
        # An underrun drops what the device had not played yet: never what came before.
        expect(at >= 0 or stream["xruns"], f"the frames at byte {start} are missing")
        at = max(at, 0)


@test
def speaker_test_plays_a_sine_in_each_channel_in_turn():
    with Server("virtual,wav=@/device.wav") as server:
        server.run("speaker-test", "-D", "shm", "-c", 2, "-t", "sine", "-f", 440, "-l", 1)
        server.stop()
        heard = sound.read_wav(server.path("device.wav"))
        for stream in server.streams():
            equal("xruns", 0, stream["xruns"])
    left, right = heard.samples(0), heard.samples(1)
    loud = [[n for n, value in enumerate(channel) if abs(value) > 1000]
            for channel in (left, right)]
    for words, at in zip(("left", "right"), loud):
        expect(len(at) > RATE, f"the {words} channel has {len(at)} loud samples only")
    expect(loud[0][-1] < loud[1][0], "the left is heard after the right has begun")
    expect(not any(right[loud[0][0]:loud[0][-1]]), "the right is not silent meanwhile")


@test_each(*TRANSPORTS)
def each_wake_of_a_player_that_polls_finds_room(memfd):
    made = sound.noise("S16_LE", RATE, 2, 1.5)
    with Server("virtual,wav=@/device.wav", settings=[f"memfd={memfd}"]) as server:
        with open(server.path("made.raw"), "wb") as file:
            file.write(made.data)
        client = server.run(sys.executable, CLIENT, "poll-play", "shm", "made.raw")
        server.stop()
        require_useful_wakes(client, made.frames)
        sound.require_once("the device", sound.read_wav(server.path("device.wav")),
                           made.data)


@test_each(*TRANSPORTS)
def each_wake_of_a_recorder_that_polls_finds_frames(memfd):
    made = sound.noise("S16_LE", RATE, 2, 0.5)
    with Server("virtual,capture=@/room.wav", settings=[f"memfd={memfd}"],
                prepare=lambda server: sound.write_wav(server.path("room.wav"),
                                                       made)) as server:
        client = server.run(sys.executable, CLIENT, "poll-record", "shm", RATE,
                            "recorded.raw")
        with open(server.path("recorded.raw"), "rb") as file:
            recorded = file.read()
        server.stop()
        # Over the socket the frames of one wake are several messages, and poll(2) returns
        # with the first of them.
        require_useful_wakes(client, RATE, may_come_early=memfd == "no")
        equal("frames recorded", RATE, len(recorded) // 4)
        expect(recorded in 4 * made.data, "the recording is not the file, over and over")


def require_useful_wakes(client, frames, may_come_early=False):
    words = client.output.split()
    wakes, idle = int(words[1]), int(words[3])
    useful = wakes - idle
    expect(0 < useful <= frames / 960 + 2, f"woken {useful} times for {frames} frames")
    most = useful if may_come_early else 0
    expect(idle <= most, f"{idle} of {wakes} wakes found nothing to do, at most {most}")


@test_each(*TRANSPORTS)
def a_pause_is_silence_and_nothing_is_lost(memfd):
    made = sound.noise("S16_LE", RATE, 2, 1.5)
    master, slave = pty.openpty()
    with Server("virtual,wav=@/device.wav", settings=[f"memfd={memfd}"]) as server:
        path = sound.write_wav(server.path("made.wav"), made)
        # A recorder keeps the device running, so that the pause can be heard.
        recorder = server.start("arecord", "-q", "-D", "shm", "-f", "cd", "-r", RATE,
                                "/dev/null")
        program = server.start("aplay", "-q", "-i", "-D", "shm", path, stdin=slave)
        wait_until("it is heard", lambda: made.data[:400] in device_bytes(server))
        os.write(master, b" ")
        contents = wait_until("it is paused", lambda: silent_end(server))
        wait_until("the pause is heard", lambda: len(device_bytes(server)) >
                   len(contents) + RATE)
        os.write(master, b" ")
        program.succeed()
        recorder.end()
        server.stop()
        heard = sound.strip_silence(sound.Sound("S16_LE", RATE, 2, device_bytes(server)))
    os.close(master)
    os.close(slave)
    same = os.path.commonprefix([heard.data, made.data])
    rest = made.data[len(same):]
    expect(rest, "there was no pause")
    expect(heard.data.endswith(rest), "after the pause it does not go on where it was")
    expect(not heard.data[len(same):-len(rest)].strip(b"\0"), "the pause is not silent")


def device_bytes(server):
    return sound.read_wav(server.path("device.wav")).data


def silent_end(server):
    """What the device has played, if the last tenth of a second of it is silent."""
    contents = device_bytes(server)
    return contents if not contents[-RATE // 10 * 4:].strip(b"\0") else None


@test
def the_pcm_is_listed_with_its_description():
    with Server("virtual") as server:
        listed = server.run("aplay", "-L").output
    for name in ("shm", "shmd"):
        expect(f"\n{name}\n    shmd Sound Server" in "\n" + listed,
               f"{name} is not in the list: {listed!r}")


@test
def a_file_that_is_played_through_plug_and_the_default_name_arrives():
    made = sound.noise("S16_LE", RATE, 2, 0.4)
    with Server("virtual,wav=@/device.wav") as server:
        path = sound.write_wav(server.path("made.wav"), made)
        server.run("aplay", "-q", "-D", "plug:shm", path)
        server.stop()
        sound.require_once("the device", sound.read_wav(server.path("device.wav")),
                           made.data)


if __name__ == "__main__":
    main()
