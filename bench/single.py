"""What one client costs and gets: its calls, opening, memory, and the way of a sound."""

import collections
import os
import re
import shutil
import statistics

from figures import percentile
from private import Failed

RATE = 48000
# `PID TIME name(…`; so does one that another thread's line interrupts.
CALL = re.compile(r"^\d+ +(\d+\.\d+) (\w+)\(")
SIZE = (1024, 4096)


def each_peer(plan, rows, part, measure, where=None, size=SIZE):
    """Add a row of what measure(peer, home) returns for each peer with a server."""
    where = where or {}
    for peer in plan.peers:
        if not peer.has_server:
            continue
        try:
            with peer.running(size[0]) as running:
                figures = measure(running)
        except Failed as error:
            figures = {"error": str(error)}
        rows.add(part, peer.name, where, figures)
        words = figures.get("error", figures)
        plan.say(f"{part} {' '.join(map(str, where.values()))} {peer.title}: {words}")


def size_options(size):
    return f"--period={size[0]}", f"--buffer={size[1]}"


# --- system calls -----------------------------------------------------------------------

def calls(plan, rows):
    if shutil.which("strace") is None:
        plan.say("calls are not counted: strace is not installed")
        return
    each_peer(plan, rows, "calls", lambda peer: calls_of(peer, plan.window_s))


def calls_of(peer, window_s):
    """All threads' calls in a window after opening and before closing."""
    trace = os.path.join(peer.folder, "trace")
    peer.load("--alone", *size_options(SIZE), f"--seconds={window_s + 1.5}",
              before=["strace", "-f", "-ttt", "-o", trace])
    with open(trace, encoding="utf-8", errors="replace") as file:
        made = [match.groups() for line in file if (match := CALL.match(line))]
    last = max(float(time) for time, _ in made)
    begin, end = last - window_s - 0.5, last - 0.5
    counts = collections.Counter(name for time, name in made if begin < float(time) < end)
    periods = window_s * RATE / SIZE[0]
    return {"calls": sum(counts.values()) / periods,
            "which": {name: round(count / periods, 2)
                      for name, count in counts.most_common() if count > periods / 20}}


# --- opening ----------------------------------------------------------------------------

def opens(plan, rows):
    each_peer(plan, rows, "opens", lambda peer: opens_of(peer, plan.opens))


def opens_of(peer, count):
    """Until the first period is accepted. The first open also loads the plugin."""
    times = peer.load(f"--opens={count + 1}", *size_options(SIZE))["open_ns"]
    first, rest = times[0], times[1:]
    return {"first_us": first / 1000, "p50_us": percentile(rest, 0.5) / 1000,
            "p99_us": percentile(rest, 0.99) / 1000, "opens": count}


# --- memory -----------------------------------------------------------------------------

def memory(plan, rows):
    each_peer(plan, rows, "memory", memory_of)


def memory_of(peer):
    """In KiB. Bare is a process that plays to alsa-lib's own `null`."""
    idle = sum(pss_kib(pid) for pid in peer.pids)
    many = min(33, peer.most_streams)
    one, all_ = (server_pss_kib(peer, streams) for streams in (1, many))
    alone = ("--alone", *size_options(SIZE), "--seconds=0.5")
    # Taking turns: what other programs share with both changes from one to the next.
    pairs = [[peer.load(*alone, *pcm)["pss_kib"] for pcm in ((), ("--pcm=null",))]
             for _ in range(3)]
    return {"server_idle_kib": idle, "server_stream_kib": (all_ - one) / (many - 1),
            "client_kib": statistics.median(client - bare for client, bare in pairs),
            "bare_kib": statistics.median(bare for _, bare in pairs)}


def server_pss_kib(peer, streams):
    return sum(peer.load(f"--streams={streams}", *size_options(SIZE), "--settle=0.3",
                         "--seconds=0.2")["server_pss_kib"])


def pss_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))


# --- the way of a sound -----------------------------------------------------------------

TRIP_SIZES = ((1024, 4096), (256, 1024), (128, 512))


def trip(plan, rows):
    for size in TRIP_SIZES:
        each_peer(plan, rows, "trip", lambda peer, size=size: trip_of(peer, size),
                  {"period": size[0], "buffer": size[1]}, size)


def trip_of(peer, size):
    """In frames; see bench/load/trip.h."""
    if peer.monitor is None:
        raise Failed("its ALSA plugin has no monitor")
    report = peer.load(f"--trip={peer.monitor}", *size_options(size), seconds=30)
    pulses = report["pulses"]
    apart = [abs(pulse["delay"] - pulse["device"]) / pulse["arrival"] for pulse in pulses]
    return {"arrival": percentile([pulse["arrival"] for pulse in pulses], 0.5),
            "arrival_most": max(pulse["arrival"] for pulse in pulses),
            "device": percentile([pulse["device"] for pulse in pulses], 0.5),
            "delay_error": percentile(apart, 0.5), "delay_error_most": max(apart),
            "got": [report["period"], report["buffer"]], "xruns": report["xruns"]}
