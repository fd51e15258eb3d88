#!/usr/bin/env python3
"""Which files are the project's own: what git knows, or in a tarball what is no product.

As a program: print them, relative to the top, each ended by a NUL. scripts/ uses that.
"""

import fnmatch
import os
import subprocess
import sys

# What bootstrap, configure and make leave in a source tree (see .gitignore).
GENERATED_FOLDERS = {".git", "autom4te.cache", "build-aux", ".deps", ".libs",
                     "__pycache__", "debian/shmd", "debian/libasound2-plugin-shmd",
                     "debian/tmp", "debian/.debhelper"}
GENERATED_FILES = ["aclocal.m4", "compile_commands.json", "config.h.in*", "configure",
                   "Makefile.in", "m4/libtool.m4", "m4/lt*.m4", "*.o", "*.lo", "*.la",
                   "*.log", "*.trs", "*.pyc", ".dirstamp"]
CXX_FOLDERS = ("lib/", "plugin/", "server/", "tools/", "tests/", "bench/", "fuzz/")


def top():
    """The source tree: as make tells (abs_top_srcdir), or where this file lies."""
    here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    return os.path.realpath(os.environ.get("abs_top_srcdir") or here)


def build():
    """The build tree, as make tells (abs_top_builddir), or the source tree."""
    return os.path.realpath(os.environ.get("abs_top_builddir") or top())


def _git_files(root):
    """None if `root` is not the top of a git work tree that git lets us read."""
    def git(*arguments):
        return subprocess.run(["git", "-C", root, *arguments], check=True,
                              capture_output=True).stdout
    try:
        if os.path.realpath(git("rev-parse", "--show-toplevel").rstrip(b"\n")) \
                != os.fsencode(os.path.realpath(root)):
            return None
        listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    except (OSError, subprocess.CalledProcessError):
        return None
    names = (os.fsdecode(name) for name in listed.split(b"\0") if name)
    # A file may be deleted and not yet out of the index.
    return [name for name in names if os.path.lexists(os.path.join(root, name))]


def _walked_files(root):
    found = []
    for folder, folders, names in os.walk(root):
        inside = os.path.relpath(folder, root)
        prefix = "" if inside == "." else inside + "/"
        folders[:] = [name for name in folders
                      if name not in GENERATED_FOLDERS
                      and prefix + name not in GENERATED_FOLDERS
                      and not os.path.exists(os.path.join(folder, name, "config.status"))
                      and not (folder == root and name.startswith("_"))]  # distcheck's
        found += [prefix + name for name in names
                  if not any(fnmatch.fnmatch(prefix + name, pattern)
                             or fnmatch.fnmatch(name, pattern)
                             for pattern in GENERATED_FILES)]
    return found


def files(root=None):
    """All of the project's files, relative to `root`, sorted."""
    root = root or top()
    found = _git_files(root)
    found = _walked_files(root) if found is None else found
    return sorted(name for name in set(found) if not name.endswith("~"))  # no backups


def cxx_files(root=None, endings=(".cc", ".h")):
    """The C++ files among them."""
    return [name for name in files(root)
            if name.endswith(endings) and name.startswith(CXX_FOLDERS)]


def read(root, name):
    with open(os.path.join(root, name), encoding="utf-8") as file:
        return file.read()


def scripts(root, interpreters):
    """Files whose first line names one of `interpreters` ("sh", "bash", "python3")."""
    found = []
    for name in files(root):
        path = os.path.join(root, name)
        if os.path.islink(path) or not os.path.isfile(path):
            continue
        with open(path, "rb") as file:
            first = file.readline(200)
        words = first[2:].decode("utf-8", "replace").split()
        if first.startswith(b"#!") and words and \
                os.path.basename(words[-1]) in interpreters:
            found.append(name)
    return found


if __name__ == "__main__":
    where = os.path.realpath(sys.argv[1]) if len(sys.argv) > 1 else top()
    sys.stdout.buffer.write(b"".join(os.fsencode(name) + b"\0" for name in files(where)))
