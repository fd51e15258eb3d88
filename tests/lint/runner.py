#!/usr/bin/env python3
"""tests/run-test counts what ran, and takes nothing for passed that is not."""

import os
import subprocess
import sys

sys.dont_write_bytecode = True
import tree
from report import MadeTree, Report

# name of the case: (the script it runs, the closing line, the exit status)
CASES = {
    "passes on a count of its own": (
        "echo '2 passed, 0 failed, 0 skipped'", "2 passed, 0 failed, 0 skipped", 0),
    "passes on a skip of its own": (
        "echo 'SKIP: a b: no card'\necho '1 passed, 0 failed, 1 skipped'",
        "1 passed, 0 failed, 1 skipped", 0),
    "tells automake when all was skipped": (
        "echo 'SKIP: a: no card'\necho '0 passed, 0 failed, 1 skipped'",
        "0 passed, 0 failed, 1 skipped", 77),
    "fails when a test failed": (
        "echo '1 passed, 1 failed, 0 skipped'; exit 1",
        "1 passed, 1 failed, 0 skipped", 1),
    "fails when a test failed and the script says it is well": (
        "echo '1 passed, 1 failed, 0 skipped'", "1 passed, 1 failed, 0 skipped", 1),
    "fails on a skip without a name": (
        "echo '1 passed, 0 failed, 1 skipped'", "1 passed, 1 failed, 1 skipped", 1),
    "fails on a skip without a reason": (
        "echo 'SKIP: a:'\necho '1 passed, 0 failed, 1 skipped'",
        "1 passed, 1 failed, 1 skipped", 1),
    "fails without a count": ("echo 'all is well'", "0 passed, 1 failed, 0 skipped", 1),
    "fails without output": ("exit 0", "0 passed, 1 failed, 0 skipped", 1),
    "fails when no test ran": (
        "echo '0 passed, 0 failed, 0 skipped'", "0 passed, 1 failed, 0 skipped", 1),
    "fails on a bad exit status": (
        "echo '3 passed, 0 failed, 0 skipped'; exit 3",
        "3 passed, 1 failed, 0 skipped", 1),
    "fails on a crash after the count": (
        "echo '3 passed, 0 failed, 0 skipped'; kill -SEGV $$",
        "0 passed, 1 failed, 0 skipped", 1),
    "fails on a hang": ("sleep 1000", "0 passed, 1 failed, 0 skipped", 1),
    "waits for nothing that a test leaves behind": (
        "sleep 1000 &\necho '1 passed, 0 failed, 0 skipped'",
        "1 passed, 0 failed, 0 skipped", 0),
}


def problems(path, closing, status, deadline_s):
    environment = dict(os.environ, SHMD_TEST_TIMEOUT=deadline_s)
    done = subprocess.run([os.path.join(tree.top(), "tests/run-test"), path],
                          env=environment, capture_output=True, text=True, timeout=60)
    lines = done.stdout.splitlines()
    if lines[-1:] != [closing]:
        yield f"closes with {lines[-1:]}, not '{closing}': {done.stderr}"
    if done.returncode != status:
        yield f"exits with {done.returncode}, not {status}"


if __name__ == "__main__":
    report = Report()
    scripts = {name: f"#!/bin/sh\n{case[0]}\n" for name, case in CASES.items()}
    with MadeTree(scripts) as made:
        for name, (_, closing, status) in CASES.items():
            os.chmod(os.path.join(made, name), 0o755)
            deadline_s = "0.5" if "hang" in name else "60"
            report.holds(f"run-test {name}",
                         problems(os.path.join(made, name), closing, status, deadline_s))
    report.close()
