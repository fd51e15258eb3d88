#!/usr/bin/env python3
"""
Questions to a PCM, on libasound itself (ctypes); one line of JSON is the answer.

    alsa_probe.py positions PCM playback|capture SECONDS SAMPLES
                                         look at random moments; a list of
                                         [before_ns, after_ns, moved, avail, delay], where
                                         moved is what was written or read
    alsa_probe.py blocked PCM PERIODS    write that much, blocking; how often it slept
    alsa_probe.py reading PCM PERIODS    the same of a recorder
    alsa_probe.py idle PCM SECONDS       poll streams that have nothing to say; how often
                                         poll(2) returned, and how often it slept
    alsa_probe.py reload PCM TIMES       load alsa-lib, open and set, close, unload
    alsa_probe.py offers PCM playback|capture MODE[/RESAMPLE]...
                                         a list of what the PCM offers, opened in each
                                         MODE (snd_pcm_open's bits), and after
                                         set_rate_resample(RESAMPLE); "set" is the rate
                                         that it has when 44.1 kHz was asked for
    alsa_probe.py channels PCM NUMBER... the least and the most that the PCM offers,
                                         whether test_channels and set_channels take each
                                         NUMBER, and what set_channels_near answers
    alsa_probe.py last PCM               what set_channels_last answers, and what is set
    alsa_probe.py unasked PCM            the sizes of a stream at 48 kHz that asks for
                                         none, and the longest buffer offered, in us
    alsa_probe.py map PCM POSITIONS FILE.raw      set the channel map ("FL,FR"), play
"""

import ctypes
import json
import random
import resource
import select
import subprocess
import sys
import time

from alsa_client import (ALSA, BUFFER, CAPTURE, FRAME_BYTES, NONBLOCK, PERIOD, PLAYBACK,
                         RATE, RW_INTERLEAVED, Pcm, PollFd, require)

ALSA.snd_pcm_chmap_parse_string.restype = ctypes.c_void_p


def sleeps():
    return resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw


class Player:
    """A PCM that is kept full of frames that are no silence."""

    def __init__(self, name, mode):
        self.pcm = Pcm(name, PLAYBACK, mode)
        self.pcm.set_params()
        self.moved = 0
        self._frames = b"\x01\x02\x03\x04" * BUFFER

    def fill(self):
        room = self.pcm.avail_update()
        while room > 0:
            count = self.pcm.writei(self._frames, room)
            self.moved += count
            room = self.pcm.avail_update()


class Recorder:
    """A PCM that is kept empty."""

    def __init__(self, name, mode):
        self.pcm = Pcm(name, CAPTURE, mode)
        self.pcm.set_params()
        self.moved = 0
        self._frames = ctypes.create_string_buffer(BUFFER * FRAME_BYTES)

    def empty(self):
        ready = self.pcm.avail_update()
        if ready > 0:
            self.moved += self.pcm.readi(self._frames, ready)


def positions(name, direction, seconds, samples):
    if direction == "playback":
        stream = Player(name, NONBLOCK)
        move = stream.fill
    else:
        stream = Recorder(name, NONBLOCK)
        move = stream.empty
    move()
    stream.pcm.start()
    # It is where it began until the server, which may be late, has taken note.
    while stream.pcm.avail_update() == 0:
        time.sleep(0.001)
    avail, delay = ctypes.c_long(), ctypes.c_long()
    found = []
    next_ns = time.monotonic_ns()
    for _ in range(int(samples)):
        next_ns += int(random.expovariate(float(samples) / float(seconds)) * 1e9)
        time.sleep(max(0, next_ns - time.monotonic_ns()) / 1e9)
        before_ns = time.monotonic_ns()
        stream.pcm.avail_delay(ctypes.byref(avail), ctypes.byref(delay))
        found.append([before_ns, time.monotonic_ns(), stream.moved, avail.value,
                      delay.value])
        if avail.value >= PERIOD:
            move()
    stream.pcm.close()
    return found


def blocked(name, periods):
    player = Player(name, 0)
    player.fill()
    player.pcm.start()
    frames = b"\x01\x02\x03\x04" * PERIOD
    before = sleeps()
    for _ in range(int(periods)):
        require(ALSA.snd_pcm_writei(player.pcm.handle, frames, PERIOD), "writei")
    slept = sleeps() - before
    player.pcm.close()
    return {"sleeps": slept}


def reading(name, periods):
    recorder = Recorder(name, 0)
    frames = ctypes.create_string_buffer(PERIOD * FRAME_BYTES)
    recorder.pcm.start()
    # A start may need a look more.
    recorder.pcm.readi(frames, PERIOD)
    before = sleeps()
    for _ in range(int(periods)):
        recorder.pcm.readi(frames, PERIOD)
    slept = sleeps() - before
    recorder.pcm.close()
    return {"sleeps": slept}


def idle(name, seconds):
    """Full and not started, full and paused, and a recorder that has not begun."""
    prepared, paused = Player(name, NONBLOCK), Player(name, NONBLOCK)
    prepared.fill()
    paused.fill()
    paused.pcm.start()
    while paused.pcm.avail_update() < PERIOD:
        time.sleep(0.001)
    paused.pcm.pause(1)
    paused.fill()
    recorder = Pcm(name, CAPTURE, NONBLOCK)
    recorder.set_params()
    pcms = [prepared.pcm, paused.pcm, recorder]
    # An application asks once when it was woken; after that nothing may come.
    for pcm in pcms:
        look(pcm)
    poll = select.poll()
    for pcm in pcms:
        fds = (PollFd * 1)()
        pcm.poll_descriptors(fds, 1)
        poll.register(fds[0].fd, fds[0].events)
    until = time.monotonic() + float(seconds)
    returns, before = 0, sleeps()
    while (left := until - time.monotonic()) > 0:
        returns += len(poll.poll(left * 1000))
    return {"returns": returns, "sleeps": sleeps() - before}


def look(pcm):
    fds = (PollFd * 1)()
    pcm.poll_descriptors(fds, 1)
    fds[0].revents = select.POLLIN
    events = ctypes.c_ushort()
    pcm.poll_descriptors_revents(fds, 1, ctypes.byref(events))


FORMAT_NAMES = ("S8", "U8", "S16_LE", "S16_BE", "S24_LE", "S24_BE", "S32_LE", "S32_BE",
                "FLOAT_LE", "FLOAT_BE", "FLOAT64_LE", "FLOAT64_BE", "S24_3LE", "S24_3BE")


def ends(hardware, what):
    """The least and the most of a parameter that is an interval."""
    found = []
    for end in ("min", "max"):
        value = ctypes.c_uint()
        get = getattr(ALSA, f"snd_pcm_hw_params_get_{what}_{end}")
        direction = [None] if what == "rate" else []
        require(get(hardware, ctypes.byref(value), *direction), what)
        found.append(value.value)
    return found


def offers(name, direction, *ways):
    return [offered(name, PLAYBACK if direction == "playback" else CAPTURE,
                    *map(int, way.split("/"))) for way in ways]


def offered(name, direction, mode, resample=None):
    pcm = Pcm(name, direction, mode)
    hardware, rate = ctypes.c_void_p(), ctypes.c_uint(44100)
    ALSA.snd_pcm_hw_params_malloc(ctypes.byref(hardware))
    pcm.hw_params_any(hardware)
    if resample is not None:
        pcm.hw_params_set_rate_resample(hardware, resample)
    formats = [format for format in FORMAT_NAMES if ALSA.snd_pcm_hw_params_test_format(
        pcm.handle, hardware, ALSA.snd_pcm_format_value(format.encode())) == 0]
    found = {"rate": ends(hardware, "rate"), "channels": ends(hardware, "channels"),
             "formats": formats}
    pcm.hw_params_set_access(hardware, RW_INTERLEAVED)
    pcm.hw_params_set_rate_near(hardware, ctypes.byref(rate), None)
    pcm.hw_params(hardware)
    pcm.close()
    return {**found, "set": rate.value}


def anything(pcm):
    hardware = ctypes.c_void_p()
    ALSA.snd_pcm_hw_params_malloc(ctypes.byref(hardware))
    pcm.hw_params_any(hardware)
    return hardware


def channels(name, *numbers):
    pcm = Pcm(name, PLAYBACK)
    found = {"offered": ends(anything(pcm), "channels"),
             "set": [], "test": [], "near": []}
    for number in map(int, numbers):
        found["test"].append(ALSA.snd_pcm_hw_params_test_channels(
            pcm.handle, anything(pcm), number) == 0)
        found["set"].append(ALSA.snd_pcm_hw_params_set_channels(
            pcm.handle, anything(pcm), number) == 0)
        near = ctypes.c_uint(number)
        pcm.hw_params_set_channels_near(anything(pcm), ctypes.byref(near))
        found["near"].append(near.value)
    pcm.close()
    return found


def last(name):
    pcm = Pcm(name, PLAYBACK)
    hardware, answered, chosen = anything(pcm), ctypes.c_uint(), ctypes.c_uint()
    pcm.hw_params_set_channels_last(hardware, ctypes.byref(answered))
    pcm.hw_params_set_access(hardware, RW_INTERLEAVED)
    pcm.hw_params(hardware)
    require(ALSA.snd_pcm_hw_params_get_channels(hardware, ctypes.byref(chosen)),
            "get_channels")
    pcm.close()
    return [answered.value, chosen.value]


def unasked(name):
    pcm = Pcm(name, PLAYBACK)
    hardware, longest = anything(pcm), ctypes.c_uint()
    pcm.hw_params_set_access(hardware, RW_INTERLEAVED)
    pcm.hw_params_set_rate(hardware, RATE, 0)
    require(ALSA.snd_pcm_hw_params_get_buffer_time_max(
        hardware, ctypes.byref(longest), None), "get_buffer_time_max")
    pcm.hw_params(hardware)
    buffer, period = ctypes.c_ulong(), ctypes.c_ulong()
    pcm.get_params(ctypes.byref(buffer), ctypes.byref(period))
    pcm.close()
    return {"buffer": buffer.value, "period": period.value, "longest": longest.value}


def channel_map(name, wanted, path):
    with open(path, "rb") as file:
        data = file.read()
    player = Player(name, 0)
    parsed = ALSA.snd_pcm_chmap_parse_string(wanted.encode())
    player.pcm.set_chmap(ctypes.c_void_p(parsed))
    player.pcm.prepare()
    text = ctypes.create_string_buffer(256)
    ALSA.snd_pcm_get_chmap.restype = ctypes.c_void_p
    now = ctypes.c_void_p(ALSA.snd_pcm_get_chmap(player.pcm.handle))
    require(ALSA.snd_pcm_chmap_print(now, len(text), text), "chmap_print")
    require(ALSA.snd_pcm_writei(player.pcm.handle, data, len(data) // FRAME_BYTES),
            "writei")
    player.pcm.drain()
    player.pcm.close()
    return {"map": text.value.decode()}


def reload(name, times):
    """This process has alsa-lib loaded itself: a child has it only in between."""
    return json.loads(subprocess.run(
        [sys.executable, "-c", RELOAD, name, str(times)], check=True,
        stdout=subprocess.PIPE).stdout)


RELOAD = """
import _ctypes, ctypes, json, os, sys

def count():
    return len(os.listdir("/proc/self/fd"))

def once(name):
    alsa = ctypes.CDLL("libasound.so.2")
    for direction in (0, 1):
        pcm = ctypes.c_void_p()
        assert alsa.snd_pcm_open(ctypes.byref(pcm), name.encode(), direction, 0) == 0
        assert alsa.snd_pcm_set_params(pcm, 2, 3, 2, 48000, 1, 100000) == 0
        assert alsa.snd_pcm_close(pcm) == 0
    alsa.snd_config_update_free_global()
    _ctypes.dlclose(alsa._handle)

name, times = sys.argv[1:]
once(name)
before = count()
for _ in range(int(times)):
    once(name)
with open("/proc/self/maps") as maps:
    pools = sum("/memfd:" in line for line in maps)
print(json.dumps({"fds": [before, count()], "pools": pools,
                  "threads": len(os.listdir("/proc/self/task"))}))
"""

ACTIONS = {"positions": positions, "blocked": blocked, "reading": reading, "idle": idle,
           "offers": offers, "channels": channels, "last": last,
           "unasked": unasked, "map": channel_map, "reload": reload}

if __name__ == "__main__":
    print(json.dumps(ACTIONS[sys.argv[1]](*sys.argv[2:])))
