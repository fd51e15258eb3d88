"""How many streams, and how short a period, each bears without an xrun."""

import cost
from others import Others
from private import Failed

COUNTS = (16, 32, 64, 128, 256, 512, 1024)
PERIODS = (512, 256, 128, 64, 32, 16)
LEAST_STREAMS = (1, 8, 32)
# A late wake may be the machine's: see what the floor bears. What goes wrong while others
# have its processors says nothing of a server; it is tried again, so many times.
TRIES, TRIES_LEFT_ALONE = 8, 2


def try_once(peer, streams, size, seconds):
    """
    @return whether it went well, in words how, and what others took of it in ms.
    Failed if it does not go at all.
    """
    period, buffer = size
    others = Others()
    with peer.running(period):
        report = peer.load(
            f"--streams={streams}", f"--period={period}", f"--buffer={buffer}",
            f"--seconds={seconds}", f"--settle={cost.settle_s(streams)}")
    figures = cost.figures_of(report, streams)
    if [tuple(got) for got in figures["got"]] != [(period, buffer)]:
        raise Failed(f"it gives {figures['got']}, and not {size}")
    taken = others.taken_ms()
    words = (f"{figures['xruns']} xruns, at most {max(figures['behind'], 0):.0f} periods "
             f"behind, {taken} ms taken by others")
    return cost.is_clean(figures), words, taken


def failing(plan, waiting, seconds):
    """
    Rounds of all that wait, until each went well once or had its tries: a bad moment of
    the machine meets all alike. `waiting` is {peer: (streams, (period, buffer))}.
    @return {peer: why} of those that did not go well
    """
    waiting, why = dict(waiting), {}
    left_alone = dict.fromkeys(waiting, 0)
    for turn in range(TRIES):
        for peer in plan.in_turn(turn):
            if peer not in waiting:
                continue
            streams, size = waiting[peer]
            try:
                clean, why[peer], taken = try_once(peer, streams, size, seconds)
                left_alone[peer] += taken == 0
                is_over = clean or left_alone[peer] == TRIES_LEFT_ALONE
            except Failed as error:
                clean, is_over = False, True
                why[peer] = str(error).splitlines()[-1]
            plan.say(f"{streams} streams at {size[0]}/{size[1]} {peer.title}: "
                     f"{why[peer]}")
            if is_over:
                del waiting[peer]
            if clean:
                del why[peer]
    return why


def most(plan, rows):
    """By doubling, up to the first number that does not go well."""
    for size in plan.sizes:
        best = dict.fromkeys(plan.peers, 0)
        then = dict.fromkeys(plan.peers, "")
        for streams in COUNTS:
            for peer in plan.peers:
                if not then[peer] and streams > peer.most_streams:
                    then[peer] = "it mixes no more"
            standing = [peer for peer in plan.peers if not then[peer]]
            then.update(failing(plan, {peer: (streams, size) for peer in standing},
                                plan.window_s))
            best.update({peer: streams for peer in standing if not then[peer]})
        for peer in plan.peers:
            rows.add("most", peer.name, {"period": size[0], "buffer": size[1]},
                     {"streams": best[peer], "then": then[peer]})


def candidates_of(plan, streams):
    """{peer: the periods that a short look does not rule out, the longest first}"""
    found = {peer: [] for peer in plan.peers}
    standing = plan.peers
    for period in PERIODS:
        why = failing(plan, {peer: (streams, (period, 4 * period)) for peer in standing},
                      2)
        standing = [peer for peer in standing if peer not in why]
        for peer in standing:
            found[peer].append(period)
    return found


def least(plan, rows):
    """By halving with a short look, then the shortest that stands for long enough."""
    for streams in (n for n in LEAST_STREAMS if n in plan.streams):
        candidates = candidates_of(plan, streams)
        found = {}
        while waiting := {peer: (streams, (periods[-1], 4 * periods[-1]))
                          for peer, periods in candidates.items()
                          if periods and peer not in found}:
            why = failing(plan, waiting, plan.least_s)
            found.update({peer: size[0] for peer, (_, size) in waiting.items()
                          if peer not in why})
            for peer in why:
                candidates[peer].pop()
        for peer in plan.peers:
            rows.add("least", peer.name, {"streams": streams},
                     {"least_period": found[peer]} if peer in found else
                     {"error": f"no period of {PERIODS[0]} frames or less"})
