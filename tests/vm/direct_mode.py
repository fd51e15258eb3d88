#!/usr/bin/env python3
"""Direct mode: a client writes into the card's own ring, and nobody hears a change."""

import array
import errno
import fcntl
import mmap
import operator
import os
import random
import re
import signal
import struct
import sys

sys.dont_write_bytecode = True
from guest import (CAN_RESTRICT, KERNEL, SIZES, Program, Recorder, Server, contains,
                   equal, expect, is_closed, main, read, skip, test, test_each,
                   wait_until)
import crowd
import protocol_client as pc
import sound

RATE = 48000
# The ring is longer than a client's buffer; emulation stops for longer than machines do.
LOOPBACK = "hw:CARD=Loopback,DEV=0,format=S16_LE,period=9600,buffer=96000"
RENDERED_AHEAD_FRAMES = 3 * 9600
SECONDS_JOINED, LEAST_JOINED = 20, 10


def play(server, path, *options):
    return server.start("aplay", "-q", "-D", "shm", *SIZES, *options, path)


def wait_until_direct(server):
    server.wait_for_log("direct: granted")


def direct_test(function):
    """What needs a kernel that can restrict the descriptor."""
    if CAN_RESTRICT:
        return test(function)
    skip(function.__name__.replace("_", " "), f"Linux {KERNEL} cannot restrict a "
         "descriptor")
    return function


@test
def one_stream_arrives_bit_for_bit_through_the_cards_own_ring():
    made = sound.noise("S16_LE", RATE, 2, 4)
    with Server(LOOPBACK) as server:
        path = sound.write_wav(server.path("made.wav"), made)
        recorder = Recorder(server)
        play(server, path).succeed()
        heard = recorder.heard()
        server.stop()
    sound.require_once("the other side", heard, made.data)
    stream, = server.streams()
    equal("xruns", 0, stream["xruns"])
    if CAN_RESTRICT:
        equal("direct", "granted", stream["direct"])
        expect(stream["direct_frames"] > stream["frames"] // 2,
               f"only {stream['direct_frames']} of {stream['frames']} frames were direct")
    else:
        contains("direct", stream["direct"], "cannot restrict")
        equal("frames that were direct", 0, stream["direct_frames"])


@test
def a_client_that_does_not_wish_it_is_not_given_the_ring():
    with Server(LOOPBACK) as server:
        config = server.path("never.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write("pcm.never { type shmd direct never }\n")
        paths = f"{server.environment['ALSA_CONFIG_PATH']}:{config}"
        server.run("aplay", "-q", "-D", "never", *SIZES, "-t", "raw", "-f", "S16_LE",
                   "-r", RATE, "-c", 2, "-d", 1, "/dev/zero",
                   environment={"ALSA_CONFIG_PATH": paths})
        server.stop()
        stream, = server.streams()
        equal("direct", "not requested", stream["direct"])
        equal("frames that were direct", 0, stream["direct_frames"])


@test
def a_client_of_another_format_is_not_given_the_ring():
    with Server(LOOPBACK) as server:
        play(server, "/dev/zero", "-t", "raw", "-f", "S32_LE", "-r", RATE, "-c", 2, "-d",
             1).succeed()
        server.stop()
        equal("direct", "its format, rate or channels are not the device's",
              server.streams()[0]["direct"])


@test_each(("hda, with one substream", "hw:CARD=Intel,DEV=0,period=4800,buffer=24000"),
           ("dummy", "hw:CARD=Dummy,DEV=0,format=S16_LE,period=2400,buffer=14400"))
def other_cards_have_it_too(device):
    with Server(device) as server:
        made = sound.noise("S16_LE", RATE, 2, 3)
        path = sound.write_wav(server.path("made.wav"), made)
        server.run("aplay", "-q", "-D", "shm", "--buffer-size=4800", "--period-size=1200",
                   path)
        server.stop()
    stream, = server.streams()
    equal("frames played", 3 * RATE, stream["frames"])
    expect((stream["direct_frames"] > 0) == CAN_RESTRICT,
           f"{stream['direct_frames']} frames were direct: {stream['direct']}")


@direct_test
def joining_and_leaving_loses_and_doubles_nothing():
    source = random.Random(1)
    with Server(f"{LOOPBACK},channels={crowd.CHANNELS}") as server:
        first = crowd.Client(server, 0, frames=SECONDS_JOINED * RATE)
        guests = [crowd.Client(server, 1 + n % 2, frames=RATE // 2) for n in range(2)]
        recorder = Recorder(server, channels=crowd.CHANNELS)
        player = play(server, first.path)
        wait_until_direct(server)
        joined = 0
        while player.is_alive() and joined < LEAST_JOINED:
            play(server, guests[joined % 2].path).succeed()
            joined += 1
            if source.random() < 0.5:
                play(server, guests[joined % 2].path).wait()
                joined += 1
        player.succeed()
        heard = recorder.heard()
        server.stop()
        first.find_in(heard)
        equal("frames heard of the first", SECONDS_JOINED * RATE, first.heard)
        count = []
        for guest in guests:
            numbers = [n for n in heard.samples(crowd.SHARED + guest.number) if n]
            expect(len(numbers) % (RATE // 2) == 0 and numbers ==
                   list(guest.count) * (len(numbers) // (RATE // 2)),
                   f"guest {guest.number} is heard with frames lost or doubled")
            count.append(len(numbers) // (RATE // 2))
        expect(sum(count) >= LEAST_JOINED, f"only {sum(count)} guests were heard")
        require_shared_sum(heard, first, guests)
        streams = server.streams()
        expect(0 < streams[0]["direct_frames"] < streams[0]["frames"],
               "the first was not both, direct and mixed")


def require_shared_sum(heard, first, guests):
    """In each frame the shared channels hold the sum of those whose count is heard."""
    for channel in range(crowd.SHARED):
        total = [0] * heard.frames
        for client in (first, *guests):
            count = heard.samples(crowd.SHARED + client.number)
            starts = [first.first] if client is first else [
                n for n, number in enumerate(count) if number == 1]
            for start in starts:
                part = slice(start, start + len(client.count))
                total[part] = map(operator.add, total[part], client.shared[channel])
        expected = array.array("h", (max(-32768, min(32767, n)) for n in total))
        expect(heard.samples(channel) == expected, f"channel {channel} is not the sum")


@direct_test
def a_direct_client_that_is_killed_leaves_silence_and_a_free_card():
    made = sound.noise("S16_LE", RATE, 2, 20)
    with Server(LOOPBACK, settings=["idle_timeout_ms=200"]) as server:
        recorder = Recorder(server)
        player = play(server, sound.write_wav(server.path("made.wav"), made))
        wait_until_direct(server)
        wait_until("a second is heard", lambda: recorder.size() > 8 * RATE)
        player.signal(signal.SIGKILL)
        player.wait()
        wait_until("the card is closed", lambda: is_closed("Loopback/pcm0p"))
        heard = sound.strip_silence(recorder.heard())
        expect(made.data.startswith(heard.data), "what was heard is not its beginning: "
               + sound.first_difference(heard, made.data))
        again = sound.noise("S16_LE", RATE, 2, 1, seed=2)
        recorder = Recorder(server)
        play(server, sound.write_wav(server.path("again.wav"), again)).succeed()
        sound.require_once("the next client", recorder.heard(), again.data)
        server.stop()


@direct_test
def a_direct_client_that_is_stopped_harms_no_newcomer():
    made = sound.noise("S16_LE", RATE, 2, 30)
    newcomer = sound.noise("S16_LE", RATE, 2, 2, seed=2)
    with Server(LOOPBACK) as server:
        recorder = Recorder(server)
        player = play(server, sound.write_wav(server.path("made.wav"), made))
        wait_until_direct(server)
        wait_until("it is heard", lambda: recorder.size() > 8 * RATE)
        player.signal(signal.SIGSTOP)
        server.wait_for_log("underrun")
        recorder.heard()
        recorder = Recorder(server)
        path = sound.write_wav(server.path("newcomer.wav"), newcomer)
        play(server, path).succeed()
        sound.require_once("the newcomer", recorder.heard(), newcomer.data)
        player.end()
        server.stop()


CONTROL_OFFSET = 0x81000000  # SNDRV_PCM_MMAP_OFFSET_CONTROL
HEADER = "/usr/include/sound/asound.h"


class Client:
    """A client that does with its descriptor what it wants."""

    def __init__(self, server):
        self.stream = pc.Stream(pc.PLAYBACK, path=server.environment["SHMD_SOCKET"])
        self.stream.set_params("S16_LE", 2, RATE, 6000, 48000, direct=pc.DIRECT_REQUIRE)
        grant, = [event for event in self.stream.connection.events
                  if event.type == pc.DIRECT_GRANT]
        self.ring_bytes = 4 * struct.unpack("=II", grant.body)[1]
        self.fd, = grant.fds

    def close(self):
        os.close(self.fd)
        self.stream.close()


def pcm_ioctls(folder):
    """All of the header's, as {name: number}."""
    with open(HEADER, encoding="utf-8") as file:
        names = re.findall(r"#define\s+(SNDRV_PCM_IOCTL_\w+)\s+_IO", file.read())
    source = os.path.join(folder, "ioctls.c")
    with open(source, "w", encoding="utf-8") as file:
        file.write("#include <stdio.h>\n#include <stdint.h>\n#include <time.h>\n"
                   "#include <sys/ioctl.h>\n#include <sound/asound.h>\n"
                   "int main(void) {\n" + "".join(
                       f'printf("{name} %lu\\n", (unsigned long){name});\n'
                       for name in names) + "return 0; }\n")
    program = os.path.join(folder, "ioctls")
    Program(["cc", "-o", program, source]).succeed()
    lines = Program([program]).succeed().output.split("\n")
    return {line.split()[0]: int(line.split()[1]) for line in lines if line}


@direct_test
def every_ioctl_on_the_descriptor_is_refused_while_the_stream_plays_on():
    made = sound.noise("S16_LE", RATE, 2, 6)
    with Server(LOOPBACK) as server:
        ioctls = pcm_ioctls(server.folder)
        expect(len(ioctls) > 30, f"only {len(ioctls)} ioctls in {HEADER}")
        recorder = Recorder(server)
        client = Client(server)
        half = len(made.data) // 2
        client.stream.write(made.data[:half])
        answers = {}
        for name, number in ioctls.items():
            try:
                fcntl.ioctl(client.fd, number, bytearray(4096))
                answers[name] = 0
            except OSError as error:
                answers[name] = error.errno
        client.stream.write(made.data[half:])
        client.stream.drain()
        heard = recorder.heard()
        equal("ioctls that were not refused", {},
              {name: code for name, code in answers.items() if code != errno.EACCES})
        client.close()
        server.stop()
    sound.require_once("the other side", heard, made.data)


@test
def a_client_that_requires_the_ring_has_it_or_is_refused():
    with Server(LOOPBACK) as server:
        try:
            Client(server).close()
            expect(CAN_RESTRICT, "an unrestricted descriptor was given away")
        except pc.Refused as refused:
            equal("errno", errno.EOPNOTSUPP, refused.errno)
            contains("the reason", str(refused), "cannot restrict")
            expect(not CAN_RESTRICT, "it was refused")
        server.stop()


def leave_having_scribbled_until(is_over):
    made = sound.noise("S16_LE", RATE, 2, 2)
    source = random.Random(3)
    with Server(LOOPBACK) as server:
        client = Client(server)
        ring = mmap.mmap(client.fd, -(-client.ring_bytes // 4096) * 4096)
        control = mmap.mmap(client.fd, 4096, offset=CONTROL_OFFSET)
        recorder = Recorder(server)
        client.stream.write(bytes(4 * 48000))
        client.stream.start()
        wait_until("it plays", lambda: client.stream.hw_ptr() > 0)
        while not is_over(server):
            control[:] = source.randbytes(4096)
            ring[:] = source.randbytes(len(ring))
        control[:] = source.randbytes(4096)
        ring[:] = source.randbytes(len(ring))
        # It goes, with its descriptor; its mapping of the control page stays until here.
        ring.close()
        client.close()
        server.wait_for_log("gone")
        # What was rendered by then is played to its end.
        scribbled = 4 * (recorder.frames() + RENDERED_AHEAD_FRAMES)
        wait_until("that is over", lambda: recorder.size() > scribbled)
        play(server, sound.write_wav(server.path("made.wav"), made)).succeed()
        heard = recorder.heard()
        control.close()
        server.stop()
    heard = sound.Sound("S16_LE", RATE, 2, heard.data[scribbled:])
    sound.require_once("after it", heard, made.data)


@direct_test
def who_scribbles_while_it_plays_harms_nobody_after_him():
    rounds = iter(range(10))
    leave_having_scribbled_until(lambda server: next(rounds, None) is None)


@direct_test
def who_scribbles_after_its_underrun_harms_nobody_after_him():
    leave_having_scribbled_until(lambda server: "underrun" in server.log())


@direct_test
def a_direct_client_hears_of_the_servers_end_and_the_next_server_has_the_card():
    made = sound.noise("S16_LE", RATE, 2, 2)
    with Server(LOOPBACK, dies=True) as server:
        config = server.path("once.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write("pcm.once { type shmd reconnect no }\n")
        paths = f"{server.environment['ALSA_CONFIG_PATH']}:{config}"
        player = server.start("aplay", "-q", "-D", "once", *SIZES, "/dev/zero", "-t",
                              "raw", "-f", "S16_LE", "-r", RATE, "-c", 2, "-d", 600,
                              environment={"ALSA_CONFIG_PATH": paths})
        wait_until_direct(server)
        wait_until("it plays", lambda: "state: RUNNING" in
                   read("/proc/asound/Loopback/pcm0p/sub0/status"))
        os.kill(server.pid, signal.SIGKILL)
        # A second on a real machine; this one is some ten times slower.
        status = player.wait(10)
        expect(status > 0, f"aplay ended with {status}")
    with Server(LOOPBACK) as server:
        server.wait_for_log("playback: uses hw:CARD=Loopback,DEV=0")
        path = sound.write_wav(server.path("made.wav"), made)
        recorder = Recorder(server)
        play(server, path).succeed()
        heard = recorder.heard()
        server.stop()
    sound.require_once("the other side", heard, made.data)


if __name__ == "__main__":
    main()
