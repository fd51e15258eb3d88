"""The results as Markdown."""


def table(head, lines):
    rows = [head, ["---"] * len(head), *lines]
    return "".join("| " + " | ".join(map(str, row)) + " |\n" for row in rows)


def cell(rows, figure, part, scale=1, **where):
    spread = rows.figure(figure, part, **where)
    if spread is None:
        return "cannot" if rows.errors(part, **where) else "–"
    words = spread.text() if scale == 1 else f"{spread.median * scale:.3g}"
    xruns = rows.figure("xruns", part, **where)
    return words + (", xruns" if xruns and xruns.most > 0 else "")


def by_peer(rows, peers, part, figures, **where):
    """A line for each peer that has rows, a column for each (figure, words, scale)."""
    lines = [[peer.title] + [cell(rows, figure, part, scale, peer=peer.name, **where)
                             for figure, _, scale in figures]
             for peer in peers if rows.of(part, peer=peer.name, **where)]
    return table(["", *(words for _, words, _ in figures)], lines)


def by_streams(rows, peers, figure, period):
    """A line for each number of streams, a column for each peer."""
    lines = [[streams] + [cell(rows, figure, "cost", period=period, streams=streams,
                               peer=peer.name) for peer in peers]
             for streams in sorted(rows.seen("streams", "cost", period=period))]
    return table(["streams"] + [peer.title for peer in peers], lines)


COST_FIGURES = (
    ("cost", "Client and server, % of a core a stream"),
    ("server", "The server alone, % of a core a stream"),
    ("switches", "A client's voluntary context switches a period"),
    ("idle_wakes", "Returns of a client's poll that found nothing to do, a period"),
    ("late_p50_us", "Wake-up lateness, median of a writer, µs"),
    ("late_p99_us", "Wake-up lateness, 99th percentile of a writer, µs"),
    ("behind", "Periods that a writer fell behind at most, told of it or not"),
)


def cost_section(rows, peers):
    text = ""
    sizes = dict.fromkeys((row["period"], row["buffer"]) for row in rows.of("cost"))
    for period, buffer in sizes:
        for figure, words in COST_FIGURES:
            text += f"\n### {words}, {period}/{buffer}\n\n"
            text += by_streams(rows, peers, figure, period)
    return text and ("\n## Cost against streams\n\n"
                     "Lateness is counted from a writer's most punctual wake.\n" + text)


def section(title, text, body):
    return f"\n## {title}\n\n{text}\n\n{body}"


def calls_section(rows, peers):
    if not rows.of("calls"):
        return ""
    lines = [[peer.title, cell(rows, "calls", "calls", peer=peer.name),
              ", ".join(f"{name} {count}" for row in rows.of("calls", peer=peer.name)
                        for name, count in row.get("which", {}).items())]
             for peer in peers if rows.of("calls", peer=peer.name)]
    return section("System calls of a client, a period", "One stream, 1024/4096, all "
                   "threads of the client, its own poll included (strace).",
                   table(["", "calls", "which"], lines))


def opens_section(rows, peers):
    if not rows.of("opens"):
        return ""
    count = rows.seen("opens", "opens")
    return section("Open to first period accepted", f"{count[0]} opens in one process; "
                   "the first one before them also loads the plugin. In ms.", by_peer(
                       rows, peers, "opens", (("p50_us", "median", 1e-3),
                                              ("p99_us", "p99", 1e-3),
                                              ("first_us", "first", 1e-3))))


def memory_section(rows, peers):
    if not rows.of("memory"):
        return ""
    return section("Memory", "PSS in KiB; a client's is what it has above a process that "
                   "plays to `null`. What both share counts half for each.", by_peer(
                       rows, peers, "memory", (
                           ("server_idle_kib", "server, idle", 1),
                           ("server_stream_kib", "server, a stream", 1),
                           ("client_kib", "client", 1))))


def trip_section(rows, peers):
    text = ""
    for row in rows.of("trip", peer="shmd"):
        where = {"period": row["period"], "buffer": row["buffer"]}
        text += f"\n### {row['period']}/{row['buffer']}\n\n" + by_peer(
            rows, peers, "trip", (("arrival", "recorder has it", 1),
                                  ("device", "device is there", 1),
                                  ("delay_error", "snd_pcm_delay wrong by, %", 100)),
            **where)
    return text and ("\n## The way of a sound, from the writer to who records the "
                     "monitor\n\nMedians of ten pulses, in frames from when the last "
                     "period that fits was written. How wrong snd_pcm_delay was: what it "
                     "said then against when the device was there, of the whole way.\n"
                     + text)


def limits_section(rows, peers):
    text = ""
    if rows.of("most"):
        text += section("Most streams at full rate without an xrun", "By doubling, from "
                        "16 to 1024; 0: not even 16.", table(
                            ["", "1024/4096", "128/512"],
                            [[peer.title, *(cell(rows, "streams", "most",
                                                 peer=peer.name, period=period)
                                            for period in (1024, 128))]
                             for peer in peers if rows.of("most", peer=peer.name)]))
    if rows.of("least"):
        counts = rows.seen("streams", "least")
        text += section("Least period without an xrun", "Frames, by halving from 512 to "
                        "16; the buffer is four periods.", table(
                            ["", *(f"{n} streams" for n in counts)],
                            [[peer.title] + [cell(rows, "least_period", "least",
                                                  peer=peer.name, streams=n)
                                             for n in counts]
                             for peer in peers if rows.of("least", peer=peer.name)]))
    return text


def emulated_section(rows):
    if not rows.of("emulated"):
        return ""
    counts = rows.seen("streams", "emulated")
    lines = [[peer] + [cell(rows, "cost", "emulated", peer=peer, streams=n)
                       for n in counts] for peer in rows.seen("peer", "emulated")]
    return section("On snd-dummy, in an emulated machine", "% of an emulated core a "
                   "stream, 1024/4096, all in one boot: only ratios mean something.",
                   table(["", *(f"{n} streams" for n in counts)], lines))


def kernels_section(rows):
    if not rows.of("kernels"):
        return ""
    counts = sorted(rows.seen("streams", "kernels"))
    kinds = dict.fromkeys((row["kernel"], row["format"]) for row in rows.of("kernels"))
    lines = [[f"{kernel}, {format_}"] + [cell(rows, "ns", "kernels", kernel=kernel,
                                              format=format_, streams=n) for n in counts]
             for kernel, format_ in kinds]
    return section("Mixing", "ns a stream and stereo frame, hot, 128 frames a cycle. "
                   "shmd's with the store into the device's format; PipeWire's is its "
                   "node audio.mixer.dsp.",
                   table(["streams", *counts], lines))


def goals_section(verdicts):
    return section("Goals", "Ratios of medians; in brackets, of the extremes.", table(
        ["#", "quantity", "goal", "", "seen"],
        [[v.goal, v.quantity, v.wanted, f"**{v.verdict}**", v.seen] for v in verdicts]))


def noise_section(sentences):
    if not sentences:
        return "\nThe machine was quiet enough to judge.\n"
    return "\n**The machine was too noisy to judge:** " + "; ".join(sentences) + ".\n"


def peers_section(described):
    return section("What was measured", "Each in its own folder, as the same user, with "
                   "its own scheduling by default, and a device without a card.", table(
                       ["", "version", "threads of the server"],
                       [[peer["title"], peer["version"] or "–",
                         ", ".join(f"{count} × {words}" for words, count
                                   in peer["scheduling"].items()) or "–"]
                        for peer in described.values()]))


def plots_section(plots):
    return "".join(f"\n![{words}]({name})\n" for name, words in plots)


def markdown(result, rows, peers, verdicts, plots):
    machine = "".join(f"- {key}: {value}\n" for key, value in result["machine"].items())
    return ("# shmd beside its peers\n\n" + machine + noise_section(result["noise"])
            + goals_section(verdicts) + plots_section(plots)
            + peers_section(result["peers"]) + cost_section(rows, peers)
            + calls_section(rows, peers) + opens_section(rows, peers)
            + memory_section(rows, peers) + trip_section(rows, peers)
            + limits_section(rows, peers) + kernels_section(rows)
            + emulated_section(rows))
