#!/usr/bin/env python3
"""shellcheck finds nothing in the shell scripts."""

import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
import tree
from report import MadeTree, Report

TEST = "shell scripts pass shellcheck"


def problems(tool, root):
    names = tree.scripts(root, ("sh", "bash", "dash"))
    if not names:
        yield "there is no shell script"
        return
    done = subprocess.run([tool, "--format=gcc", "--external-sources",
                           "--source-path=SCRIPTDIR"] + names, cwd=root,
                          capture_output=True, text=True)
    yield from done.stdout.splitlines()
    if done.returncode > 1:  # 1: it found something, and that is printed
        yield f"shellcheck: {done.stderr.strip()}"


if __name__ == "__main__":
    report = Report()
    found = shutil.which("shellcheck")
    if found is None:
        report.skip(TEST, "shellcheck is not installed")
        report.skip(f"{TEST} (can fail)", "shellcheck is not installed")
        report.close()
    report.holds(TEST, problems(found, tree.top()))
    with MadeTree({"scripts/right": "#!/bin/sh\necho \"$1\"\n",
                   "scripts/wrong": "#!/bin/sh\nrm -r $1\n"}) as made:
        report.bites(TEST, problems(found, made), "scripts/wrong:2:")
    report.close()
