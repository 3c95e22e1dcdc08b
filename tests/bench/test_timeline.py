import xml.etree.ElementTree as ET
from pathlib import Path

from bench.conversation import Outcome, Turn
from bench.timeline import SEGMENTS, Event, medians, read, segments
from bench.waterfall import waterfall
from local.wire.timeline import (
    LLM_ANSWER,
    LLM_REQUEST,
    STT_FINAL,
    TTS_AUDIO,
    TTS_TEXT,
    Timeline,
)

# The question ends at 10.0 and the answer is heard at 10.6.
TURN = Turn("hello", Outcome.ANSWERED, 600.0, 10.0)


def _event(event: str, at: float, stream: str = "one", **more: float) -> Event:
    return {"event": event, "at": at, "stream": stream, **more}


def _answer(request: float, stream: str = "one") -> list[Event]:
    """The events of one request to the LLM and its speech: 100 ms, 60 ms, 80 ms."""
    return [
        _event(LLM_REQUEST, request, stream),
        _event(LLM_ANSWER, request + 0.1, stream),
        _event(TTS_TEXT, request + 0.16),
        _event(TTS_AUDIO, request + 0.24),
    ]


FINAL = _event(STT_FINAL, 10.15, heard_at=10.05)


def test_the_segments_follow_each_other_and_add_up() -> None:
    """Each segment lasts from the mark before it to its own, and the sum is the whole turn."""
    found = segments([FINAL, *_answer(10.3)], TURN)
    assert found == {
        "uplink": 50.0,
        "STT": 100.0,
        "turn decision": 150.0,
        "LLM": 100.0,
        "sentence": 60.0,
        "TTS": 80.0,
        "release, downlink": 60.0,
    }
    assert list(found) == list(SEGMENTS)


def test_of_several_requests_the_last_that_was_spoken_counts() -> None:
    """An answer that was thrown away, and one not spoken yet, are not what the caller heard."""
    discarded, late = _answer(9.7, "early"), [_event(LLM_REQUEST, 10.5, "late")]
    found = segments([*discarded, FINAL, *_answer(10.3), *late], TURN)
    assert found is not None
    assert found["turn decision"] == 150.0


def test_a_request_before_the_final_is_a_decision_below_zero() -> None:
    """A bot that asks the model before the final transcript is shown to be early."""
    found = segments([*_answer(10.1), FINAL], TURN)
    assert found is not None
    assert found["turn decision"] == -50.0
    assert sum(found.values()) == 600.0


def test_events_of_other_turns_are_left_alone() -> None:
    """What happened before the question or after the answer belongs to another turn."""
    assert segments([_event(STT_FINAL, 8.0, heard_at=7.9), *_answer(8.1)], TURN) is None
    assert segments([FINAL, *_answer(11.0)], TURN) is None


def test_an_unanswered_turn_has_no_segments() -> None:
    """Without a sound heard there is no end to measure to."""
    assert segments([FINAL], Turn("hello", Outcome.UNANSWERED, None, 10.0)) is None


def test_a_median_is_taken_segment_by_segment() -> None:
    """The waterfall of many turns has the median of each segment."""
    found = [dict.fromkeys(SEGMENTS, value) for value in (10.0, 30.0, 20.0)]
    assert medians(found) == dict.fromkeys(SEGMENTS, 20.0)
    assert medians([]) == {}


def test_what_the_server_writes_can_be_read_meanwhile(tmp_path: Path) -> None:
    """The events of an open file are read whole, in order, without a half-written line."""
    path = tmp_path / "timeline.jsonl"
    timeline = Timeline(path)
    timeline.mark(STT_FINAL, "one", heard_at=1.5)
    timeline.mark(LLM_REQUEST, "two")
    with path.open("a", encoding="utf-8") as half:
        half.write('{"at": 1')
    found = read(path)
    timeline.close()
    assert [one["event"] for one in found] == [STT_FINAL, LLM_REQUEST]
    assert found[0]["heard_at"] == 1.5
    assert set(found[0]) == {"at", "event", "stream", "heard_at"}


def test_the_waterfall_ends_where_the_turn_does() -> None:
    """The picture parses, shows every positive segment, and names the sum of all."""
    parts = {**dict.fromkeys(SEGMENTS, 100.0), "turn decision": -50.0}
    root = ET.fromstring(waterfall({"a<b": parts, "none": {}}, "a & b"))  # noqa: S314 - made here
    namespace = "{http://www.w3.org/2000/svg}"
    bars = [
        one for one in root.findall(f"{namespace}rect") if one.find(f"{namespace}title") is not None
    ]
    assert len(bars) == len(SEGMENTS) - 1
    texts = [element.text for element in root.findall(f"{namespace}text")]
    assert {"a<b", "550"} <= set(texts)
    assert "none" not in texts
