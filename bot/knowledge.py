"""The site's knowledge files, as they reach the model: inside the system prompt."""

from __future__ import annotations

import re
from pathlib import Path

from bot.errors import KnowledgeError

SUFFIXES = frozenset({".md", ".txt"})

# The whole knowledge travels in every request. 24 KB are about 6,000 tokens: below the smallest
# per-request limit in use (8,000 tokens a minute on Groq's free tier) with room for the talk.
MAX_KNOWLEDGE_BYTES = 24_000


# The sections of the instruction. Inside a file they would end a section early, or begin one.
_TAG = re.compile(r"<\s*/?\s*(document|knowledge|page)\b[^<>]*>", re.IGNORECASE)


def _without_tags(text: str) -> str:
    """Return the text without such tags, also those that stand together when others are gone."""
    while (cleaned := _TAG.sub("", text)) != text:
        text = cleaned
    return text


def load_knowledge(directory: Path) -> str:
    """Read every `.md` and `.txt` file of a directory into one prompt section.

    Args:
        directory: Folder of UTF-8 files, read in name order; sub-folders are not read.

    Returns:
        `<knowledge>` with one `<document source="name">` a file, or "" when there is none.

    Raises:
        KnowledgeError: the directory is missing, a file is not UTF-8, or all of it is too large.
    """
    if not directory.is_dir():
        raise KnowledgeError(f"KNOWLEDGE_DIR: no such directory: {directory}")
    documents: list[str] = []
    for path in sorted(directory.iterdir()):
        if path.suffix not in SUFFIXES or not path.is_file():
            continue
        try:
            text = path.read_text(encoding="utf-8").strip()
        except UnicodeDecodeError as error:
            raise KnowledgeError(f"KNOWLEDGE_DIR: {path.name} is not UTF-8 text") from error
        name = re.sub(r'["<>]', "", path.name)
        documents.append(f'<document source="{name}">\n{_without_tags(text)}\n</document>')
    if not documents:
        return ""
    section = "<knowledge>\n" + "\n".join(documents) + "\n</knowledge>"
    size_bytes = len(section.encode())
    if size_bytes > MAX_KNOWLEDGE_BYTES:
        raise KnowledgeError(
            f"KNOWLEDGE_DIR holds {size_bytes} bytes; at most {MAX_KNOWLEDGE_BYTES} fit in a prompt"
        )
    return section
