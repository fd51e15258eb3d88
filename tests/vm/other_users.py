#!/usr/bin/env python3
"""What another user does costs no frame on a card: see tests/integration/attacks.py."""

import glob
import os
import sys

sys.dont_write_bytecode = True
from guest import (CAN_RESTRICT, SIZES, Recorder, Server, equal, expect, main, test,
                   wait_until)
import attackers
import epoll_attack
import sound
from victims import Attackers, open_to_all

RATE = 48000
# Emulation stops for longer than a real machine is ever late.
LOOPBACK = "hw:CARD=Loopback,DEV=0,format=S16_LE,period=9600,buffer=96000"
SECONDS, ENTRIES = 8, 18000
MOST_GRANTS = 4  # of one client, which are not known to be read
REQUESTS = 2000


def reach(server):
    open_to_all(server)
    os.chmod(os.environ["XDG_RUNTIME_DIR"], 0o755)


def play(server, path):
    return server.start("aplay", "-q", "-D", "shm", *SIZES, path)


@test
def a_player_with_idle_epoll_entries_silences_no_frame():
    made = sound.noise("S16_LE", RATE, 2, SECONDS)
    with Server(f"main={LOOPBACK}") as server:
        reach(server)
        recorder = Recorder(server)
        player = play(server, sound.write_wav(server.path("made.wav"), made))
        wait_until("it is heard", lambda: recorder.size() > RATE)
        with Attackers(server, epoll_attack.wish_wakes, ENTRIES, True,
                       descriptors=epoll_attack.DESCRIPTORS):
            player.succeed()
        heard = recorder.heard()
        server.stop()
    inner = sound.strip_silence(heard).data
    silent = sum(inner[at:at + 4] == bytes(4) for at in range(0, len(inner), 4))
    print(f"    {silent} silent frames among {len(inner) // 4}", flush=True)
    sound.require_once("the other side", heard, made.data)
    honest, = (stream for stream in server.stats["streams"]
               if stream["client"]["name"] == "aplay")
    equal("xruns of aplay", 0, honest["xruns"])


def card_descriptors(pid):
    return sum(os.readlink(path).startswith("/dev/snd/pcm")
               for path in glob.glob(f"/proc/{pid}/fd/*"))


@test
def who_does_not_read_is_not_given_the_ring_again_and_again():
    with Server(f"main={LOOPBACK}", settings=["direct=yes"]) as server:
        reach(server)
        before = card_descriptors(server.pid)
        with Attackers(server, attackers.gather_grants, REQUESTS):
            held = card_descriptors(server.pid) - before
            made = sound.noise("S16_LE", RATE, 2, 1)
            recorder = Recorder(server)
            play(server, sound.write_wav(server.path("made.wav"), made)).succeed()
            heard = recorder.heard()
        expect(held <= MOST_GRANTS, f"the server holds {held} more of the card")
        if CAN_RESTRICT:
            expect("direct: granted" in server.log(), "nothing was granted")
        server.stop()
    sound.require_once("the newcomer", heard, made.data)


if __name__ == "__main__":
    main()
