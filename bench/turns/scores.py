"""Smart-turn's score at every pause and end, where it is asked: `python -m bench.turns.scores`.

A pause is scored as if it lasted LONGEST_PAUSE_SECS, so that one table serves every length: the
score at 200 ms of silence does not depend on what follows. Written as JSON lines.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bench.turns import clips as c
from bench.turns.texts import heard_by, words_of
from bot.models import EndScorer
from bot.turn_end import OPEN_SCORE_SECS, SCORE_SECS

# When the strategy asks: after a whole sentence, and after open words.
SILENCES_SECS = (SCORE_SECS, OPEN_SCORE_SECS)


@dataclass(frozen=True)
class Scored:
    """One pause or end.

    Attributes:
        clip: File name.
        speaker: Who speaks.
        split: `tune` or `held-out`.
        language: Two letters.
        kind: `natural`, `built` or `end`.
        pause_secs: Of a natural pause, its length; else 0.
        speech_secs: From the start of speech.
        text: What has been said by then.
        scores: By seconds of silence.
    """

    clip: str
    speaker: str
    split: str
    language: str
    kind: str
    pause_secs: float
    speech_secs: float
    text: str
    scores: dict[float, float]


class Analyzer(EndScorer):
    """Smart-turn, asked outside a pipeline."""

    def score_at(self, samples: c.Samples, at_secs: float) -> float:
        """The score of everything up to a position."""
        part = samples[: int(at_secs * c.RATE_HZ)].astype(np.float32) / 32768
        result: dict[str, Any] = self._predict_endpoint(part)
        return round(float(result["probability"]), 4)


def scored(clip: c.Clip, analyzer: Analyzer) -> Iterator[Scored]:
    """Every pause of a clip, then its end."""
    samples = c.samples_of(clip)
    starts, ends = c.extent_of(clip, samples)
    words = words_of(clip, samples)
    natural_gaps = c.pauses_of(clip, samples)
    gaps = sorted([*natural_gaps, *c.gaps_to_build(clip, samples)], key=lambda g: g.start_secs)
    spans = [(gap, gap.start_secs) for gap in gaps]
    for gap, at_secs in [*spans, (None, ends)]:
        natural = gap in natural_gaps
        kind = "end" if gap is None else "natural" if natural else "built"
        if gap is None:
            audio, silences = c.with_tail(samples, ends), SILENCES_SECS
        elif natural:
            audio, silences = samples, tuple(s for s in SILENCES_SECS if s <= gap.secs + 1e-6)
        else:
            audio, silences = c.with_pause(samples, gap, c.LONGEST_PAUSE_SECS), SILENCES_SECS
        scores = {s: analyzer.score_at(audio, at_secs + s) for s in silences}
        yield Scored(
            clip.file,
            clip.speaker,
            clip.split,
            clip.language,
            kind,
            round(gap.secs, 2) if gap and natural else 0.0,
            round(at_secs - starts, 2),
            heard_by(words, at_secs),
            scores,
        )


def main() -> None:
    """Print one line of JSON per pause or end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", choices=("tune", "held-out"))
    analyzer = Analyzer()
    for clip in c.clips(split=parser.parse_args().split):
        for row in scored(clip, analyzer):
            sys.stdout.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
