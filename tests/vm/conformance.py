#!/usr/bin/env python3
"""
ALSA's PCM contract on PCMs of the kernel, by the rows of tests/integration/conformance:
`hw:` must keep all of them, or they are wrong. The results are left as JSON, for
tests/integration/conformance.py --table.
"""

import json
import os
import sys

sys.dont_write_bytecode = True
from guest import BUILD, KERNEL, RESULTS, Program, Server, equal, expect, main, test

PROGRAM = os.path.join(BUILD, "tests/integration/conformance/conformance")
# Periods of 50 ms, and buffers of sixteen: emulation may stand still for so long.
OPTIONS = ["--period=2400", "--deadline=40"]
# The loopback has eight substreams, and some rows open two.
ON_A_LOOPBACK = "--jobs=3"
LOOPBACK = "hw:CARD=Loopback,DEV=0,format=S16_LE,period=2400,buffer=24000"


def run_rows(name, options, start):
    """Run them; return what the program has written of each."""
    path = os.path.join(RESULTS, f"{name}.json")
    program = start([PROGRAM, f"--json={path}", *OPTIONS, *options])
    program.wait(700)
    expect(os.path.exists(path), f"no results: {program.output} {program.errors}")
    with open(path, encoding="utf-8") as file:
        return json.load(file)["rows"]


def ask(name, *options, start=Program):
    """Run all rows; return {verdict: [lines]}."""
    said = {}
    for row in run_rows(name, options, start):
        if row["verdict"] == "fail":
            row = ask_again(row, options, start)
        said.setdefault(row["verdict"], []).append(f"{row['id']}: {row['words']}")
    return said


def ask_again(row, options, start):
    """
    Here a program may be late for longer than its buffer lasts. What is not kept for
    another reason is not kept however often it is asked.
    """
    for _ in range(2):
        again = [other for other in run_rows("again", [*options, f"--filter={row['id']}"],
                                             start) if other["id"] == row["id"]]
        if again and again[0]["verdict"] != "fail":
            return again[0]
    return row


def newest_kernel_test(function):
    """The contract is the same on both, and emulation is slow."""
    return test(function) if KERNEL == "6.12" else function


def named_test(function):
    """Some minutes long, and no promise of ours: runs when its name is given."""
    return test(function) if any("dmix" in word for word in sys.argv[1:]) else function


@newest_kernel_test
def hw_keeps_every_rule():
    said = ask("hw", "--pcm=hw:Loopback,0", ON_A_LOOPBACK)
    equal("the rules that it does not keep", [], said.get("fail", []))
    expect(len(said["pass"]) > 400, f"only {len(said['pass'])} rules hold")


@newest_kernel_test
def shm_on_a_card_keeps_every_rule():
    with Server(LOOPBACK) as server:
        said = ask("shm_on_a_card", "--pcm=shm", ON_A_LOOPBACK,
                   start=lambda words: server.start(*words))
        server.stop()
    # An emulated processor has no time for the dearest streams, and admission says so.
    equal("the rules that it does not keep", [],
          [row for row in said.get("fail", []) if "% of a processor" not in row])
    expect(len(said["pass"]) > 400, f"only {len(said['pass'])} rules hold")


@named_test
def dmix_and_dsnoop_answer_to_every_rule():
    """They keep not all of them; what matters is that each row ends."""
    said = ask("dmix", "--pcm=plug:'dmix:CARD=Dummy'",
               "--capture-pcm=plug:'dsnoop:CARD=Dummy'", "--jobs=6")
    expect(len(said["pass"]) > 200, f"only {len(said['pass'])} rules hold")


if __name__ == "__main__":
    main()
