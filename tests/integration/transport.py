#!/usr/bin/env python3
"""The socket transport does what memfds do, and neither loses a descriptor."""

import os
import subprocess
import sys

sys.dont_write_bytecode = True
import sound
from harness import (BUILD, HERE, Server, equal, expect, fd_count, main,
                     memfd_mapping_count, test, test_each, wait_until)

OPENS = 1000
LOCKED = os.path.join(BUILD, "tests/integration/programs/locked")
NOT_PERMITTED = 77
MORE_KIB = 512  # 100 ms are 19 KiB; the rest is for alsa-lib
TRANSPORTS = (("memfd", "yes"), ("socket", "no"))
CLIENT = os.path.join(HERE, "alsa_client.py")


def transport_name(memfd):
    return "memfd" if memfd == "yes" else "socket"


def played_over(memfd, made, device):
    """What the device plays of `made`, without the silence around it."""
    with Server(device, settings=[f"memfd={memfd}"]) as server:
        path = sound.write_wav(server.path("made.wav"), made)
        server.run("aplay", "-q", "-D", "shm", path)
        server.stop()
        stream, = server.streams()
        equal("transport", transport_name(memfd), stream["transport"])
        equal("xruns", 0, stream["xruns"])
        return sound.strip_silence(sound.read_wav(server.path("device.wav")))


@test_each(
    ("the device's format", "S16_LE", 48000, 2, ""),
    ("another format", "S24_3LE", 48000, 2, ""),
    ("another rate", "S16_LE", 44100, 2, ""),
    ("other channels", "FLOAT_LE", 48000, 6, ""),
    ("frames longer than a quarter of a message", "S32_LE", 48000, 32, ",channels=32"),
    ("bytes", "U8", 8000, 1, ",rate=8000,format=U8,channels=1"))
def both_transports_play_the_same(format_, rate, channels, device):
    made = sound.noise(format_, rate, channels, 0.6)
    device = "virtual,wav=@/device.wav" + device
    over_memfd = played_over("yes", made, device)
    over_socket = played_over("no", made, device)
    expect(over_memfd.frames > 0, "nothing was played")
    equal("frames played", over_memfd.frames, over_socket.frames)
    expect(over_memfd.data == over_socket.data, "other samples were played")


@test_each(*TRANSPORTS)
def a_recording_is_what_the_device_captures(memfd):
    made = sound.noise("S24_3LE", 48000, 2, 0.7)
    with Server("virtual,capture=@/room.wav", settings=[f"memfd={memfd}"],
                prepare=lambda server: sound.write_wav(server.path("room.wav"),
                                                       made)) as server:
        server.run("arecord", "-q", "-D", "shm", "-f", "S24_3LE", "-r", 48000, "-c", 2,
                   "-s", 48000, "recorded.wav")
        recorded = sound.read_wav(server.path("recorded.wav")).data
        server.stop()
        stream, = server.streams()
        equal("transport", transport_name(memfd), stream["transport"])
    equal("frames", 48000, len(recorded) // 6)
    expect(recorded in 4 * made.data, "the recording is not the file, over and over")


@test
def a_client_without_memfds_plays_over_the_socket_beside_others():
    made = sound.noise("S16_LE", 48000, 2, 0.6)
    with Server("virtual,wav=@/device.wav") as server:
        server.run("aplay", "-q", "-D", "shm",
                   sound.write_wav(server.path("made.wav"), made))
        # Its limit on the size of files is below that of a pool. The machine's own
        # configuration may load what makes larger files, as libpulse does, and the client
        # would end by SIGXFSZ for that; from us it must not get one.
        ours = server.environment["ALSA_CONFIG_PATH"].rpartition(":")[2]
        server.run("sh", "-c", "ulimit -f 64; exec aplay -q -D shm made.wav",
                   environment={"ALSA_CONFIG_PATH": ours})
        server.stop()
        equal("transports", ["memfd", "socket"],
              [stream["transport"] for stream in server.streams()])
        heard = sound.read_wav(server.path("device.wav")).data
        equal("times that it is heard", 2, heard.count(made.data))


@test_each(*TRANSPORTS)
def a_thousand_opens_leave_no_descriptor_behind(memfd):
    with Server("virtual", settings=[f"memfd={memfd}"]) as server:
        client = server.start(sys.executable, CLIENT, "opens", "shm", OPENS,
                              stdin=subprocess.PIPE)
        # What a first connection leaves for good is no leak.
        wait_until("the client is ready", lambda: "ready" in client.output or
                   not client.is_alive())
        wait_until("the server has dropped the first two",
                   lambda: server.log().count(" gone") == 2)
        before = (fd_count(server.pid), memfd_mapping_count(server.pid))
        client.stdin.write(b"\n")
        client.stdin.flush()
        wait_until("the client is done", lambda: "pools" in client.output or
                   not client.is_alive())
        expect("pools" in client.output, client.errors)
        words = client.output.split()
        first, last, pools = int(words[2]), int(words[3]), int(words[5])
        equal("descriptors of the client", first, last)
        equal("pools that the client still maps", 0, pools)
        wait_until("the server has dropped them all",
                   lambda: server.log().count(" gone") == 2 + OPENS)
        wait_until("the server's descriptors and mappings are back", lambda: (
            fd_count(server.pid), memfd_mapping_count(server.pid)) == before, 10)
        client.stdin.close()
        client.succeed()


@test_each(*TRANSPORTS)
def a_client_that_locks_its_memory_pays_for_its_buffer(memfd):
    # Root may lock without a limit, and gives that up.
    command = () if os.geteuid() else ("setpriv", "--bounding-set", "-ipc_lock",
                                       "--inh-caps", "-ipc_lock")
    with Server("virtual", settings=[f"memfd={memfd}"]) as server:
        program = server.start(*command, LOCKED, "shm", MORE_KIB)
        if program.wait() != NOT_PERMITTED:
            equal("what came of it", "fine\n", program.output)
        else:
            print("note: this user may lock too little for any program that plays")


if __name__ == "__main__":
    main()
