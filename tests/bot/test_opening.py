"""Where an answer's first piece ends."""

import asyncio

import pytest

from bot.opening import OpeningAggregator


async def pieces_of(aggregator: OpeningAggregator, text: str) -> list[str]:
    """Return what an answer is cut into when it comes word by word."""
    words = text.split(" ")
    tokens = [words[0], *(f" {word}" for word in words[1:])]
    pieces = [piece.text for token in tokens async for piece in aggregator.aggregate(token)]
    rest = await aggregator.flush()
    return pieces + ([rest.text] if rest else [])


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Sure, here it is, at last. Look.", ["Sure,", "here it is, at last.", "Look."]),
        ("It is here. Not there, I think.", ["It is here.", "Not there, I think."]),
        ("We sell 1,000 bags; most by 10:30 am.", ["We sell 1,000 bags;", "most by 10:30 am."]),
        ("1, 2, or three.", ["1, 2, or three."]),
        ("Dr. Ames, she said.", ["Dr. Ames,", "she said."]),
        ("No comma here", ["No comma here"]),
    ],
)
def test_first_clause(text: str, pieces: list[str]) -> None:
    """An answer begins with its first clause that holds a word, and goes on in sentences."""
    assert asyncio.run(pieces_of(OpeningAggregator(), text)) == pieces


def test_each_answer_opens_anew() -> None:
    """A second answer is begun with its first clause too, also after an interruption."""

    async def conversation() -> list[str]:
        aggregator = OpeningAggregator()
        said = await pieces_of(aggregator, "Well, yes.")
        async for _ in aggregator.aggregate("Half a sen"):
            pass
        await aggregator.handle_interruption()
        return said + await pieces_of(aggregator, "Well, no.")

    assert asyncio.run(conversation()) == ["Well,", "yes.", "Well,", "no."]


def test_an_opening_is_taken_once() -> None:
    """The first piece of an answer is known as such, once, and nothing else is."""

    async def conversation() -> list[bool]:
        aggregator = OpeningAggregator()
        async for _ in aggregator.aggregate("Well, yes. And"):
            pass
        return [aggregator.take_opening(text) for text in ("Well, ", "Well,", "yes.", "")]

    assert asyncio.run(conversation()) == [True, False, False, False]
