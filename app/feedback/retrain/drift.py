"""How far two samples of a number lie apart.

The population stability index is that of N. Siddiqi, Credit Risk Scorecards (Wiley, 2006), chapter 6: the sum over bins
of (actual − expected) · ln(actual / expected), where 0.1 counts as a change to look at and 0.25 as a shift. The test is
the two-sample Kolmogorov–Smirnov test with the approximation of its distribution by M. A. Stephens, Use of the
Kolmogorov–Smirnov, Cramér–von Mises and related statistics without extensive tables (J. R. Statist. Soc. B 32, 1970).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from math import exp, log, sqrt

BINS = 10
FLOOR = 1e-4
"""An empty bin counts as this share: the logarithm of nothing is infinite."""
_TERMS = 100


def psi_of_shares(expected: Sequence[float], actual: Sequence[float]) -> float:
    """The index of two distributions over the same bins; each adds up to 1."""
    pairs = ((max(before, FLOOR), max(now, FLOOR)) for before, now in zip(expected, actual, strict=True))
    return sum((now - before) * log(now / before) for before, now in pairs)


def psi(expected: Sequence[float], actual: Sequence[float]) -> float:
    """The index of two samples, neither empty, over ten bins that each hold a tenth of `expected`.

    A value that holds a tenth alone is a bin of its own, or what moves away to values near it would not show. Where
    there are few values, as with stars, every value is a bin.
    """
    values = sorted({*expected, *actual})
    ordered = sorted(expected)
    if len(values) <= BINS:
        edges = values[:-1]
    else:
        tenths = {ordered[max(0, len(ordered) * part // BINS - 1)] for part in range(1, BINS)}
        edges = sorted(tenths | set(_below(ordered, values, tenths)))
    return psi_of_shares(_shares(expected, edges), _shares(actual, edges))


def ks(first: Sequence[float], second: Sequence[float]) -> tuple[float, float]:
    """(distance, p): the largest difference of the two samples' distributions, and how probable such a one is where
    both come from the same. Neither is empty. With equal values in the samples p is an upper bound."""
    ours, theirs = sorted(first), sorted(second)
    n, m = len(ours), len(theirs)
    distance = max(abs(bisect_right(ours, value) / n - bisect_right(theirs, value) / m) for value in {*ours, *theirs})
    effective = sqrt(n * m / (n + m))
    return distance, kolmogorov((effective + 0.12 + 0.11 / effective) * distance)


def kolmogorov(value: float) -> float:
    """The probability that Kolmogorov's statistic exceeds `value`."""
    if value < 0.2:
        # The series converges slowly there, and the probability differs from 1 by less than 1e-11.
        return 1.0
    total = sum((1 if term % 2 else -1) * exp(-2 * term**2 * value**2) for term in range(1, _TERMS))
    return min(1.0, max(0.0, 2 * total))


def _below(ordered: Sequence[float], values: Sequence[float], edges: Iterable[float]) -> Iterator[float]:
    """For each edge that holds a whole bin alone, the next smaller value of either sample."""
    for edge in edges:
        place = bisect_left(values, edge)
        if place and (bisect_right(ordered, edge) - bisect_left(ordered, edge)) * BINS >= len(ordered):
            yield values[place - 1]


def _shares(sample: Sequence[float], edges: Sequence[float]) -> list[float]:
    """The part of the sample in each bin; a bin ends with its edge."""
    counts = [0] * (len(edges) + 1)
    for value in sample:
        counts[bisect_left(edges, value)] += 1
    return [count / len(sample) for count in counts]
