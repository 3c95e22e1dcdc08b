import json
import xml.etree.ElementTree as ET
from itertools import islice

from bench.conversation import Conversation, Outcome, Turn, scripts
from bench.goals import MANY, rows
from bench.plan import CHAIN, Plan
from bench.plot import strips
from bench.report import GREETING, INTERRUPTION_STOP, VOICE_TO_VOICE, Block, Results
from bench.speech import Utterance
from bench.tables import tables

_MINUTE_SECS = 60.0
_MB = 1_000_000


def _turn(response_ms: float | None, outcome: Outcome = Outcome.ANSWERED) -> Turn:
    return Turn("hello", outcome, response_ms)


def _talk(*responses_ms: float | None) -> Conversation:
    turns = [
        _turn(one, Outcome.UNANSWERED if one is None else Outcome.ANSWERED) for one in responses_ms
    ]
    return Conversation(greeting_ms=480.0, turns=turns, secs=_MINUTE_SECS)


def _results() -> Results:
    talk = _talk(600.0, 800.0, None)
    talk.stops_ms = [250.0, None]
    failed = Conversation(secs=_MINUTE_SECS, failure="ConnectError: 503 server_full")
    alone = Block([_talk(500.0, 550.0)], planned=2, cpu_secs=5.0, peak_pss_bytes=200 * _MB)
    together = Block(
        [_talk(600.0) for _ in range(MANY - 1)] + [failed],
        planned=MANY,
        cpu_secs=40.0,
        peak_pss_bytes=270 * _MB,
    )
    return Results([Block([talk, failed], cpu_secs=20.0)], {1: alone, MANY: together})


def test_samples_keep_every_attempt() -> None:
    """Unanswered questions and failed stops stay in the samples, as None."""
    found = _results()
    assert found.samples(VOICE_TO_VOICE) == [600.0, 800.0, None]
    assert found.samples(INTERRUPTION_STOP) == [250.0, None]
    assert found.samples(GREETING) == [480.0, None]


def test_cpu_is_charged_by_the_minute_of_session() -> None:
    """40 CPU seconds over eight sessions of a minute are 5 a session-minute."""
    assert _results().many[MANY].cpu_secs_per_session_minute == 5.0


def test_a_question_that_a_failed_session_did_not_ask_is_unanswered() -> None:
    """Sessions that fail under load count against the load, not for it."""
    assert _results().many[MANY].unanswered == 1


def test_the_rows_compare_with_the_goals() -> None:
    """Each row has its figures and says whether all of them are within their limits."""
    voice, stop, greeting, many, most, cpu, memory = rows({"ours": _results()}, floor_ms=280)
    assert voice.cells["ours"].text == "420 / 520 (n=2, 1 none)"
    assert voice.verdict("ours") == "no"
    assert stop.cells["ours"].text == "250 / 250 (n=1, 1 none)"
    assert greeting.verdict("ours") == "yes"
    assert many.cells["ours"].text == "1.09x (600 / 550 ms), 1 of 8"
    assert many.verdict("ours") == "no"
    assert (most.cells["ours"].text, most.verdict("ours")) == ("-", "-")
    assert (cpu.cells["ours"].text, cpu.verdict("ours")) == ("5.0", "yes")
    assert (memory.cells["ours"].text, memory.verdict("ours")) == ("10.0", "yes")


def test_the_tables_show_every_deployment() -> None:
    """A reader sees goals, medians, unanswered questions, failures and the many callers."""
    text = tables({"ours": _results(), "peer": Results()}, floor_ms=280)
    lines = {line.split("|")[1].strip(): line for line in text.splitlines() if "|" in line}
    assert "700 (600-800), n=2, 1 none" in lines["voice-to-voice, ms: median (95 % interval)"]
    assert "| 700 " in lines["voice-to-voice, ms: median by round"]
    assert "| 2/11 " in lines["sessions failed, of all"]
    assert "| ours " in lines[str(MANY)]
    assert "| 1 of 8 " in lines[str(MANY)]


def test_the_json_is_json() -> None:
    """Figures and samples survive being written and read."""
    found = json.loads(json.dumps(_results().to_json()))
    assert found["metrics_ms"]["voice-to-voice"]["p50"] == 700.0
    assert found["outcomes"]["unanswered"] == 1
    assert found["rounds"][0]["conversations"][0]["turns"][0]["utterance"] == "hello"
    assert found["many"]["8"]["voice_to_voice_ms"]["p95"] == 600.0


def test_the_plot_is_xml_with_a_dot_for_each_value() -> None:
    """The plot parses, shows one dot a value, and takes names as text."""
    text = strips({VOICE_TO_VOICE: {"a<b": [600.0, None, 800.0], "none": []}}, "a & b")
    root = ET.fromstring(text)  # noqa: S314 - made by the line above
    namespace = "{http://www.w3.org/2000/svg}"
    assert len(root.findall(f"{namespace}circle")) == 2
    assert "a<b" in [element.text for element in root.findall(f"{namespace}text")]


def test_a_plan_has_at_least_the_wanted_numbers() -> None:
    """Questions of interrupted answers count, and no number falls below what was asked for."""
    for turns, interruptions in [(1, 1), (5, 2), (30, 20), (31, 7), (9, 40)]:
        plan = Plan.of(turns, interruptions, (8,), (12,))
        assert plan.rounds * (plan.questions + plan.interruptions) >= turns
        assert plan.rounds * plan.interruptions * CHAIN >= interruptions


def test_a_plan_without_turns_has_many_callers_only() -> None:
    """`--turns 0` leaves the single caller out."""
    plan = Plan.of(0, 20, (8,), ())
    assert (plan.rounds, plan.sessions) == (0, (8,))


def test_scripts_go_through_all_utterances() -> None:
    """Consecutive scripts use every utterance before one is used again."""
    supply = [Utterance(name, b"") for name in "abcde"]
    first, second = islice(scripts(supply, 1, 1, 2), 2)
    used = [*first.questions, *first.interruptions[0], *second.questions]
    assert [utterance.name for utterance in used] == ["a", "b", "c", "d", "e"]
    assert len(second.interruptions[0]) == 3
