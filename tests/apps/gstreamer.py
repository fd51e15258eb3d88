#!/usr/bin/env python3
"""GStreamer plays through alsasink and records through alsasrc, in gst-launch-1.0."""

import subprocess
import sys

sys.dont_write_bytecode = True
import apps
import commands
import harness
import sound
from apps import test, test_each
from harness import equal, expect, main

apps.need("gst-launch-1.0", "gst-inspect-1.0")
RATE = apps.RATE
CAPS = f"audio/x-raw,format=S16LE,rate={RATE},channels=2"
for element in ("alsasink", "alsasrc", "rawaudioparse"):
    if subprocess.run(["gst-inspect-1.0", "--exists", element], check=False).returncode:
        harness.skip("gstreamer", f"there is no element {element}")
        main()


def write_raw(server, made):
    with open(server.path("made.raw"), "wb") as file:
        file.write(made.data)


@test_each(("its own buffer", []),
           ("a buffer of 1 s", ["buffer-time=1000000", "latency-time=100000"]),
           ("a buffer of 40 ms", ["buffer-time=40000", "latency-time=10000"]),
           ("the clock of the system", ["provide-clock=false", "slave-method=none"]))
def alsasink_plays_with(options):
    made = apps.made_sound()
    with apps.playback_server() as server:
        write_raw(server, made)
        server.run(*commands.alsasink_plays(*options))
        server.stop()
        if "buffer-time=40000" in options and server.streams()[0]["xruns"]:
            return  # a busy machine is late for that; it went on to the end
        commands.require_all_but_the_start(server.heard(), made)
        server.require_no_xruns()


@test
def alsasink_plays_what_gstreamer_converts():
    with apps.playback_server() as server:
        server.run(*commands.GST_LAUNCH, "audiotestsrc", "num-buffers=40",
                   "samplesperbuffer=1200", "!",
                   "audio/x-raw,format=F32LE,rate=44100,channels=1",
                   "!", "audioconvert", "!", "audioresample", "!", CAPS,
                   "!", "alsasink", "device=shm")
        server.stop()
        server.require_no_xruns()
        heard = sound.strip_silence(server.heard())
    frames = 40 * 1200 * RATE // 44100
    expect(abs(heard.frames - frames) < commands.MOST_CLIPPED,
           f"{heard.frames} frames heard")


@test_each(("its own buffer", []),
           ("a buffer of 1 s", ["buffer-time=1000000", "latency-time=100000"]))
def alsasrc_records_exactly_with(options):
    room = apps.made_sound(0.7)
    with apps.capture_server(room) as server:
        server.run(*commands.GST_LAUNCH, "alsasrc", "device=shm", "num-buffers=10",
                   f"blocksize={RATE}", *options, "!", CAPS, "!", "filesink",
                   "location=recorded.raw")
        with open(server.path("recorded.raw"), "rb") as file:
            recorded = file.read()
        server.stop()
        server.require_no_xruns()
    expect(len(recorded) > RATE, f"{len(recorded)} bytes were recorded")
    equal("a part of a frame", 0, len(recorded) % 4)
    apps.require_from("the recording", recorded, room.data)


@test
def alsasink_plays_what_alsasrc_records():
    room = apps.made_sound(0.7)
    with apps.Server("a=virtual,capture=@/room.wav", "b=virtual,wav=@/device.wav",
                     prepare=lambda server: sound.write_wav(server.path("room.wav"),
                                                            room)) as server:
        server.run(*commands.GST_LAUNCH, "alsasrc", "device=shm:a", "num-buffers=100",
                   "!", CAPS, "!", "queue", "!", "alsasink", "device=shm:b",
                   "slave-method=none")
        server.stop()
        server.require_no_xruns()
        heard = sound.strip_silence(server.heard())
    expect(heard.frames > RATE // 2, f"{heard.frames} frames were heard")


if __name__ == "__main__":
    main()
