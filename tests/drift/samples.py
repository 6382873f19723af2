"""Two samples each, as mvc and Evidently are asked about: from Python's own generator, so that both make the same."""

from __future__ import annotations

from functools import cache
from random import Random


@cache
def numbers() -> dict[str, tuple[list[float], list[float]]]:
    """Return samples of numbers: the same distribution, another mean, another scale, tied values, few and many."""
    random = Random(23)

    def normal(n: int, mean: float = 0.0, std: float = 1.0) -> list[float]:
        return [random.gauss(mean, std) for _ in range(n)]

    return {
        "same": (normal(800), normal(500)),
        "mean": (normal(800), normal(500, 0.4)),
        "scale": (normal(800), normal(500, 0, 2)),
        "tied": ([round(value, 1) for value in normal(900)], [round(value, 1) for value in normal(900, 0.2)]),
        "few": (normal(30), normal(8)),
        "many": (normal(12_000), normal(11_000, 0.03)),
        "skewed": ([random.expovariate(1) for _ in range(700)], [random.expovariate(1.3) for _ in range(900)]),
    }


@cache
def categories() -> dict[str, tuple[list[str], list[str]]]:
    """Return samples of categories: none of them rare; of `large`, the reference hardly has an error of its own."""
    random = Random(24)

    def drawn(n: int, labels: str, weights: tuple[int, ...]) -> list[str]:
        return random.choices(labels, weights, k=n)

    return {
        "same": (drawn(900, "abc", (5, 3, 2)), drawn(600, "abc", (5, 3, 2))),
        "share": (drawn(900, "abc", (5, 3, 2)), drawn(600, "abc", (3, 3, 4))),
        "new": (drawn(900, "abc", (5, 3, 2)), drawn(600, "abcd", (5, 3, 2, 2))),
        "two": (drawn(400, "yn", (1, 3)), drawn(400, "yn", (2, 3))),
        "large": (drawn(200_000, "abcd", (4, 3, 2, 1)), drawn(400, "abcd", (4, 3, 3, 1))),
    }
