"""What is wrong with settings, in sentences that hold no value."""

from __future__ import annotations

from pydantic import ValidationError


def mistakes_of(error: ValidationError) -> list[str]:
    """Return one sentence a mistake, naming the variable and never its value."""
    mistakes: list[str] = []
    for mistake in error.errors(include_input=False, include_url=False):
        name = "_".join(str(part) for part in mistake["loc"]).upper()
        message = mistake["msg"].removeprefix("Value error, ")
        text = "is required" if mistake["type"] == "missing" else message
        mistakes.append(text if not name or name in text else f"{name}: {text}")
    return mistakes
