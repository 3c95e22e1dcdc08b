import json
import xml.etree.ElementTree as ET

from bench.__main__ import Plan
from bench.conversation import Conversation, Outcome, Turn, scripts
from bench.plot import strips
from bench.report import GREETING, INTERRUPTION_STOP, VOICE_TO_VOICE, Block, Results, table
from bench.speech import Utterance

_MINUTE_SECS = 60.0


def _turn(response_ms: float | None, outcome: Outcome = Outcome.ANSWERED) -> Turn:
    return Turn("hello", outcome, response_ms, {"user-stopped-speaking": 300.0})


def _results() -> Results:
    talk = Conversation(
        greeting_ms=500.0,
        turns=[_turn(600.0), _turn(800.0), _turn(None, Outcome.UNANSWERED)],
        stops_ms=[250.0, None],
        secs=_MINUTE_SECS,
    )
    failed = Conversation(secs=_MINUTE_SECS, failure="ConnectError: 503 server_full")
    return Results([Block([talk, failed], cpu_secs=20.0, peak_pss_bytes=200_000_000)])


def test_samples_keep_every_attempt() -> None:
    """Unanswered questions and failed stops stay in the samples, as None."""
    found = _results()
    assert found.samples(VOICE_TO_VOICE) == [600.0, 800.0, None]
    assert found.samples(INTERRUPTION_STOP) == [250.0, None]
    assert found.samples(GREETING) == [500.0, None]


def test_cpu_is_charged_by_the_minute_of_session() -> None:
    """20 CPU seconds over two sessions of a minute are 10 a session-minute."""
    assert _results().cpu_secs_per_session_minute == 10.0


def test_the_table_shows_medians_the_floor_and_failures() -> None:
    """A reader sees the median, what lies over the floor, unanswered questions and failures."""
    text = table({"ours": _results(), "peer": Results()}, floor_ms=280)
    lines = {line.split("|")[1].strip(): line for line in text.splitlines() if "|" in line}
    assert "700 (600-800), n=2, 1 none" in lines["voice-to-voice, ms: median (95 % interval)"]
    assert "| 420 " in lines["voice-to-voice, ms: median over the 280 ms floor"]
    assert "| 700 " in lines["voice-to-voice, ms: median by round"]
    assert "| 1/2 " in lines["sessions failed"]
    assert "| 300 " in lines["user-stopped-speaking"]


def test_the_json_is_json() -> None:
    """Figures and samples survive being written and read."""
    found = json.loads(json.dumps(_results().to_json()))
    assert found["metrics_ms"]["voice-to-voice"]["p50"] == 700.0
    assert found["outcomes"]["unanswered"] == 1
    assert found["rounds"][0]["conversations"][0]["turns"][0]["utterance"] == "hello"


def test_the_plot_is_xml_with_a_dot_for_each_value() -> None:
    """The plot parses, shows one dot a value, and takes names as text."""
    text = strips({VOICE_TO_VOICE: {"a<b": [600.0, None, 800.0], "none": []}}, "a & b")
    root = ET.fromstring(text)  # noqa: S314 - made by the line above
    namespace = "{http://www.w3.org/2000/svg}"
    assert len(root.findall(f"{namespace}circle")) == 2
    assert "a<b" in [element.text for element in root.findall(f"{namespace}text")]


def test_a_plan_asks_at_least_as_often_as_wanted() -> None:
    """Turns are spread over at least two rounds and over all sessions, never below the number."""
    for turns, sessions in [(1, 1), (5, 1), (30, 1), (30, 8), (31, 3)]:
        plan = Plan.of(turns, sessions)
        assert plan.rounds >= 2
        assert plan.rounds * plan.sessions * plan.questions >= turns
        assert plan.interruptions >= 1


def test_scripts_go_through_all_utterances() -> None:
    """Consecutive scripts use every utterance before one is used again."""
    supply = [Utterance(name, b"") for name in "abcde"]
    first, second = (script for script, _ in zip(scripts(supply, 1, 1), range(2), strict=False))
    used = [*first.questions, *first.interruptions[0], *second.questions, *second.interruptions[0]]
    assert [utterance.name for utterance in used] == ["a", "b", "c", "d", "e", "a"]
