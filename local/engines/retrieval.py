"""Finds the passage that answers a question, and the sentences of it worth saying.

A passage scores `similarity + _WORD_WEIGHT * coverage`: similarity is the best cosine of the
question with the passage or one of its sentences, coverage the share of the question's words (by
rarity) that the passage has. `python -m bench.brain` measures what that gives.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256

from local.engines.lexical import Lexicon
from local.engines.minilm import Floats
from local.engines.passages import Passage, passages_of

Embed = Callable[[str], Floats]

# Chosen on the tuning half of the questions: see `python -m bench.brain --tune`.
_WORD_WEIGHT = 0.45
KNOWN_SCORE = 0.48

# Sites kept, the one that asked longest ago is dropped first: at most 4 x 1500 passages with about
# 4 vectors of 1.5 kB each, 36 MB.
_MAX_INDEXES = 4
# A site's first question embeds its passages in the order of their words in common, for this long;
# the others wait until the engine is idle. Passages of 40 words take about 25 ms each.
_FIRST_BUDGET_SECS = 1.0
# Passages whose sentences are worth a vector of their own before the first answer.
_LIKELY = 3

_MAX_SPOKEN_CHARS = 260
_NEIGHBOUR_SHARE = 0.6


@dataclass(frozen=True)
class Match:
    """A passage and how well it answers."""

    passage: Passage
    score: float

    @property
    def is_known(self) -> bool:
        """Whether the score is high enough to answer from the passage."""
        return self.score >= KNOWN_SCORE


class Index:
    """One site's knowledge."""

    def __init__(self, passages: list[Passage], embed: Embed) -> None:
        self.passages = passages
        self._embed = embed
        self._lexicon = Lexicon([_whole(passage) for passage in passages])
        self._vectors: dict[str, Floats] = {}
        self._later = [text for passage in passages for text in _texts(passage)]

    def best(self, question: str) -> Match:
        """Return the passage with the highest score."""
        asked = self._embed(question)
        read = self._lexicon.read(question)
        coverage = [self._lexicon.coverage(read, i) for i in range(len(self.passages))]
        deadline = time.monotonic() + _FIRST_BUDGET_SECS
        order = sorted(range(len(coverage)), key=lambda index: -coverage[index])
        self._fill((_whole(self.passages[index]) for index in order), deadline)
        scores = self._scores(asked, coverage)
        order.sort(key=lambda index: -scores[index])
        likely = (text for index in order[:_LIKELY] for text in _texts(self.passages[index]))
        self._fill(likely, deadline)
        scores = self._scores(asked, coverage)
        best = max(range(len(scores)), key=lambda index: scores[index])
        return Match(self.passages[best], scores[best])

    def embed_one(self) -> bool:
        """Embed a text that was left out so far; False when there is none."""
        while self._later:
            text = self._later.pop()
            if text not in self._vectors:
                self._vectors[text] = self._embed(text)
                return True
        return False

    def spoken(self, match: Match, question: str) -> str:
        """Return the one to three sentences of the passage that answer best."""
        sentences = match.passage.sentences
        if sum(map(len, sentences)) <= _MAX_SPOKEN_CHARS and len(sentences) <= 2:
            return " ".join(sentences)
        asked = self._embed(question)
        read = self._lexicon.read(question)
        self._fill((_titled(match.passage, sentence) for sentence in sentences), math.inf)
        words = Lexicon(sentences)
        weights = [
            float(self._vectors[_titled(match.passage, sentence)] @ asked)
            + _WORD_WEIGHT * words.coverage(read, index)
            for index, sentence in enumerate(sentences)
        ]
        best, *others = sorted(range(len(weights)), key=lambda index: -weights[index])
        chosen = [best]
        for index in others:
            enough = weights[index] >= _NEIGHBOUR_SHARE * weights[best]
            length = sum(len(sentences[i]) for i in [*chosen, index])
            if enough and length <= _MAX_SPOKEN_CHARS and len(chosen) < 3:
                chosen.append(index)
        return " ".join(sentences[index] for index in sorted(chosen))

    def _scores(self, asked: Floats, coverage: list[float]) -> list[float]:
        return [
            self._similarity(asked, passage) + _WORD_WEIGHT * covered
            for passage, covered in zip(self.passages, coverage, strict=True)
        ]

    def _similarity(self, asked: Floats, passage: Passage) -> float:
        vectors = (self._vectors.get(text) for text in _texts(passage))
        return max((float(v @ asked) for v in vectors if v is not None), default=0.0)

    def _fill(self, texts: Iterable[str], deadline: float) -> None:
        for text in texts:
            if text in self._vectors:
                continue
            if time.monotonic() > deadline:
                return
            self._vectors[text] = self._embed(text)


class Library:
    """The indexes of the sites that asked last, by the hash of their knowledge."""

    def __init__(self, embed: Embed) -> None:
        self._embed = embed
        self._indexes: OrderedDict[bytes, Index] = OrderedDict()

    def index(self, knowledge: str) -> Index:
        """Return the index of a knowledge text."""
        key = sha256(knowledge.encode()).digest()
        if key not in self._indexes:
            self._indexes[key] = Index(passages_of(knowledge), self._embed)
            if len(self._indexes) > _MAX_INDEXES:
                self._indexes.popitem(last=False)
        self._indexes.move_to_end(key)
        return self._indexes[key]

    def work(self) -> bool:
        """Do a piece of the embedding that was left for idle time; False when there is none."""
        return any(index.embed_one() for index in self._indexes.values())


def _titled(passage: Passage, sentence: str) -> str:
    return f"{passage.title.rsplit(': ', 1)[-1]}. {sentence}"


def _whole(passage: Passage) -> str:
    return f"{passage.title}. {passage.text}"


def _texts(passage: Passage) -> list[str]:
    return [_whole(passage), *(_titled(passage, sentence) for sentence in passage.sentences)]
