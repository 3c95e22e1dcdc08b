"""`python -m bench.agreement [--tones N] [--rounds N]`: whether both callers mark the same moments.

A participant from LiveKit's Python SDK plays tones at known times into a room where a
`local.caller.Caller` and a `bench.fleet.LeanCaller` listen; then each of the two says the same
recordings, and that participant listens. Told are, in ms: when each caller heard a tone begin and
end, when speech that ended "now" by each caller's own mark was heard to end, and the sizes of the
packets of tones and of silence, between which the threshold of bench/caller lies.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import statistics
import sys
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Final

import numpy as np
from livekit import api

from bench.deployments import OpenLiveKit
from bench.fleet import Fleet, LeanCaller
from bench.speech import Utterance, sentences
from bench.tables import markdown
from local.caller import Caller, Invitation
from local.heard import RATE_HZ, Span
from local.livekit import LiveKitServer
from local.paths import ROOT, find_livekit

OUT: Final = ROOT / "bench" / "out"
TONE_SECS: Final = 0.6
_TONE_HZ: Final = 440.0
_TONE_AMPLITUDE: Final = 0.3
_PAUSE_SECS: Final = (0.5, 0.7)
_SETTLE_SECS: Final = 1.0


def offsets_ms(made: Sequence[Span], heard: Sequence[Span]) -> tuple[list[float], list[float]]:
    """Return how much later each sound was heard to begin and to end than it was made.

    What is heard between the beginnings of two sounds belongs to the first of them.

    Args:
        made: Sounds, oldest first.
        heard: Loud pieces, oldest first.

    Raises:
        ValueError: one of them was not heard at all.
    """
    begins: list[float] = []
    ends: list[float] = []
    for sound, following in zip_longest(made, made[1:]):
        until_secs = following.start_secs if following else float("inf")
        pieces = [one for one in heard if sound.start_secs <= one.start_secs < until_secs]
        if not pieces:
            raise ValueError("a sound was made and not heard")
        begins.append((pieces[0].start_secs - sound.start_secs) * 1000)
        ends.append((pieces[-1].end_secs - sound.end_secs) * 1000)
    return begins, ends


def invitation(livekit: LiveKitServer, room: str, identity: str) -> Invitation:
    """Return what opens a room to one more participant."""
    token = (
        api.AccessToken(livekit.api_key, livekit.api_secret)
        .with_identity(identity)
        .with_grants(api.VideoGrants(room_join=True, room=room))
        .to_jwt()
    )
    return Invitation(livekit.url, token, room, room)


def tone() -> bytes:
    """Return `TONE_SECS` of a tone like the delay server's, s16le mono 16 kHz."""
    phase = 2 * np.pi * _TONE_HZ * np.arange(round(TONE_SECS * RATE_HZ)) / RATE_HZ
    return (np.cos(phase) * _TONE_AMPLITUDE * 32767).astype("<i2").tobytes()


async def _hearing(livekit: LiveKitServer, fleet: Fleet, tones: int) -> list[list[str]]:
    """Play tones to both callers."""
    room = f"hearing-{secrets.token_hex(4)}"
    async with (
        Caller(invitation(livekit, room, "tones")) as player,
        Caller(invitation(livekit, room, "python")) as python,
        LeanCaller(fleet, invitation(livekit, room, "lean"), tell_all=True) as lean,
    ):
        await asyncio.sleep(_SETTLE_SECS)
        for index in range(tones):
            await player.say(tone())
            await asyncio.sleep(_PAUSE_SECS[index % 2])
        await asyncio.sleep(_SETTLE_SECS)
        lines: list[list[str]] = []
        for name, heard in (("python", python.heard.loud), ("lean", lean.heard.loud)):
            begins, ends = offsets_ms(player.spoken, heard)
            lines += [_line(f"{name}: tone begins", begins), _line(f"{name}: tone ends", ends)]
        for kind, sizes in lean.sizes.items():
            lines.append(_line(f"lean: bytes of {kind} packets", sizes or [0]))
        return lines


async def _speaking(
    livekit: LiveKitServer, fleet: Fleet, utterances: Sequence[Utterance]
) -> list[list[str]]:
    """Let both callers say the same, one in a room of its own after the other."""
    lines: list[list[str]] = []
    for name in ("python", "lean"):
        room = f"speaking-{secrets.token_hex(4)}"
        invited = invitation(livekit, room, name)
        caller = Caller(invited) if name == "python" else LeanCaller(fleet, invited)
        async with Caller(invitation(livekit, room, "listener")) as listener, caller:
            await asyncio.sleep(_SETTLE_SECS)
            for utterance in utterances:
                await caller.say(utterance.pcm)
                await asyncio.sleep(_SETTLE_SECS)
            begins, ends = offsets_ms(caller.spoken, listener.heard.loud)
            lines += [_line(f"{name}: speech begins", begins), _line(f"{name}: speech ends", ends)]
    return lines


def _line(name: str, values: Sequence[float]) -> list[str]:
    spread = statistics.pstdev(values)
    figures = (statistics.median(values), spread, min(values), max(values))
    return [name, *(f"{value:.0f}" for value in figures), str(len(values))]


async def _run(tones: int, rounds: int, out: Path) -> int:
    binary = find_livekit(os.environ)  # noqa: TID251 - PATH, for the search
    if binary is None:
        sys.stderr.write("there is no LiveKit server on this machine: `make test` builds one\n")
        return 1
    utterances = sentences()
    async with (
        OpenLiveKit.start(binary, log=out / "livekit.log") as livekit,
        Fleet.running([one.pcm for one in utterances], out) as fleet,
    ):
        lines = await _hearing(livekit, fleet, tones) if tones else []
        lines += await _speaking(livekit, fleet, utterances * rounds) if rounds else []
    print(markdown(["later than made, ms", "median", "spread", "least", "most", "n"], lines))
    return 0


def main() -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.agreement", description=__doc__)
    parser.add_argument("--tones", type=int, default=20, help="that both hear")
    parser.add_argument("--rounds", type=int, default=2, help="through the recordings, by each")
    arguments = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    return asyncio.run(_run(arguments.tones, arguments.rounds, OUT))


if __name__ == "__main__":
    sys.exit(main())
