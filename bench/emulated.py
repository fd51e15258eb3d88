#!/usr/bin/env python3
"""shmd beside dmix and dsnoop, on snd-dummy in the emulated machine, in one boot.

As a program it is what runs in there; it prints its rows.
"""

import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True
import cost
import peers
from figures import Rows
from private import Failed, die_with_parent

HERE = os.path.dirname(os.path.abspath(__file__))
VM = os.path.join(HERE, "../scripts/vm")
VM_UNAVAILABLE = 77
SIZE = (1024, 4096)


class OnDummy(peers.Shmd):
    device = "hw:CARD=Dummy"


class OnDummyRecording(OnDummy):
    name, title = "shmd, recording", "shmd, recording"
    records = True


class Dmix(peers.Peer):
    """It has no server: each client adds to the card's own buffer."""

    name = title = kind = "dmix"

    def start(self, home, period):
        self.client = home.environment(ALSA_CONFIG_PATH=home.alsa_config(f"""
            pcm.bench {{ type {self.kind} ipc_key 5678293 ipc_perm 0600 slave {{
                pcm "hw:Dummy" format S16_LE rate 48000 channels 2
                period_size {SIZE[0]} buffer_size {SIZE[1]} }} }}
            """))


class Dsnoop(Dmix):
    """Its clients read the card's own buffer."""

    name = title = kind = "dsnoop"
    records = True


class Direct(peers.Peer):
    """A program that has the card for itself."""

    name, title = "card", "the card"
    pcm = "hw:Dummy"
    most_streams = 1

    def start(self, home, period):
        self.client = home.environment(ALSA_CONFIG_PATH=home.alsa_config(""))


def inside(build, repetitions, window_s, counts):
    """The rows, measured by taking turns."""
    rows = Rows()
    chosen = [kind(build) for kind in (Dmix, OnDummy, Dsnoop, OnDummyRecording, Direct)]
    for repetition in range(repetitions):
        for streams in counts:
            for peer in chosen[repetition % 2:] + chosen[:repetition % 2]:
                if streams <= peer.most_streams:
                    one(rows, peer, streams, window_s)
    return rows.all


def one(rows, peer, streams, window_s):
    try:
        with peer.running(SIZE[0]):
            report = peer.load(f"--streams={streams}", f"--period={SIZE[0]}",
                               f"--buffer={SIZE[1]}", f"--seconds={window_s}",
                               f"--settle={2 + streams / 16}")
        figures = cost.figures_of(report, streams)
    except Failed as error:
        figures = {"error": str(error)}
    rows.add("emulated", peer.name, {"streams": streams}, figures)
    print(f"on snd-dummy {streams:2} {peer.title}: {cost.summary(figures)}",
          file=sys.stderr, flush=True)


def measure(plan, rows):
    repetitions = min(2, plan.repetitions)
    counts = ",".join(str(n) for n in (1, 8, 32) if n <= max(plan.streams))
    command = [VM, "--card", "dummy", "--timeout", "400", "--", sys.executable,
               os.path.abspath(__file__), plan.build, str(repetitions),
               str(plan.window_s), counts]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=plan.build,
                          preexec_fn=die_with_parent)
    if done.returncode == VM_UNAVAILABLE:
        plan.say("dmix is not measured: there is no emulated machine (see above)")
    elif done.returncode != 0:
        plan.say(f"dmix is not measured: scripts/vm ended with {done.returncode}")
    else:
        rows.all += json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    print(json.dumps(inside(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]),
                            [int(n) for n in sys.argv[4].split(",")])))
