"""What was measured: a row a measurement, and what many of them say together."""

import statistics


class Rows:
    """
    A row is {"part": …, "peer": …, where and what was measured…}; one that could not be
    measured has "error" and no figure.
    """

    def __init__(self, rows=()):
        self.all = list(rows)

    def add(self, part, peer, where, figures):
        self.all.append({"part": part, "peer": peer, **where, **figures})

    def of(self, part, **where):
        """The rows of `part` in which everything is as in `where`."""
        return [row for row in self.all if row["part"] == part and
                all(row.get(key) == value for key, value in where.items())]

    def values(self, figure, part, **where):
        return [row[figure] for row in self.of(part, **where)
                if row.get(figure) is not None]

    def errors(self, part, **where):
        return [row["error"] for row in self.of(part, **where) if "error" in row]

    def figure(self, figure, part, **where):
        """Its Spread; None if it was not measured."""
        values = self.values(figure, part, **where)
        return Spread(values) if values else None

    def seen(self, key, part, **where):
        """The values of `key` in those rows, in order, once each."""
        return list(dict.fromkeys(row[key] for row in self.of(part, **where)
                                  if key in row))


class Spread:
    """The median of several values, the least and the greatest."""

    def __init__(self, values):
        self.median = statistics.median(values)
        self.least, self.most = min(values), max(values)
        self.count = len(values)

    @property
    def relative(self):
        """Of the greatest from the least, in medians."""
        return (self.most - self.least) / self.median if self.median else 0.0

    def text(self, digits=3):
        words = in_words(self.median, digits)
        if self.count > 1 and self.least != self.most:
            words += (f" ({in_words(self.least, digits)}–"
                      f"{in_words(self.most, digits)})")
        return words


def in_words(value, digits):
    """What was counted, whole; what was measured, to so many digits."""
    return str(value) if isinstance(value, int) else f"{value:.{digits}g}"


def percentile(values, part):
    """The value that `part` (0 to 1) of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
