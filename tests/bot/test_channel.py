"""The channel between the door and its processes: what is said, and what is not believed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channel import (
    MAX_LINE_BYTES,
    ChannelError,
    Configure,
    End,
    Ended,
    Load,
    Ready,
    Start,
    Turn,
    Warm,
    read_order,
    read_report,
)
from bot.knowledge import MAX_KNOWLEDGE_BYTES
from bot.reasons import EndReason
from bot.settings import BotSettings
from bot.waterfall import SEGMENTS

START = Start(session_id="s-1", user_identity="user-1", url="ws://h", token="t.o.k", room="room-1")


def test_settings_arrive_as_they_were_sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A process has the door's settings, keys included, whatever its own environment says."""
    sent = BotSettings(
        deepgram_api_key="dg-key",
        groq_api_key="groq-key",
        session_idle_secs=7,
        knowledge_dir=tmp_path,
    )
    monkeypatch.setenv("SESSION_IDLE_SECS", "99")
    monkeypatch.setenv("LLM_BASE_URL", "http://elsewhere.example")
    order = read_order(Configure.of(sent, "Be kind.\n", "INFO").line())
    assert isinstance(order, Configure)
    assert order.bot_settings() == sent
    assert (order.instruction, order.log_level) == ("Be kind.\n", "INFO")


def test_the_largest_instruction_fits_a_line() -> None:
    """Knowledge at its limit, of the characters that grow most when escaped, is within the cap."""
    settings = BotSettings(deepgram_api_key="k", groq_api_key="k")
    line = Configure.of(settings, "\x01" * MAX_KNOWLEDGE_BYTES, "INFO").line()
    assert len(line) <= MAX_LINE_BYTES
    assert isinstance(read_order(line), Configure)


@pytest.mark.parametrize("order", [START, End(session_id="s-1", reason=EndReason.SHUTDOWN)])
def test_orders_travel(order: Start | End) -> None:
    """What the door says is what a process reads."""
    assert read_order(order.line()) == order


@pytest.mark.parametrize(
    "report",
    [
        Warm(greeting_prepared=True),
        Ready(session_id="s-1"),
        Ended(session_id="s-1", reason=EndReason.IDLE, errors={"llm_failed": 1}),
        Turn(session_id="s-1", segments_secs=dict.fromkeys(SEGMENTS, 0.1), answers_begun=2),
        Load(lag_p95_ms=0.5, cpu_cores=0.25, tasks=4),
    ],
)
def test_reports_travel(report: Warm | Ready | Ended | Turn | Load) -> None:
    """What a process says is what the door reads."""
    assert read_report(report.line()) == report


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"null\n",
        b"[]\n",
        b"{}\n",
        b'{"kind":"warm","greeting_prepared":true}',
        b'{"kind":"warm"}\n',
        b'{"kind":"warm","greeting_prepared":1}\n',
        b'{"kind":"warm","greeting_prepared":true,"more":1}\n',
        b'{"kind":"start","session_id":"s"}\n',
        b'{"kind":"ready","session_id":""}\n',
        b'{"kind":"ready","session_id":"a b"}\n',
        b'{"kind":"ready","session_id":"s\\n"}\n',
        b'{"kind":"ready","session_id":7}\n',
        b'{"kind":"ready","session_id":"' + b"x" * 65 + b'"}\n',
        b'{"kind":"ended","session_id":"s","reason":"bored","errors":{}}\n',
        b'{"kind":"ended","session_id":"s","reason":"idle","errors":{"a b":1}}\n',
        b'{"kind":"ended","session_id":"s","reason":"idle","errors":{"llm_failed":-1}}\n',
        b'{"kind":"turn","segments_secs":{"lunch":1.0},"answers_begun":1}\n',
        b'{"kind":"turn","segments_secs":{"stt":-1.0},"answers_begun":1}\n',
        b'{"kind":"load","lag_p95_ms":-1,"cpu_cores":0,"tasks":0}\n',
        b'{"kind":"load","lag_p95_ms":NaN,"cpu_cores":0,"tasks":0}\n',
        b'{"kind":"load","lag_p95_ms":1e999,"cpu_cores":0,"tasks":0}\n',
        b'{"kind":"load","lag_p95_ms":"1","cpu_cores":0,"tasks":0}\n',
        b"\xff\xfe\x00\n",
        b"[" * 10_000 + b"\n",
        b'{"kind":"warm","greeting_prepared":' + b" " * MAX_LINE_BYTES + b"true}\n",
    ],
)
def test_a_line_that_is_no_report_is_refused(line: bytes) -> None:
    """Malformed, unknown, out of range, too long, of the other direction: none gets through."""
    with pytest.raises(ChannelError):
        read_report(line)


def test_a_refusal_does_not_repeat_what_it_refuses() -> None:
    """The error names the rule, so that no token or text of a session gets into a log."""
    with pytest.raises(ChannelError) as refusal:
        read_report(b'{"kind":"ready","session_id":"eyJsecret token"}\n')
    assert "secret" not in f"{refusal.value!r} {refusal.value.__cause__!r}"


@given(st.binary(max_size=300))
def test_no_bytes_are_believed_by_accident(line: bytes) -> None:
    """Any line is one of the messages or breaks a rule, at both ends of the channel."""
    for read in (read_order, read_report):
        with pytest.raises(ChannelError):
            read(line + b"\n")


@given(st.data())
def test_a_message_that_is_damaged_is_a_message_or_none(data: st.DataObject) -> None:
    """A changed byte leaves a message that keeps the rules, or an error."""
    line = bytearray(START.line())
    place = data.draw(st.integers(0, len(line) - 1))
    line[place] = data.draw(st.integers(0, 255))
    try:
        order = read_order(bytes(line))
    except ChannelError:
        return
    assert isinstance(order, Start)
