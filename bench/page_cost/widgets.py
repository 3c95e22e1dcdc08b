"""The widgets under measurement: ours as built, others as their vendors published them."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local.paths import ROOT

_DOWNLOAD_SECS: Final = 120


@dataclass(frozen=True)
class Published:
    """A widget on npm.

    Attributes:
        label: Its name in the table.
        package: On npm.
        version: The one measured.
        script: Its file for a script tag, inside the package.
        markup: The element that its documentation puts on a page; ids that lead nowhere.
    """

    label: str
    package: str
    version: str
    script: str
    markup: str


PEERS: Final = (
    Published(
        label="ElevenLabs",
        package="@elevenlabs/convai-widget-embed",
        version="0.5.4",
        script="dist/index.js",
        markup='<elevenlabs-convai agent-id="none"></elevenlabs-convai>',
    ),
    Published(
        label="Vapi",
        package="@vapi-ai/client-sdk-react",
        version="0.1.1",
        script="dist/embed/widget.umd.js",
        markup='<vapi-widget public-key="none" assistant-id="none"></vapi-widget>',
    ),
)


@dataclass(frozen=True)
class Widget:
    """One page to measure.

    Attributes:
        label: In the table.
        script: The file that a page loads; None for the empty page.
        markup: What stands in the page's body.
    """

    label: str
    script: Path | None
    markup: str

    @property
    def raw_bytes(self) -> int:
        """Size of the script."""
        return 0 if self.script is None else self.script.stat().st_size

    @property
    def gzip_bytes(self) -> int:
        """Size of the script after gzip -9, as a web server may send it."""
        return 0 if self.script is None else len(gzip.compress(self.script.read_bytes(), 9))


def collect(scratch: Path) -> list[Widget]:
    """Return all widgets; what others published is fetched into `scratch`.

    Raises:
        FileNotFoundError: Our widget is not built, or there is no npm.
        subprocess.CalledProcessError: npm refused, for instance without a network.
    """
    ours = ROOT / "widget" / "dist" / "widget.js"
    if not ours.is_file():
        raise FileNotFoundError("widget/dist/widget.js: run `npm ci && npm run build` in widget/")
    return [
        Widget("empty page", None, ""),
        Widget("this widget", ours, "<voice-assistant></voice-assistant>"),
        *(_fetch(peer, scratch) for peer in PEERS),
    ]


def _fetch(peer: Published, scratch: Path) -> Widget:
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError("npm is needed to fetch what others published")
    folder = scratch / peer.label
    folder.mkdir(parents=True)
    subprocess.run(  # noqa: S603
        [npm, "pack", f"{peer.package}@{peer.version}", "--ignore-scripts"],
        cwd=folder,
        check=True,
        capture_output=True,
        timeout=_DOWNLOAD_SECS,
    )
    archive_path = next(folder.glob("*.tgz"))
    with tarfile.open(archive_path) as archive:
        archive.extractall(folder, filter="data")
    return Widget(f"{peer.label} {peer.version}", folder / "package" / peer.script, peer.markup)
