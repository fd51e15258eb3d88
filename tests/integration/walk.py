#!/usr/bin/env python3
"""
Parameters, narrowed by random calls in any order: what a call answered is what is set,
and what is legal is taken. `null`, with the same parameters, says what is legal.

SHMD_WALKS=1000000 walk.py "the pcm itself: playback over memfd" is the long run.
"""

import os
import sys

sys.dont_write_bytecode = True
import sound
from harness import BUILD, DEADLINE_S, SLOWNESS, Server, contains, main, skip, test_each

PROGRAM = os.path.join(BUILD, "tests/integration/walk/walk")
WALKS = int(os.environ.get("SHMD_WALKS", 1000))
SEED = int(os.environ.get("SHMD_WALK_SEED", 1))
# A walk sets parameters in the server: 10 ms on a machine that is busy.
SECONDS = DEADLINE_S + WALKS * SLOWNESS // 100
TRANSPORTS = {"memfd": "yes", "the socket": "no"}

# alsa-lib's plugins above a PCM.
PLUGINS = {
    "plug": 'type plug slave.pcm "{pcm}"',
    "rate": 'type rate slave {{ pcm "{pcm}" rate 48000 }}',
    "route": 'type route slave {{ pcm "{pcm}" channels 2 }} ttable.0.0 1 ttable.1.1 1',
    "multi": 'type multi slaves.a {{ pcm "{pcm}" channels 2 }}'
             ' slaves.b {{ pcm "{pcm}" channels 2 }}'
             ' bindings.0 {{ slave a channel 0 }} bindings.1 {{ slave a channel 1 }}'
             ' bindings.2 {{ slave b channel 0 }} bindings.3 {{ slave b channel 1 }}',
    "meter": 'type meter slave.pcm "{pcm}"',
    "tee": 'type file slave.pcm "{pcm}" file "/dev/null" format raw',
}


def make_files(server):
    sound.write_wav(server.path("room.wav"), sound.noise("S16_LE", 48000, 2, 1))
    with open(server.path(".asoundrc"), "w", encoding="utf-8") as file:
        for plugin, text in PLUGINS.items():
            for pcm in ("shm", "null"):
                file.write(f"pcm.{plugin}_{pcm} {{ {text.format(pcm=pcm)} }}\n")


def walk(memfd, pcm, reference, direction, kind, walks, runs=1):
    with Server("virtual,capture=@/room.wav", prepare=make_files,
                settings=[f"memfd={memfd}", "log_level=warn"]) as server:
        for run in range(runs):
            program = server.start(PROGRAM, pcm, reference, direction, kind, str(walks),
                                   str(SEED + run), environment={"HOME": server.folder})
            program.wait(SECONDS)
            contains("the walks", program.output + program.errors, " walks, 0 wrong")
        server.stop()


@test_each(*((f"{direction} over {transport}", memfd, direction)
             for transport, memfd in TRANSPORTS.items()
             for direction in ("playback", "capture")))
def the_pcm_itself(memfd, direction):
    walk(memfd, "shm", "null", direction, "whole", WALKS)


@test_each(*((f"{plugin} over {transport}", memfd, plugin)
             for plugin in PLUGINS if plugin != "meter"
             for transport, memfd in TRANSPORTS.items()))
def a_plugin_above_it(memfd, plugin):
    walk(memfd, f"{plugin}_shm", f"{plugin}_null", "playback",
         "rounded" if plugin == "rate" else "tame", WALKS // 4)


@test_each(*TRANSPORTS.items())
def a_meter_above_it(memfd):
    # Parameters that are set a second time may wait for ever for its thread: see main.cc.
    walk(memfd, "meter_shm", "meter_null", "playback", "tame", 1, runs=10)


skip("a plugin above it: softvol", "it keeps its volume in a card's control device")

if __name__ == "__main__":
    main()
