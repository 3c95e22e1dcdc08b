import json
import logging

import pytest
from loguru import logger

from bot.logs import configure_logging, redact
from server.tokens import Keys, user_token

TOKEN = user_token(Keys("key", "s" * 32), "room-1", "user-1")


@pytest.fixture(autouse=True)
def _restore_logging():
    """Leave the process's logging as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    logger.remove()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_tokens_and_keys_never_reach_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    """A token or key in any library's message is replaced before it is written."""
    configure_logging("DEBUG", ("dg-secret",))
    logger.error("connect failed: wss://x/rtc?access_token={}", TOKEN)
    logging.getLogger("livekit").error("key dg-secret refused")
    written = capsys.readouterr().err
    assert TOKEN not in written
    assert "dg-secret" not in written
    assert written.count("[redacted]") == 2


def test_a_failure_shows_its_traceback_without_values(capsys: pytest.CaptureFixture[str]) -> None:
    """Tracebacks are kept and hold no variables' values."""
    configure_logging("INFO", ())
    transcript = "account 12345"
    try:
        divide_by_length(transcript, 0)
    except ZeroDivisionError:
        logger.exception("failed")
    written = capsys.readouterr().err
    assert "ZeroDivisionError" in written
    assert "12345" not in written


def divide_by_length(transcript: str, zero: int) -> float:
    """Fail with a value in hand that a diagnosing traceback would print."""
    return len(transcript) / zero


def refuse(prompt: str) -> None:
    """Fail as a provider's client does, with what was asked in the error."""
    raise RuntimeError(f"400: your prompt was: {prompt}")


def test_library_chatter_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    """Below WARNING libraries write prompts and transcripts: even at DEBUG they stay out."""
    configure_logging("DEBUG", ())
    logger.patch(lambda record: record.update(name="pipecat.services.llm")).info("the prompt")
    logger.debug("ours")
    written = capsys.readouterr().err
    assert "the prompt" not in written
    assert "ours" in written


def test_what_a_provider_answered_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    """Libraries repeat providers' words, and these repeat prompts: only the place is kept."""
    configure_logging("INFO", ())
    pipecat = logger.patch(lambda record: record.update(name="pipecat.services.llm"))
    prompt = "when is the harvest"
    try:
        refuse(prompt)
    except RuntimeError:
        pipecat.exception("failed: {}", prompt)
        logger.exception("ours")
    written = capsys.readouterr().err
    assert prompt not in written
    assert "pipecat.services.llm: [withheld: line " in written
    assert written.count("\nRuntimeError\n") == 2
    assert "ours" in written


def test_session_is_on_each_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Each line carries the session it belongs to."""
    configure_logging("INFO", ())
    with logger.contextualize(session="abc123"):
        logger.info("hello")
    assert " abc123 " in capsys.readouterr().err


def test_a_line_can_be_json(capsys: pytest.CaptureFixture[str]) -> None:
    """One object a line, whatever it says: session, level, message, and no secret."""
    configure_logging("INFO", ("dg-secret",), as_json=True)
    transcript = "account 12345"
    with logger.contextualize(session="abc123"):
        logger.warning('quoted "dg-secret"\nand {}', TOKEN)
        try:
            divide_by_length(transcript, 0)
        except ZeroDivisionError:
            logger.exception("failed")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["level"], line["session"]) for line in lines] == [
        ("WARNING", "abc123"),
        ("ERROR", "abc123"),
    ]
    assert lines[0]["message"] == 'quoted "[redacted]"\nand [redacted]'
    assert "ZeroDivisionError" in lines[1]["message"]
    assert "12345" not in lines[1]["message"]


def test_redact_leaves_other_text_alone() -> None:
    """Text without secrets passes unchanged."""
    assert redact("room closed (404)", ("k" * 20,)) == "room closed (404)"
