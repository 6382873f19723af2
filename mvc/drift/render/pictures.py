"""Small pictures as SVG: the shares of bins and categories on both sides. Only numbers are in them, no text."""

from __future__ import annotations

from collections.abc import Iterator

from mvc.drift.compare import Picture

_WIDTH, _HEIGHT = 100.0, 40.0
"""Of a picture, in its own units; the page scales it."""


def histogram(picture: Picture) -> str:
    """Return bars of the reference, and a line of the current data; both have the same area."""
    sides = _shares(picture.reference), _shares(picture.current)
    top = max(max(side) for side in sides) or 1.0
    width = _WIDTH / len(sides[0])
    boxes = "".join(
        f'<rect class="ref" x="{index * width:.2f}" y="{_HEIGHT * (1 - share / top):.2f}" width="{width:.2f}" '
        f'height="{_HEIGHT * share / top:.2f}"/>' for index, share in enumerate(sides[0])
    )
    points = " ".join(
        f"L{index * width:.2f} {_HEIGHT * (1 - share / top):.2f} H{(index + 1) * width:.2f}"
        for index, share in enumerate(sides[1])
    )
    line = f'<path class="cur" d="M0 {_HEIGHT:g} {points} V{_HEIGHT:g}"/>'
    return _svg("", _HEIGHT, boxes + line)


def bars(picture: Picture) -> Iterator[tuple[str, tuple[float, float], str]]:
    """Yield each category with its shares on both sides and two bars of that length."""
    sides = _shares(picture.reference), _shares(picture.current)
    top = max(max(side) for side in sides) or 1.0
    for label, one, other in zip(picture.labels, *sides, strict=True):
        drawn = "".join(
            f'<rect class="{name}" x="0" y="{y}" width="{_WIDTH * share / top:.2f}" height="4"/>'
            for name, y, share in (("ref", 0, one), ("cur", 5, other))
        )
        yield label, (one, other), _svg("bar", 9, drawn)


def _svg(name: str, height: float, content: str) -> str:
    box = f'viewBox="0 0 {_WIDTH:g} {height:g}" preserveAspectRatio="none" aria-hidden="true"'
    return f'<svg class="{name}" {box}>{content}</svg>'


def _shares(counts: tuple[int, ...]) -> list[float]:
    total = sum(counts) or 1
    return [count / total for count in counts]
