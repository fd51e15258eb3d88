#!/usr/bin/env python3
"""Threads may be cancelled in a call of a PCM, or leave it; the program goes on."""

import errno
import os
import sys

sys.dont_write_bytecode = True
import sound
from harness import BUILD, Server, equal, expect, main, test, test_each

FOLDER = os.path.join(BUILD, "tests/integration/programs")
THREADS = os.path.join(FOLDER, "threads")
HOST = os.path.join(FOLDER, "host")
CASES = [(f"{direction} over {transport}", direction, memfd)
         for direction in ("playback", "capture")
         for transport, memfd in (("memfd", "yes"), ("socket", "no"))]
# Its cases play and record in real time, one after the other.
PATIENCE_S = 300


@test_each(*CASES)
def threads_end_in_calls_and_the_handle_is_in_order(direction, memfd):
    with Server("virtual,capture=@/room.wav", settings=[f"memfd={memfd}"],
                prepare=lambda server: sound.write_wav(
                    server.path("room.wav"), sound.noise("S16_LE", 48000, 2, 0.5))
                ) as server:
        program = server.start(THREADS, "shm", direction)
        status = program.wait(PATIENCE_S)
        lines = program.output.splitlines()
        expect(len(lines) > 40, f"too few cases:\n{program.output}\n{program.errors}")
        equal("what did not go well", [],
              [line for line in lines if not line.endswith(": fine")])
        equal("exit status", 0, status)


@test
def a_handler_of_messages_that_throws_leaves_the_answer_as_it_is():
    with Server("virtual") as server:
        program = server.run(HOST, "refused", "shm:SERVER=/nonexistent")
        equal("answer", f"told 1 answer {-errno.ECONNREFUSED}\n", program.output)


@test
def a_handler_of_messages_may_ask_the_handle():
    with Server("virtual", dies=True) as server:
        with open(server.path("asoundrc"), "w", encoding="utf-8") as file:
            file.write("pcm.once { type shmd reconnect no }\n")
        program = server.run(HOST, "asked", "once", environment={
            "ALSA_CONFIG_PATH": server.environment["ALSA_CONFIG_PATH"] + ":"
                                + server.path("asoundrc")})
        expect(program.output.startswith("told 1 answer -"), program.output)


if __name__ == "__main__":
    main()
