#!/usr/bin/env python3
"""
What a program is offered that takes the most there is, or asks for nothing: as many
channels as the device has, and a buffer that a person can bear. More is taken when a
program, or a key, asks for it.
"""

import json
import os
import sys

sys.dont_write_bytecode = True
from harness import Server, equal, main, test_each

PROBE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "alsa_probe.py")
AS_PLUG = 10000  # who finds more than 1,024 takes 2: jackd, the zita tools


def ask(server, *question):
    program = server.run(sys.executable, PROBE, *question,
                         environment={"HOME": server.folder})
    return json.loads(program.output)


def write_pcm(keys):
    def write(server):
        with open(server.path(".asoundrc"), "w", encoding="utf-8") as file:
            file.write(f"pcm.keys {{ type shmd {keys} }}\n")
    return write


@test_each(("mono", 1, AS_PLUG), ("stereo", 2, AS_PLUG), ("four", 4, 4), ("5.1", 6, 6))
def the_most_channels_are_the_devices(count, most):
    with Server(f"virtual,channels={count}") as server:
        equal("the channels", [1, most], ask(server, "channels", "shm")["offered"])
        server.stop()


@test_each(*((str(count), count) for count in (1, 2, 4, 6)))
def the_last_of_the_channels_is_the_devices(count):
    with Server(f"virtual,channels={count}") as server:
        equal("answered and set", [count, count], ask(server, "last", "shm"))
        server.stop()


@test_each(("the PCM itself", "shm"), ("copy", "copied"), ("route", "routed"))
def the_largest_number_cannot_be_asked_for(name):
    def define(server):
        with open(server.path(".asoundrc"), "w", encoding="utf-8") as file:
            file.write('pcm.copied { type copy slave.pcm "shm" }\n'
                       'pcm.routed { type route slave.pcm "shm" ttable.0.0 1 }\n')
    with Server("virtual,channels=1", prepare=define) as server:
        found = ask(server, "channels", name, "1", "9999", str(AS_PLUG))
        equal("set", [True, False, False], found["set"])
        equal("tested", [True, False, False], found["test"])
        server.stop()


@test_each(("memfd", "yes"), ("the socket", "no"))
def a_stereo_device_takes_each_number_that_is_asked_for(memfd):
    with Server("virtual", settings=[f"memfd={memfd}"]) as server:
        found = ask(server, "channels", "shm", "1", "2", "6", "32", "33", "64", "9999",
                    str(AS_PLUG), str(AS_PLUG + 1))
        equal("set", [True] * 4 + [False] * 5, found["set"])
        equal("tested", found["set"], found["test"])
        equal("near", [1, 2, 6, 32, 32, 32, 32, 2, 2], found["near"])
        server.stop()


@test_each(("fewer", 2, 1), ("more", 6, 8), ("all that a stream can have", 2, 32))
def the_key_channels_max_says_how_many_there_are(count, most):
    with Server(f"virtual,channels={count}",
                prepare=write_pcm(f"channels_max {most}")) as server:
        found = ask(server, "channels", "keys", str(most), str(most + 1))
        equal("the channels", [1, most], found["offered"])
        equal("set", [True, False], found["set"])
        server.stop()


@test_each(("is two seconds long", "", 2000), ("is as long as its key says",
                                               "buffer_max_ms 6000", 6000))
def a_buffer_that_nothing_was_said_of(keys, longest_ms):
    with Server("virtual", prepare=write_pcm(keys)) as server:
        found = ask(server, "unasked", "keys")
        equal("the longest", longest_ms * 1000, found["longest"])
        equal("the buffer", longest_ms * 48, found["buffer"])
        equal("whole periods", 0, found["buffer"] % found["period"])
        server.stop()


if __name__ == "__main__":
    main()
