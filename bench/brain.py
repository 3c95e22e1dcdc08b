"""How often the keyless brain answers right: `python -m bench.brain [--tune] [--verbose]`.

Asks the questions of tests/local/knowledge/questions.toml about the documents beside it, through
the brain itself. By default it reports the half that no threshold was chosen on; `--tune` shows the
other half. An answer is right when it holds the expected words; a question about anything else is
right when the brain says that it does not know.
"""

import argparse
import tomllib
from pathlib import Path
from typing import Any

from local.engines.answers import NO_KNOWLEDGE, UNKNOWN, answer
from local.engines.minilm import Embedder
from local.engines.retrieval import KNOWN_SCORE, Library

_FOLDER = Path(__file__).parents[1] / "tests/local/knowledge"


def system_prompt() -> str:
    """Return a system message with the sample knowledge, as the bot writes it."""
    documents = [
        f'<document source="{path.name}">\n{path.read_text(encoding="utf-8")}\n</document>'
        for path in sorted(_FOLDER.glob("*.md"))
    ]
    return "You are a voice assistant.\n<knowledge>\n" + "\n".join(documents) + "\n</knowledge>"


def questions() -> list[dict[str, Any]]:
    """Return the questions in order."""
    content = (_FOLDER / "questions.toml").read_text(encoding="utf-8")
    return tomllib.loads(content)["questions"]


def is_right(said: str, expect: list[str]) -> bool:
    """Say whether an answer is right."""
    if not expect:
        return said in {UNKNOWN, NO_KNOWLEDGE}
    return all(words in said.lower() for words in expect)


def main() -> None:
    """Print the share of right answers."""
    parser = argparse.ArgumentParser(prog="python -m bench.brain", description=__doc__)
    parser.add_argument("--tune", action="store_true", help="the half the threshold is chosen on")
    parser.add_argument("--verbose", action="store_true", help="print every answer")
    arguments = parser.parse_args()
    library = Library(Embedder().embed)
    prompt = system_prompt()
    # As in the server, which embeds the rest of a site's knowledge while nobody asks.
    answer([{"role": "system", "content": prompt}, {"role": "user", "content": "Hi"}], library)
    while library.work():
        pass
    counts: dict[bool, list[int]] = {True: [0, 0], False: [0, 0]}
    for question in questions()[0 if arguments.tune else 1 :: 2]:
        messages = [
            {"role": "system", "content": prompt},
            {"role": "user", "content": question["text"]},
        ]
        said = answer(messages, library)
        right = is_right(said, question["expect"])
        count = counts[bool(question["expect"])]
        count[0] += right
        count[1] += 1
        if arguments.verbose or not right:
            print(f"{'right' if right else 'WRONG'}  {question['text']}  ->  {said}")
    half = "tuning half" if arguments.tune else "reported half"
    print(f"{half}, score threshold {KNOWN_SCORE}")
    print(f"questions about the site answered right: {counts[True][0]} of {counts[True][1]}")
    print(f"other questions turned down: {counts[False][0]} of {counts[False][1]}")


if __name__ == "__main__":
    main()
