"""Cuts streamed text into sentences that can be spoken on their own."""

import re

# An end mark, closing quotes or brackets, then white space: "3.5" and "joe@x.com" stay whole.
_END = re.compile(r"[.!?\u2026]+[\"'\u201d\u2019)\]]*\s+|\n\s*\n|\n(?=\s*[-*\d])")
_ABBREVIATIONS = {
    *("mr", "mrs", "ms", "dr", "prof", "st", "sr", "jr", "vs", "etc", "e.g", "i.e", "approx"),
    *("no", "inc", "ltd", "co", "fig", "vol", "a.m", "p.m"),
}
_CLAUSE = re.compile(r"[,;:\u2014\u2013]\s+")
# Piper gives a sentence's first sample only when the whole sentence is done (about 90 ms for each
# second of speech on one thread), so a long opening sentence is begun with its first clause.
_LONG_CHARS = 120
_CLAUSE_CHARS = 30
# No voice should be given more than this in one piece.
_MAX_CHARS = 400


class SentenceBuffer:
    """Collects text and gives out complete sentences."""

    def __init__(self) -> None:
        self._text = ""
        self._is_opening = True

    @property
    def pending_chars(self) -> int:
        """Characters that wait for the end of their sentence."""
        return len(self._text)

    def push(self, text: str) -> list[str]:
        """Add text; return the sentences it completes."""
        self._text += text
        sentences: list[str] = []
        while (end := self._sentence_end()) is not None:
            sentences += self._pieces(self._text[:end])
            self._text = self._text[end:]
        return sentences

    def flush(self) -> list[str]:
        """Return the rest, complete or not, and start over."""
        rest, self._text = self._text, ""
        pieces = self._pieces(rest)
        self._is_opening = True
        return pieces

    def clear(self) -> None:
        """Forget what waits."""
        self._text = ""
        self._is_opening = True

    def _sentence_end(self) -> int | None:
        for match in _END.finditer(self._text):
            words = self._text[: match.start()].split()
            last = words[-1].lower().lstrip("([\"'") if words else ""
            is_short_form = match.group().startswith(". ") and last in _ABBREVIATIONS
            if not is_short_form:
                return match.end()
        return len(self._text) if len(self._text) > _MAX_CHARS else None

    def _pieces(self, sentence: str) -> list[str]:
        sentence = " ".join(sentence.split())
        if not any(character.isalnum() for character in sentence):
            return []
        pieces: list[str] = []
        if self._is_opening and len(sentence) > _LONG_CHARS:
            clause = _CLAUSE.search(sentence, _CLAUSE_CHARS, _LONG_CHARS)
            if clause:
                pieces.append(sentence[: clause.end()].strip())
                sentence = sentence[clause.end() :]
        self._is_opening = False
        pieces.append(sentence)
        return pieces
