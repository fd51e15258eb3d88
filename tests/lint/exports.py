#!/usr/bin/env python3
"""The plugin exports the symbols that alsa-lib looks for, and no other."""

import glob
import os
import subprocess
import sys

sys.dont_write_bytecode = True
import tree
from report import MadeTree, Report

TEST = "the plugin exports what alsa-lib looks for"
MODULE = "libasound_module_pcm_shmd.so"
# SND_PCM_PLUGIN_DEFINE_FUNC and SND_DLSYM_BUILD_VERSION make these (alsa-lib 1.2.8).
WANTED = {"_snd_pcm_shmd_open", "__snd_pcm_shmd_open_dlsym_pcm_001",
          "snd_config_hook_shmd_devices",
          "_snd_config_hook_shmd_devices_dlsym_config_hook_001"}

WRONG = """
extern "C" {
int _snd_pcm_shmd_open() { return 0; }
int snd_config_hook_shmd_devices() { return 0; }
int _snd_config_hook_shmd_devices_dlsym_config_hook_001;
int leaked_table = 3;
}
"""


def exported(module):
    done = subprocess.run(["nm", "--dynamic", "--defined-only", "--portability", module],
                          check=True, capture_output=True, text=True)
    # A version node of a linker script is listed as an absolute symbol ("A").
    lines = [line.split() for line in done.stdout.splitlines()]
    return {words[0] for words in lines if words[1] != "A"}


def problems(module):
    found = exported(module)
    for name in sorted(WANTED - found):
        yield f"{module}: does not export {name}"
    for name in sorted(found - WANTED):
        yield f"{module}: exports {name}"


def build_wrong(folder):
    """A module that exports too little and too much."""
    module = os.path.join(folder, "wrong.so")
    subprocess.run(["g++", "-shared", "-fPIC", "-o", module,
                    os.path.join(folder, "wrong.cc")], check=True)
    return module


if __name__ == "__main__":
    report = Report()
    built = [path for folder in (".libs", "plugin/.libs")
             for path in glob.glob(os.path.join(tree.build(), folder, MODULE))]
    if os.environ.get("SANITIZE", "").strip():
        report.skip(TEST, "a sanitizer adds symbols of its own")
    elif not built:
        report.holds(TEST, [f"{MODULE} is not built in {tree.build()}"])
    else:
        report.holds(TEST, problems(built[0]))
    with MadeTree({"wrong.cc": WRONG}) as made:
        report.bites(TEST, problems(build_wrong(made)),
                     "does not export __snd_pcm_shmd_open_dlsym_pcm_001",
                     "exports leaked_table")
    report.close()
