"""What a check of a set-up finds: a code for machines and a sentence that says what to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        code: Stable, machine-readable name.
        remedy: One sentence that says what to do; holds no secret.
        is_fatal: Whether conversations fail; otherwise it is advice.
    """

    code: str
    remedy: str
    is_fatal: bool = True
