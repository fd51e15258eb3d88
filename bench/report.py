"""The results as Markdown."""

import cost


def table(head, lines):
    rows = [head, ["---"] * len(head), *lines]
    return "".join("| " + " | ".join(row) + " |\n" for row in rows)


def cell(rows, figure, part, **where):
    spread = rows.figure(figure, part, **where)
    if spread is None:
        return "cannot" if rows.errors(part, **where) else "–"
    words = spread.text()
    xruns = rows.figure("xruns", part, **where)
    return words + (", xruns" if xruns and xruns.most > 0 else "")


def cost_table(rows, peers, figure, period):
    """A line for each number of streams, a column for each peer."""
    lines = [[str(streams)] + [cell(rows, figure, "cost", period=period, streams=streams,
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
)


def cost_section(rows, peers):
    text = ""
    sizes = dict.fromkeys((row["period"], row["buffer"]) for row in rows.of("cost"))
    for period, buffer in sizes:
        for figure, words in COST_FIGURES:
            text += f"\n### {words}, {period}/{buffer}\n\n"
            text += cost_table(rows, peers, figure, period)
    return "\n## Cost against streams\n" + text if text else ""


def machine_section(machine):
    return "".join(f"- {key}: {value}\n" for key, value in machine.items())


def markdown(result, rows, peers):
    return ("# shmd beside its peers\n\n" + machine_section(result["machine"])
            + cost_section(rows, peers))
