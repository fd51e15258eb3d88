#!/usr/bin/env python3
"""Real players on a card, through the server; tests/apps has more, without a card."""

import shutil
import sys

sys.dont_write_bytecode = True
from guest import KERNEL, Recorder, Server, main, skip, test_each
import sound

LOOPBACK = "hw:CARD=Loopback,DEV=0,format=S16_LE,period=9600,buffer=96000"
# With the longest buffers they have: emulation is late now and then, and that is an xrun.
PLAYERS = (
    ("axfer", ["axfer", "transfer", "playback", "-D", "shm", "--buffer-size=48000",
               "--period-size=6000", "made.wav"]),
    ("sox", ["sox", "-q", "--buffer", "131072", "made.wav", "-t", "alsa", "shm"]),
    ("mpv", ["mpv", "--no-config", "--no-video", "--no-terminal", "--ao=alsa",
             "--audio-device=alsa/shm", "--alsa-buffer-time=1000000", "made.wav"]),
)
TRIES = 3
HERE = tuple(player for player in PLAYERS if shutil.which(player[0]))


def play(command, made):
    """Return what the card's other side heard, and whether there was an xrun."""
    with Server(LOOPBACK) as server:
        sound.write_wav(server.path("made.wav"), made)
        recorder = Recorder(server)
        server.run(*command)
        heard = recorder.heard()
        server.stop()
        return heard, any(stream["xruns"] for stream in server.streams())


def newest_kernel_test_each(*cases):
    """The players are the same on both, and emulation is slow."""
    return test_each(*cases) if KERNEL == "6.12" else lambda function: function


@newest_kernel_test_each(*HERE)
def a_player_is_heard_bit_for_bit(command):
    made = sound.noise("S16_LE", 48000, 2, 1.5)
    for _ in range(TRIES):
        heard, was_late = play(command, made)
        # mpv lets the stream run dry at its end: that xrun costs nothing.
        if not was_late or made.data in heard.data:
            break
    sound.require_once("the other side", heard, made.data)


if KERNEL == "6.12":
    for name, _ in PLAYERS:
        if not shutil.which(name):
            skip(f"a player is heard bit for bit: {name}", f"{name} is not installed")

if __name__ == "__main__":
    main()
