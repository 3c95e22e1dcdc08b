"""Openings that many conversations share."""

from collections.abc import Callable

from tests.replay.replay import Caller
from tests.replay.timeline import Timeline

Expect = Callable[[Timeline], None]

WHICH_FOLDER = "which-folder-should-i-save-the-message-to"
CONTRACTS = "Save it to the folder Contracts."
# Two sentences, 5.8 s of speech: long enough to be interrupted in the first or the second.
LONG_ANSWER = (
    "Save the message to the folder Contracts. You find it on the left side of every page."
)


async def joined(caller: Caller) -> None:
    """Join and hear the greeting out."""
    await caller.join()
    await caller.hears("bot-stopped-speaking")
    await caller.wait(0.5)


async def asked(caller: Caller) -> None:
    """Join, hear the greeting out, and ask which folder."""
    await joined(caller)
    await caller.say(WHICH_FOLDER)


async def asked_and_answered(caller: Caller) -> None:
    """Join, ask which folder, and hear the answer out."""
    await asked(caller)
    await caller.hears("bot-stopped-speaking")


def heard_in_pieces(timeline: Timeline) -> str:
    """What was heard after the greeting, with the character that a pause cut in two.

    A character counts as heard when all of it was played in one piece; one cut by a pause is
    played in both pieces, and stands in neither text.
    """
    pieces = [text.strip('"') for text in timeline.texts("ear", "has heard")[1:]]
    answer = LONG_ANSWER
    whole = ""
    for piece in pieces:
        if len(whole) < len(answer) and not answer.startswith(whole + piece):
            whole += answer[len(whole)]
        whole += piece
    return whole
