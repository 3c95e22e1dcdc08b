"""`python -m bench.page_cost`: bytes, script time, heap, layout shift and requests before a click.

Pages take turns (A B C A B C), so that what the machine does meanwhile meets all. What a widget
asks of its vendor's servers is counted and refused: its figures are then the least it costs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.async_api import async_playwright

from bench.page_cost.measure import Load, load, site
from bench.page_cost.widgets import Widget, collect
from local.paths import ROOT
from local.setup.browser import find

OUT: Final = ROOT / "bench" / "out"
_ROW: Final = "{:<18} {:>9} {:>9} {:>10} {:>10} {:>7} {:>9}"


@dataclass(frozen=True)
class Cost:
    """A widget's medians over all loads.

    Attributes:
        label: The widget.
        raw_bytes: Of its script.
        gzip_bytes: Of its script after gzip -9.
        script_ms: Median.
        script_ms_range: Least and most.
        heap_bytes: Median.
        layout_shift: The worst.
        requests: Those of the last load.
    """

    label: str
    raw_bytes: int
    gzip_bytes: int
    script_ms: float
    script_ms_range: tuple[float, float]
    heap_bytes: int
    layout_shift: float
    requests: tuple[str, ...]

    @classmethod
    def of(cls, widget: Widget, loads: Sequence[Load]) -> Cost:
        """Sum up the loads of one widget."""
        times = [one.script_ms for one in loads]
        return cls(
            label=widget.label,
            raw_bytes=widget.raw_bytes,
            gzip_bytes=widget.gzip_bytes,
            script_ms=statistics.median(times),
            script_ms_range=(min(times), max(times)),
            heap_bytes=int(statistics.median(one.heap_bytes for one in loads)),
            layout_shift=max(one.layout_shift for one in loads),
            requests=loads[-1].requests,
        )


def _table(costs: Sequence[Cost]) -> str:
    head = _ROW.format("widget", "raw B", "gzip B", "script ms", "heap kB", "shift", "requests")
    rows = [
        _ROW.format(
            cost.label,
            cost.raw_bytes,
            cost.gzip_bytes,
            f"{cost.script_ms:.1f}",
            f"{cost.heap_bytes / 1000:.0f}",
            f"{cost.layout_shift:.3f}",
            len(cost.requests),
        )
        for cost in costs
    ]
    return "\n".join([head, *rows])


async def _measure(loads: int, browser_path: str) -> tuple[list[Cost], str]:
    with tempfile.TemporaryDirectory(prefix="page-cost-") as scratch:
        widgets = collect(Path(scratch))
        results: list[list[Load]] = [[] for _ in widgets]
        async with site(widgets) as urls, async_playwright() as playwright:
            # The sandbox needs a user namespace, which containers often have not.
            browser = await playwright.chromium.launch(
                executable_path=browser_path, args=["--no-sandbox"]
            )
            await load(browser, urls[0])  # the first load of a browser pays for all others
            for _ in range(loads):
                for index, url in enumerate(urls):
                    results[index].append(await load(browser, url))
            version = browser.version
            await browser.close()
        return [Cost.of(*pair) for pair in zip(widgets, results, strict=True)], version


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the table, and write it as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.page_cost", description=__doc__)
    parser.add_argument("--loads", type=int, default=7, help="of each page")
    parser.add_argument("--json", type=Path, default=OUT / "page_cost.json")
    arguments = parser.parse_args(argv)
    browser_path = find(os.environ)  # noqa: TID251 - PATH, for the search
    if browser_path is None:
        print("No Chromium on this machine.", file=sys.stderr)
        return 1
    costs, version = asyncio.run(_measure(max(1, arguments.loads), browser_path))
    print(f"Chromium {version}, {arguments.loads} loads of each page, medians (worst shift)\n")
    print(_table(costs))
    for cost in costs[1:]:
        low, high = cost.script_ms_range
        print(f"\n{cost.label}: script {low:.1f}-{high:.1f} ms; requests before the click:")
        for url in cost.requests:
            print(f"  {url.partition('?')[0]}")
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    rows = [vars(cost) for cost in costs]
    record = {"chromium": version, "loads": arguments.loads, "widgets": rows}
    arguments.json.write_text(f"{json.dumps(record, indent=2)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
