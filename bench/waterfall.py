"""A waterfall as SVG: one row a deployment, its median turn cut into segments, on one time axis."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Final

_WIDTH: Final = 900
_LEFT: Final = 150
_RIGHT: Final = 70
_TOP: Final = 84
_ROW: Final = 46
_BAR: Final = 26
_TICK_MS: Final = 100
# Colour-blind safe (Okabe and Ito); the providers' fixed delays are grey in all rows.
_COLOURS: Final = {
    "uplink": "#56b4e9",
    "STT": "#bbbbbb",
    "turn decision": "#d55e00",
    "LLM": "#bbbbbb",
    "sentence": "#e69f00",
    "TTS": "#bbbbbb",
    "release, downlink": "#009e73",
}
_LEAST_LABEL_PX: Final = 22


def waterfall(found: Mapping[str, Mapping[str, float]], caption: str) -> str:
    """Return the picture.

    A segment below 0, a step taken before the one that it follows, is left out and moves the
    next ones back, so that every row ends where its sum does.

    Args:
        found: Deployment to segment to median ms; deployments without segments are left out.
        caption: One line above everything.
    """
    shown = {name: parts for name, parts in found.items() if parts}
    most = max((sum(parts.values()) for parts in shown.values()), default=_TICK_MS)
    scale = (_WIDTH - _LEFT - _RIGHT) / most
    bottom = _TOP + _ROW * len(shown)
    parts = [_legend(), _axis(most, scale, bottom)]
    for row, (name, segments) in enumerate(shown.items()):
        parts.append(_row(name, segments, _TOP + _ROW * row, scale))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {bottom + 34}" '
        f'font-family="sans-serif" font-size="13" fill="#333">'
        f'<rect width="100%" height="100%" fill="#fff"/>'
        f'<text x="12" y="22" font-size="12">{escape(caption)}</text>{"".join(parts)}</svg>\n'
    )


def _legend() -> str:
    shown = {name: colour for name, colour in _COLOURS.items() if colour != "#bbbbbb"}
    shown["STT, LLM, TTS (fixed delays)"] = "#bbbbbb"
    parts: list[str] = []
    at = 12
    for name, colour in shown.items():
        parts.append(
            f'<rect x="{at}" y="36" width="12" height="12" fill="{colour}"/>'
            f'<text x="{at + 17}" y="47" font-size="12">{escape(name)}</text>'
        )
        at += 38 + 7 * len(name)
    return "".join(parts)


def _axis(most: float, scale: float, bottom: float) -> str:
    parts: list[str] = []
    for tick in range(0, int(most) + 1, _TICK_MS):
        at = _LEFT + tick * scale
        parts.append(
            f'<path d="M{at:.1f} {_TOP - 8}V{bottom}" stroke="#ddd"/>'
            f'<text x="{at:.1f}" y="{bottom + 18}" text-anchor="middle" font-size="11">'
            f"{tick} ms</text>"
        )
    return "".join(parts)


def _row(name: str, segments: Mapping[str, float], top: float, scale: float) -> str:
    middle = top + _BAR / 2 + 4
    parts = [f'<text x="12" y="{middle:.0f}">{escape(name)}</text>']
    at_ms = 0.0
    for segment, length_ms in segments.items():
        if length_ms > 0:
            x, width = _LEFT + at_ms * scale, length_ms * scale
            parts.append(
                f'<rect x="{x:.1f}" y="{top:.0f}" width="{width:.1f}" height="{_BAR}" '
                f'fill="{_COLOURS.get(segment, "#999999")}" stroke="#fff">'
                f"<title>{escape(segment)}: {length_ms:.0f} ms</title></rect>"
            )
            if width >= _LEAST_LABEL_PX:
                parts.append(
                    f'<text x="{x + width / 2:.1f}" y="{middle:.0f}" text-anchor="middle" '
                    f'font-size="11">{length_ms:.0f}</text>'
                )
        at_ms += length_ms
    end = _LEFT + at_ms * scale + 6
    parts.append(f'<text x="{end:.1f}" y="{middle:.0f}" font-weight="bold">{at_ms:.0f}</text>')
    return "".join(parts)
