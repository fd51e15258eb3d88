#!/usr/bin/env python3
"""Run the tests of applications several times in a row, and say which failed how often.

    abs_top_builddir=BUILD tests/apps/repeat.py [--times N] [--busy] [NAME...]

A NAME is a file here, without its ending; without a name it is all of them. With --busy
each processor has something else to do meanwhile, at the usual priority.
"""

import argparse
import contextlib
import glob
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
NO_TESTS = ("apps", "repeat")
BUSY = [sys.executable, "-c", "while True: pass"]


def all_names():
    """Those that are programs; the others are what programs here have run."""
    paths = sorted(glob.glob(os.path.join(HERE, "*.py")))
    names = [os.path.basename(path)[:-3] for path in paths if os.access(path, os.X_OK)]
    return [name for name in names if name not in NO_TESTS]


def arguments():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--busy", action="store_true")
    parser.add_argument("names", nargs="*", metavar="NAME")
    return parser.parse_args()


@contextlib.contextmanager
def busy_processors():
    children = [subprocess.Popen(BUSY) for _ in os.sched_getaffinity(0)]
    try:
        yield
    finally:
        for child in children:
            child.kill()
            child.wait()


def run(name):
    """Run one file; return its last line, and whether it passed."""
    done = subprocess.run([sys.executable, os.path.join(HERE, f"{name}.py")],
                          capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines() or [""]
    if done.returncode:
        print(done.stdout + done.stderr, flush=True)
    return lines[-1], done.returncode == 0


def repeat(name, times):
    """Return how often it failed."""
    failures = 0
    for number in range(times):
        started = time.monotonic()
        count, passed = run(name)
        failures += not passed
        print(f"{name} {number + 1}/{times}: {count} "
              f"({time.monotonic() - started:.1f} s)", flush=True)
    return failures


def main():
    options = arguments()
    names = options.names or all_names()
    with busy_processors() if options.busy else contextlib.nullcontext():
        failures = {name: repeat(name, options.times) for name in names}
    for name, count in failures.items():
        if count:
            print(f"FAIL: {name} failed {count} times of {options.times}")
    failed = sum(count > 0 for count in failures.values())
    print(f"{len(names) - failed} passed, {failed} failed, 0 skipped")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
