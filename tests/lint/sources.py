#!/usr/bin/env python3
"""Every C++ file is in a module.am: what is not is neither built nor distributed."""

import sys

sys.dont_write_bytecode = True
import tree
from report import MadeTree, Report

TEST = "every C++ file is in a module.am"


def problems(root):
    named = set()
    for name in tree.files(root):
        if name.endswith(("module.am", "Makefile.am")):
            named.update(tree.read(root, name).split())
    for name in tree.cxx_files(root):
        if name not in named:
            yield f"{name}: is named in no module.am"


if __name__ == "__main__":
    report = Report()
    report.holds(TEST, problems(tree.top()))
    with MadeTree({"lib/a/module.am": "x_SOURCES = lib/a/a.cc lib/a/a.h\n",
                   "lib/a/a.cc": "", "lib/a/a.h": "", "lib/a/b.cc": "",
                   "lib/a/b.h": ""}) as made:
        report.bites(TEST, problems(made), "lib/a/b.cc: ", "lib/a/b.h: ")
    report.close()
