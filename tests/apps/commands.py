"""How applications are asked to play to `shm`: for the tests here and those on a card.

What is made for them is in the folder that they run in: made.wav, or made.raw, which has
its frames only, in S16_LE, of two channels at 48 kHz.
"""

import contextlib
import os
import subprocess
import sys

import sound
from harness import equal, expect, wait_until

FOLDER = os.path.dirname(os.path.abspath(__file__))
RATE = 48000
# Debian's own: its packages of modules are not for another that is first in the path.
PYTHON = "/usr/bin/python3"

FFMPEG = ["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error"]


def ffmpeg_plays(path):
    return [*FFMPEG, "-i", path, "-f", "alsa", "shm"]


# --- mpg123

def encode_mp3(server):
    """Of made.wav: the path of an MP3 file, and the sound that mpg123 decodes it to."""
    mp3, decoded = server.path("made.mp3"), server.path("decoded.wav")
    subprocess.run([*FFMPEG, "-i", server.path("made.wav"), "-b:a", "192k", mp3],
                   check=True)
    subprocess.run(["mpg123", "-q", "-w", decoded, mp3], check=True)
    return mp3, sound.read_wav(decoded)


def mpg123_plays(path, *options):
    return ["mpg123", "-q", "-o", "alsa", "-a", "shm", *options, path]


# --- GStreamer

GST_LAUNCH = ["gst-launch-1.0", "-q"]


def alsasink_plays(*options):
    return [*GST_LAUNCH, "filesrc", "location=made.raw", "!", "rawaudioparse",
            "use-sink-caps=false", "format=pcm", "pcm-format=s16le",
            f"sample-rate={RATE}", "num-channels=2", "!",
            "alsasink", "device=shm", *options]


# alsasink begins at the time at which its clock says that the pipeline plays, and what is
# before that is not played: a frame when all goes well, and as much as a busy machine
# stands still while it starts.
MOST_CLIPPED = RATE // 2


def require_all_but_the_start(heard, made):
    heard = sound.strip_silence(heard)
    clipped = made.frames - heard.frames
    expect(0 <= clipped <= MOST_CLIPPED, f"{heard.frames} of {made.frames} frames heard")
    expect(made.data.endswith(heard.data), "what is heard is not the rest of the sound; "
           "in that, " + sound.first_difference(made, heard.data))


# --- SDL2

SDL2_ENVIRONMENT = {"SDL_AUDIODRIVER": "alsa", "AUDIODEV": "shm",
                    "SDL_VIDEODRIVER": "dummy"}


def sdl2(mode, name):
    return [sys.executable, os.path.join(FOLDER, "sdl2_client.py"), mode, name]


# --- OpenAL Soft

# Nothing that changes a sample: neither dither nor limiter nor filters for headphones.
OPENAL_CONFIGURATION = """\
[general]
drivers = alsa
frequency = 48000
channels = stereo
sample-type = int16
period_size = 2048
periods = 8
dither = false
output-limiter = false
stereo-mode = speakers
stereo-encoding = panpot
hrtf = false
rt-prio = 0
[alsa]
device = shm
capture = shm
mmap = {mmap}
"""


def openal(mode, name):
    return [sys.executable, os.path.join(FOLDER, "openal_client.py"), mode, name]


def openal_environment(server, mmap=True):
    """With a configuration file in the server's folder."""
    path = server.path("alsoft.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(OPENAL_CONFIGURATION.format(mmap=str(mmap).lower()))
    return {"ALSOFT_CONF": path, "ALSOFT_LOGLEVEL": "2"}


# --- PortAudio

# PortAudio's library would start jackd while it looks for devices.
PORTAUDIO_ENVIRONMENT = {"JACK_NO_START_SERVER": "1"}


def portaudio(mode, name):
    return [PYTHON, os.path.join(FOLDER, "portaudio_client.py"), mode, name]


# --- speaker-test

SPOKEN = "/usr/share/sounds/alsa"
SPEAKER_TEST = ["speaker-test", "-D", "shm", "-r", RATE, "-c", 2, "-l", 1]


def require_spoken_files(heard):
    """Of `speaker-test -t wav`: each channel says its name, one after the other."""
    parts = []
    for channel, name in enumerate(("Front_Left.wav", "Front_Right.wav")):
        spoken = sound.read_wav(os.path.join(SPOKEN, name))
        equal(f"rate and channels of {name}", (RATE, 1), (spoken.rate, spoken.channels))
        both = bytearray(4 * spoken.frames)
        both[2 * channel::4], both[2 * channel + 1::4] = spoken.data[0::2], \
            spoken.data[1::2]
        parts.append(bytes(both))
    at = heard.data.find(parts[0].strip(b"\0"))
    expect(at >= 0, "the left file is not heard as it is")
    expect(parts[1].strip(b"\0") in heard.data[at:], "the right file is not heard after")


# --- alsabat

# Version 1.2.8 takes the errno of a catalog of messages that is not there for a failure,
# and ends with it; this language needs none.
ALSABAT_ENVIRONMENT = {"LC_ALL": "C"}
ALSABAT_RECORDS = "/tmp/bat.wav."


def recording_of(pid):
    """The path of the file that alsabat records to, when it has it open; else None."""
    folder = f"/proc/{pid}/fd"
    for number in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):
            path = os.readlink(os.path.join(folder, number))
            if path.startswith(ALSABAT_RECORDS):
                return path
    return None


def run_alsabat(server, *options):
    """The program, which has ended. It leaves its recording: that goes away here."""
    program = server.start("alsabat", *options, environment=ALSABAT_ENVIRONMENT)
    path = wait_until("alsabat records", lambda: not program.is_alive() or
                      recording_of(program.pid))
    program.wait()
    if path is not True:
        os.remove(path)
    return program
