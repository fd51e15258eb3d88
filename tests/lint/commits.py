#!/usr/bin/env python3
"""A commit says in at most 72 columns what it changes, and in a body why.

The history is that of SHMD_HISTORY, which scripts/check sets because it tests a copy
without one, or of the source tree.
"""

import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import tree
from report import Report

TEST = "commits say what and why"
# The rule holds for what was committed after this one.
BEGIN = "0c28b8c8"
MOST_COLUMNS = 72
SUBJECT = re.compile(r"^[\w./+-]+(, [\w./+-]+)*: \S")


def git(root, *arguments):
    done = subprocess.run(["git", "-C", root, *arguments], capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else None


def why_no_history(root, begin):
    """Why the commits cannot be read, or None."""
    top = git(root, "rev-parse", "--show-toplevel")
    if top is None or os.path.realpath(top.strip()) != os.path.realpath(root):
        return "this is no clone that git may read"
    if git(root, "rev-parse", "--is-shallow-repository") != "false\n":
        return "the clone is shallow: git fetch --unshallow gets the rest"
    if git(root, "merge-base", "--is-ancestor", begin, "HEAD") is None:
        return f"commit {begin} is not in the history"
    return None


def problems(root, begin):
    found = git(root, "log", "--no-merges", "-z", "--format=%h%n%B", f"{begin}..HEAD")
    for commit in filter(None, found.split("\0")):
        name, subject, *body = commit.rstrip("\n").split("\n")
        if len(subject) > MOST_COLUMNS:
            yield f"{name}: {len(subject)} columns, at most {MOST_COLUMNS}: {subject}"
        if not SUBJECT.match(subject):
            yield f"{name}: does not begin with `area: `: {subject}"
        if len(body) < 2 or body[0] or not body[1].strip():
            yield f"{name}: has no body after an empty line: {subject}"


WRONG = ["all: the first\n\nIt is not looked at.", f"a: {'long ' * 15}end\n\nWhy.",
         "plugin: right\n\nWhy.", "no area\n\nWhy.", "lib/base: no body",
         "a, b: no empty line\nWhy."]


def made_history(root):
    """A repository with the commits of WRONG; return the first one's name."""
    git(root, "init", "-q")
    for message in WRONG:
        git(root, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q",
            "--allow-empty", "--cleanup=verbatim", "-m", message)
    return git(root, "rev-list", "--max-parents=0", "HEAD").strip()


def main():
    report = Report()
    root = os.environ.get("SHMD_HISTORY") or tree.top()
    if reason := why_no_history(root, BEGIN):
        report.skip(TEST, reason)
    else:
        report.holds(TEST, problems(root, BEGIN))
    with tempfile.TemporaryDirectory(prefix="shmd-lint-") as made:
        begin = made_history(made)
        report.bites(TEST, problems(made, begin), "columns, at most 72: a: long",
                     "does not begin with `area: `: no area", "after an empty line: lib",
                     "has no body after an empty line: a, b: no empty line")
    report.close()


if __name__ == "__main__":
    main()
