"""How a lint tells what it found, and shows that it can find anything."""

import os
import sys
import tempfile

sys.dont_write_bytecode = True  # the source tree may be read-only


class Report:
    """Counts tests and prints a line for each. A test is a rule, or proof that it bites."""

    def __init__(self):
        self._passed = self._failed = self._skipped = 0

    def holds(self, test, problems):
        """`test` passes if there are no `problems` (lines for a human)."""
        problems = list(problems)
        for problem in problems[:50]:
            print(f"  {problem}")
        if len(problems) > 50:
            print(f"  … and {len(problems) - 50} more")
        self._count(test, not problems)

    def bites(self, test, problems, *expected):
        """
        The negative test: each of `expected` must be part of one of the `problems`, which
        come from input that is made to be wrong, and there must be no other problem.
        """
        problems = list(problems)
        missed = [text for text in expected
                  if not any(text in problem for problem in problems)]
        surplus = [problem for problem in problems
                   if not any(text in problem for text in expected)]
        for text in missed:
            print(f"  does not see: {text}")
        for problem in surplus:
            print(f"  sees what is not wrong: {problem}")
        self._count(f"{test} (can fail)", not missed and not surplus)

    def skip(self, test, reason):
        print(f"SKIP: {test}: {reason}")
        self._skipped += 1

    def _count(self, test, passed):
        print(f"{'pass' if passed else 'FAIL'}: {test}", flush=True)
        if passed:
            self._passed += 1
        else:
            self._failed += 1

    def close(self):
        """Print the count, and exit accordingly."""
        print(f"{self._passed} passed, {self._failed} failed, {self._skipped} skipped")
        sys.exit(1 if self._failed else 0)


class MadeTree(tempfile.TemporaryDirectory):
    """A folder with the given files in it: {"lib/base/a.h": "text"}. Goes away with `with`."""

    def __init__(self, contents):
        super().__init__(prefix="shmd-lint-")
        for name, text in contents.items():
            path = os.path.join(self.name, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
