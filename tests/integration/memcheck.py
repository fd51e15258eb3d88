#!/usr/bin/env python3
"""valgrind finds nothing left of a plugin that is opened and closed again and again."""

import os
import sys

sys.dont_write_bytecode = True
from harness import BUILD, SANITIZED, Server, contains, main, skip, test

PROGRAM = os.path.join(BUILD, "tests/integration/conformance/conformance")
LOST = "--leak-check=full --errors-for-leak-kinds=definite,indirect".split()


def check(memfd):
    with Server("virtual", settings=[f"memfd={memfd}"]) as server:
        # Its rows are processes of their own, which valgrind follows; an error of one is
        # its exit status.
        program = server.run("valgrind", "--quiet", *LOST, "--error-exitcode=9", PROGRAM,
                             "--pcm=shm", "--deadline=100", "--filter=open.often")
    contains("what it says", program.output, "2 passed, 0 failed, 0 skipped")


NAME = "a hundred times open and close leave nothing behind"
if SANITIZED:
    skip(NAME, "a sanitizer's build is its own memory checker")
else:
    @test
    def a_hundred_times_open_and_close_leave_nothing_behind():
        check("yes")

    @test
    def nor_do_they_over_the_socket():
        check("no")


if __name__ == "__main__":
    main()
