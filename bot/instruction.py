"""What the model is told before the first turn: the prompt and the site's knowledge."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from bot.knowledge import load_knowledge


def build_instruction(knowledge_dir: Path) -> str:
    """Return the system instruction: `prompts/assistant.md`, then the knowledge section.

    The text is the same for every session and every turn, so providers can cache it.

    Raises:
        KnowledgeError: see `load_knowledge`.
    """
    prompt = files("bot").joinpath("prompts", "assistant.md").read_text(encoding="utf-8").strip()
    knowledge = load_knowledge(knowledge_dir)
    return f"{prompt}\n\n{knowledge}" if knowledge else prompt
