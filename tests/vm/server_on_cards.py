#!/usr/bin/env python3
"""A server on cards: what is played arrives, whoever comes, goes or takes the card."""

import array
import glob
import os
import re
import signal
import sys

sys.dont_write_bytecode = True
from guest import (CAN_RESTRICT, SHMD, SIZES, Program, Recorder, Server, as_uid, contains,
                   equal, expect, is_closed, main, read, test, test_each, wait_until)
import crowd
import sound

# Emulation stops for longer than a real machine is ever late.
EASY = "period=9600,buffer=96000"
LOOPBACK = f"hw:CARD=Loopback,DEV=0,format=S16_LE,{EASY}"
HDA = "hw:CARD=Intel,DEV=0"



def play(server, path, *options):
    return server.start("aplay", "-q", "-D", "shm", *SIZES, *options, path)


@test_each(("the format of the card", "S16_LE", 48000, 2),
           ("44.1 kHz, 32 bits, 4 channels", "S32_LE", 44100, 4))
def one_stream_arrives_bit_for_bit(format_, rate, channels):
    made = sound.noise(format_, rate, channels, 1.5)
    device = (f"hw:CARD=Loopback,DEV=0,format={format_},rate={rate},"
              f"channels={channels},{EASY}")
    with Server(device) as server:
        path = sound.write_wav(server.path("made.wav"), made)
        recorder = Recorder(server, format_, rate, channels)
        play(server, path).succeed()
        heard = recorder.heard()
        server.stop()
        contains("the log", server.log(), "uses hw:CARD=Loopback,DEV=0", f"{rate} Hz")
    sound.require_once("the other side", heard, made.data)
    equal("xruns", [0], [stream["xruns"] for stream in server.streams()])


@test
def three_at_once_arrive_as_their_saturated_sum():
    with Server(f"{LOOPBACK},channels={crowd.CHANNELS}") as server:
        clients = [crowd.Client(server, number, loudest=20000) for number in range(3)]
        recorder = Recorder(server, channels=crowd.CHANNELS)
        for program in [play(server, client.path) for client in clients]:
            program.succeed()
        heard = recorder.heard()
        server.stop()
        for client in clients:
            client.find_in(heard)
            equal(f"frames heard of client {client.number}", crowd.FRAMES, client.heard)
        crowd.require_sum(heard, clients)


@test
def a_recording_is_what_the_other_side_plays():
    made = sound.noise("S16_LE", 48000, 2, 2)
    # What a player has not yet played when it stops, snd-aloop drops.
    followed = sound.Sound("S16_LE", 48000, 2, made.data + bytes(4 * 96000))
    with Server(f"hw:CARD=Loopback,DEV=1,format=S16_LE,{EASY}") as server:
        path = sound.write_wav(server.path("made.wav"), followed)
        recording = server.start("arecord", "-q", "-D", "shm", "-f", "S16_LE", "-r",
                                 48000, "-c", 2, *SIZES, "-d", 8, "recorded.wav")
        wait_until("the card captures", lambda: "state: RUNNING" in
                   read("/proc/asound/Loopback/pcm1c/sub0/status"))
        Program(["aplay", "-q", "-D", "hw:Loopback,0,0", *SIZES, path]).succeed()
        recording.succeed()
        recorded = sound.read_wav(server.path("recorded.wav"))
        server.stop()
    sound.require_once("the recording", recorded, made.data)


@test_each(("hda", HDA), ("aloop", f"hw:CARD=Loopback,DEV=0,format=S16_LE,{EASY}"))
def both_directions_run_at_once_on(device):
    with Server(device) as server:
        made = sound.noise("S16_LE", 48000, 2, 3)
        player = play(server, sound.write_wav(server.path("made.wav"), made))
        server.run("arecord", "-q", "-D", "shm", "-f", "S16_LE", "-r", 48000, "-c", 2,
                   *SIZES, "-s", 96000, "recorded.wav")
        player.succeed()
        recorded = sound.read_wav(server.path("recorded.wav"))
        server.stop()
    equal("frames recorded", 96000, recorded.frames)
    equal("frames played", 144000, server.streams(kind="playback")[0]["frames"])


@test
def a_card_that_is_busy_is_taken_when_it_is_free():
    holder = Program(["aplay", "-q", "-D", "hw:Intel", "-t", "raw", "-f", "S16_LE", "-r",
                      "48000", "-c", "2", "-d", "600", "/dev/zero"])
    wait_until("somebody has the card", lambda: not is_closed("Intel/pcm0p"))
    with Server(HDA) as server:
        server.wait_for_log("cannot use hw:CARD=Intel,DEV=0")
        contains("the log", server.log(), "busy")
        player = play(server, "/dev/zero", "-t", "raw", "-f", "S16_LE", "-r", "48000",
                      "-c", "2", "-d", "60")
        server.wait_for_log("stream=")
        holder.end()
        server.wait_for_log("playback: uses hw:CARD=Intel,DEV=0")
        wait_until("it plays there", lambda: "state: RUNNING" in
                   read("/proc/asound/Intel/pcm0p/sub0/status"))
        expect(player.is_alive(), "the player is gone")
        player.end()
        server.stop()


@test
def a_card_that_nobody_uses_is_closed_and_opened_without_losing_a_frame():
    made = sound.noise("S16_LE", 48000, 2, 0.5)
    with Server(LOOPBACK, settings=["idle_timeout_ms=200"]) as server:
        path = sound.write_wav(server.path("made.wav"), made)
        for _ in range(2):
            wait_until("the card is closed", lambda: is_closed("Loopback/pcm0p"))
            recorder = Recorder(server)
            play(server, path).succeed()
            sound.require_once("the other side", recorder.heard(), made.data)
        server.stop()


@test
def a_card_that_is_removed_costs_no_client_its_sound():
    with Server(HDA, settings=["fallback=virtual,wav=@/fallback.wav,"
                               f"channels={crowd.CHANNELS}"]) as server:
        clients = [crowd.Client(server, number, frames=8 * crowd.RATE)
                   for number in range(3)]
        programs = [play(server, client.path) for client in clients]
        wait_until("all play", lambda: server.log().count("transport=") == 3)
        bus, = glob.glob("/sys/bus/pci/devices/*/sound/card2")
        pci = os.path.realpath(os.path.join(bus, "../.."))
        with open(os.path.join(pci, "remove"), "w", encoding="ascii") as file:
            file.write("1")
        server.wait_for_log("playback: uses the fallback")
        wait_until("the fallback has played a second", lambda: sound.read_wav(
            server.path("fallback.wav")).frames > 48000)
        with open("/sys/bus/pci/rescan", "w", encoding="ascii") as file:
            file.write("1")
        wait_until("it is back", lambda: server.log().count(
            "playback: uses hw:CARD=Intel,DEV=0") == 2)
        for program in programs:
            program.succeed()
        server.stop()
        fallback = sound.read_wav(server.path("fallback.wav"))
        for client in clients:
            count = [n for n in fallback.samples(crowd.SHARED + client.number) if n]
            expect(len(count) > 40000, f"client {client.number} was not heard there")
            # It counts to COUNT_TO, over and over.
            steps = {(b - a) % crowd.COUNT_TO for a, b in zip(count, count[1:])}
            equal(f"steps of client {client.number}", {1}, steps)
        equal("xruns", [0, 0, 0], [stream["xruns"] for stream in server.streams()])


@test
def other_parameters_are_taken_by_a_reload_while_it_plays():
    made = sound.noise("S16_LE", 48000, 2, 6)
    # Of this one only the environment is used: the server has a configuration to reload.
    with Server("virtual") as server:
        def configure(device):
            with open(server.path("shmd.conf"), "w", encoding="utf-8") as file:
                file.write(f'device "{device}"\n')

        configure(LOOPBACK)
        socket = server.path("socket")
        shmd = server.start(SHMD, f"--config={server.path('shmd.conf')}",
                            f"--socket={socket}")
        wait_until("the server listens", lambda: os.path.exists(socket))
        recorder = Recorder(server)
        player = server.start("aplay", "-q", "-D", f"shm:SERVER={socket}", *SIZES,
                              sound.write_wav(server.path("made.wav"), made))
        wait_until("it plays", lambda: "state: RUNNING" in
                   read("/proc/asound/Loopback/pcm0p/sub0/status"))
        configure(LOOPBACK.replace("buffer=96000", "buffer=76800"))
        shmd.signal(signal.SIGHUP)
        wait_until("the card has the other buffer", lambda: "buffer_size: 76800" in
                   read("/proc/asound/Loopback/pcm0p/sub0/hw_params"))
        player.succeed()
        heard = recorder.heard()
        shmd.signal(signal.SIGTERM)
        shmd.succeed()
        contains("the server's log", shmd.errors, "reloaded")
        if CAN_RESTRICT:
            equal("times that direct mode was granted", 2,
                  shmd.errors.count("direct: granted"))
    # The silence of the change is somewhere in it; the noise has no frame of zeros.
    frames = [heard.data[at:at + 4] for at in range(0, len(heard.data), 4)]
    kept = b"".join(frame for frame in frames if frame != bytes(4))
    expect(kept == made.data, "the sound is not whole: " + sound.first_difference(
        sound.Sound("S16_LE", 48000, 2, kept), made.data))


NAMESPACES = ["unshare", "--mount", "--pid", "--net", "--ipc", "--user",
              "--map-root-user", "--fork", "sh", "-c"]


@test
def a_client_in_namespaces_of_its_own_needs_the_socket_alone():
    made = sound.noise("S16_LE", 48000, 2, 1)
    with Server(LOOPBACK) as server:
        path = sound.write_wav(server.path("made.wav"), made)
        recorder = Recorder(server)
        server.run(*NAMESPACES, "mount -t tmpfs none /dev/snd && "
                   f"exec aplay -q -D shm {' '.join(SIZES)} {path}")
        heard = recorder.heard()
        server.stop()
    sound.require_once("the other side", heard, made.data)
    if CAN_RESTRICT:
        equal("direct mode", "granted", server.streams()[0]["direct"])


USERS = (4001, 4002)  # who need not exist, and are in no group


@test
def two_users_without_a_card_of_theirs_play_at_once_and_share_nothing():
    with Server(f"{LOOPBACK},channels={crowd.CHANNELS}") as server:
        clients = [crowd.Client(server, number) for number in range(len(USERS))]
        socket = server.environment["SHMD_SOCKET"]
        for path in (server.folder, os.path.dirname(socket),
                     os.environ["XDG_RUNTIME_DIR"]):
            os.chmod(path, 0o755)
        os.chmod(socket, 0o666)
        recorder = Recorder(server, channels=crowd.CHANNELS)
        programs = [as_uid(uid, "env", *(f"{name}={value}" for name, value in
                                         server.environment.items()),
                           "aplay", "-q", "-D", "shm", *SIZES, client.path)
                    for uid, client in zip(USERS, clients)]
        wait_until("both are there", lambda: "stream=2" in server.log() or
                   not all(program.is_alive() for program in programs))
        maps = [read(f"/proc/{program.pid}/maps") for program in programs]
        pools = [set(re.findall(r" (\d+) +/memfd:shmd", text)) for text in maps]
        for program in programs:
            program.succeed()
        heard = recorder.heard()
        server.stop()
        equal("pools that each maps", [2, 2], [len(one) for one in pools])
        equal("pools that both map", set(), pools[0] & pools[1])
        expect(all("/dev/snd" not in text for text in maps), "a client maps the card")
        contains("why they have no direct mode", server.streams()[0]["direct"],
                 "not allowed for this user")
        for client in clients:
            client.find_in(heard)
            equal(f"frames heard of client {client.number}", crowd.FRAMES, client.heard)


if __name__ == "__main__":
    main()
