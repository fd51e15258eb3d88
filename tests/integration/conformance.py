#!/usr/bin/env python3
"""
Does the PCM `shm` keep ALSA's contract? Runs the program conformance, which asks a PCM by
alsa-lib's public calls alone, over both transports; each of its rows counts as a test.

    conformance.py [PART]...               the rows with PART in their ids
    conformance.py --json FOLDER [PART]... and keep the results there, as TRANSPORT.json
    conformance.py --table FILE NAME=RESULTS.json...
                                           run nothing: write FILE from results of PCMs

In ThreadSanitizer's build there is a test more for each transport: that it reported
nothing, in the server and in all processes of the rows.
"""

import contextlib
import glob
import json
import os
import re
import sys
import tempfile

sys.dont_write_bytecode = True
import sound
from harness import BUILD, RACES_ARE_SEEN, SANITIZED, Failed, Server, expect

PROGRAM = os.path.join(BUILD, "tests/integration/conformance/conformance")
TRANSPORTS = {"memfd": "yes", "socket": "no"}
# Periods of 20 ms, and buffers of sixteen; a sanitizer's build is often late.
SPEED = (["--period=2880", "--deadline=100", "--jobs=2"] if SANITIZED else
         ["--period=960", "--deadline=20", "--jobs=5"])
COUNT = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$")


def options(arguments, name):
    """Take `name VALUE` out of the arguments; its value, or None."""
    if name not in arguments:
        return None
    at = arguments.index(name)
    value = arguments[at + 1]
    del arguments[at:at + 2]
    return value


def make_room(server):
    sound.write_wav(server.path("room.wav"), sound.noise("S16_LE", 48000, 2, 2))


def ask(transport, part, folder):
    """Run the rows; return the lines they print, and whether the server minded."""
    with Server("virtual,capture=@/room.wav",
                settings=[f"memfd={TRANSPORTS[transport]}"], prepare=make_room) as server:
        results = os.path.join(folder or server.folder, f"{transport}.json")
        program = server.start(PROGRAM, "--pcm=shm", f"--filter={part}",
                               f"--json={results}", *SPEED)
        program.wait(800)
        expect(COUNT.match((program.output.splitlines() or [""])[-1]),
               f"no count: {program.errors}")
        server.stop()
        return program.output.splitlines()


def relabel(line, transport):
    """The row's name with the transport: the same row is counted once for each."""
    return re.sub(r"^(pass|FAIL|SKIP): ", rf"\1: {transport}: ", line)


@contextlib.contextmanager
def race_reports():
    """What ThreadSanitizer reports meanwhile, in whichever process: yields the list."""
    with tempfile.TemporaryDirectory(prefix="shmd-test-") as folder:
        before = os.environ.get("TSAN_OPTIONS", "")
        os.environ["TSAN_OPTIONS"] = f"{before}:log_path={folder}/report"
        reports = []
        try:
            yield reports
        finally:
            os.environ["TSAN_OPTIONS"] = before
            for path in glob.glob(f"{folder}/*"):
                with open(path, encoding="utf-8", errors="replace") as file:
                    reports.append(file.read())


def run_transport(transport, parts, folder):
    """Its rows and, if races are seen, that there are none; counts as run()'s."""
    if not RACES_ARE_SEEN:
        return run_rows(transport, parts, folder)
    with race_reports() as reports:
        passed, failed, skipped = run_rows(transport, parts, folder)
    for report in reports:
        print("    " + report.rstrip().replace("\n", "\n    "))
    result = "FAIL" if reports else "pass"
    print(f"{result}: {transport}: ThreadSanitizer reports nothing")
    return passed + (not reports), failed + bool(reports), skipped


def run_rows(transport, parts, folder):
    """Return the numbers of passed, failed, skipped."""
    total = [0, 0, 0]
    for part in parts or [""]:
        try:
            lines = ask(transport, part, folder)
        except Failed as failure:
            print(f"FAIL: {transport}: the server and the program: {failure}")
            for note in getattr(failure, "__notes__", ()):
                print("    " + note.replace("\n", "\n    "))
            total[1] += 1
            continue
        for line in lines[:-1]:
            print(relabel(line, transport))
        counts = map(int, COUNT.match(lines[-1]).groups())
        total = [sum(pair) for pair in zip(total, counts)]
    return total


def run(parts, folder):
    """All rows over both transports. Return the numbers of passed, failed, skipped."""
    return [sum(counts) for counts in zip(*(
        run_transport(transport, parts, folder) for transport in TRANSPORTS))]


# --- The table

HEAD = """\
# ALSA's PCM contract, rule by rule

`tests/integration/conformance` asks a PCM, by alsa-lib's public calls alone, whether it
keeps ALSA's contract; this is what some PCMs answered. `hw:`, a loopback card of Linux,
is the reference: a rule that it does not keep is no rule, unless the documentation of
alsa-lib says so. `plug:dmix` is with `plug:dsnoop` for capture, on a dummy card;
`pulse` is PulseAudio 16.1 with a null sink and its monitor; `pipewire` is PipeWire 0.3.65
with a null sink and a null source, and the least quantum of 16 frames that it has outside
of virtual machines. What a PCM other than `shm` did not keep beside other rows, but did
alone, counts as kept. The file is written by `tests/integration/conformance.py --table`.

- **yes**: the rule holds; for both directions, if it is about both.
- **refused**: the PCM answers an error or a number which is itself the answer; what it
  answers, and who, is in the notes.
- **no**: the rule does not hold; the notes say what was expected and seen.
- **n/a**: the PCM has not what the rule is about, say a format or an access mode.

{counts}
"""
WORDS = {"pass": "yes", "fail": "no", "refused": "refused", "not applicable": "n/a"}
DIRECTIONS = (".playback", ".capture")


def read_results(arguments):
    """NAME=FILE… as {name: {id: row}}."""
    results = {}
    for argument in arguments:
        name, _, path = argument.rpartition("=")
        with open(path, encoding="utf-8") as file:
            results[name] = {row["id"]: row for row in json.load(file)["rows"]}
    return results


def rule_of(row_id):
    for direction in DIRECTIONS:
        if row_id.endswith(direction):
            return row_id.removesuffix(direction), direction[1:]
    return row_id, ""


class Notes:
    """Footnotes, numbered as they come; the same words have the same number."""

    def __init__(self):
        self.lines = []

    def mark(self, words):
        words = " ".join(words.split()).replace("|", "\\|").replace("<", "&lt;")
        if words not in self.lines:
            self.lines.append(words)
        return f" [{self.lines.index(words) + 1}]"


def cell(rows, notes):
    """What one PCM answered to one rule, in one direction or in both."""
    said = []
    for direction, row in rows:
        text = WORDS[row["verdict"]]
        if row["verdict"] != "pass":
            text += notes.mark(row["words"])
        said.append((direction, text))
    if len({text for _, text in said}) <= 1:
        return said[0][1] if said else ""
    return ", ".join(f"{direction} {text}" for direction, text in said)


def count_lines(results):
    lines = ["| PCM | rows | yes | refused | no | n/a |", "|---|---|---|---|---|---|"]
    for name, rows in results.items():
        counts = [sum(row["verdict"] == verdict for row in rows.values())
                  for verdict in ("pass", "refused", "fail", "not applicable")]
        lines.append(f"| {name} | {len(rows)} | " + " | ".join(map(str, counts)) + " |")
    return "\n".join(lines)


def table(results):
    rules = {}
    for rows in results.values():
        for row_id, row in rows.items():
            rules.setdefault(rule_of(row_id)[0], row["rule"])
    notes = Notes()
    names = list(results)
    lines = [HEAD.format(counts=count_lines(results)),
             "| | the rule | " + " | ".join(names) + " |",
             "|---" * (2 + len(names)) + "|"]
    for name, rule in rules.items():
        cells = [cell([(rule_of(row_id)[1], row) for row_id, row in rows.items()
                       if rule_of(row_id)[0] == name], notes)
                 for rows in results.values()]
        lines.append(f"| `{name}` | {rule} | " + " | ".join(cells) + " |")
    lines += ["", "## Notes", ""]
    lines += [f"{number}. {note}" for number, note in enumerate(notes.lines, 1)]
    return "\n".join(lines) + "\n"


def main():
    arguments = sys.argv[1:]
    if path := options(arguments, "--table"):
        with open(path, "w", encoding="utf-8") as file:
            file.write(table(read_results(arguments)))
        return 0
    folder = options(arguments, "--json")
    passed, failed, skipped = run(arguments, folder and os.path.realpath(folder))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
