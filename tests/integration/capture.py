#!/usr/bin/env python3
"""What unmodified arecord records is what was played, or what the device captures."""

import os
import signal
import sys

sys.dont_write_bytecode = True
import sound
from harness import Server, equal, expect, main, test, test_each, wait_until

RATE = 48000
WAV_HEAD_BYTES = 44


class Recorder:
    """An arecord that records from before anything is played until after all of it."""

    def __init__(self, server, name, *options, pcm="shm", format_="S16_LE", rate=RATE,
                 channels=2):
        self.path = server.path(name)
        self._rate = rate
        self._frame_bytes = sound.SAMPLE_BYTES[format_] * channels
        self._program = server.start("arecord", "-q", "-D", pcm, "-f", format_, "-r",
                                     rate, "-c", channels, *options, self.path)
        self._wait_for_frames(1)

    def _size(self):
        return os.path.getsize(self.path) if os.path.exists(self.path) else 0

    def _wait_for_frames(self, frames):
        size = max(self._size(), WAV_HEAD_BYTES) + frames * self._frame_bytes
        wait_until(f"{self.path} grows to {size} bytes",
                   lambda: not self._program.is_alive() or self._size() >= size)
        expect(self._program.is_alive(), f"arecord has ended: {self._program.errors}")

    def finish(self):
        """
        Call it when all is played. What was played is captured then, but up to half a
        second of it, arecord's buffer, is not in the file yet.
        """
        self._wait_for_frames(self._rate // 2)
        self._program.signal(signal.SIGINT)
        expect(self._program.wait() in (0, 1), "arecord's exit status after SIGINT")
        return sound.read_wav(self.path)


def play(server, made, name="made.wav", pcm="shm"):
    path = sound.write_wav(server.path(name), made)
    return server.start("aplay", "-q", "-D", pcm, path)


def record_while_playing(server, made, *options, **formats):
    recorder = Recorder(server, "recorded.wav", *options, **formats)
    play(server, made).succeed()
    return recorder.finish()


@test_each(*((f"{pcm}, {words}", pcm, memfd) for pcm in ("shm", "shm:monitor")
             for words, memfd in (("memfd", "yes"), ("socket", "no"))))
def arecord_gets_what_is_played_bit_for_bit(pcm, memfd):
    made = sound.noise("S16_LE", RATE, 2, 1)
    with Server("virtual", settings=[f"memfd={memfd}"]) as server:
        recorded = record_while_playing(server, made, pcm=pcm)
        server.stop()
        sound.require_once("the recording", recorded, made.data)
        stream, = server.streams(kind="monitor" if "monitor" in pcm else "capture")
        equal("xruns", 0, stream["xruns"])
        equal("transport", "memfd" if memfd == "yes" else "socket", stream["transport"])


@test
def two_recorders_and_the_device_agree_on_a_mix():
    sounds = [sound.noise("S16_LE", RATE, 2, 1, seed=seed) for seed in (1, 2, 3)]
    with Server("virtual,wav=@/device.wav") as server:
        recorders = [Recorder(server, "loopback.wav"),
                     Recorder(server, "monitor.wav", pcm="shm:monitor")]
        for program in [play(server, made, f"{number}.wav")
                        for number, made in enumerate(sounds)]:
            program.succeed()
        recordings = [recorder.finish() for recorder in recorders]
        server.stop()
        mixed = sound.strip_silence(sound.read_wav(server.path("device.wav")))
        expect(mixed.frames >= RATE, "the device has not played it all")
        for name, recording in zip(("loopback", "monitor"), recordings):
            sound.require_once(name, recording, mixed.data)


@test_each(("S24_3LE 96 kHz", "S24_3LE", 96000, 2), ("FLOAT_LE", "FLOAT_LE", RATE, 2),
           ("6 channels", "S16_LE", RATE, 6), ("U8 8 kHz mono", "U8", 8000, 1),
           ("S32_LE 192 kHz", "S32_LE", 192000, 1))
def a_recording_in_the_devices_own_format_is_exact(format_, rate, channels):
    made = sound.noise(format_, rate, channels, 0.6)
    with Server(f"virtual,rate={rate},channels={channels},format={format_}") as server:
        recorded = record_while_playing(server, made, format_=format_, rate=rate,
                                        channels=channels)
        server.stop()
        sound.require_once("the recording", recorded, made.data)


@test
def a_device_captures_its_file_over_and_over():
    made = sound.noise("S24_3LE", RATE, 2, 0.7)
    with Server("virtual,capture=@/room.wav", prepare=lambda server: sound.write_wav(
            server.path("room.wav"), made)) as server:
        server.run("arecord", "-q", "-D", "shm", "-f", "S24_3LE", "-r", RATE, "-c", 2,
                   "-s", 2 * RATE, "recorded.wav")
        recorded = sound.read_wav(server.path("recorded.wav"))
        server.stop()
    twice = made.data + made.data
    at = twice.find(recorded.data[:6 * 1000])
    expect(at >= 0, "the recording does not begin with frames of the file")
    expected = (4 * twice)[at:at + len(recorded.data)]
    expect(recorded.data == expected, "the recording is not the file, over and over")


@test
def the_monitor_has_what_is_played_where_capture_has_the_file():
    made = sound.noise("S16_LE", RATE, 2, 0.6)
    room = sound.noise("S16_LE", RATE, 1, 0.3, seed=2)
    with Server("virtual,capture=@/room.wav", prepare=lambda server: sound.write_wav(
            server.path("room.wav"), room)) as server:
        recorded = record_while_playing(server, made, pcm="shm:monitor")
        sound.require_once("the monitor", recorded, made.data)
        server.run("arecord", "-q", "-D", "shm", "-f", "S16_LE", "-r", RATE, "-s",
                   RATE // 5, "mono.wav")
        mono = sound.read_wav(server.path("mono.wav"))
        server.stop()
    expect(mono.data in 3 * room.data, "the capture is not the file")


@test
def a_mono_recording_is_the_mean_of_both_channels():
    made = sound.noise("S16_LE", RATE, 2, 0.6)
    with Server("virtual") as server:
        mono = record_while_playing(server, made, channels=1)
        server.stop()
    mono = sound.strip_silence(mono).samples()
    wanted = [(left + right) / 2 for left, right in zip(made.samples(0), made.samples(1))]
    expect(len(mono) <= len(wanted), "there is more than was played")
    worst = min(max(abs(seen - value) for seen, value in zip(mono, wanted[first:]))
                for first in range(4))
    expect(worst <= 1, f"a sample is {worst} away from the mean of the channels")


@test
def a_recording_in_a_wider_format_loses_nothing():
    made = sound.noise("S16_LE", RATE, 2, 0.6)
    with Server("virtual") as server:
        wide = record_while_playing(server, made, format_="S32_LE")
        server.stop()
    data = b"".join(b"\0\0" + made.data[i:i + 2] for i in range(0, len(made.data), 2))
    sound.require_once("the recording", wide, data)


@test
def each_device_has_its_own_capture_and_monitor():
    sounds = {"a": sound.noise("S16_LE", RATE, 2, 0.6, seed=1),
              "b": sound.noise("S16_LE", RATE, 2, 0.6, seed=2)}
    with Server("a=virtual", "b=virtual") as server:
        recorders = {name: Recorder(server, f"{name}.wav", pcm=f"shm:{name}")
                     for name in sounds}
        for program in [play(server, made, f"{name}-in.wav", f"shm:{name}")
                        for name, made in sounds.items()]:
            program.succeed()
        recordings = {name: recorder.finish() for name, recorder in recorders.items()}
        server.stop()
        for name, made in sounds.items():
            sound.require_once(f"the recording of {name}", recordings[name], made.data)


@test_each(("mmap", "--mmap"),
           ("small periods", "--period-size=64", "--buffer-size=8192"))
def arecord_records_it_exactly_with(*options):
    made = sound.noise("S16_LE", RATE, 2, 0.6)
    with Server("virtual") as server:
        recorded = record_while_playing(server, made, *options)
        server.stop()
        sound.require_once("the recording", recorded, made.data)


if __name__ == "__main__":
    main()
