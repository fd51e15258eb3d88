#!/usr/bin/env python3
"""C++ is laid out as .clang-format says, by the version of clang-format that CI has."""

import os
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
import tree
from report import MadeTree, Report

TEST = "C++ is formatted"
# Another version lays out the same code differently.
WANTED = 14
TOOLS = (f"clang-format-{WANTED}", "clang-format")
WARNING = re.compile(r"^(.*?):(\d+):\d+: (?:error|warning): ")


def find_tool():
    """Return (command, None), or (None, why there is none)."""
    found = None
    for tool in TOOLS:
        path = shutil.which(tool)
        if path is None:
            continue
        said = subprocess.run([path, "--version"], capture_output=True, text=True)
        found = re.search(r"version (\d+)", said.stdout)
        if found and int(found.group(1)) == WANTED:
            return path, None
    have = f"; this is version {found.group(1)}" if found else ""
    return None, f"clang-format {WANTED} is not installed{have}"


def problems(tool, root, style):
    names = tree.cxx_files(root)
    if not names:
        return
    done = subprocess.run(
        [tool, "--dry-run", "-Werror", f"--style=file:{style}"] +
        [os.path.join(root, name) for name in names], capture_output=True, text=True)
    lines = {}
    for line in done.stderr.splitlines():
        if match := WARNING.match(line):
            name = os.path.relpath(match.group(1), root)
            lines.setdefault(name, []).append(match.group(2))
    for name, numbers in lines.items():
        yield f"{name}: lines {' '.join(sorted(set(numbers), key=int)[:10])}"
    if done.returncode and not lines:
        yield f"clang-format: {done.stderr.strip()}"


def main():
    report = Report()
    tool, reason = find_tool()
    if tool is None:
        report.skip(TEST, reason)
        report.skip(f"{TEST} (can fail)", reason)
        report.close()
    style = os.path.join(tree.top(), ".clang-format")
    report.holds(TEST, problems(tool, tree.top(), style))
    wrong = {"lib/a.cc": "int  F( ) { return 1 ; }\n", "lib/b.cc": "int x;\n"}
    with MadeTree(wrong) as made:
        report.bites(TEST, problems(tool, made, style), "lib/a.cc: lines 1")
    report.close()


if __name__ == "__main__":
    main()
