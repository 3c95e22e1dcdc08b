"""The retrieval brain's pure parts, and its answers over the sample knowledge."""

from zlib import crc32

import numpy as np
import pytest

from bench.brain import is_right, questions, system_prompt
from local.engines.answers import GREETING, NO_KNOWLEDGE, UNKNOWN, answer
from local.engines.lexical import Lexicon, content_stems, edit_distance
from local.engines.minilm import Embedder, Floats
from local.engines.passages import knowledge_of, passages_of
from local.engines.retrieval import Library

KNOWLEDGE = """<knowledge>
<document source="a.md">
# Prices

Beans cost **two dollars** per [kilogram](https://example.com).

| origin | price |
| --- | --- |
| Ghana | three dollars |

## Hours
- We open at eight.
- We close at six.
</document>
</knowledge>"""


def by_words(text: str) -> Floats:
    """Embed a text as the bag of its stems, so that no model is needed."""
    vector = np.zeros(384, dtype=np.float32)
    for stem in content_stems(text):
        vector[crc32(stem.encode()) % 384] += 1
    return vector / max(float(np.linalg.norm(vector)), 1)


def ask(*turns: str, knowledge: str = KNOWLEDGE) -> str:
    roles = ("user", "assistant")
    chat = [{"role": roles[i % 2], "content": turn} for i, turn in enumerate(turns)]
    return answer([{"role": "system", "content": knowledge}, *chat], Library(by_words))


def test_markdown_becomes_spoken_passages_under_their_headings() -> None:
    """Headings become titles; links, emphasis, lists and tables become plain sentences."""
    passages = passages_of(knowledge_of(KNOWLEDGE))
    assert [(p.title, p.text) for p in passages] == [
        ("Prices", "Beans cost two dollars per kilogram. Ghana: price three dollars."),
        ("Prices: Hours", "We open at eight. We close at six."),
    ]


def test_misheard_words_are_recognised() -> None:
    """A word cut in two, a letter off, and another word for the same thing still count."""
    lexicon = Lexicon(["The warehouse is dry.", "Fermentation takes a week.", "A phone call."])
    assert lexicon.coverage(lexicon.read("the ware house"), 0) == 1
    assert lexicon.coverage(lexicon.read("fermantation"), 1) == 1
    assert lexicon.coverage(lexicon.read("telephone"), 2) == 1


def test_unknown_words_lower_the_coverage() -> None:
    """A word that no text has says that the question is about something else."""
    lexicon = Lexicon(["Beans cost two dollars.", "Cars are red."])
    assert lexicon.coverage(lexicon.read("beans in australia"), 0) < 0.5


def test_edit_distance_counts_letters() -> None:
    """Insertions, deletions and replacements count one each."""
    assert edit_distance("kitten", "sitting") == 3


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Hello!", "Hello"),
        ("um, thank you very much", "welcome"),
        ("Goodbye.", "Goodbye"),
        ("Who are you?", "assistant"),
        ("What can you do?", "prices"),
    ],
)
def test_small_talk_is_answered(said: str, expected: str) -> None:
    """Greetings, thanks, farewells and questions about the bot need no knowledge."""
    assert expected in ask(said)


def test_repeat_gives_the_last_answer_again() -> None:
    """A request to repeat is answered with the last answer."""
    assert ask("hi", "Beans cost two dollars.", "Can you repeat that, please?").startswith("Beans")


def test_greeting_before_a_question_does_not_hide_it() -> None:
    """A greeting followed by a question is a question."""
    assert "two dollars" in ask("hello, what do beans cost")


def test_follow_up_uses_the_question_before() -> None:
    """A follow-up that names nothing is read together with the turn before."""
    said = ask("when do you open", "We open at eight.", "and when do you close")
    assert "six" in said


def test_two_questions_get_both_answers() -> None:
    """Two questions in one turn are both answered."""
    said = ask("What do beans cost and when do you open?")
    assert "two dollars" in said
    assert "eight" in said


def test_what_it_does_not_know_it_says() -> None:
    """A question about something else is turned down with the way to the full model."""
    assert ask("who won the football world cup") == UNKNOWN
    assert ask("who won the football world cup", knowledge="no section") == NO_KNOWLEDGE


def test_chat_without_a_user_turn_is_greeted() -> None:
    """When the assistant is to speak first, it greets, and reads the knowledge in idle time."""
    messages = [{"role": "system", "content": KNOWLEDGE}]
    library = Library(by_words)
    assert not library.work()
    assert answer(messages, library) == GREETING
    assert library.work()


@pytest.mark.engines
def test_brain_answers_the_sample_questions() -> None:
    """On the half of the questions that nothing was tuned on, at most one in eight is wrong."""
    library = Library(Embedder().embed)
    prompt = {"role": "system", "content": system_prompt()}
    answer([prompt, {"role": "user", "content": "Who are you?"}], library)
    while library.work():
        pass
    held_out = questions()[1::2]
    wrong = [
        question["text"]
        for question in held_out
        if not is_right(
            answer([prompt, {"role": "user", "content": question["text"]}], library),
            question["expect"],
        )
    ]
    assert len(wrong) <= len(held_out) // 8, wrong
