"""A strip plot as SVG: a dot a sample, a bar at the median, a tick at the 95th percentile."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from bench.measure import summarize

_WIDTH = 760
_LEFT = 170
_RIGHT = 30
_ROW = 34
_TITLE = 40
_AXIS = 34
# Colour-blind safe (Okabe and Ito), also readable on a dark page.
_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7")
_TICKS = 6
_NICE_STEPS = (1, 2, 2.5, 5, 10)


def strips(samples: Mapping[str, Mapping[str, Sequence[float | None]]], caption: str) -> str:
    """Return one panel a metric, one row a deployment.

    Args:
        samples: Metric to deployment to milliseconds; None is an attempt without a value.
        caption: One line above everything.
    """
    parts: list[str] = []
    top = 34.0
    for metric, deployments in samples.items():
        panel, height = _panel(metric, deployments, top)
        parts.append(panel)
        top += height
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top:.0f}" '
        f'font-family="sans-serif" font-size="13" fill="#333">'
        f'<rect width="100%" height="100%" fill="#fff"/>'
        f'<text x="12" y="22" font-size="12">{escape(caption)}</text>{"".join(parts)}</svg>\n'
    )


def _panel(
    metric: str, deployments: Mapping[str, Sequence[float | None]], top: float
) -> tuple[str, float]:
    values = [one for many in deployments.values() for one in many if one is not None]
    step = nice_step(max(values, default=1.0) / _TICKS)
    most = step * math.ceil(max(values, default=1.0) / step)

    def x(value_ms: float) -> float:
        return _LEFT + value_ms / most * (_WIDTH - _LEFT - _RIGHT)

    parts = [f'<text x="12" y="{top + 24:.0f}" font-weight="bold">{escape(metric)}, ms</text>']
    bottom = top + _TITLE + _ROW * len(deployments)
    for index in range(round(most / step) + 1):
        at = x(index * step)
        parts.append(
            f'<path d="M{at:.1f} {top + _TITLE - 6:.0f}V{bottom:.0f}" stroke="#ddd"/>'
            f'<text x="{at:.1f}" y="{bottom + 16:.0f}" text-anchor="middle" font-size="11">'
            f"{index * step:g}</text>"
        )
    for row, (name, many) in enumerate(deployments.items()):
        middle = top + _TITLE + _ROW * (row + 0.5)
        parts.append(f'<text x="12" y="{middle + 4:.0f}">{escape(name)}</text>')
        colour = _COLOURS[row % len(_COLOURS)]
        for index, value in enumerate(one for one in many if one is not None):
            # A fixed scatter keeps equal values apart.
            y = middle + (index * 7 % 13 - 6)
            parts.append(
                f'<circle cx="{x(value):.1f}" cy="{y:.1f}" r="3" fill="{colour}" '
                f'fill-opacity=".55"/>'
            )
        if (found := summarize(many)) is not None:
            parts.append(
                f'<path d="M{x(found.p50):.1f} {middle - 12:.0f}v24" stroke="#000" '
                f'stroke-width="2.5"/>'
                f'<path d="M{x(found.p95):.1f} {middle - 7:.0f}v14" stroke="#000"/>'
            )
    return "".join(parts), bottom - top + _AXIS


def nice_step(least: float) -> float:
    """Return the smallest of 1, 2, 2.5, 5 times a power of ten that is not below `least`."""
    power = 10 ** math.floor(math.log10(max(least, 1e-9)))
    return next(nice * power for nice in _NICE_STEPS if nice * power >= least)
