#!/usr/bin/env python3
"""Every header compiles alone, without a warning."""

import concurrent.futures
import os
import shlex
import subprocess
import sys

sys.dont_write_bytecode = True
import tree
from report import MadeTree, Report

TEST = "headers compile alone"
WARNINGS = ["-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror"]


def compiler():
    """The compiler of the build, as make exports it, or the system's."""
    command = shlex.split(os.environ.get("CXX", "")) or ["g++"]
    if not any(word.startswith("-std=") for word in command):
        command.append("-std=c++20")
    flags = shlex.split(os.environ.get("LINT_CPPFLAGS", ""))
    return command + flags + WARNINGS + ["-fPIC", "-fsyntax-only", "-x", "c++", "-"]


def complaint(command, root, name):
    """
    What is wrong with one header, or None. It is included, not compiled, so that
    `#pragma once` is right; and twice, so that its lack is seen.
    """
    roots = [f"-I{os.path.join(root, folder)}" for folder in ("", "lib", "server")]
    source = f'#include "{name}"\n' * 2
    done = subprocess.run(command[:-1] + roots + ["-I" + tree.build(), "-"],
                          input=source, capture_output=True, text=True)
    if done.returncode == 0:
        return None
    lines = done.stderr.splitlines()
    first = next((line for line in lines if "error" in line), "; ".join(lines[:1]))
    return f"{name}: {first}"


def problems(root):
    command = compiler()
    names = tree.cxx_files(root, endings=(".h",))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(lambda name: complaint(command, root, name), names)
    return [problem for problem in found if problem]


WRONG = {
    "lib/base/right.h": "#pragma once\n#include <vector>\nstruct A {};\n",
    "lib/base/needs.h": "#pragma once\ninline std::vector<int> F() { return {}; }\n",
    "lib/base/twice.h": "struct Twice {};\n",
    "lib/base/warns.h": "#pragma once\ninline int G(long a) { return a; }\n",
    "server/render/user.h": '#pragma once\n#include "base/right.h"\ninline A a;\n',
}

if __name__ == "__main__":
    report = Report()
    report.holds(TEST, problems(tree.top()))
    with MadeTree(WRONG) as made:
        report.bites(TEST, problems(made), "lib/base/needs.h: ", "lib/base/twice.h: ",
                     "lib/base/warns.h: ")
    report.close()
