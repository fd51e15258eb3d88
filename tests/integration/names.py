#!/usr/bin/env python3
"""What programs and devices are called, and what a program is told when a name fails."""

import os
import sys

sys.dont_write_bytecode = True
import sound
from harness import Server, contains, equal, main, test, test_each


def make_wav(server):
    sound.write_wav(server.path("made.wav"), sound.noise("S16_LE", 48000, 2, 0.1))


# aplay wants its own name in the first word that it gets.
@test_each(
    ("a control character", b"aplay\tname", r"name=aplay\x3fname"),
    ("Latin-1", b"aplay caf\xe9", r"name=aplay\x20caf\x3f"),
    ("UTF-8 beyond the end of the field", b"aplay" + 40 * "ü".encode(),
     r"name=aplay\xc3\xbc"),
    ("a path of Windows, as wine leaves it", rb"m Files\aplay\game.exe",
     "name=aplay "))
def a_program_plays_whatever_its_name_is(name, shown):
    with Server("virtual", prepare=make_wav) as server:
        server.run("bash", "-c", 'exec -a "$0" aplay -q -D shm made.wav',
                   os.fsdecode(name))
        contains("log", server.log(), shown)


def play(server, definition):
    """aplay to a PCM with this definition, of which it is told."""
    with open(server.path("asoundrc"), "w", encoding="utf-8") as file:
        file.write(f"pcm.mine {{ type shmd {definition} }}\n")
    path = server.environment["ALSA_CONFIG_PATH"] + ":" + server.path("asoundrc")
    program = server.start("aplay", "-q", "-D", "mine", "made.wav",
                           environment={"ALSA_CONFIG_PATH": path})
    equal("exit status", 1, program.wait())
    return program.errors


@test
def a_device_with_a_control_character_is_not_there():
    with Server("virtual", prepare=make_wav) as server:
        contains("what it is told", play(server, r'device "a\tb"'), "No such device")


@test
def a_fallback_that_fails_says_that_the_server_was_missing_too():
    with Server("virtual", prepare=make_wav) as server:
        told = play(server, 'server "/nonexistent/socket" fallback "hw:77"')
        contains("what it is told", told, "no server answers at", "/nonexistent/socket",
                 "the fallback hw:77 cannot be opened")


if __name__ == "__main__":
    main()
