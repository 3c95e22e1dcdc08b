"""Why a call did not work."""

from __future__ import annotations


class CallError(Exception):
    """A call that did not work.

    Attributes:
        code: Stable, machine-readable name; the server's own where it refused.
    """

    def __init__(self, code: str, message: str) -> None:
        """Describe one failure in a sentence."""
        super().__init__(message)
        self.code = code
