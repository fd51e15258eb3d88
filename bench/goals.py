"""Which of the goals hold: each as ratios of medians in this one run."""

import dataclasses

HOLDS, FAILS, UNKNOWN = "holds", "does not hold", "not measured"
BIG, SMALL = 1024, 128  # periods
# What /proc calls a page; a stream's ring of 4096 frames of 4 bytes, two processes share.
RING_KIB = 4096 * 4 / 1024


@dataclasses.dataclass
class Verdict:
    goal: str
    quantity: str
    wanted: str
    verdict: str
    seen: str


def judge(goal, quantity, wanted, checks):
    """`checks`: of (words, holds), where holds is None if it was not measured."""
    known = [holds for _, holds in checks if holds is not None]
    verdict = UNKNOWN if not known else HOLDS if all(known) else FAILS
    if verdict == HOLDS and len(known) < len(checks):
        verdict = "holds where measured"
    seen = "; ".join(words for words, _ in checks)
    return Verdict(goal, quantity, wanted, verdict, seen)


def at_most(words, seen, reference, bound):
    """The check of seen <= bound * reference, both a Spread or None."""
    if seen is None or reference is None:
        return f"{words}: not measured", None
    ratio = seen.median / reference.median
    # Of the extremes, the worst and the best that this run could have shown.
    low, high = seen.least / reference.most, seen.most / reference.least
    digits = 2 if ratio >= 0.1 else 4
    return (f"{words}: {ratio:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})",
            ratio <= bound)


def below(words, value, bound, digits=3):
    if value is None:
        return f"{words}: not measured", None
    return f"{words}: {value:.{digits}g}", value <= bound


class Judge:
    """Reads the rows of one run, of peers by name."""

    def __init__(self, rows, peers):
        self.rows = rows
        self.others = [peer.name for peer in peers if peer.has_server
                       and peer.name != "shmd"]

    def cost(self, peer, period, streams):
        return self.rows.figure("cost", "cost", peer=peer, period=period, streams=streams)

    def measured_streams(self, period, least, most):
        return [n for n in sorted(self.rows.seen("streams", "cost", period=period))
                if least <= n <= most]

    def against(self, peer, period, bound, least=8, most=128):
        return [at_most(f"{n} streams against {peer}", self.cost("shmd", period, n),
                        self.cost(peer, period, n), bound)
                for n in self.measured_streams(period, least, most)
                if self.cost(peer, period, n)]

    def best(self, figure, part, **where):
        """The name and Spread of the other server with the least median."""
        found = [(peer, self.rows.figure(figure, part, peer=peer, **where))
                 for peer in self.others]
        found = [(peer, spread) for peer, spread in found if spread]
        return min(found, key=lambda pair: pair[1].median, default=(None, None))

    def one(self, figure, part, peer="shmd", **where):
        spread = self.rows.figure(figure, part, peer=peer, **where)
        return spread.median if spread else None

    # --- the goals, in order

    def all(self):
        return [self.cost_many(), self.cost_one(), self.cost_short(), self.on_dummy(),
                self.floor(), self.wakes(), self.opening(), self.server_memory(),
                self.client_memory(), self.most(), self.least(), self.trip(),
                self.mixing(), self.growth()]

    def cost_many(self):
        return judge("1", "cost a stream, 8 to 128 streams, 1024/4096",
                     "≤ 0.50 of PipeWire's, 0.25 of PulseAudio's",
                     self.against("pipewire", BIG, 0.50)
                     + self.against("pulseaudio", BIG, 0.25))

    def cost_one(self):
        peer, best = self.best("cost", "cost", period=BIG, streams=1)
        return judge("2", "the same at 1 stream", "≤ 0.65 of the best peer's",
                     [at_most(f"against {peer}", self.cost("shmd", BIG, 1), best, 0.65)])

    def cost_short(self):
        return judge("3", "the same, 8 to 128 streams, 128/512", "≤ 0.60 of PipeWire's",
                     self.against("pipewire", SMALL, 0.60))

    def on_dummy(self):
        return judge("3b", "the same on snd-dummy, emulated, 8 and 32 streams",
                     "≤ dmix's", [
                         at_most(f"{n} streams", *(
                             self.rows.figure("cost", "emulated", peer=peer, streams=n)
                             for peer in ("shmd", "dmix")), 1.0) for n in (8, 32)])

    def floor(self):
        return judge("4", "total against the floor, 32 and 128 streams, both sizes",
                     "≤ 1.25", [
                         at_most(f"{n} streams at {period}", self.cost("shmd", period, n),
                                 self.cost("floor", period, n), 1.25)
                         for period in (BIG, SMALL) for n in (32, 128)])

    def wakes(self):
        worst = max(self.rows.values("switches", "cost", peer="shmd"), default=None)
        return judge("5", "a client's context switches a period; system calls",
                     "≤ 1.05; ≤ 3", [below("switches, at most", worst, 1.05),
                                     below("calls", self.one("calls", "calls"), 3)])

    def opening(self):
        return judge("6", "open to first period accepted, median and p99",
                     "≤ 0.35 of PulseAudio's, 0.06 of PipeWire's", [
                         at_most(f"{figure[:3]} against {peer}",
                                 self.rows.figure(figure, "opens", peer="shmd"),
                                 self.rows.figure(figure, "opens", peer=peer), bound)
                         for peer, bound in (("pulseaudio", 0.35), ("pipewire", 0.06))
                         for figure in ("p50_us", "p99_us")])

    def server_memory(self):
        return judge("7", "server memory (PSS) idle; a stream",
                     "≤ PulseAudio's idle; ≤ the ring's pages + 16 KiB", [
                         at_most("idle", *(self.rows.figure("server_idle_kib", "memory",
                                                            peer=peer)
                                           for peer in ("shmd", "pulseaudio")), 1.0),
                         below("KiB a stream", self.one("server_stream_kib", "memory"),
                               RING_KIB + 16)])

    def client_memory(self):
        return judge("8", "client memory (PSS) above a bare alsa-lib program",
                     "≤ 0.3 of PulseAudio's", [
                         at_most("against pulseaudio", *(
                             self.rows.figure("client_kib", "memory", peer=peer)
                             for peer in ("shmd", "pulseaudio")), 0.3)])

    def most(self):
        big = self.one("streams", "most", period=BIG)
        small, other = (self.one("streams", "most", peer=peer, period=SMALL)
                        for peer in ("shmd", "pipewire"))
        return judge("9", "streams without xrun at 1024/4096; at 128/512",
                     "512; 2 times PipeWire's", [
                         (f"1024/4096: {big}", None if big is None else big >= 512),
                         (f"128/512: {small}, PipeWire {other}",
                          None if None in (small, other)
                          else small >= max(2 * other, 1))])

    def least(self):
        checks = []
        for streams in sorted(self.rows.seen("streams", "least")):
            own = self.one("least_period", "least", streams=streams)
            peer, best = self.best("least_period", "least", streams=streams)
            words = f"{streams} streams: {own}, {peer} {best.median if best else '–'}"
            own = own or float("inf")
            checks.append((words, own <= best.median if best else own < float("inf")))
        return judge("10", "least period without xrun in 10 s",
                     "≤ the best peer's", checks or [("", None)])

    def trip(self):
        checks = []
        for row in self.rows.of("trip", peer="shmd"):
            where = f"{row['period']}/{row['buffer']}"
            # A hundredth of a period is how long a reader takes to wake.
            over = row["arrival"] - row["buffer"] if "arrival" in row else None
            checks.append(below(f"{where}: frames beyond the buffer", over,
                                row["period"] / 100))
            error = row.get("delay_error")
            checks.append(below(f"{where}: delay wrong by %", error and 100 * error, 1.0))
        return judge("11", "play-to-monitor round trip, medians",
                     "≤ the buffer; snd_pcm_delay within 1 %", checks or [("", None)])

    def mixing(self):
        """PipeWire mixes floats alone: a client converts what is S16."""
        other = self.mixed("pipewire", "FLOAT")
        checks = [at_most(f"{format_} against PipeWire's float",
                          self.mixed("shmd", format_), other, 0.7)
                  for format_ in ("FLOAT", "S16")]
        checks.append(at_most("S16 against dmix's loop", self.mixed("shmd", "S16"),
                              self.mixed("dmix", "S16"), 0.01))
        return judge("12", "mixing, ns a stream and frame, 32 streams hot",
                     "≤ 0.7 of PipeWire's AVX2; ≤ 1/100 of dmix's", checks)

    def mixed(self, kernel, format_):
        return self.rows.figure("ns", "kernels", kernel=kernel, format=format_,
                                streams=32)

    def growth(self):
        """Between each two numbers of streams; by more than the repetitions differ."""
        points = [(n, self.rows.figure("server_whole", "cost", peer="shmd", period=BIG,
                                       streams=n))
                  for n in self.measured_streams(BIG, 1, 512)]
        points = [(n, spread) for n, spread in points if spread]
        slopes = [slope(*pair) for pair in zip(points, points[1:])]
        one = len(slopes) < 2    # there is nothing that it could have grown from
        checks = [(words, None if one else before is None or least <= before)
                  for (words, least, _), before in
                  zip(slopes, [None] + [most for _, _, most in slopes])]
        return judge("13", "the server's marginal cost a stream, 1024/4096, 1 to 512",
                     "does not grow", checks or [("", None)])


def slope(first, last):
    """Of two (streams, Spread): words, and the least and most that it may have been."""
    (few, low), (many, high) = first, last
    least, median, most = ((a - b) / (many - few) for a, b in (
        (high.least, low.most), (high.median, low.median), (high.most, low.least)))
    return (f"{few} to {many}: {median:.4f} % ({least:.4f}–{most:.4f})", least, most)


# --- whether this machine can judge -----------------------------------------------------

# The nearest goal is a quarter above the floor: where the floor itself moves by as much
# within a run, a ratio to it says nothing.
MOST_FLOOR_SPREAD = 0.25
# Of other programs, a processor, at the start: they take turns with what is measured.
MOST_LOAD = 0.5


def noise(rows, load, processors):
    """Sentences on what makes this run hard to believe; none if it is quiet."""
    found = []
    if load > MOST_LOAD * processors:
        found.append(f"the load average was {load:.2f} at the start: other programs ran")
    for period in rows.seen("period", "cost", peer="floor"):
        for streams in (32, 128):
            spread = rows.figure("cost", "cost", peer="floor", period=period,
                                 streams=streams)
            if spread and spread.relative > MOST_FLOOR_SPREAD:
                found.append(f"the floor at {streams} streams of {period} frames moved by"
                             f" {100 * spread.relative:.0f} % between repetitions")
    if not any(len(rows.values("cost", "cost", peer="floor", streams=streams)) > 1
               for streams in (32, 128)):
        found.append("nothing was repeated with 32 or 128 streams: the spread of the "
                     "floor is not known")
    return found
