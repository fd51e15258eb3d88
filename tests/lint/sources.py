#!/usr/bin/env python3
"""Every C++ file is in a module.am, and every test of two threads where it is to be.

What is in no module.am is neither built nor distributed; what is not in two_thread_tests
does not run under ThreadSanitizer.
"""

import sys

sys.dont_write_bytecode = True
import tree
from report import MadeTree, Report

TEST = "every C++ file is in a module.am"
TWO_THREADS_TEST = "every test of two threads is in two_thread_tests"
TWO_THREADS_LIST = "tests_unit_two_thread_tests_SOURCES"


def problems(root):
    named = set()
    for name in tree.files(root):
        if name.endswith(("module.am", "Makefile.am")):
            named.update(tree.read(root, name).split())
    for name in tree.cxx_files(root):
        if name not in named:
            yield f"{name}: is named in no module.am"


def two_threads_problems(root):
    text = tree.read(root, "tests/unit/module.am")
    listed = text.partition(TWO_THREADS_LIST)[2].partition("_CPPFLAGS")[0].split()
    for name in tree.cxx_files(root):
        if "TwoThreads" in tree.read(root, name) and name not in listed:
            yield f"{name}: is not in {TWO_THREADS_LIST}"


if __name__ == "__main__":
    report = Report()
    report.holds(TEST, problems(tree.top()))
    with MadeTree({"lib/a/module.am": "x_SOURCES = lib/a/a.cc lib/a/a.h\n",
                   "lib/a/a.cc": "", "lib/a/a.h": "", "lib/a/b.cc": "",
                   "lib/a/b.h": ""}) as made:
        report.bites(TEST, problems(made), "lib/a/b.cc: ", "lib/a/b.h: ")
    report.holds(TWO_THREADS_TEST, two_threads_problems(tree.top()))
    with MadeTree({"tests/unit/module.am": f"{TWO_THREADS_LIST} = \\\n tests/unit/a.cc\n",
                   "tests/unit/a.cc": "TEST(ATwoThreads, B)",
                   "tests/unit/b.cc": "TEST(BTwoThreads, B)"}) as made:
        report.bites(TWO_THREADS_TEST, two_threads_problems(made), "tests/unit/b.cc: ")
    report.close()
