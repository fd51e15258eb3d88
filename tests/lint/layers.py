#!/usr/bin/env python3
"""Who may include whom. The table is MAY_INCLUDE below, and no other code has one."""

import os
import re
import sys

sys.dont_write_bytecode = True
import tree
from report import MadeTree, Report

# A layer may include itself and what stands here. base < {audio, wire, ipc, loop} <
# {shm, device} < {client, render} < {plugin, tools, engine} < session < server; those in
# braces do not know each other.
MAY_INCLUDE = {
    "base": "",
    "audio": "base",
    "wire": "base",
    "ipc": "base",
    "loop": "base",
    "shm": "base audio wire ipc",
    "device": "base audio",
    "client": "base audio wire ipc shm",
    "render": "base audio wire shm device",
    "plugin": "base audio wire ipc shm client",
    "tools": "base audio wire ipc shm client",
    "engine": "base audio wire loop shm device render",
    "session": "base audio wire ipc loop shm engine",
    "server": "base audio wire ipc loop shm device render engine session",
}

# Single headers that a layer may include although the table does not let it: and why.
EXCEPTIONS = {
    ("ipc", "lib/wire/limits.h"): "the most fds in a message is a limit of the protocol",
    ("device", "lib/shm/ring.h"): "a card's ring is a ring",
    ("device", "lib/wire/limits.h"): "the rates and channels of a stream are limits too",
    ("session", "server/render/stream_setup.h"): "what it hands the engine for a stream",
}

# Libraries that one place wraps for all others: the include, and who may write it.
WRAPPED = {
    "spdlog/": ("server/log.",),
    "liburing": ("server/loop/",),
    "zita-resampler/": ("lib/audio/",),
    "samplerate.h": ("lib/audio/",),
    "speex/": ("lib/audio/",),
    "soxr.h": ("lib/audio/",),
    "sndfile.h": ("server/device/",),
    "alsa/": ("server/device/", "plugin/", "tools/", "server/config."),
}

# What is no product may include any library.
FREE = ("tests/", "bench/", "fuzz/")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^">]+)[">]', re.MULTILINE)
ROOTS = ("", "lib/", "server/")


def layer_of(name):
    """The layer that a file of the tree belongs to; None for tests and the like."""
    parts = name.split("/")
    if parts[0] == "lib":
        return parts[1]
    if parts[0] == "server":
        return parts[1] if len(parts) > 2 else "server"
    return parts[0] if parts[0] in ("plugin", "tools") else None


def resolve(including, included, known):
    """The file that `included` names, as the include roots find it, or None."""
    beside = os.path.normpath(os.path.join(os.path.dirname(including), included))
    for candidate in [beside] + [root + included for root in ROOTS]:
        if candidate in known:
            return candidate
    return None


def check_quoted(name, layer, included, known):
    if included == "config.h":
        return
    target = resolve(name, included, known)
    if target is None:
        yield f'{name}: includes "{included}", which is no file of the tree'
    elif layer and layer_of(target) is None:
        yield f"{name}: product code includes {target}"
    elif layer and layer_of(target) != layer and \
            layer_of(target) not in MAY_INCLUDE[layer].split() and \
            (layer, target) not in EXCEPTIONS:
        yield f"{name}: {layer} may not include {layer_of(target)} ({included})"


def check_library(name, included):
    for library, owners in WRAPPED.items():
        if included.startswith(library) and not name.startswith(owners + FREE):
            yield f"{name}: only {owners[0]}* may include <{included}>"


def problems(root):
    names = tree.cxx_files(root)
    known = set(names)
    for name in names:
        layer = layer_of(name)
        if layer and layer not in MAY_INCLUDE:
            yield f"{name}: '{layer}' is no layer of the table"
            continue
        for mark, included in INCLUDE.findall(tree.read(root, name)):
            if mark == '"':
                yield from check_quoted(name, layer, included, known)
            else:
                yield from check_library(name, included)


def table_problems():
    """A table with a cycle would allow anything; so would one with a slip of the pen."""
    done = set()
    for layer, lower in MAY_INCLUDE.items():
        for other in lower.split():
            if other not in done:
                yield f"{layer} may include {other}, which does not stand above it"
        done.add(layer)


WRONG = {
    "lib/base/clock.h": '#include <cstdint>\n',
    "lib/audio/mix.cc": '#include "wire/codec.h"\n#include "base/clock.h"\n',
    "lib/wire/codec.h": '#include "base/gone.h"\n',
    "lib/client/stream.cc": '#include "server/log.h"\n',
    "plugin/pcm_entry.cc": '#include "render/mixer.h"\n',
    "server/render/mixer.h": '  #  include "engine/engine.h"\n#include <spdlog/a.h>\n',
    "server/engine/engine.h": '#include "device/device.h"\n',
    "server/device/device.h": '#include <liburing.h>\n',
    "server/log.h": '#include <spdlog/spdlog.h>\n#include "../plugin/pcm_entry.h"\n',
    "plugin/pcm_entry.h": '#include "tests/support/fake.h"\n',
    "tests/support/fake.h": '#include "render/mixer.h"\n',
    "lib/other/file.h": '#pragma once\n',
}

if __name__ == "__main__":
    report = Report()
    report.holds("the table has no cycle", table_problems())
    report.holds("includes keep to the layers", problems(tree.top()))
    with MadeTree(WRONG) as made:
        report.bites("includes keep to the layers", problems(made),
                     "lib/audio/mix.cc: audio may not include wire",
                     'lib/wire/codec.h: includes "base/gone.h", which is no file',
                     "lib/client/stream.cc: client may not include server",
                     "plugin/pcm_entry.cc: plugin may not include render",
                     "server/render/mixer.h: render may not include engine",
                     "server/render/mixer.h: only server/log.* may include <spdlog",
                     "server/device/device.h: only server/loop/* may include <liburing",
                     "server/log.h: server may not include plugin",
                     "plugin/pcm_entry.h: product code includes tests/support/fake.h",
                     "lib/other/file.h: 'other' is no layer")
    report.close()
