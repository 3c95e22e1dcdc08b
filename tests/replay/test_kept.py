"""A conversation that is kept: what was heard of it, by its owner's leave."""

import json
import stat
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot.kept import RecordTo
from bot.page import MAX_PAGE_CHARS
from tests.replay.conversations import CONTRACTS, LONG_ANSWER, asked_and_answered
from tests.replay.groq_peer import Answer
from tests.replay.replay import Caller, replay

QUESTION = "which-folder-should-i-save-the-message-to"


def kept(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "s.json").read_text())


def test_what_both_said_is_kept(tmp_path: Path) -> None:
    """Words as they were heard, when, and how it ended; readable by nobody but their keeper."""

    async def conversation(caller: Caller) -> None:
        await asked_and_answered(caller)
        await caller.leave()
        await caller.wait(4)

    replay(
        conversation,
        [Answer(CONTRACTS)],
        record_to=RecordTo(str(tmp_path / "s")),
        reconnect_grace_secs=3,
    )
    said = kept(tmp_path)
    assert said["sessionId"] == "replay"
    assert said["reason"] == "user_left"
    assert said["startedAt"] <= said["endedAt"]
    roles = [line["role"] for line in said["lines"]]
    assert roles == ["assistant", "user", "assistant"]
    assert said["lines"][2]["text"] == CONTRACTS
    assert [file.name for file in tmp_path.iterdir()] == ["s.json"]
    assert stat.S_IMODE((tmp_path / "s.json").stat().st_mode) == 0o600


def test_what_nobody_heard_is_not_kept(tmp_path: Path) -> None:
    """Of an answer that was interrupted the record holds what was said aloud."""

    async def conversation(caller: Caller) -> None:
        await caller.join()
        await caller.hears("bot-stopped-speaking")
        await caller.say(QUESTION)
        await caller.hears("bot-started-speaking")
        await caller.wait(2)
        await caller.say(QUESTION)
        await caller.hears("bot-started-speaking")

    replay(conversation, [Answer(LONG_ANSWER)], record_to=RecordTo(str(tmp_path / "s")))
    text = kept(tmp_path)["lines"][2]["text"]
    assert text
    assert LONG_ANSWER.startswith(text)
    assert len(text) < len(LONG_ANSWER)


def test_what_the_page_shows_is_not_kept(tmp_path: Path) -> None:
    """The page is no word of the caller's."""

    async def conversation(caller: Caller) -> None:
        await asked_and_answered(caller)
        shown = {"t": "page-context", "d": "x" * (MAX_PAGE_CHARS - 2)}
        await caller.send("client-message", shown)
        await caller.wait(1)

    replay(conversation, [Answer(CONTRACTS)], record_to=RecordTo(str(tmp_path / "s")))
    assert "xxx" not in (tmp_path / "s.json").read_text()
    assert kept(tmp_path)["lines"]


def test_who_says_nothing_leaves_nothing(tmp_path: Path) -> None:
    """A greeting alone is no conversation; no file is left of it, also none of its sound."""

    async def conversation(caller: Caller) -> None:
        await caller.join()
        await caller.hears("bot-stopped-speaking")

    replay(conversation, record_to=RecordTo(str(tmp_path / "s"), with_sound=True))
    assert list(tmp_path.iterdir()) == []


def test_both_voices_are_kept_where_they_were(tmp_path: Path) -> None:
    """The caller is left and the bot right; the answer comes after the question, in both."""

    async def conversation(caller: Caller) -> None:
        await asked_and_answered(caller)

    timeline = replay(
        conversation,
        [Answer(CONTRACTS)],
        record_to=RecordTo(str(tmp_path / "s"), with_sound=True),
    )
    with wave.open(str(tmp_path / "s.wav")) as sound:
        assert (sound.getnchannels(), sound.getframerate()) == (2, 16_000)
        pcm = np.frombuffer(sound.readframes(sound.getnframes()), np.int16).reshape(-1, 2)
    user, bot = (np.flatnonzero(np.abs(pcm[:, side].astype(np.int32)) > 300) for side in (0, 1))
    asked = timeline.at("user", "says")[0], timeline.at("user", "is silent")[0]
    assert (user[-1] - user[0]) / 16_000 == pytest.approx(asked[1] - asked[0], abs=0.5)
    # The greeting before it, the answer after it.
    assert bot[0] < user[0] < user[-1] < bot[-1]
    assert not np.any((bot > user[0]) & (bot < user[-1]))


def test_a_full_disk_ends_no_conversation(tmp_path: Path) -> None:
    """What cannot be written is counted and said in the log; the caller does not notice."""

    async def conversation(caller: Caller) -> None:
        await asked_and_answered(caller)

    gone = RecordTo(str(tmp_path / "no-such-folder" / "s"), with_sound=True)
    timeline = replay(conversation, [Answer(CONTRACTS)], record_to=gone)
    assert timeline.texts("ear", "has heard")[-1] == f'"{CONTRACTS}"'
    assert timeline.failures["record_failed"] == 1
