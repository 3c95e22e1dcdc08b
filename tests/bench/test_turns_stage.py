"""Both systems hear the same recording on virtual time."""

from collections.abc import Iterator

import pytest
from loguru import logger

from bench.turns import clips as c
from bench.turns.measure import overlap_of, turn_of
from bench.turns.stage import SYSTEMS, built_case, natural_case, overlap_case, play, prepare

pytestmark = [
    pytest.mark.replay,
    pytest.mark.filterwarnings("ignore:path is deprecated:DeprecationWarning:pipecat"),
]


@pytest.fixture(autouse=True)
def _prepared(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    prepare(monkeypatch.setattr)
    yield
    logger.remove()


def clip_named(file: str) -> c.Clip:
    return next(clip for clip in c.all_clips() if clip.file == file)


@pytest.mark.parametrize("system", SYSTEMS)
def test_an_end_is_answered(system: str) -> None:
    """The answer to a recorded sentence is heard after the providers' delays, to all its words."""
    turn = turn_of(play(system, natural_case(clip_named("asterisk-en-agent-pass.flac"))))
    assert turn.latency_secs is not None
    assert turn.latency_secs > 0.28


def test_a_built_pause_is_played_where_it_is_said_to_be() -> None:
    """Stock Pipecat's voice activity falls silent inside the pause and speaks after it."""
    case = built_case(clip_named("asterisk-en-agent-pass.flac"), (0.7, 0.9))
    assert case
    (start, end) = case.pauses[0]
    played = play("stock", case)
    silences = [at - played.origin_secs for at in played.timeline.at("vad", "silence")]
    voices = [at - played.origin_secs for at in played.timeline.at("vad", "voice")]
    assert any(start < at < end for at in silences)
    assert any(end < at < end + 0.4 for at in voices)


def test_stock_stops_for_an_interruption() -> None:
    """Stock Pipecat ends its sentence when somebody says to cut it out."""
    overlap = overlap_of(play("stock", overlap_case(clip_named("hedgewars-british-cutitout.flac"))))
    assert overlap.ended
    assert overlap.silent_after_secs is not None
