"""A visitor in real Chromium: a fake microphone that plays a file, and ears for the bot's track."""

from __future__ import annotations

import base64
import io
import wave
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Page, async_playwright

RATE_HZ = 16_000
HEARD_RATE_HZ = 48_000

# Keeps every remote audio track's samples as the browser decodes them (48 kHz). A queue in the
# browser holds what a busy page reads late, and no script has to come from another file, which
# the page's policy would forbid.
_EARS = """
(() => {
  const heard = [];
  const Original = window.RTCPeerConnection;
  const listen = async (track) => {
    const frames = new MediaStreamTrackProcessor({ track, maxBufferSize: 3000 }).readable;
    for await (const frame of frames) {
      const samples = new Float32Array(frame.numberOfFrames);
      frame.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
      heard.push(samples);
      frame.close();
    }
  };
  window.RTCPeerConnection = class extends Original {
    constructor(...args) {
      super(...args);
      this.addEventListener("track", (event) => {
        if (event.track.kind === "audio") void listen(event.track);
      });
    }
  };
  window.__takeHeard = () => {
    const pieces = heard.splice(0);
    const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0) * 2);
    const view = new DataView(bytes.buffer);
    let at = 0;
    for (const piece of pieces)
      for (const sample of piece) {
        view.setInt16(at, Math.max(-1, Math.min(1, sample)) * 32767, true);
        at += 2;
      }
    let text = "";
    for (let i = 0; i < bytes.length; i += 8192)
      text += String.fromCharCode(...bytes.subarray(i, i + 8192));
    return btoa(text);
  };
})();
"""

# What a person would notice going wrong, collected from the first script on.
_COMPLAINTS = """
window.__complaints = [];
window.sockets = [];
window.WebSocket = class extends WebSocket {
  constructor(...args) { super(...args); window.sockets.push(this); }
};
addEventListener("error", (e) => window.__complaints.push(String(e.message)));
addEventListener("unhandledrejection", (e) => window.__complaints.push(String(e.reason)));
addEventListener("securitypolicyviolation", (e) =>
  window.__complaints.push(`${e.violatedDirective} ${e.blockedURI}`));
"""


def write_speech(path: Path, *parts: bytes | float) -> None:
    """Write what the microphone will play: s16le 16 kHz speech and silences (seconds)."""
    pcm = b"".join(
        part if isinstance(part, bytes) else bytes(int(part * RATE_HZ) * 2) for part in parts
    )
    path.write_bytes(as_wav(pcm, RATE_HZ))


def as_wav(pcm: bytes, rate_hz: int) -> bytes:
    """Return s16le mono samples as a WAV file."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(pcm)
    return buffer.getvalue()


@asynccontextmanager
async def visitor(
    browser_path: str,
    *,
    microphone: Path | None,
    width: int = 1440,
    height: int = 900,
    dark: bool = False,
) -> AsyncGenerator[Page, None]:
    """Open a page in Chromium.

    Args:
        browser_path: The program.
        microphone: WAV file that the microphone plays once, then silence; None denies it.
        width: CSS pixels.
        height: CSS pixels.
        dark: The visitor's colour scheme.
    """
    flags = ["--no-sandbox", "--disable-quic", "--disable-background-networking"]
    if microphone is not None:
        flags += [
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-audio-capture={microphone}%noloop",
        ]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=browser_path, args=flags, headless=True
        )
        try:
            context = await browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme="dark" if dark else "light",
                permissions=["microphone"] if microphone is not None else [],
            )
            await context.add_init_script(_COMPLAINTS)
            await context.add_init_script(_EARS)
            yield await context.new_page()
        finally:
            await browser.close()


async def take_heard(page: Page) -> bytes:
    """Return what the bot has said since the last call, as s16le mono 48 kHz."""
    return base64.b64decode(await page.evaluate("window.__takeHeard()"))


async def complaints(page: Page) -> list[Any]:
    """Return errors, rejections and policy violations of the page so far."""
    return await page.evaluate("window.__complaints")
