"""Cuts the knowledge in a system message into passages that answer one thing each."""

import re
from dataclasses import dataclass

_SECTION = re.compile(r"<knowledge>(.*?)</knowledge>", re.DOTALL)
_DOCUMENT = re.compile(r"<document(?:\s+source=\"([^\"]*)\")?[^>]*>(.*?)</document>", re.DOTALL)
_HEADING = re.compile(r"#{1,6}\s+(.*)")
_ITEM = re.compile(r"\s*(?:[-*+]|\d+[.)])\s+(.*)")
_TABLE_RULE = re.compile(r"[\s|:-]+")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[\"'(A-Z0-9])")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_URL = re.compile(r"https?://\S+")
_MARKS = re.compile(r"[*_`~]{1,3}(?=\S)|(?<=\S)[*_`~]{1,3}")

# A passage longer than this is cut at a sentence end; MiniLM was trained on 128 tokens.
_MAX_CHARS = 480
# Knowledge beyond this is left out, so that one request cannot fill the memory.
MAX_PASSAGES = 1500


@dataclass(frozen=True)
class Passage:
    """A few sentences under one heading.

    Attributes:
        source: Name of the document.
        title: The headings above, outermost first, joined by ": ".
        text: The sentences, without markdown.
    """

    source: str
    title: str
    text: str

    @property
    def sentences(self) -> list[str]:
        """The text's sentences."""
        return [part.strip() for part in _SENTENCE_END.split(self.text) if part.strip()]


def knowledge_of(prompt: str) -> str:
    """Return what stands between `<knowledge>` and `</knowledge>`, or an empty text."""
    found = _SECTION.search(prompt)
    return found.group(1) if found else ""


def passages_of(knowledge: str) -> list[Passage]:
    """Return the passages of all documents, in order."""
    documents = _DOCUMENT.findall(knowledge) or [("", knowledge)]
    passages: list[Passage] = []
    for source, text in documents:
        passages += _document(source, text)
    return passages[:MAX_PASSAGES]


def _document(source: str, markdown: str) -> list[Passage]:
    passages: list[Passage] = []
    headings: dict[int, str] = {}
    blocks: list[str] = []

    def close() -> None:
        title = ": ".join(headings[level] for level in sorted(headings))
        passages.extend(Passage(source, title, text) for text in _join(blocks))
        blocks.clear()

    for block in re.split(r"\n\s*\n|(?=\n#)|(?<=\n)(?=#)", markdown):
        lines = block.strip().splitlines()
        if not lines:
            continue
        if heading := _HEADING.match(lines[0]):
            close()
            level = len(lines[0]) - len(lines[0].lstrip("#"))
            headings = {key: value for key, value in headings.items() if key < level}
            headings[level] = plain(heading.group(1))
            lines = lines[1:]
        if lines:
            blocks += _table(lines) if lines[0].lstrip().startswith("|") else _prose(lines)
    close()
    return passages


def _prose(lines: list[str]) -> list[str]:
    parts: list[str] = []
    for line in lines:
        if item := _ITEM.match(line):
            parts.append(item.group(1))
        elif parts:
            parts[-1] += " " + line.strip()
        else:
            parts.append(line.strip())
    return [_closed(plain(part)) for part in parts if plain(part)]


def _table(lines: list[str]) -> list[str]:
    rows = [
        [plain(cell) for cell in line.strip().strip("|").split("|")]
        for line in lines
        if not _TABLE_RULE.fullmatch(line)
    ]
    if len(rows) < 2:
        return [_closed(" ".join(row)) for row in rows]
    head = rows[0]
    spoken: list[str] = []
    for row in rows[1:]:
        rest = [f"{name} {cell}" for name, cell in zip(head[1:], row[1:], strict=False) if cell]
        spoken.append(_closed(f"{row[0]}: {', '.join(rest)}" if rest else row[0]))
    return spoken


def _join(parts: list[str]) -> list[str]:
    """Join short parts and cut long ones, so that passages are of similar length."""
    joined: list[str] = []
    for part in parts:
        for sentence in _SENTENCE_END.split(part):
            if joined and len(joined[-1]) + len(sentence) < _MAX_CHARS:
                joined[-1] += " " + sentence
            else:
                joined.append(sentence)
    return joined


def plain(markdown: str) -> str:
    """Return markdown as words that can be spoken."""
    text = _URL.sub("our website", _LINK.sub(r"\1", markdown))
    return " ".join(_MARKS.sub("", text).split())


def _closed(text: str) -> str:
    return text if text.endswith((".", "!", "?", ":")) else text + "."
