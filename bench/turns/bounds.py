"""Exact one-sided confidence bounds of a share."""

from math import comb


def upper_bound(events: int, n: int, confidence: float = 0.95) -> float:
    """Clopper-Pearson's upper bound: the share at which so few events are just still likely.

    Args:
        events: How often it happened.
        n: Of how many.
        confidence: One-sided.
    """
    if n == 0 or events >= n:
        return 1.0
    low, high = events / n, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _at_most(events, n, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def _at_most(events: int, n: int, share: float) -> float:
    return sum(comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(events + 1))
