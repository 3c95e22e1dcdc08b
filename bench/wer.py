"""Word error rate of `/v1/listen` on human recordings: `python -m bench.wer`.

Streams each recording of bench/recordings/ to an engine server (its own, or `--url`) in pieces of
20 ms followed by one second of silence, closes the stream, and compares the final transcripts with
the published text. Faster than real time by default, which changes nothing in the finals: the
server counts time in audio. `--realtime N` plays the first N recordings at the speed of speech
and also prints how long after the last speech the final arrived.
"""

import argparse
import asyncio
import importlib
import json
import re
import sys
import time
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
from numpy.typing import NDArray

_FOLDER = Path(__file__).parent / "recordings"
_PIECE_SECS = 0.02
_SILENCE_SECS = 1.0
_QUIET_SHARE = 0.02
_QUERY = "model=nova-3&encoding=linear16&interim_results=false&punctuate=true&endpointing=300"

# What is said the same way is counted as the same: spellings (British and American, one word or
# two), keys of a phone, contractions, misspellings in the published texts, and numbers.
_SAME_WORDS = {
    "#": "pound",
    "mail box": "mailbox",
    "e mail": "email",
    "voice mail": "voicemail",
    "re enter": "reenter",
    "re entered": "reentered",
    "represenatives": "representatives",
    "un indentified": "unidentified",
    "witheld": "withheld",
    "mister": "mr",
    "i'm": "i am",
    "that's": "that is",
    "you've": "you have",
    "can't": "cannot",
    "cold hearted": "coldhearted",
    "ill disposed": "illdisposed",
    "1": "one",
    "2": "two",
    "3": "three",
    "4": "four",
    "5": "five",
    "6": "six",
    "7": "seven",
    "8": "eight",
    "9": "nine",
    "0": "zero",
}


@dataclass
class Heard:
    """What the server made of a recording; `final_secs` is from the last speech to its final."""

    text: str
    final_secs: float


def normalised(text: str) -> list[str]:
    """Return the words that are compared."""
    text = re.sub(r"[^\w\s'#]", " ", text.lower().replace("\u2019", "'"))
    text = f" {' '.join(text.split())} "
    for said, meant in _SAME_WORDS.items():
        text = text.replace(f" {said} ", f" {meant} ")
    return text.split()


def word_errors(reference: list[str], heard: list[str]) -> int:
    """Return the number of words to insert, delete or replace."""
    row = list(range(len(heard) + 1))
    for i, wanted in enumerate(reference, start=1):
        previous, row[0] = row[0], i
        for j, got in enumerate(heard, start=1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (wanted != got))
    return row[-1]


def read(path: Path) -> tuple[NDArray[np.int16], int]:
    """Return a mono recording's samples and rate in hertz."""
    module: Any = importlib.import_module("soundfile")
    samples, rate = module.read(path, dtype="int16")
    return np.asarray(samples, dtype=np.int16), int(rate)


async def listen(
    session: aiohttp.ClientSession, url: str, path: Path, *, is_realtime: bool
) -> Heard:
    """Stream one recording and return the joined finals."""
    samples, rate = read(path)
    silence = np.zeros(int(rate * _SILENCE_SECS), dtype=np.int16)
    loud = np.flatnonzero(np.abs(samples) > _QUIET_SHARE * np.abs(samples).max())
    audio = np.concatenate((samples, silence))
    finals: list[str] = []
    arrived: list[float] = []
    spoken_at = 0.0
    headers = {"Authorization": "Token bench"}
    address = f"{url}/v1/listen?{_QUERY}&sample_rate={rate}"
    async with session.ws_connect(address, headers=headers) as socket:

        async def receive() -> None:
            async for message in socket:
                result: dict[str, Any] = json.loads(message.data)
                if result["type"] == "Results" and result["is_final"]:
                    text = result["channel"]["alternatives"][0]["transcript"]
                    if text:
                        finals.append(text)
                        arrived.append(time.monotonic())

        receiving = asyncio.create_task(receive())
        step = int(rate * _PIECE_SECS)
        began = time.monotonic()
        for offset in range(0, len(audio), step):
            if is_realtime:
                due = began + (offset + step) / rate
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            await socket.send_bytes(audio[offset : offset + step].tobytes())
            if offset <= loud[-1]:
                spoken_at = time.monotonic()
        await socket.send_str('{"type": "CloseStream"}')
        await receiving
    return Heard(" ".join(finals), (arrived[-1] if arrived else time.monotonic()) - spoken_at)


async def measure(url: str, realtime_count: int, verbose: bool) -> None:
    """Print the word error rate per source and overall."""
    content = (_FOLDER / "recordings.toml").read_text(encoding="utf-8")
    recordings: list[dict[str, Any]] = tomllib.loads(content)["recording"]
    if realtime_count:
        # Spread over the list, so that all sources take part.
        recordings = recordings[:: max(1, len(recordings) // realtime_count)][:realtime_count]
    counts: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    delays: list[float] = []
    began = time.monotonic()
    async with aiohttp.ClientSession() as session:
        for recording in recordings:
            path = _FOLDER / recording["file"]
            heard = await listen(session, url, path, is_realtime=realtime_count > 0)
            delays.append(heard.final_secs)
            reference = normalised(recording["text"])
            errors = word_errors(reference, normalised(heard.text))
            for name in (recording["source"], "all"):
                count = counts[name]
                count[0] += errors
                count[1] += len(reference)
                count[2] += 1
            if errors and verbose:
                print(f"{errors} in {recording['file']}: {recording['text']!r} -> {heard.text!r}")
    for name, (errors, words, files) in counts.items():
        rate = 100 * errors / words
        print(f"{name}: {rate:.1f} % word errors ({errors} of {words} words, {files} recordings)")
    if realtime_count:
        delays.sort()
        middle, high = delays[len(delays) // 2], delays[int(len(delays) * 0.9)]
        print(f"last speech to final: median {1000 * middle:.0f} ms, p90 {1000 * high:.0f} ms")
    print(f"took {time.monotonic() - began:.1f} s")


async def run(arguments: argparse.Namespace) -> None:
    """Measure against the server asked for, or one of its own."""
    if arguments.url:
        await measure(arguments.url, arguments.realtime, arguments.verbose)
        return
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "local.wire", "--port", "0"), stdout=asyncio.subprocess.PIPE
    )
    try:
        line = await server.stdout.readline() if server.stdout else b""
        if not line.startswith(b"ready "):
            raise SystemExit("the engine server did not start")
        await measure(line.decode().split()[1], arguments.realtime, arguments.verbose)
    finally:
        server.terminate()
        await server.wait()


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.wer", description=__doc__)
    parser.add_argument("--url", help="engine server to measure, e.g. http://127.0.0.1:8790")
    parser.add_argument("--realtime", type=int, default=0, metavar="N")
    parser.add_argument("--verbose", action="store_true", help="print each mistaken transcript")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
