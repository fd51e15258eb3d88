#!/usr/bin/env python3
"""Real players on a card, through the server; tests/apps has more, without a card."""

import contextlib
import sys

sys.dont_write_bytecode = True
from guest import KERNEL, Program, Recorder, expect, equal, main, skip, test, test_each
import apps
import commands
import sound
from jack_server import DUPLEX, Jack, without_least

CARD = "hw:CARD=Loopback,DEV=0,format=S16_LE,period=9600"
OTHER_SIDE = "hw:Loopback,1,0"
# With the longest buffers they have: emulation is late now and then, and that is an xrun.
BUFFER_FRAMES = 48000
SIZES = [f"--buffer-size={BUFFER_FRAMES}", "--period-size=6000"]
PLAYERS = {
    "axfer": ["axfer", "transfer", "playback", "-D", "shm", *SIZES, "made.wav"],
    "ffmpeg": commands.ffmpeg_plays("made.wav"),
    "mpv": ["mpv", "--no-config", "--no-video", "--no-terminal", "--ao=alsa",
            "--audio-device=alsa/shm", "--alsa-buffer-time=1000000", "made.wav"],
    "openal": commands.openal("play", "made.raw"),
    "portaudio": commands.portaudio("write", "made.raw"),
    "sdl2": commands.sdl2("play_from_a_queue", "made.raw"),
    "sox": ["sox", "-q", "--buffer", "131072", "made.wav", "-t", "alsa", "shm"],
}
ENVIRONMENTS = {
    "openal": commands.openal_environment,
    "portaudio": lambda server: commands.PORTAUDIO_ENVIRONMENT,
    "sdl2": lambda server: commands.SDL2_ENVIRONMENT,
}
LIBRARIES = {"openal": {"libraries": ["libopenal.so.1"]},
             "portaudio": {"modules": ["pyaudio"]},
             "sdl2": {"libraries": ["libSDL2-2.0.so.0"]}}


class Server(apps.Server):
    """On the loopback card. Emulated time does not tell who spins."""

    must_be_calm = False

    def __init__(self, buffer_frames=96000):
        super().__init__(f"{CARD},buffer={buffer_frames}")

    def write(self, made):
        """Put it into the folder, with and without a head."""
        sound.write_wav(self.path("made.wav"), made)
        with open(self.path("made.raw"), "wb") as file:
            file.write(made.data)


@contextlib.contextmanager
def recording(server):
    recorder = Recorder(server)
    try:
        yield recorder
    finally:
        if recorder.program.is_alive():
            recorder.program.end()


def on_card(*programs, **others):
    """
    Marks a test that needs these. It runs on one kernel, for the players are the same on
    both, and emulation is slow.
    """
    def mark(function):
        if KERNEL != "6.12":
            return function
        if why := apps.missing(*programs, **others):
            skip(function.__name__.replace("_", " "), why)
            return function
        return test(function)
    return mark


def each_player(function):
    """The same, for each of PLAYERS."""
    for name, command in PLAYERS.items() if KERNEL == "6.12" else ():
        if why := apps.missing(command[0], **LIBRARIES.get(name, {})):
            skip(f"{function.__name__.replace('_', ' ')}: {name}", why)
        else:
            test_each((name, name))(function)
    return function


def heard_from(command, made=None, environment=None):
    """What the other side hears of `command`."""
    with Server() as server, recording(server) as recorder:
        if made:
            server.write(made)
        server.run(*command, environment=environment and environment(server))
        heard = recorder.heard()
        server.stop()
    return heard


@each_player
def a_player_is_heard_bit_for_bit(name):
    made = apps.made_sound(1.5)
    heard = heard_from(PLAYERS[name], made, ENVIRONMENTS.get(name))
    sound.require_once("the other side", heard, made.data)


@on_card("gst-launch-1.0")
def gstreamer_is_heard_bit_for_bit_once_it_has_begun():
    made = apps.made_sound(1.5)
    heard = heard_from(commands.alsasink_plays("buffer-time=1000000",
                                               "latency-time=100000"), made)
    commands.require_all_but_the_start(heard, made)


@on_card("speaker-test")
def speaker_test_says_the_name_of_each_channel_in_it():
    commands.require_spoken_files(heard_from([*commands.SPEAKER_TEST, "-t", "wav"]))


@on_card("mpg123", "ffmpeg")
def mpg123_is_heard_as_it_decodes():
    with Server() as server:
        server.write(apps.made_sound())
        path, decoded = commands.encode_mp3(server)
        with recording(server) as recorder:
            server.run(*commands.mpg123_plays(path))
            heard = recorder.heard()
        server.stop()
    expect(decoded.frames >= apps.RATE, f"it decodes {decoded.frames} frames")
    sound.require_once("the other side", heard, decoded.data)


@on_card("alsabat")
def alsabat_finds_its_tone_on_the_other_side():
    with Server() as server:
        program = commands.run_alsabat(
            server, "-P", "shm", "-C", OTHER_SIDE, "-f", "S16_LE", "-c", 2, "-r",
            apps.RATE, "-n", apps.RATE, "-F", 997).succeed()
        server.stop()
    equal("channels with the tone", 2,
          program.output.count("PASS: Peak detected at target frequency"))


@on_card("jackd", "jack_connect")
def jackd_passes_on_bit_for_bit_what_it_captures():
    """aplay plays into the card's other side, and there it comes out again."""
    made = without_least(apps.made_sound(2))
    # Where playback ends, the loopback leaves some jiffies out, or plays on: a buffer of
    # silence is what it does that with.
    padded = sound.Sound(made.format, made.rate, made.channels,
                         made.data + bytes(4 * BUFFER_FRAMES))
    with Server(BUFFER_FRAMES) as server, recording(server) as recorder:
        server.write(padded)
        jack = Jack(server, *DUPLEX, "--shorts")
        for channel in 1, 2:
            jack.connect(f"system:capture_{channel}", f"system:playback_{channel}")
        Program(["aplay", "-q", "-D", OTHER_SIDE, *SIZES,
                 server.path("made.wav")]).succeed()
        heard = recorder.heard()
        jack.close()
        server.stop()
    sound.require_once("the other side", heard, made.data)


if __name__ == "__main__":
    main()
