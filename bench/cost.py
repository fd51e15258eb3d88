"""What many streams cost: processor time, wakes, lateness, xruns."""

import statistics

from private import Failed

RATE = 48000


def measure(plan, rows):
    """
    Each number of streams, each size, each peer, several times: peers take turns within
    a repetition, so that what changes on the machine in the meantime changes for all.
    """
    for repetition in range(plan.repetitions):
        for size in plan.sizes:
            for streams in plan.streams:
                for peer in plan.in_turn(repetition):
                    if wanted(plan, rows, peer, size, streams, repetition):
                        one(plan, rows, peer, size, streams)


def wanted(plan, rows, peer, size, streams, repetition):
    """A peer that mixes fewer is not asked; what no ratio is made of, once."""
    once = ((streams >= 512 or streams == 1) and size != plan.sizes[0]) or (
        streams >= 512 and rows.errors("cost", peer=peer.name, streams=streams))
    return streams <= peer.most_streams and (repetition == 0 or not once)


def one(plan, rows, peer, size, streams):
    period, buffer = size
    where = {"period": period, "buffer": buffer, "streams": streams}
    try:
        with peer.running(period):
            report = peer.load(f"--streams={streams}", f"--period={period}",
                               f"--buffer={buffer}", f"--seconds={plan.window_s}",
                               f"--settle={settle_s(streams)}")
        figures = figures_of(report, streams)
    except Failed as error:
        figures = {"error": str(error)}
    rows.add("cost", peer.name, where, figures)
    plan.say(f"cost {period}/{buffer} {streams:4} {peer.title}: " + summary(figures))


def settle_s(streams):
    """Opening is over, and has been made good."""
    return 0.5 + streams / 256


def summary(figures):
    if "error" in figures:
        return figures["error"].strip().splitlines()[-1]
    return (f"{figures['cost']:.3f} % a stream, {figures['switches']:.2f} switches a "
            f"period, {figures['xruns']} xruns, {figures['behind']:.0f} periods behind")


def figures_of(report, streams):
    """Percents of a core a stream; wakes and switches a period of a client."""
    writers = report["writers"]
    clients = 100 * sum(w["processor_ns"] / w["window_ns"] for w in writers)
    servers = 100 * sum(s["processor"] for s in report["servers"])
    periods = sum(w["periods"] for w in writers)
    watched = [w for w in writers if "switches" in w]
    due = [w["window_ns"] / 1e9 * RATE / w["period"] for w in writers]
    return {
        "cost": (clients + servers) / streams,
        "client": clients / streams,
        "server": servers / streams,
        "server_whole": servers,
        "switches": ratio(sum(w["switches"] for w in watched),
                          sum(w["periods"] for w in watched)),
        "server_switches": sum(s["switches"] for s in report["servers"]),
        "wakes": ratio(sum(w["wakes"] for w in writers), periods),
        "idle_wakes": ratio(sum(w["idle_wakes"] for w in writers), periods),
        "xruns": sum(w["xruns"] for w in writers),
        "rate": periods / sum(due),
        "behind": max(all_ - w["periods"] for all_, w in zip(due, writers)),
        "late_p50_us": statistics.median(w["late_p50_ns"] for w in writers) / 1000,
        "late_p99_us": statistics.median(w["late_p99_ns"] for w in writers) / 1000,
        "late_most_us": max(w["late_most_ns"] for w in writers) / 1000,
        "got": sorted({(w["period"], w["buffer"]) for w in writers}),
        "server_pss_kib": sum(report["server_pss_kib"]),
        "writer_pss_kib": statistics.median(report["writer_pss_kib"]),
    }


def ratio(number, periods):
    return number / periods if periods else 0.0


def is_clean(figures):
    """
    Whether all played at full rate, without an xrun. A server that plays silence for who
    is late need not tell him: then he falls behind. By less than a buffer, and the period
    in which the window ends, nobody has.
    """
    return "error" not in figures and figures["xruns"] == 0 and all(
        figures["behind"] <= buffer / period + 1 for period, buffer in figures["got"])
