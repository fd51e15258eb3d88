#!/usr/bin/env python3
"""The ways in which applications use a PCM: mmap, nonblocking, poll, pause, buffers."""

import contextlib
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


# An ordinary process that has to come every 20 ms is late now and then on a busy machine,
# and that is an underrun by ALSA's rules. One that came in time shows the rest.
TRIES = 5


def hurry():
    """In the child, before it executes: as urgent as the rights allow."""
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


def play_once(options, memfd, made):
    """Return the number of xruns; without one, all was played bit for bit."""
    with Server("virtual,wav=@/device.wav", settings=[f"memfd={memfd}"]) as server:
        path = sound.write_wav(server.path("made.wav"), made)
        program = server.run("aplay", "-q", "-D", "shm", *options, path,
                             preexec_fn=hurry)
        server.stop()
        stream, = server.streams()
        if stream["xruns"] == 0:
            equal("what aplay says", "", program.errors)
            sound.require_once("the device", sound.read_wav(server.path("device.wav")),
                               made.data)
        return stream["xruns"]


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


@test_each(*((f"{words}, {transport}", options, memfd)
             for transport, memfd in TRANSPORTS for words, options in (
                 ("mmap", ["-M"]), ("nonblocking", ["-N"]),
                 ("nonblocking mmap", ["-N", "-M"]),
                 ("a start at the first period", ["-R", "1000"]),
                 ("two periods of 20 ms", ["--period-size=960", "--buffer-size=1920"]),
                 ("many short periods", ["--period-size=64", "--buffer-size=16384"]),
                 ("a long buffer", ["--period-size=48000", "--buffer-size=96000"]))))
def aplay_plays_bit_for_bit_with(options, memfd):
    made = sound.noise("S16_LE", RATE, 2, 0.7)
    tries = TRIES if "--buffer-size=1920" in options else 1
    for _ in range(tries):
        xruns = play_once(options, memfd, made)
        if xruns == 0:
            return
    equal(f"xruns in the last of {tries} tries", 0, xruns)


@test
def aplay_gets_the_small_buffer_that_it_asks_for():
    """
    64 / 256 frames are 1.3 / 5.3 ms: on a busy machine even one in a hurry may be late,
    and xruns then. It goes on all the same, to the last frame.
    """
    made = sound.noise("S16_LE", RATE, 2, 0.5)
    with Server("virtual,wav=@/device.wav") as server:
        path = sound.write_wav(server.path("made.wav"), made)
        server.run("aplay", "-q", "-D", "shm", "--period-size=64", "--buffer-size=256",
                   path, preexec_fn=hurry)
        server.stop()
        stream, = server.streams()
        equal("period and buffer", (64, 256), (stream["period"], stream["buffer"]))
        heard = sound.read_wav(server.path("device.wav"))
    if stream["xruns"] == 0:
        sound.require_once("the device", heard, made.data)
    else:
        expect(made.data[-64 * made.frame_bytes:] in heard.data, "the end is missing")


@test_each(*TRANSPORTS)
def each_wake_of_a_player_that_polls_finds_room(memfd):
    made = sound.noise("S16_LE", RATE, 2, 1.5)
    # Over the socket the server says when it began, and poll(2) returns with that.
    most_idle = int(memfd == "no")
    # Who wakes himself is awake before a server that the machine holds up.
    for _ in range(TRIES):
        client = poll_and_play(memfd, made)
        if int(client.output.split()[3]) <= most_idle:
            break
    require_useful_wakes(client, made.frames, most_idle)


def poll_and_play(memfd, made):
    with Server("virtual,wav=@/device.wav", settings=[f"memfd={memfd}"]) as server:
        with open(server.path("made.raw"), "wb") as file:
            file.write(made.data)
        client = server.run(sys.executable, CLIENT, "poll-play", "shm", "made.raw")
        server.stop()
        sound.require_once("the device", sound.read_wav(server.path("device.wav")),
                           made.data)
    return client


@test_each(*TRANSPORTS)
def a_recorder_that_polls_is_woken_at_most_twice_a_period(memfd):
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
        # with the first of them. With a pool the recorder's timer follows the device's
        # cycles, and what a cycle delivers may be a frame short of a period.
        require_useful_wakes(client, RATE, most_idle=RATE)
        equal("frames recorded", RATE, len(recorded) // 4)
        expect(recorded in 4 * made.data, "the recording is not the file, over and over")


def require_useful_wakes(client, frames, most_idle):
    words = client.output.split()
    wakes, idle = int(words[1]), int(words[3])
    useful = wakes - idle
    expect(0 < useful <= frames / 960 + 2, f"woken {useful} times for {frames} frames")
    most = min(most_idle, useful)
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
def what_is_played_through_plug_arrives_as_it_is():
    made = sound.noise("S16_LE", RATE, 2, 0.4)
    with Server("virtual,wav=@/device.wav") as server:
        path = sound.write_wav(server.path("made.wav"), made)
        server.run("aplay", "-q", "-D", "plug:shm", path)
        server.stop()
        sound.require_once("the device", sound.read_wav(server.path("device.wav")),
                           made.data)


if __name__ == "__main__":
    main()
