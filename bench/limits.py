"""How many streams, and how short a period, each bears without an xrun."""

import cost
from private import Failed

COUNTS = (16, 32, 64, 128, 256, 512, 1024)
PERIODS = (512, 256, 128, 64, 32, 16)
# A late wake may be the machine's: see what the floor bears. As often as this is taken
# for the server's; the longer it is looked at, and the shorter the periods are, the more
# often the machine is late.
TRIES_MOST, TRIES_LEAST = 2, 3


def is_clean(peer, streams, size, seconds):
    period, buffer = size
    try:
        with peer.running(period):
            report = peer.load(
                f"--streams={streams}", f"--period={period}", f"--buffer={buffer}",
                f"--seconds={seconds}", f"--settle={cost.settle_s(streams)}")
    except Failed as error:
        return False, str(error).splitlines()[-1]
    figures = cost.figures_of(report, streams)
    if [tuple(got) for got in figures["got"]] != [(period, buffer)]:
        return False, f"it gives {figures['got']}, and not {size}"
    return cost.is_clean(figures), (f"{figures['xruns']} xruns, at most "
                                    f"{figures['behind']:.0f} periods behind")


def clean_once(plan, tries, peer, streams, size, seconds):
    for _ in range(tries):
        clean, why = is_clean(peer, streams, size, seconds)
        plan.say(f"{streams} streams at {size[0]}/{size[1]} {peer.title}: {why}")
        if clean:
            return True, why
    return False, why


def most(plan, rows):
    """By doubling, up to the first number that does not go well."""
    for size in plan.sizes:
        for peer in plan.peers:
            best, why = 0, ""
            for streams in COUNTS:
                if streams > peer.most_streams:
                    best, why = best or peer.most_streams, "it mixes no more"
                    break
                clean, why = clean_once(plan, TRIES_MOST, peer, streams, size,
                                        plan.window_s)
                if not clean:
                    break
                best = streams
            rows.add("most", peer.name, {"period": size[0], "buffer": size[1]},
                     {"streams": best, "then": why})


def least(plan, rows):
    """By halving with a short look, then the shortest that stands for long enough."""
    for streams in (1, 8, 32):
        for peer in plan.peers:
            candidates = []
            for period in PERIODS:
                if not clean_once(plan, TRIES_LEAST, peer, streams,
                                  (period, 4 * period), 2)[0]:
                    break
                candidates.append(period)
            found = None
            while candidates and found is None:
                period = candidates.pop()
                if clean_once(plan, TRIES_LEAST, peer, streams, (period, 4 * period),
                              plan.least_s)[0]:
                    found = period
            rows.add("least", peer.name, {"streams": streams},
                     {"least_period": found} if found else
                     {"error": f"no period of {PERIODS[0]} frames or less"})
