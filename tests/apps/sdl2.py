#!/usr/bin/env python3
"""SDL2: its own loopwave and loopwavequeue, and a client that plays and records."""

import signal
import sys

sys.dont_write_bytecode = True
import apps
import commands
import sound
from apps import test_each
from harness import equal, expect, main, wait_until

LOOPWAVES = "/usr/libexec/installed-tests/SDL2/"
apps.need(LOOPWAVES + "loopwave", LOOPWAVES + "loopwavequeue",
          libraries=["libSDL2-2.0.so.0"])
RATE = apps.RATE
ENVIRONMENT = commands.SDL2_ENVIRONMENT


@test_each(("a callback", "play_by_callback"), ("a queue", "play_from_a_queue"))
def sdl2_plays_bit_for_bit_from(mode):
    made = apps.made_sound()
    with apps.playback_server() as server:
        with open(server.path("made.raw"), "wb") as file:
            file.write(made.data)
        server.run(*commands.sdl2(mode, "made.raw"), environment=ENVIRONMENT)
        server.stop()
        sound.require_once("the device", server.heard(), made.data)
        require_xruns_at_the_end_only(server)


def require_xruns_at_the_end_only(server):
    """SDL2 waits until its buffer has run dry before it drops: that is an xrun."""
    stream, = server.streams()
    expect(stream["xruns"] <= 1, f"{stream['xruns']} xruns")


@test_each(("loopwave", "loopwave"), ("loopwavequeue", "loopwavequeue"))
def sdl2_repeats_a_file_with(program):
    room = apps.made_sound(0.7)
    with apps.playback_server() as server:
        path = sound.write_wav(server.path("made.wav"), room)
        player = server.start(LOOPWAVES + program, path, environment=ENVIRONMENT)
        wait_until("the file is heard twice", lambda: not player.is_alive() or
                   server.heard().frames > 1.5 * RATE)
        expect(player.is_alive(), f"it has ended: {player.errors}")
        player.signal(signal.SIGINT)
        player.succeed()
        server.stop()
        heard = sound.strip_silence(server.heard())
        require_xruns_at_the_end_only(server)
    if program == "loopwave":
        apps.require_from("what was heard", heard.data, room.data)
        return
    # Its queue is filled anew only when it is empty, so there is silence in between.
    first = heard.data[:len(room.data)]
    equal("the first time", room.data, first)
    again = heard.data[len(first):].lstrip(b"\0")
    again = heard.data[len(heard.data) - -(-len(again) // 4) * 4:]
    expect(again and room.data.startswith(again[:len(room.data)]), "not heard again")


@test_each(("a queue", "record_to_a_queue"))
def sdl2_records_exactly_to(mode):
    room = apps.made_sound(0.7)
    with apps.capture_server(room) as server:
        server.run(*commands.sdl2(mode, "recorded.raw"), environment=ENVIRONMENT)
        with open(server.path("recorded.raw"), "rb") as file:
            recorded = file.read()
        server.stop()
        server.require_no_xruns()
    expect(len(recorded) >= 4 * RATE, f"{len(recorded)} bytes were recorded")
    apps.require_from("the recording", recorded, room.data)


if __name__ == "__main__":
    main()
