#!/usr/bin/env python3
"""mpv plays, and is paused, sought in and stopped over its socket."""

import json
import os
import socket
import sys

sys.dont_write_bytecode = True
import apps
import sound
from apps import test, test_each
from harness import contains, equal, expect, main, wait_until

apps.need("mpv")
RATE = apps.RATE
MPV = ["mpv", "--no-config", "--no-video", "--no-terminal", "--ao=alsa",
       "--audio-device=alsa/shm"]
# Its own is 0.1 s, and a busy machine may be late for that.
LONG = "--alsa-buffer-time=500000"


class Remote:
    """A running mpv, and its socket."""

    def __init__(self, server, path, *options):
        socket_path = server.path("mpv.socket")
        self._server = server
        self.program = server.start(*MPV, LONG, f"--input-ipc-server={socket_path}",
                                    *options, path)
        self._socket = socket.socket(socket.AF_UNIX)
        wait_until("mpv listens", lambda: not self.program.is_alive() or
                   self._socket.connect_ex(socket_path) == 0)
        expect(self.program.is_alive(), f"mpv has ended: {self.program.errors}")
        self._lines = self._socket.makefile("r", encoding="utf-8")
        self._asked = 0

    def command(self, *words):
        """Have it done, and return mpv's answer; its events in between are left out."""
        self._asked += 1
        request = {"command": words, "request_id": self._asked}
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        for line in self._lines:
            answer = json.loads(line)
            if answer.get("request_id") == self._asked and "error" in answer:
                equal(f"mpv's answer to {words}", "success", answer["error"])
                return answer.get("data")
        raise AssertionError(f"mpv has gone: {self.program.errors}")

    def close(self):
        self._lines.close()
        self._socket.close()


def hears(server, part):
    return wait_until("it is heard", lambda: part in server.heard().data)


@test_each(("its own buffer", []), ("a long buffer", [LONG]),
           ("a queue of 1 s", [LONG, "--audio-buffer=1"]),
           ("many periods", [LONG, "--alsa-periods=32"]))
def mpv_plays_bit_for_bit_with(options):
    """It lets the stream run dry, and takes the xrun for the end."""
    apps.plays_bit_for_bit(lambda path: [*MPV, *options, path], may_end_in_xrun=True)


@test
def mpv_plays_both_channels_as_one():
    with apps.playback_server() as server:
        path = sound.write_wav(server.path("made.wav"), apps.made_tone(440))
        server.run(*MPV, LONG, "--audio-channels=mono", path)
        server.stop()
        stream, = [stream for stream in server.streams() if stream["frames"]]
        equal("channels", 1, stream["format"]["channels"])
        # The first sample of a sine is zero.
        equal("frames", RATE, sound.strip_silence(server.heard()).frames + 1)


@test
def a_pause_loses_nothing():
    made = apps.made_sound(2)
    with apps.playback_server() as server:
        path = sound.write_wav(server.path("made.wav"), made)
        # A recorder keeps the device running, so that the pause can be heard.
        recorder = server.start("arecord", "-q", "-D", "shm:monitor", "-f", "dat",
                                "/dev/null")
        mpv = Remote(server, path)
        hears(server, made.data[:4000])
        mpv.command("set_property", "pause", True)
        wait_until("the pause is heard", lambda: not
                   server.heard().data[-RATE:].strip(b"\0"))
        before = mpv.command("get_property", "playback-time")
        expect(0 < before < 2, f"it was paused at {before} s")
        mpv.command("set_property", "pause", False)
        mpv.program.succeed()
        mpv.close()
        recorder.end()
        server.stop()
        heard = sound.strip_silence(server.heard())
    same = os.path.commonprefix([heard.data, made.data])
    rest = made.data[len(same):]
    expect(rest, "there was no pause")
    expect(heard.data.endswith(rest), "after the pause it does not go on where it was")
    expect(not heard.data[len(same):-len(rest)].strip(b"\0"), "the pause is not silent")


@test
def a_seek_goes_on_there():
    made = apps.made_sound(6)
    with apps.playback_server() as server:
        path = sound.write_wav(server.path("made.wav"), made)
        mpv = Remote(server, path, "--hr-seek=yes")
        hears(server, made.data[:4000])
        mpv.command("seek", 5, "absolute")
        mpv.program.succeed()
        mpv.close()
        server.stop()
        heard = sound.strip_silence(server.heard())
    expect(heard.frames < 4 * RATE, "it was all played")
    expect(heard.data.endswith(made.data[-4 * RATE // 2:]), "the end is not heard")
    expect(made.data[:4000] in heard.data, "the start is not heard")


@test_each(("playing", False), ("paused", True))
def mpv_leaves_at_once_when_it_is(pause):
    made = apps.made_sound(20)
    with apps.playback_server() as server:
        path = sound.write_wav(server.path("made.wav"), made)
        mpv = Remote(server, path, "--audio-buffer=1")
        hears(server, made.data[:4000])
        mpv.command("set_property", "pause", pause)
        mpv.command("quit")
        mpv.program.succeed()
        mpv.close()
        server.stop()
        heard = sound.strip_silence(server.heard())
    expect(heard.frames < 15 * RATE, "it played on")
    expect(heard.data in made.data, "what was heard is not the start of the sound")


@test
def mpv_lists_the_pcm():
    with apps.Server("virtual") as server:
        program = server.run("mpv", "--no-config", "--ao=alsa", "--audio-device=help")
    contains("the list", program.output, "'alsa/shm'", "shmd Sound Server")


if __name__ == "__main__":
    main()
