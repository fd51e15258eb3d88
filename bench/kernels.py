"""What mixing alone costs: Google Benchmark on the server's own loops."""

import json
import os
import re
import subprocess
import tempfile

import peers

NAME = re.compile(r"(\w+)/(\w+)/(\d+)")
PROGRAM = "bench/kernels/kernels"
DMIX_LOOP = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                         "kernels/dmix_loop.c")


def compile_dmix(plan, folder):
    """dmix's loop as a library in `folder`; None without its source, or its processor."""
    source = peers.find("dmix", "pcm_dmix_x86_64.h")
    if source is None:
        plan.say("dmix's loop is not measured: bench/get-peers dmix fetches its source")
        return None
    library = os.path.join(folder, "dmix_loop.so")
    done = subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-I", os.path.dirname(source),
                           "-o", library, DMIX_LOOP], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        plan.say(f"dmix's loop is not measured: {done.stderr.strip().splitlines()[-1]}")
        return None
    return library


def measure(plan, rows):
    program = os.path.join(plan.build, PROGRAM)
    if not os.path.exists(program):
        plan.say(f"mixing is not measured: there is no {PROGRAM}; `make {PROGRAM}` "
                 "builds it, where Google Benchmark was there when this was configured")
        return
    with tempfile.TemporaryDirectory() as folder:
        found = {"SPA_PLUGIN_DIR": peers.find("pipewire", "spa-0.2"),
                 "DMIX_LOOP": compile_dmix(plan, folder)}
        done = subprocess.run(
            [program, "--benchmark_format=json", "--benchmark_min_time=0.05",
             f"--benchmark_repetitions={plan.repetitions + 2}"],
            stdout=subprocess.PIPE, text=True, check=True,
            env=os.environ | {name: path for name, path in found.items() if path})
    for run in json.loads(done.stdout)["benchmarks"]:
        match = NAME.match(run["name"])
        if run["run_type"] == "iteration" and match:
            kernel, format_, streams = match.groups()
            rows.add("kernels", kernel, {"kernel": kernel, "format": format_,
                                         "streams": int(streams)},
                     {"ns": 1e9 / run["items_per_second"]})
    for kernel, format_ in dict.fromkeys((row["kernel"], row["format"])
                                         for row in rows.of("kernels")):
        figure = rows.figure("ns", "kernels", kernel=kernel, format=format_, streams=32)
        plan.say(f"mixing {kernel} {format_}: {figure.text()} ns a stream and frame")
