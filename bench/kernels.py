"""What mixing alone costs: Google Benchmark on the server's own loops."""

import json
import os
import re
import subprocess

import peers

NAME = re.compile(r"(\w+)/(\w+)/(\d+)")
PROGRAM = "bench/kernels/kernels"


def measure(plan, rows):
    program = os.path.join(plan.build, PROGRAM)
    if not os.path.exists(program):
        plan.say(f"mixing is not measured: there is no {PROGRAM}; `make {PROGRAM}` "
                 "builds it, where Google Benchmark was there when this was configured")
        return
    plugins = peers.find("pipewire", "spa-0.2")
    environment = dict(os.environ, **({"SPA_PLUGIN_DIR": plugins} if plugins else {}))
    done = subprocess.run(
        [program, "--benchmark_format=json", "--benchmark_min_time=0.05",
         f"--benchmark_repetitions={plan.repetitions + 2}"],
        stdout=subprocess.PIPE, text=True, check=True, env=environment)
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
