"""What was counted over time, as SVG: one small panel a quantity, all over the same time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from bench.plot import nice_step

_WIDTH = 760
_LEFT = 220
_RIGHT = 24
_PANEL = 56
_GAP = 18
_TOP = 40
_COLOUR = "#0072b2"
_TICKS = 6


@dataclass(frozen=True)
class Line:
    """One quantity.

    Attributes:
        title: What it is, with its unit.
        points: Time and value.
    """

    title: str
    points: Sequence[tuple[float, float]]


def history(lines: Sequence[Line], caption: str, unit: str) -> str:
    """Return one panel a line; each has its own scale, from zero.

    Args:
        lines: What to draw, top to bottom.
        caption: One line above everything.
        unit: Of the time.
    """
    last = max((at for line in lines for at, _ in line.points), default=1.0) or 1.0
    parts = [_panel(line, _TOP + index * (_PANEL + _GAP), last) for index, line in enumerate(lines)]
    bottom = _TOP + len(lines) * (_PANEL + _GAP)
    step = nice_step(last / _TICKS)
    for index in range(int(last / step) + 1):
        at = _x(index * step, last)
        parts.append(
            f'<text x="{at:.1f}" y="{bottom + 6:.0f}" text-anchor="middle" font-size="11">'
            f"{index * step:g}</text>"
        )
    parts.append(f'<text x="12" y="{bottom + 6:.0f}" font-size="11">{escape(unit)}</text>')
    height = bottom + 18
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}" '
        f'font-family="sans-serif" font-size="13" fill="#333">'
        f'<rect width="100%" height="100%" fill="#fff"/>'
        f'<text x="12" y="22" font-size="12">{escape(caption)}</text>{"".join(parts)}</svg>\n'
    )


def _x(at: float, last: float) -> float:
    return _LEFT + at / last * (_WIDTH - _LEFT - _RIGHT)


def _panel(line: Line, top: float, last: float) -> str:
    values = [value for _, value in line.points]
    most = max(values, default=0.0) or 1.0
    bottom = top + _PANEL

    def y(value: float) -> float:
        return bottom - value / most * _PANEL

    points = " ".join(f"{_x(at, last):.1f},{y(value):.1f}" for at, value in line.points)
    said = f"{values[0]:.0f} to {values[-1]:.0f}, at most {most:.0f}" if values else "nothing"
    return (
        f'<text x="12" y="{top + 22:.0f}" font-weight="bold">{escape(line.title)}</text>'
        f'<text x="12" y="{top + 40:.0f}" font-size="11">{said}</text>'
        f'<path d="M{_LEFT} {bottom:.0f}H{_WIDTH - _RIGHT}" stroke="#ddd"/>'
        f'<polyline points="{points}" fill="none" stroke="{_COLOUR}" stroke-width="1.5"/>'
    )
