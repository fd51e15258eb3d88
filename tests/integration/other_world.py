#!/usr/bin/env python3
"""
32-bit programs play and record through the 64-bit server: the plugin built with -m32 and
--disable-server, under Debian's i386 aplay and arecord.
"""

import os
import subprocess
import sys

sys.dont_write_bytecode = True
import sound
from harness import BUILD, SANITIZED, Failed, Server, equal, main, skip, test_each

TOP = os.path.realpath(os.environ.get("abs_top_srcdir") or "..")
PLACE = os.path.join(BUILD, "tests/integration/other-world")
MODULE = os.path.join(PLACE, ".libs/libasound_module_pcm_shmd.so")
NAME = "a program of 32 bits plays and records"
RATE = 48000
TRANSPORTS = (("memfd", "yes"), ("socket", "no"))


def find_world():
    """The folder with i386's alsa-lib and aplay, or why there is none."""
    if SANITIZED:
        return None, "the plugin's other build is the same under a sanitizer's"
    found = subprocess.run([os.path.join(TOP, "scripts/other-world")],
                           capture_output=True, text=True, check=False)
    if found.returncode == 77:
        return None, found.stderr.strip().splitlines()[-1]
    if found.returncode != 0:
        raise Failed(found.stderr)
    compiler = subprocess.run([*os.environ.get("CXX", "g++").split(), "-m32", "-x", "c++",
                               "-o", os.devnull, "-"], input="int main() {}",
                              capture_output=True, text=True, check=False)
    if compiler.returncode != 0:
        return None, "the compiler does not build for i386 (g++-multilib)"
    return found.stdout.strip(), ""


def run(*command):
    done = subprocess.run(command, cwd=PLACE, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}")


def build_module(world):
    os.makedirs(PLACE, exist_ok=True)
    libraries = os.path.join(world, "usr/lib/i386-linux-gnu")
    compiler = os.environ.get("CXX", "g++")
    if not os.path.exists(os.path.join(PLACE, "Makefile")):
        run(os.path.join(TOP, "configure"), "--disable-server", "--enable-werror",
            "--host=i686-linux-gnu", f"CXX={compiler} -m32", "CXXFLAGS=-O1", "AR=ar",
            "RANLIB=ranlib", "NM=nm", "STRIP=strip", "ALSA_CFLAGS= ",
            f"ALSA_LIBS=-L{libraries} -lasound")
    run("make", "-j2")


def environment(server, world):
    """shmd-run's own configuration of ALSA, with the other module."""
    stock, private = server.environment["ALSA_CONFIG_PATH"].rsplit(":", 1)
    folder = os.path.dirname(private)
    for name in ("alsa.conf", "again.conf", "shm.conf"):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            text = file.read()
        with open(server.path(name), "w", encoding="utf-8") as file:
            file.write(text.replace(folder, server.folder).replace(
                os.path.join(BUILD, ".libs/libasound_module_pcm_shmd.so"), MODULE))
    return {"ALSA_CONFIG_PATH": stock + ":" + server.path("alsa.conf"),
            "LD_LIBRARY_PATH": os.path.join(world, "usr/lib/i386-linux-gnu")}


WORLD, WHY_NOT = find_world()
if WORLD is None:
    skip(NAME, WHY_NOT)
else:
    build_module(WORLD)

    @test_each(*TRANSPORTS)
    def a_program_of_32_bits_plays_bit_for_bit(memfd):
        made = sound.noise("S16_LE", RATE, 2, 0.7)
        with Server("virtual,wav=@/device.wav", settings=[f"memfd={memfd}"]) as server:
            path = sound.write_wav(server.path("made.wav"), made)
            server.run(os.path.join(WORLD, "usr/bin/aplay"), "-q", "-D", "shm", path,
                       environment=environment(server, WORLD))
            server.stop()
            stream, = server.streams()
            equal("transport", "memfd" if memfd == "yes" else "socket",
                  stream["transport"])
            sound.require_once("the device", sound.read_wav(server.path("device.wav")),
                               made.data)

    @test_each(*TRANSPORTS)
    def a_program_of_32_bits_records_bit_for_bit(memfd):
        room = sound.noise("S16_LE", RATE, 2, 0.5)
        with Server("virtual,capture=@/room.wav", settings=[f"memfd={memfd}"],
                    prepare=lambda server: sound.write_wav(server.path("room.wav"),
                                                           room)) as server:
            server.run(os.path.join(WORLD, "usr/bin/arecord"), "-q", "-D", "shm", "-t",
                       "raw", "-f", "S16_LE", "-r", RATE, "-c", 2, f"--samples={RATE}",
                       "recorded", environment=environment(server, WORLD))
            with open(server.path("recorded"), "rb") as file:
                recorded = file.read()
        equal("frames recorded", RATE, len(recorded) // 4)
        if recorded not in 4 * room.data:
            raise Failed("the recording is not the file, over and over")


if __name__ == "__main__":
    main()
