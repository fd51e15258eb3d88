#!/usr/bin/env python3
"""The model of direct mode is right; made wrong, it is found to be wrong."""

import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile

SOURCE = os.environ.get("abs_top_srcdir") or \
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
MODEL = os.path.join(os.path.abspath(SOURCE), "doc", "models", "direct.pml")
PAN = ("-DSAFETY", "-DCOLLAPSE", "-DVECTORSZ=1024", "-DMEMLIM=450")
WORKERS = min(2, os.cpu_count() or 1)  # together they stay below 1 GB

# What may happen; each is searched to its end.
RIGHT = {
    "second stream": "MAY_MIX TICKS=3",
    "larger rings": "N=4 POOL=3 FRAMES=4",
    "pause": "MAY_PAUSE",
    "stop and start": "MAY_STOP",
    "rewind": "MAY_REWIND LEAD=2",
    "rewind in a mix": "MAY_REWIND MAY_MIX FRAMES=2 TICKS=3",
    "recall": "MAY_CHANGE FRAMES=2 TICKS=3",
    "client dies": "MAY_DIE TICKS=3",
    "client dies in a recall": "MAY_CHANGE MAY_DIE FRAMES=1 TICKS=1",
    "client hangs": "MAY_CHANGE MAY_HANG FRAMES=1 TICKS=2",
    "server dies": "MAY_CRASH FRAMES=2 TICKS=3",
}

# What is wrong, and what has to happen so that it is noticed.
WRONG = {
    "PUBLISH_FIRST": "",
    "NO_FROM": "",
    "KEEP_SERIAL": "MAY_PAUSE",
    "NO_CLEAR": "MAY_STOP",
    "NO_DEADLINE": "MAY_CHANGE MAY_HANG",
    "SHIFT_LATE": "",
    "SERVER_SERIAL": "MAY_STOP COMMANDS=2",
    "KEEP_REWIND": "MAY_REWIND",
    "NO_LIMIT": "MAY_REWIND LEAD=2",
    "NO_SILENCE": "MAY_REWIND",
}


def run(folder, *command):
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def search(macros):
    """Search the model with these macros; return (errors or None, what was said)."""
    with tempfile.TemporaryDirectory(prefix="shmd-spin-") as folder:
        shutil.copy(MODEL, folder)
        defines = [f"-D{macro}" for macro in macros.split()]
        for command in (["spin", "-a", *defines, "direct.pml"],
                        ["cc", "-O2", "-w", *PAN, "-o", "pan", "pan.c"]):
            status, said = run(folder, *command)
            if status != 0 or not os.path.exists(os.path.join(folder, "pan.c")):
                return None, said
        said = run(folder, "./pan", "-m20000", "-w22", "-n")[1]
    errors = re.search(r"errors: (\d+)", said)
    complete = "Search not completed" not in said and "max search depth" not in said
    if not errors or (not complete and errors[1] == "0"):
        return None, said
    return int(errors[1]), said


def summary(said):
    states = re.search(r"(\d+) states, stored", said)
    error = re.search(r"pan:\d+: (.*?)(?: \(at depth|$)", said, re.MULTILINE)
    return f"{states[1] if states else '?'} states" + (f", {error[1]}" if error else "")


def count(test, passed, said):
    print(f"{'pass' if passed else 'FAIL'}: {test}: {summary(said)}", flush=True)
    if not passed:
        print("".join(f"  {line}\n" for line in said.splitlines()[:20]), end="")
    return passed


def main():
    tests = [(f"direct mode: {name}", macros, True) for name, macros in RIGHT.items()]
    tests += [(f"direct mode: {name} is found", f"{name} {macros}", False)
              for name, macros in WRONG.items()]
    lacks = [tool for tool in ("spin", "cc") if not shutil.which(tool)]
    if lacks:
        for name, _, _ in tests:
            print(f"SKIP: {name}: {lacks[0]} is not installed")
        print(f"0 passed, 0 failed, {len(tests)} skipped")
        return 77
    passed = 0
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        found = pool.map(search, [macros for _, macros, _ in tests])
        for (name, _, is_right), (errors, said) in zip(tests, found):
            passed += count(name, errors is not None and (errors == 0) == is_right, said)
    print(f"{passed} passed, {len(tests) - passed} failed, 0 skipped")
    return 0 if passed == len(tests) else 1


if __name__ == "__main__":
    sys.exit(main())
