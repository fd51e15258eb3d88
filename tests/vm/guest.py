#!/usr/bin/env python3
"""Tests on a real kernel with sound cards: what they have in common, and all of them.

They run inside the emulated machine of scripts/vm, with the harness of tests/integration,
one after the other: a card is used by one at a time. A file of tests stands alone there,

    scripts/vm --card dummy --card aloop --card hda -- python3 tests/vm/cards.py [PART]

and this file, as a program, runs all that lie beside it, with one count. It must be
started in the build tree, or with abs_top_builddir, as the integration tests are.

Time is emulated, slow and noisy there: assert contents, orders and counts.
"""

import glob
import importlib
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(1, os.path.join(HERE, "../integration"))
import harness
# pylint: disable=unused-import  # what the tests import from here
from harness import (BUILD, SHMD, SHMD_RUN, Failed, Program, Server, contains, equal,
                     expect, fails, main, skip, test, test_each, wait_until)

KERNEL = os.environ.get("SHMD_VM_KERNEL")
if not KERNEL:
    sys.exit("this is for inside the emulated machine: scripts/vm --help")
RESULTS = os.environ["SHMD_VM_RESULTS"]  # what is put here outlives the machine
harness.AT_ONCE = 1


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def as_uid(uid, *command, groups=()):
    """The command as that user, whose group has the same number, in `groups` besides."""
    return Program(["setpriv", f"--reuid={uid}", f"--regid={uid}",
                    f"--groups={','.join(map(str, [uid, *groups]))}", *command])


def run_all():
    for path in sorted(glob.glob(os.path.join(HERE, "*.py"))):
        name = os.path.basename(path).removesuffix(".py")
        if name != "guest":
            importlib.import_module(name)
    main()


if __name__ == "__main__":
    run_all()
