#!/usr/bin/env python3
"""AlsaPlayback and AlsaCapture on real cards: the unit tests that need one."""

import os
import re
import sys

sys.dont_write_bytecode = True
from guest import BUILD, Failed, Program, equal, expect, main, test_each

UNIT_TESTS = os.path.join(BUILD, "tests/unit/unit_tests")


@test_each(("any card", "OnACard.*"), ("a loopback that plays", "*OnACardLoopback.P*"),
           ("a loopback that is late", "*OnACardLoopback.Count*"),
           ("a loopback that stops", "*OnACardLoopback.Is*"),
           ("a loopback that captures", "*OnACardLoopback.Capt*"),
           ("a dummy", "*OnACardDummy.*"), ("an HDA codec", "OnACardHda.*"))
def the_unit_tests_hold_on(tests):
    program = Program([UNIT_TESTS, f"--gtest_filter={tests}"])
    if program.wait(120) != 0:
        raise Failed(program.output)
    text = program.output
    passed = re.search(r"PASSED  \] (\d+) tests?", text)
    expect(passed and int(passed[1]) > 0, f"no test ran: {text}")
    equal("skipped", [], re.findall(r"^\[  SKIPPED \] (\S+)$", text, re.MULTILINE))


if __name__ == "__main__":
    main()
