"""Words in common: what embeddings blur (names, numbers, words a site has never heard of)."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence

_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
_STOP_WORDS = (
    "a about all also am an and any are as at be been but by can could did do does for from "
    "get give go got had has have he her here him his how i if in is it its just know like "
    "long many may me might more much must my need no not now of off on one or our out please "
    "say shall she should so some tell than thanks that the their them then there these they "
    "thing things this those to too up us very want was way we were what when where which who "
    "why will with would you your yours hi hello okay ok well um uh really find i'm i'd i'll "
    "it's what's don't can't isn't let's happen happens kind sort"
)
# Words that people use for the same thing when they talk to a shop or a service.
_SAME = (
    "phone telephone call ring",
    "price cost charge fee expensive rate",
    "buy order purchase",
    "ship shipment shipping delivery deliver freight cargo parcel",
    "port harbour harbor",
    "return reject refund back",
    "close delete cancel remove",
    "sign log login register",
    "money pay paid payment",
    "office address located location",
    "email mail write contact",
    "sample try test",
    "team colleague coworker member employee",
    "discount cheaper rebate off",
    "hour open opening",
    "warehouse store storage",
    "mould mold",
    "cocoa cacao",
    "ton tonne",
    "staff support helpdesk desk",
    "photo photograph picture",
    "phase step",
)
_SUFFIXES = ("ations", "ation", "ings", "ing", "ers", "ies", "ed", "er", "es", "ly", "s", "y", "e")
# "How much is it?" asks for a price, "how much time" does not.
_HOW_MUCH = re.compile(r"\bhow much (?=(is|are|does|do|for)\b)")
_SHORTEST_STEM = 3
# A misheard word may differ in one letter from here, in two from twice that.
_FUZZY_LETTERS = 5


def words(text: str) -> list[str]:
    """Return the words in lower case."""
    return _WORD.findall(text.lower().replace("\u2019", "'"))


def stem(word: str) -> str:
    """Cut the commonest English endings, and give words of one meaning one stem."""
    cut = _cut(word.partition("'")[0])
    return _MEANING.get(cut, cut)


def _cut(word: str) -> str:
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= _SHORTEST_STEM:
            return word[: -len(suffix)]
    return word


_STOP = frozenset(_STOP_WORDS.split())
_MEANING = {_cut(word): _cut(group.partition(" ")[0]) for group in _SAME for word in group.split()}


def content_stems(text: str) -> list[str]:
    """Return the stems of the words that carry meaning."""
    text = _HOW_MUCH.sub("cost ", text.lower())
    return [stem(word) for word in words(text) if word not in _STOP]


class Lexicon:
    """How rare each stem is in a set of texts, and how well a question is covered by a text."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._stems = [frozenset(content_stems(text)) for text in texts]
        counts = Counter(stem for stems in self._stems for stem in stems)
        total = len(texts)
        self._rarity = {
            stem: math.log(1 + (total - count + 0.5) / (count + 0.5))
            for stem, count in counts.items()
        }
        self._unknown = math.log(1 + (total + 0.5) / 0.5)

    def read(self, question: str) -> list[tuple[str, float]]:
        """Return the question's stems as the texts spell them, with their weights.

        A stem the texts do not have keeps the highest weight: it says that the question may be
        about something else.
        """
        read: list[tuple[str, float]] = []
        parts = words(_HOW_MUCH.sub("cost ", question.lower()))
        skip = False
        for index, word in enumerate(parts):
            if skip:
                skip = False
                continue
            if self._is_split(word, parts[index + 1 : index + 2]):
                pair = stem(word + parts[index + 1])
                read.append((pair, self._rarity[pair]))
                skip = True
            elif word not in _STOP:
                known = self._closest(stem(word))
                read.append((known or word, self._rarity.get(known or "", self._unknown)))
        return read

    def _is_split(self, word: str, following: list[str]) -> bool:
        """Say whether two words are one that recognition cut in two ("ware house")."""
        if not following:
            return False
        is_odd = stem(word) not in self._rarity or stem(following[0]) not in self._rarity
        return is_odd and stem(word + following[0]) in self._rarity

    def coverage(self, read: Iterable[tuple[str, float]], index: int) -> float:
        """Return the share (0 to 1) of the question's weight that text `index` covers."""
        weights = dict(read)
        total = sum(weights.values())
        if not total:
            return 0.0
        return sum(weight for s, weight in weights.items() if s in self._stems[index]) / total

    def _closest(self, wanted: str) -> str | None:
        if wanted in self._rarity:
            return wanted
        if len(wanted) < _FUZZY_LETTERS:
            return None
        allowed = len(wanted) // _FUZZY_LETTERS
        near = (
            (distance, known)
            for known in self._rarity
            if known[0] == wanted[0]
            and abs(len(known) - len(wanted)) <= allowed
            and (distance := edit_distance(known, wanted)) <= allowed
        )
        return min(near, default=(0, None))[1]


def edit_distance(left: str, right: str) -> int:
    """Return the number of letters to insert, delete or replace."""
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, start=1):
        previous, row[0] = row[0], i
        for j, b in enumerate(right, start=1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]
