#!/usr/bin/env python3
"""scripts/install-deps reads Build-Depends rightly, and that of debian/control."""

import os
import subprocess
import sys

sys.dont_write_bytecode = True
import tree
from report import MadeTree, Report

CONTROL = """\
Source: made-up
Build-Depends: bash (>= 4),
# a comment, and not a dependency
 no-such-package | dpkg (>> 1.0), dpkg (<< 1.0),
 no-such-tool <!nocheck>, no-such-stage <stage1>,
 dash:any, no-such-port [!linux-any], no-such-alternative | no-such-other,
Build-Depends-Indep: no-such-book (= 2:1.0-3)
Description: and so on,
 no-such-word

Package: made-up
Depends: no-such-depends
"""
LISTED = """\
build-essential
bash (>= 4)
no-such-package | dpkg (>> 1.0)
dpkg (<< 1.0)
no-such-tool
dash:any
no-such-alternative | no-such-other
no-such-book (= 2:1.0-3)
"""
MISSING = ["dpkg (<< 1.0)", "no-such-tool", "no-such-alternative | no-such-other",
           "no-such-book (= 2:1.0-3)"]


def run(*arguments, profiles=""):
    environment = dict(os.environ, DEB_BUILD_PROFILES=profiles)
    done = subprocess.run([os.path.join(tree.top(), "scripts/install-deps"), *arguments],
                          env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout.splitlines()


def differ(found, wanted):
    return [] if found == wanted else [f"{found} is not {wanted}"]


def check_made_up(report, control):
    status, lines = run("--control", control, "--list")
    report.holds("it reads restrictions, alternatives, profiles and comments",
                 differ((status, lines), (0, LISTED.splitlines())))
    _, lines = run("--control", control, "--list", profiles="nocheck stage1")
    report.holds("it leaves out and takes in what a profile says",
                 differ([line for line in lines if "tool" in line or "stage" in line],
                        ["no-such-stage"]))
    status, lines = run("--control", control, "--missing")
    report.holds("it finds what is missing",
                 differ((status, [line for line in lines if line != "build-essential"]),
                        (1, MISSING)))


def main():
    report = Report()
    status, lines = run("--list")
    report.holds("it reads debian/control", differ((status, len(lines) > 10), (0, True)))
    with MadeTree({"control": CONTROL, "broken": "Source: a\nBuild-Depends: a (? 1)\n"}) \
            as made:
        check_made_up(report, os.path.join(made, "control"))
        status, _ = run("--control", os.path.join(made, "broken"), "--missing")
        report.holds("it refuses what it cannot read", differ(status, 1))
    report.close()


if __name__ == "__main__":
    main()
