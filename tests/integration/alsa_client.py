#!/usr/bin/env python3
"""
A client program for what aplay and arecord do not do, on libasound itself (ctypes).

    alsa_client.py opens PCM N        open, set parameters and close N times; print how
                                      many descriptors were open before and after
    alsa_client.py poll-play PCM FILE.raw     write S16 stereo at 48 kHz, driven by poll
    alsa_client.py late-params PCM    open; set parameters twice, when a line was read
    alsa_client.py poll-record PCM FRAMES FILE.raw       the same, reading

Those that poll follow snd_pcm_poll_descriptors_revents alone, and print how often poll(2)
returned, and how often that was for nothing.
"""

import ctypes
import os
import select
import sys

ALSA = ctypes.CDLL("libasound.so.2")
PLAYBACK, CAPTURE = 0, 1
NONBLOCK = 1
S16_LE = 2
RW_INTERLEAVED = 3
CHANNELS, RATE = 2, 48000
FRAME_BYTES = 2 * CHANNELS
# A second: a machine that stands still for less makes no xrun.
PERIOD, BUFFER = 960, RATE
PATIENCE_MS = 10000

for _name in ("snd_pcm_writei", "snd_pcm_readi", "snd_pcm_avail_update", "snd_pcm_avail"):
    getattr(ALSA, _name).restype = ctypes.c_long
ALSA.snd_strerror.restype = ctypes.c_char_p
ALSA.snd_pcm_writei.argtypes = ALSA.snd_pcm_readi.argtypes = [
    ctypes.c_void_p, ctypes.c_void_p, ctypes.c_ulong]


class PollFd(ctypes.Structure):
    _fields_ = [("fd", ctypes.c_int), ("events", ctypes.c_short),
                ("revents", ctypes.c_short)]


def require(result, what):
    if result < 0:
        sys.exit(f"{what}: {ALSA.snd_strerror(int(result)).decode()}")
    return result


class Pcm:
    def __init__(self, name, direction, mode=0):
        self.handle = ctypes.c_void_p()
        require(ALSA.snd_pcm_open(ctypes.byref(self.handle), name.encode(), direction,
                                  mode), "snd_pcm_open")
        self.wakes = self.idle_wakes = 0

    def __getattr__(self, name):
        """pcm.close() is snd_pcm_close(handle), and must succeed; so with all others."""
        function = getattr(ALSA, "snd_pcm_" + name)
        return lambda *arguments: require(function(self.handle, *arguments), name)

    def set_params(self):
        """Wake at a period, start by hand."""
        hardware, software = ctypes.c_void_p(), ctypes.c_void_p()
        ALSA.snd_pcm_hw_params_malloc(ctypes.byref(hardware))
        self.hw_params_any(hardware)
        self.hw_params_set_access(hardware, RW_INTERLEAVED)
        self.hw_params_set_format(hardware, S16_LE)
        self.hw_params_set_channels(hardware, CHANNELS)
        self.hw_params_set_rate(hardware, RATE, 0)
        self.hw_params_set_period_size(hardware, ctypes.c_ulong(PERIOD), 0)
        self.hw_params_set_buffer_size(hardware, ctypes.c_ulong(BUFFER))
        self.hw_params(hardware)
        ALSA.snd_pcm_hw_params_free(hardware)
        ALSA.snd_pcm_sw_params_malloc(ctypes.byref(software))
        self.sw_params_current(software)
        self.sw_params_set_avail_min(software, ctypes.c_ulong(PERIOD))
        self.sw_params_set_start_threshold(software, ctypes.c_ulong(BUFFER * 1000))
        self.sw_params(software)
        ALSA.snd_pcm_sw_params_free(software)

    def wait(self):
        """Poll until there is something to do; return the events."""
        count = self.poll_descriptors_count()
        fds = (PollFd * count)()
        self.poll_descriptors(fds, count)
        events = ctypes.c_ushort()
        while True:
            poll = select.poll()
            for entry in fds:
                poll.register(entry.fd, entry.events)
            ready = dict(poll.poll(PATIENCE_MS))
            if not ready:
                sys.exit("poll: nothing happened")
            for entry in fds:
                entry.revents = ready.get(entry.fd, 0)
            self.poll_descriptors_revents(fds, count, ctypes.byref(events))
            self.wakes += 1
            if events.value:
                return events.value
            self.idle_wakes += 1


def opens(name, count):
    for direction in (PLAYBACK, CAPTURE):  # alsa-lib keeps what it has loaded
        pcm = Pcm(name, direction)
        pcm.set_params()
        pcm.close()
    before = len(os.listdir("/proc/self/fd"))
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(count):
        pcm = Pcm(name, number % 2)
        if number % 4 < 2:  # also without having set parameters
            pcm.set_params()
        pcm.close()
    after = len(os.listdir("/proc/self/fd"))
    with open("/proc/self/maps", encoding="utf-8") as maps:
        pools = sum("/memfd:" in line for line in maps)
    print(f"fds {before} {after} pools {pools}", flush=True)
    sys.stdin.readline()  # the server is looked at while this process still lives


def poll_play(name, path):
    with open(path, "rb") as file:
        data = file.read()
    pcm = Pcm(name, PLAYBACK, NONBLOCK)
    pcm.set_params()
    is_started = False
    while data:
        if pcm.wait() != select.POLLOUT:
            sys.exit("poll: an error")
        room = pcm.avail_update()
        if room < min(PERIOD, BUFFER):
            sys.exit(f"woken with room for {room} frames only")
        written = pcm.writei(data, min(room, len(data) // FRAME_BYTES))
        data = data[written * FRAME_BYTES:]
        # Fill it before it starts: from then on each wake is the server's.
        if not is_started and (pcm.avail_update() < PERIOD or not data):
            is_started = True
            pcm.wakes = pcm.idle_wakes = 0
            pcm.start()
    print(f"wakes {pcm.wakes} idle {pcm.idle_wakes}")
    pcm.nonblock(0)
    pcm.drain()
    pcm.close()


def late_params(name):
    pcm = Pcm(name, PLAYBACK)
    for _ in range(2):
        print("ready", flush=True)
        sys.stdin.readline()
        pcm.set_params()
        pcm.hw_free()
    pcm.close()


def poll_record(name, frames, path):
    pcm = Pcm(name, CAPTURE, NONBLOCK)
    pcm.set_params()
    pcm.start()
    buffer = ctypes.create_string_buffer(BUFFER * FRAME_BYTES)
    with open(path, "wb") as file:
        while frames > 0:
            if pcm.wait() != select.POLLIN:
                sys.exit("poll: an error")
            ready = pcm.avail_update()
            if ready < PERIOD:
                sys.exit(f"woken with {ready} frames only")
            count = pcm.readi(buffer, min(ready, frames))
            file.write(buffer.raw[:count * FRAME_BYTES])
            frames -= count
    print(f"wakes {pcm.wakes} idle {pcm.idle_wakes}")
    pcm.close()


def main(action, name, *arguments):
    if action == "opens":
        opens(name, int(arguments[0]))
    elif action == "late-params":
        late_params(name)
    elif action == "poll-play":
        poll_play(name, arguments[0])
    elif action == "poll-record":
        poll_record(name, int(arguments[0]), arguments[1])
    else:
        sys.exit(f"unknown action {action}")


if __name__ == "__main__":
    main(*sys.argv[1:])
