"""The chat faults: true-looking refusals, and answers that stall, break or turn to garbage."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from local.wire.errors import OpenAIError
from local.wire.faults import Fault, FaultBoard


class CutError(Exception):
    """The `cut_mid` fault: the connection must break now."""


class GarbageError(Exception):
    """The `garbage` fault: send what is no JSON, and end."""


# Groq's `type` and `code` by status.
_KINDS: dict[int, tuple[str, str, str | None]] = {
    400: ("The request is not valid.", "invalid_request_error", None),
    401: ("Invalid API Key", "invalid_request_error", "invalid_api_key"),
    404: (
        "The model `{model}` does not exist or you do not have access to it.",
        "invalid_request_error",
        "model_not_found",
    ),
    413: (
        "Request too large for model `{model}` on tokens per minute (TPM).",
        "tokens",
        "rate_limit_exceeded",
    ),
    429: (
        "Rate limit reached for model `{model}` on tokens per minute (TPM).",
        "tokens",
        "rate_limit_exceeded",
    ),
    498: ("Flex tier capacity exceeded.", "capacity_exceeded", "capacity_exceeded"),
    503: ("Service Unavailable", "internal_server_error", "service_unavailable"),
}


def status_fault(fault: Fault, model: str) -> OpenAIError:
    """Return the refusal that a `status` fault asks for."""
    status = int(fault.number("code"))
    message, kind, code = _KINDS.get(
        status, ("Internal Server Error", "internal_server_error", None)
    )
    extra: dict[str, Any] = {}
    wanted: str | None = fault.fields["type"]
    if wanted:
        code = wanted
    if wanted == "tool_use_failed":
        message = (
            "Failed to call a function. Please adjust your prompt. "
            "See 'failed_generation' for more details."
        )
        extra = {"failed_generation": "<function=lookup>{</function>"}
    retry_after: float | None = fault.fields["retry_after"]
    return OpenAIError(
        status,
        message.format(model=model),
        kind=kind,
        code=code,
        retry_after_secs=retry_after,
        extra=extra,
    )


async def with_faults(tokens: AsyncGenerator[str], faults: FaultBoard) -> AsyncGenerator[str]:
    """Pass tokens on, as the present fault has it.

    Raises:
        CutError: For `cut_mid`, after its tokens.
        GarbageError: For `garbage`, after its tokens.
    """
    async with aclosing(tokens):
        if stall := faults.take("llm", "stall_before"):
            await asyncio.sleep(stall.secs("ms"))
        fault = faults.take("llm", "stall_mid", "cut_mid", "garbage")
        count = 0
        async for token in tokens:
            if fault and count == int(fault.number("after_tokens")):
                await _break(fault)
            yield token
            count += 1


async def _break(fault: Fault) -> None:
    if fault.kind == "cut_mid":
        raise CutError
    if fault.kind == "garbage":
        raise GarbageError
    await asyncio.sleep(fault.secs("ms"))
