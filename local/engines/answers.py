"""From a chat to a spoken answer: small talk, follow-ups, two questions at once, not knowing."""

import re
from typing import Any, cast

from local.engines.lexical import content_stems
from local.engines.passages import knowledge_of
from local.engines.retrieval import Index, Library, Match
from local.engines.smalltalk import small_talk

UNKNOWN = (
    "I can't find that in what this site tells me. "
    "Set a Groq key to give me the full model, and I can say more."
)
NO_KNOWLEDGE = (
    "This site has not given me anything to answer from yet. "
    "Add knowledge files, or set a Groq key to give me the full model."
)
GREETING = "Hello! How can I help you?"

# "And for organic?", "how much is it?": these lean on the question before.
_LEANING = re.compile(
    r"^(and|or|but|what about|how about|also|then|what if)\b"
    r"|\b(it|that|those|they|them|there|one)\b"
)
_FEW_STEMS = 2
_PARTS = re.compile(
    r"\?\s+|,? and (?=(?:how|what|when|where|which|who|do|does|is|are|can)\b)", re.I
)


def answer(messages: list[dict[str, Any]], library: Library) -> str:
    """Return what to say next in the chat."""
    users = [_text(message) for message in messages if message.get("role") == "user"]
    prompt = "\n".join(
        _text(message) for message in messages if message.get("role") in {"system", "developer"}
    )
    # Also without a question: a client may show the knowledge early, to be embedded in idle time.
    index = library.index(knowledge_of(prompt))
    if not users or messages[-1].get("role") != "user":
        return GREETING
    said = [_text(message) for message in messages if message.get("role") == "assistant"]
    talk = small_talk(users[-1], said_before=said[-1] if said else "", topics=_topics(index))
    if talk:
        return talk
    if not index.passages:
        return NO_KNOWLEDGE
    return _retrieve(index, users)


def _retrieve(index: Index, users: list[str]) -> str:
    question = users[-1]
    parts = [part for part in _PARTS.split(question) if len(content_stems(part)) > 0]
    whole = _best(index, question, users)
    if len(parts) == 2:
        found = [index.best(part) for part in parts]
        if all(match.is_known for match in found) and found[0].passage != found[1].passage:
            answers = zip(found, parts, strict=True)
            return " ".join(index.spoken(match, part) for match, part in answers)
    match, asked = whole
    return index.spoken(match, asked) if match.is_known else UNKNOWN


def _best(index: Index, question: str, users: list[str]) -> tuple[Match, str]:
    match = index.best(question)
    leans = _LEANING.search(question.lower()) or len(content_stems(question)) < _FEW_STEMS
    if leans and len(users) > 1:
        joined = f"{users[-2]} {question}"
        together = index.best(joined)
        if together.is_known and together.score > match.score:
            return together, joined
    return match, question


def _topics(index: Index) -> list[str]:
    topics: list[str] = []
    for passage in index.passages:
        topic = passage.title.split(": ")[0]
        if topic and topic not in topics:
            topics.append(topic)
    return topics


def _text(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content.strip()
    if not isinstance(content, list):
        return ""
    parts = cast(list[dict[str, Any]], content)
    return " ".join(str(part.get("text", "")) for part in parts if part.get("type") == "text")
