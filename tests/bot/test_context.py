from typing import Any

from bot.context import ConversationContext


def _context(*, is_false_end: bool, messages: list[tuple[str, str]]) -> list[Any]:
    context = ConversationContext(is_false_end=lambda: is_false_end)
    for role, content in messages:
        context.add_message({"role": role, "content": content})  # type: ignore[arg-type]
    return [(message["role"], message["content"]) for message in context.get_messages()]  # type: ignore[index]


HALVES = [("user", "I need"), ("user", "a contract.")]
CUT = [("user", "I need"), ("assistant", "Sure"), ("user", "a contract.")]


def test_two_halves_are_one_message() -> None:
    """Nothing lies between what a visitor says before and after an answer nobody heard."""
    assert _context(is_false_end=False, messages=HALVES) == [("user", "I need a contract.")]


def test_an_answer_cut_off_at_its_beginning_is_forgotten() -> None:
    """A false end leaves no trace of the answer between the two halves."""
    assert _context(is_false_end=True, messages=CUT) == [("user", "I need a contract.")]


def test_an_answer_that_was_heard_stays() -> None:
    """After a real interruption the model knows what it had said."""
    assert _context(is_false_end=False, messages=CUT) == CUT


def test_a_greeting_cut_off_stays() -> None:
    """Who interrupts the greeting has said nothing before it to go on with."""
    messages = [("assistant", "Hello"), ("user", "Hi.")]
    assert _context(is_false_end=True, messages=messages) == messages
