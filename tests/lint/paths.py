#!/usr/bin/env python3
"""No file names a developer's machine, or a place that software is fetched from."""

import re
import sys

sys.dont_write_bytecode = True
import tree
from report import MadeTree, Report

# The only hosts that an address in a file may have, and why.
HOSTS = {
    "www.debian.org": "the format of debian/copyright is named by its address",
    "www.gnu.org": "the licence",
    "www.alsa-project.org": "alsa-lib's reference",
    "man7.org": "manual pages of the kernel's interfaces",
    "localhost": "an address that is nowhere",
}

ADDRESS = re.compile(r"\b(?:https?|ftp)://([\w.-]+)")
# Hosts are also recognised without a scheme: by the first word of their name.
REGISTRY = re.compile(
    r"\b(?:deb|ftp|archive|security|mirrors?|registry|proxy|index|pypi|npm|crates)"
    r"(?:\.[\w-]+)+\.?(?:org|com|net|io|dev|internal|local)\b")
# A folder that exists on one person's machine. $HOME, ~ and XDG_… are how to name those.
MACHINE = re.compile(
    r"(?<![\w$}.~-])/(?:work|workspace|home|root|Users|mnt|media)/[\w.-]*")


def line_problems(line):
    for host in ADDRESS.findall(line):
        if host not in HOSTS:
            yield f"an address at {host}"
    for match in REGISTRY.finditer(line):
        if match.group() not in HOSTS:
            yield f"a registry's host, {match.group()}"
    for match in MACHINE.finditer(line):
        yield f"a path of somebody's machine, {match.group()}"


def problems(root):
    for name in tree.files(root):
        try:
            text = tree.read(root, name)
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue
        for number, line in enumerate(text.split("\n"), 1):
            for problem in line_problems(line):
                yield f"{name}:{number}: {problem}"


def made_up(*parts):
    """Put together here, so that this file itself is not what it looks for."""
    return "".join(parts)


WRONG = {
    "README.md": made_up("see ht", "tps://example.com/x and ht", "tps://www.gnu.org/\n"),
    "scripts/get": made_up("fetch deb", ".somewhere.org\nfetch registry", ".some.io/x\n"),
    "lib/a.cc": made_up("// in /wo", "rk/main\n// in /ho", "me/someone/src\n"),
    "lib/b.cc": "// fine: lib/work/x, $HOME/home/x, /usr/lib/x, network/root/y\n",
}

if __name__ == "__main__":
    report = Report()
    report.holds("files name no machine and no registry", problems(tree.top()))
    with MadeTree(WRONG) as made:
        report.bites("files name no machine and no registry", problems(made),
                     "README.md:1: an address at example.com",
                     "scripts/get:1: a registry's host",
                     "scripts/get:2: a registry's host",
                     "lib/a.cc:1: a path of somebody's machine",
                     "lib/a.cc:2: a path of somebody's machine")
    report.close()
