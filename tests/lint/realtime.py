#!/usr/bin/env python3
"""
The audio thread's code refers to nothing that could allocate, lock, throw, log or make a
system call it should not: `nm -u` over its object files, against realtime_symbols.allow.

Some of these objects also hold constructors, which run on the loop thread and may
allocate. The list allows that object by object; that no call of it is reached from the
audio thread is what the run-time guards of the tests show.
"""

import collections
import fnmatch
import glob
import os
import subprocess
import sys

sys.dont_write_bytecode = True
import tree
from report import MadeTree, Report

TEST = "real-time objects refer only to what is allowed"
ALLOWED = "tests/lint/realtime_symbols.allow"

# The sources whose code the audio thread runs: patterns, each of which must match. The
# audio thread's half of WavSink and WavSource is inline, and so in virtual_device.cc.
AUDIO_SOURCES = [
    "server/render/*.cc",
    "server/device/alsa_audio.cc",
    "server/device/alsa_capture.cc",
    "server/device/alsa_playback.cc",
    "server/device/byte_fifo.cc",
    "server/device/card_clock.cc",
    "server/device/card_ring.cc",
    "server/device/history.cc",
    "server/device/virtual_device.cc",
    "lib/audio/*.cc",
    "lib/shm/position.cc",
    "lib/base/clock.cc",
    "lib/base/wakeup.cc",
]

Rule = collections.namedtuple("Rule", "objects symbols reason")


def read_rules(text):
    """Lines of `OBJECTS SYMBOLS REASON…`; return (rules, problems)."""
    rules, wrong = [], []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        words = line.split(None, 2)
        if len(words) < 3:
            wrong.append(f"line {number} of the list gives no reason: {line.strip()}")
        else:
            rules.append(Rule(*words))
    return rules, wrong


def object_of(build, source):
    """The object that make built of `source`: of a libtool library, or of a program."""
    folder, name = os.path.split(os.path.splitext(source)[0])
    for pattern in (".libs/{}.o", ".libs/*_la-{}.o", "{}.o", "*-{}.o"):
        pattern = pattern.format(name)
        found = glob.glob(os.path.join(glob.escape(os.path.join(build, folder)), pattern))
        if found:
            return found[0]
    return None


def audio_objects(root, build):
    """Return ({source without .cc: object file}, problems)."""
    objects, wrong = {}, []
    names = tree.cxx_files(root, endings=(".cc",))
    for pattern in AUDIO_SOURCES:
        sources = fnmatch.filter(names, pattern)
        if not sources:
            wrong.append(f"no source matches {pattern}")
        for source in sources:
            found = object_of(build, source)
            if found is None:
                wrong.append(f"{source} is not built in {build}")
            else:
                objects[source[:-len(".cc")]] = found
    return objects, wrong


def symbols(path, undefined):
    option = "--undefined-only" if undefined else "--defined-only"
    done = subprocess.run(["nm", option, "--format=posix", path], check=True,
                          capture_output=True, text=True)
    return {line.split()[0] for line in done.stdout.splitlines() if line.strip()}


def readable(symbol):
    done = subprocess.run(["c++filt", symbol], capture_output=True, text=True)
    name = done.stdout.strip()
    return symbol if name in ("", symbol) else f"{symbol} ({name})"


def problems(objects, rules, used):
    """
    Every symbol that an object needs, no other audio object has, and no rule allows.
    The rules that were needed are added to the set `used`.
    """
    own = set()
    for path in objects.values():
        own |= symbols(path, undefined=False)
    for name, path in sorted(objects.items()):
        for symbol in sorted(symbols(path, undefined=True) - own):
            rule = next((rule for rule in rules if fnmatch.fnmatch(name, rule.objects)
                         and fnmatch.fnmatchcase(symbol, rule.symbols)), None)
            used.add(rule)
            if rule is None:
                yield f"{name}: {readable(symbol)}"

def tell_idle(rules, used):
    """No failure: another compiler or another -O level may need it."""
    for rule in rules:
        if rule not in used:
            print(f"  note: nothing needs '{rule.objects} {rule.symbols}'")


WRONG = {
    "lib/audio/right.cc": "#include <cstring>\nvoid Copy(char* to, const char* from) "
                          "{ std::memcpy(to, from, 1000); }\n",
    "lib/audio/wrong.cc": "#include <cstdio>\n#include <mutex>\n#include <stdexcept>\n"
                          "std::mutex m;\nvoid Copy(char*, const char*);\n"
                          "int* Make() { Copy(nullptr, nullptr); m.lock(); "
                          "std::puts(\"x\"); return new int; }\n"
                          "void Throw() { throw 1; }\n",
}


def build_wrong(folder):
    objects = {}
    for source in WRONG:
        name = source[:-len(".cc")]
        objects[name] = os.path.join(folder, name + ".o")
        subprocess.run(["g++", "-std=c++20", "-O2", "-c", os.path.join(folder, source),
                        "-o", objects[name]], check=True)
    return objects


def main():
    report = Report()
    rules, wrong_rules = read_rules(tree.read(tree.top(), ALLOWED))
    report.holds("each allowed symbol has a reason", wrong_rules)
    report.bites("each allowed symbol has a reason", read_rules("* memcpy\n")[1],
                 "line 1 of the list")
    if os.environ.get("SANITIZE", "").strip():
        report.skip(TEST, "a sanitizer puts calls of its own into the objects")
    else:
        objects, missing = audio_objects(tree.top(), tree.build())
        used = set()
        report.holds(TEST, missing + list(problems(objects, rules, used)))
        tell_idle(rules, used)
    some = [Rule("*", "memcpy", ""), Rule("*", "__gxx_personality_v0", ""),
            Rule("*", "_GLOBAL_OFFSET_TABLE_", ""), Rule("*", "__stack_chk_fail", "")]
    with MadeTree(WRONG) as made:
        report.bites(TEST, problems(build_wrong(made), some, set()),
                     "lib/audio/wrong: pthread_mutex_lock", "lib/audio/wrong: puts",
                     "lib/audio/wrong: _Znwm", "lib/audio/wrong: __cxa_throw",
                     "lib/audio/wrong: __cxa_allocate_exception",
                     "lib/audio/wrong: _ZTIi", "__throw_system_error")
    report.close()


if __name__ == "__main__":
    main()
