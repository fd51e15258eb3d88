#!/usr/bin/env python3
"""doc/protocol.md is enough: a client written from it alone plays and records."""

import os
import signal
import struct
import sys

sys.dont_write_bytecode = True
import protocol_client as pc
import sound
from harness import HERE, Server, equal, expect, main, test, test_each

RATE = 48000
CLIENT = os.path.join(HERE, "protocol_client.py")
TRANSPORTS = (("memfd", True), ("the socket", False))


def options(memfd):
    return [] if memfd else ["--socket"]


@test_each(*TRANSPORTS)
def a_file_is_played_bit_for_bit_over(memfd):
    noise = sound.noise("S16_LE", RATE, 2, 1.2)
    with Server("virtual,wav=@/device.wav") as server:
        path = sound.write_wav(server.path("noise.wav"), noise)
        server.run(sys.executable, CLIENT, "play", path, *options(memfd))
        server.stop()
        stream, = server.streams()
        equal("transport", "memfd" if memfd else "socket", stream["transport"])
        equal("frames and xruns", (noise.frames, 0), (stream["frames"], stream["xruns"]))
        sound.require_once("the device", sound.read_wav(server.path("device.wav")),
                           noise.data)


@test_each(*TRANSPORTS)
def what_another_plays_is_recorded_bit_for_bit_over(memfd):
    noise = sound.noise("S16_LE", RATE, 2, 0.5)
    with Server("virtual") as server:
        path = sound.write_wav(server.path("noise.wav"), noise)
        heard = server.path("heard.wav")
        recorder = server.start(sys.executable, CLIENT, "record", heard, "--device",
                                "monitor", "--seconds", 3, *options(memfd))
        server.wait_for_log("name=protocol_client stream=")
        server.run("aplay", "-q", "-D", "shm", path)
        recorder.succeed()
        sound.require_once("the record", sound.read_wav(heard), noise.data)


@test_each(*TRANSPORTS)
def commands_and_params_are_obeyed_over(memfd):
    with Server("virtual,wav=@/device.wav") as server:
        stream = pc.Stream(pc.PLAYBACK, "", server.environment["SHMD_SOCKET"], memfd,
                           first_frame=2**61 - 7)
        stream.set_params("S16_LE", 2, RATE, 960, RATE)
        noise = sound.noise("S16_LE", RATE, 2, 1.2).data
        stream.write(noise)
        stream.drain()
        equal("hw_ptr after the drain", 2**61 - 7 + len(noise) // 4, stream.hw_ptr())
        stream.write(noise[:38400])
        stream.start()
        stream.drop()  # a part of it was heard, or nothing
        equal("state", pc.STOPPED, stream.state())
        stream.set_gain(500)
        stream.set_params("FLOAT_LE", 1, 44100, 882, 44100)
        stream.write(struct.pack("f", 0.5) * 22050)
        stream.drain()
        stream.free_params()
        stream.close()
        server.stop()
        heard = sound.strip_silence(sound.read_wav(server.path("device.wav"))).data
        equal("where the noise is heard", 0, heard.find(noise))
        half = heard.count(struct.pack("<hh", 8192, 8192))
        expect(half > 0.9 * 24000, f"half of 0.5 is heard in {half} frames, not 24,000")


@test
def a_stream_changes_from_the_socket_to_memfd():
    noise = sound.noise("S16_LE", RATE, 2, 0.3).data
    with Server("virtual,wav=@/device.wav") as server:
        stream = pc.Stream(pc.PLAYBACK, "", server.environment["SHMD_SOCKET"])
        stream.connection.request(pc.SET_PARAMS, pc.params_body(
            "S16_LE", 2, pc.SOCKET, RATE, 960, 9600))
        stream.set_params("S16_LE", 2, RATE, 960, 9600)
        equal("transport", pc.MEMFD, stream.transport)
        stream.write(noise)
        stream.drain()
        stream.close()
        server.stop()
        sound.require_once("the device", sound.read_wav(server.path("device.wav")), noise)


@test_each(*TRANSPORTS)
def the_end_of_the_server_is_noticed_over(memfd):
    with Server("virtual", dies=True) as server:
        stream = pc.Stream(pc.PLAYBACK, "", server.environment["SHMD_SOCKET"], memfd)
        stream.set_params("S16_LE", 2, RATE, 960, 9600)
        stream.write(bytes(4 * 9600))
        stream.start()
        os.kill(server.pid, signal.SIGKILL)
        try:
            stream.write(bytes(4 * RATE))
        except pc.Dropped:
            return
        finally:
            stream.close()
    raise AssertionError("it goes on without a server")


if __name__ == "__main__":
    main()
