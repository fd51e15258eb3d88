#!/usr/bin/env python3
"""bench/run measures, reports and cleans up. Contents and counts, and no times."""

import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from harness import (HERE, SANITIZED, contains, equal, expect, main, skip, test,
                     wait_until)

RUN = os.path.join(HERE, "../../bench/run")
TRACE = os.path.join(HERE, "../../bench/trace")
GOALS = ["1", "2", "3", "3b", *map(str, range(4, 14))]
PEERS = ("floor", "shmd")


def test_of_a_plain_build(function):
    if not SANITIZED:
        return test(function)
    skip(function.__name__.replace("_", " "), "what is measured is no sanitizer")
    return function


def run(folder, *options, **more):
    """bench/run, with all that it makes in `folder`."""
    return subprocess.Popen(
        [sys.executable, "-B", RUN, "--results", folder, "--name", "made", *options],
        env=dict(os.environ, TMPDIR=folder), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


def finish(running, status=0):
    output, errors = running.communicate()
    equal(f"the exit status, after\n{output}{errors}", status, running.returncode)
    return output + errors


def rows_of(result, part):
    return [row for row in result["rows"] if row["part"] == part]


def require_cost(result):
    """A row for each size, number of streams and peer; each stream played."""
    rows = rows_of(result, "cost")
    equal("what was measured",
          {(period, streams, peer) for period in (1024, 128) for streams in (1, 3)
           for peer in PEERS},
          {(row["period"], row["streams"], row["peer"]) for row in rows})
    for row in rows:
        expect("error" not in row, f"an error: {row}")
        for figure in ("cost", "client", "server", "rate", "wakes"):
            expect(row[figure] > 0, f"{figure} is nothing: {row}")
        expect(abs(row["client"] + row["server"] - row["cost"]) < 1e-9,
               f"the parts are not the whole: {row}")


def require_report(folder, result):
    with open(os.path.join(folder, "made.md"), encoding="utf-8") as file:
        text = file.read()
    contains("the report", text, "## Goals", "## Cost against streams", "## Memory",
             "## Open to first period accepted", "| streams | floor | shmd |")
    equal("the goals", GOALS, [goal["goal"] for goal in result["goals"]])
    for goal in result["goals"]:
        contains("the report", text, f"| {goal['goal']} | {goal['quantity']} |")
    if shutil.which("gnuplot"):
        for name in ("cost-1024", "cost-128", "late_p99_us-1024", "trip"):
            contains("the report", text, f"(made-{name}.png)")
            expect(os.path.getsize(f"{folder}/made-{name}.png") > 0, f"no plot {name}")


@test_of_a_plain_build
def it_measures_shmd_and_the_floor_and_says_which_goals_hold():
    with tempfile.TemporaryDirectory(prefix="shmd-test-") as folder:
        finish(run(folder, "--peers=floor,shmd", "--parts=cost,opens,memory,trip",
                   "--streams=1,3", "--repetitions=1", "--window=0.5", "--opens=3"))
        with open(os.path.join(folder, "made.json"), encoding="utf-8") as file:
            result = json.load(file)
        require_cost(result)
        equal("opens", [("shmd", 3)], [(row["peer"], row["opens"])
                                       for row in rows_of(result, "opens")])
        memory, = rows_of(result, "memory")
        expect(memory["server_idle_kib"] > 0, f"a server without memory: {memory}")
        equal("the ways of a sound", [[1024, 4096], [256, 1024], [128, 512]],
              [row.get("got") for row in rows_of(result, "trip")])
        require_report(folder, result)


def processes_of(folder):
    """Those that were told of the folder in their environment."""
    found = []
    for path in glob.glob("/proc/[0-9]*/environ"):
        try:
            with open(path, "rb") as file:
                if os.fsencode(folder) in file.read():
                    found.append(path)
        except OSError:
            continue    # it has ended, or is somebody else's
    return found


def interrupt(number):
    with tempfile.TemporaryDirectory(prefix="shmd-test-") as folder:
        running = run(folder, "--peers=shmd", "--parts=cost", "--window=30")
        wait_until("a server runs", lambda: glob.glob(f"{folder}/shmd-bench-*/env"))
        running.send_signal(number)
        finish(running, 130)
        with open(os.path.join(folder, "made.md"), encoding="utf-8") as file:
            contains("the report", file.read(), "interrupted: ")
        equal("what is left of it", [], processes_of(folder))
        equal("the folders that are left", [], glob.glob(f"{folder}/shmd-bench-*"))


@test_of_a_plain_build
def ctrl_c_ends_all_that_it_started():
    interrupt(signal.SIGINT)


@test_of_a_plain_build
def being_terminated_ends_all_that_it_started():
    interrupt(signal.SIGTERM)


@test_of_a_plain_build
def without_a_build_it_says_what_to_do():
    with tempfile.TemporaryDirectory(prefix="shmd-test-") as folder:
        said = finish(run(folder, "--build", folder), 1)
        contains("what it says", said, "build them first", "--build DIR")


@test_of_a_plain_build
def what_it_does_not_know_is_refused():
    with tempfile.TemporaryDirectory(prefix="shmd-test-") as folder:
        said = finish(run(folder, "--parts=cost,weight"), 2)
        contains("what it says", said, "no 'weight' in cost")


def test_where_tracing_is_possible(function):
    if os.access("/sys/kernel/tracing/instances", os.W_OK):
        return test_of_a_plain_build(function)
    skip(function.__name__.replace("_", " "), "no tracefs that may be written to")
    return function


@test_where_tracing_is_possible
def a_period_is_traced_call_by_call():
    done = subprocess.run([sys.executable, "-B", TRACE], capture_output=True, text=True)
    equal(f"the exit status, after\n{done.stderr}", 0, done.returncode)
    calls = re.findall(r"^\| \d+ \| \d+ \| client \| calls (\w+) \|$", done.stdout,
                       re.MULTILINE)
    # One that was late does more in its period; how much, the measurement tells.
    expect("poll" in calls, f"a client's calls are {calls}")
    contains("what was traced", done.stdout, "| shmd-audio | is woken |")


if __name__ == "__main__":
    main()
