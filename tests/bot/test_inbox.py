"""What a client sends, before anything of it is taken: size, pace and form."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.inbox import (
    MAX_DATA_BYTES,
    MESSAGES_AT_ONCE,
    MESSAGES_PER_SEC,
    TEXTS_AT_ONCE,
    Inbox,
    InboxError,
    Pace,
)

GOOD = {"label": "rtvi-ai", "type": "send-text", "id": "1", "data": {"content": "Hello"}}


class Clock:
    """Seconds, moved by hand."""

    def __init__(self) -> None:
        self.secs = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.secs


def code_of(payload: bytes) -> str | None:
    try:
        Inbox().check(payload)
    except InboxError as error:
        return str(error)
    return None


@pytest.mark.parametrize("changes", [{}, {"data": None}, {"type": "client-ready"}])
def test_a_message_passes(changes: dict[str, Any]) -> None:
    """What the widget sends is taken, with or without data."""
    assert code_of(json.dumps(GOOD | changes).encode()) is None


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"", "invalid_message"),
        (b"hello", "invalid_message"),
        (b"null", "invalid_message"),
        (b"[]", "invalid_message"),
        (b"\xff\xfe", "invalid_message"),
        (b"[" * 14_000, "invalid_message"),
        (b'{"data":' * 1_800, "invalid_message"),
        (json.dumps(GOOD | {"label": "other"}).encode(), "invalid_message"),
        (json.dumps(GOOD | {"type": "../../x"}).encode(), "invalid_message"),
        (json.dumps(GOOD | {"type": 5}).encode(), "invalid_message"),
        (json.dumps(GOOD | {"id": 5}).encode(), "invalid_message"),
        (json.dumps(GOOD | {"id": "x" * 65}).encode(), "invalid_message"),
        (json.dumps(GOOD | {"data": "text"}).encode(), "invalid_message"),
        (json.dumps(GOOD | {"more": 1}).encode(), "invalid_message"),
        (json.dumps({"type": "send-text", "id": "1"}).encode(), "invalid_message"),
        (b" " * (MAX_DATA_BYTES + 1), "message_too_large"),
    ],
)
def test_anything_else_has_a_code(payload: bytes, expected: str) -> None:
    """What is no message, or too much of one, is refused before it is read further."""
    assert code_of(payload) == expected


def test_a_flood_is_dropped() -> None:
    """So many at once, then ten a second; who waits is heard again."""
    clock = Clock()
    inbox, payload = Inbox(clock), json.dumps(GOOD | {"type": "client-message"}).encode()
    for _ in range(MESSAGES_AT_ONCE):
        inbox.check(payload)
    for _ in range(1000):
        with pytest.raises(InboxError, match="too_many_messages"):
            inbox.check(payload)
    clock.secs += 1
    for _ in range(MESSAGES_PER_SEC):
        inbox.check(payload)
    with pytest.raises(InboxError, match="too_many_messages"):
        inbox.check(payload)


def test_typed_lines_have_a_pace_of_their_own() -> None:
    """Each asks the model: five at once, then one every two seconds."""
    clock = Clock()
    inbox, payload = Inbox(clock), json.dumps(GOOD).encode()
    for _ in range(TEXTS_AT_ONCE):
        inbox.check(payload)
    with pytest.raises(InboxError, match="too_many_texts"):
        inbox.check(payload)
    clock.secs += 2
    inbox.check(payload)
    with pytest.raises(InboxError, match="too_many_texts"):
        inbox.check(payload)


@given(st.lists(st.floats(0, 50), max_size=60), st.integers(1, 20), st.floats(0.1, 20))
def test_no_pattern_gets_more_than_its_share(
    waits: list[float], at_once: int, per_sec: float
) -> None:
    """However a client spaces what it sends, what passes is at most the burst and the rate."""
    clock = Clock()
    pace = Pace(per_sec, at_once, clock)
    passed = 0
    for wait in waits:
        clock.secs += wait
        passed += pace.allows()
    assert passed <= at_once + sum(waits) * per_sec + 1e-6


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reading(payload: bytes) -> None:
    """Any bytes are taken or have a code."""
    assert code_of(payload) in (None, "invalid_message")
