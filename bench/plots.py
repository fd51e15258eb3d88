"""The results as pictures, by gnuplot."""

import os
import shutil
import subprocess

HEAD = """\
set terminal pngcairo size 900,560 font "sans,11"
set output "{output}"
set title "{title}"
set xlabel "{x}"
set ylabel "{y}"
set logscale x 2
set logscale y
set grid
set key outside right top
set style data linespoints
"""


def plot(folder, name, title, x, y, lines):
    """`lines` is {title: [(x, y), …]}; return (file name, title), None without lines."""
    lines = {words: sorted(points) for words, points in lines.items() if points}
    if not lines or shutil.which("gnuplot") is None:
        return None
    script = HEAD.format(output=os.path.join(folder, name), title=title, x=x, y=y)
    for number, points in enumerate(lines.values()):
        script += f"$line{number} << END\n"
        script += "".join(f"{a} {b}\n" for a, b in points) + "END\n"
    script += "plot " + ", ".join(
        f'$line{number} using 1:2 title "{words}" linewidth 2 pointtype {number + 5}'
        for number, words in enumerate(lines)) + "\n"
    subprocess.run(["gnuplot"], input=script, text=True, check=True)
    return name, title


def points(rows, figure, part, x, **where):
    return [(at, spread.median) for at in rows.seen(x, part, **where)
            if (spread := rows.figure(figure, part, **{x: at}, **where))
            and spread.median > 0]


def by_peer(rows, peers, figure, part, x, **where):
    return {peer.title: points(rows, figure, part, x, peer=peer.name, **where)
            for peer in peers}


def all_plots(rows, peers, folder, name):
    """Draw what there are rows for; return [(file name, title), …]."""
    made = []
    sizes = dict.fromkeys((row["period"], row["buffer"]) for row in rows.of("cost"))
    for period, buffer in sizes:
        for figure, words, unit in (
                ("cost", "Client and server", "% of a core a stream"),
                ("late_p99_us", "Wake-up lateness, 99th percentile", "µs")):
            made.append(plot(folder, f"{name}-{figure}-{period}.png",
                             f"{words}, {period}/{buffer}", "streams", unit,
                             by_peer(rows, peers, figure, "cost", "streams",
                                     period=period)))
    made.append(plot(folder, f"{name}-trip.png", "From the writer to who records the "
                     "monitor; the buffer is four periods", "period, frames", "frames",
                     by_peer(rows, peers, "arrival", "trip", "period")))
    kinds = dict.fromkeys((row["kernel"], row["format"]) for row in rows.of("kernels"))
    made.append(plot(folder, f"{name}-mixing.png", "Mixing", "streams",
                     "ns a stream and frame",
                     {f"{kernel} {format_}": points(rows, "ns", "kernels", "streams",
                                                    kernel=kernel, format=format_)
                      for kernel, format_ in kinds}))
    return [entry for entry in made if entry]
