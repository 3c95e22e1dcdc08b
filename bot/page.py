"""The page around the conversation: what it shows, and what it lets the bot do in it.

Both come from a browser, so both are strangers' words: checked, capped, and marked as data where
the model reads them. An action runs in the page alone, which has an allow-list of its own.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import Annotated, Any, Literal, cast

from loguru import logger
from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.processors.aggregators.llm_context import LLMContext, LLMContextMessage
from pipecat.processors.frameworks.rtvi import RTVIFunctionCallReportLevel
from pipecat.services.llm_service import FunctionCallParams, LLMService
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

# About 1,000 tokens, sent with every request: enough for what one screen says.
MAX_PAGE_CHARS = 4_000
# Models call wrong functions, or none, when many are on offer.
MAX_ACTIONS = 16
# What an action answers becomes part of every later request.
MAX_RESULT_CHARS = 2_000
# The page answers within its own 15 s; what is later is a tab that sleeps.
ACTION_TIMEOUT_SECS = 20.0

_NAME = r"^[a-zA-Z][a-zA-Z0-9_]{0,63}$"
_OPENING = "<page>"


class PageError(ValueError):
    """What the page sent is not understood; the message is a code for its developer."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Parameter(_Strict):
    """One flat parameter: models get nested ones wrong."""

    type: Literal["string", "number", "integer", "boolean"]
    description: str = Field(default="", max_length=300)
    enum: list[str] | None = Field(default=None, min_length=1, max_length=50)


class _Parameters(_Strict):
    type: Literal["object"] = "object"
    properties: dict[Annotated[str, Field(pattern=_NAME)], _Parameter] = Field(
        default={}, max_length=12
    )
    required: list[str] = Field(default=[], max_length=12)


class _Action(_Strict):
    name: str = Field(pattern=_NAME)
    description: str = Field(min_length=1, max_length=500)
    parameters: _Parameters = _Parameters()


_ACTIONS = TypeAdapter(Annotated[list[_Action], Field(max_length=MAX_ACTIONS)])


class Page:
    """What one session knows of the page, and the calls that the page is carrying out.

    Attributes:
        report_levels: For Pipecat's RTVI observer: the page learns name and arguments of its own
            actions, and of every other function only that one runs.
    """

    def __init__(self, llm: LLMService[Any], context: LLMContext) -> None:
        """Know nothing yet.

        Args:
            llm: The service whose function calls the page carries out.
            context: The conversation, whose first message shows the page.
        """
        self._llm = llm
        self._context = context
        self._names: frozenset[str] = frozenset()
        self._calls: dict[str, asyncio.Future[Any]] = {}
        self.report_levels = {"*": RTVIFunctionCallReportLevel.NONE}

    def show(self, data: object) -> None:
        """Put what the page shows in front of the conversation, in the place of what it showed.

        Args:
            data: Any JSON value; None takes it away.

        Raises:
            PageError: `invalid_page_context`: longer than MAX_PAGE_CHARS as JSON.
        """
        messages = [m for m in self._context.get_messages() if not is_page(m)]
        if data is not None:
            text = json.dumps(data, ensure_ascii=False)
            if len(text) > MAX_PAGE_CHARS:
                raise PageError("invalid_page_context")
            # Angle brackets as JSON escapes: the section cannot be ended from within.
            text = text.replace("<", "\\u003c").replace(">", "\\u003e")
            # First, so that the last message stays what the visitor said.
            messages.insert(0, {"role": "user", "content": f"{_OPENING}{text}</page>"})
        self._context.set_messages(messages)

    def offer(self, data: object) -> None:
        """Offer the page's actions to the model, in the place of those offered before.

        Raises:
            PageError: `invalid_actions`: not a list of named, described, flat functions.
        """
        try:
            actions = _ACTIONS.validate_python(data, strict=True)
        except ValidationError:
            raise PageError("invalid_actions") from None
        names = frozenset(action.name for action in actions)
        known = all(
            set(action.parameters.required) <= set(action.parameters.properties)
            for action in actions
        )
        if len(names) != len(actions) or not known:
            raise PageError("invalid_actions")
        for name in self._names - names:
            self._llm.unregister_function(name)
            self.report_levels.pop(name, None)
        for name in names - self._names:
            self._llm.register_function(name, self._call, timeout_secs=ACTION_TIMEOUT_SECS)
            self.report_levels[name] = RTVIFunctionCallReportLevel.ARGUMENTS
        self._names = names
        if actions:
            self._context.set_tools([_schema(action) for action in actions])
        else:
            self._context.set_tools()

    def answer(self, data: object) -> None:
        """Take the page's result of a call that is waiting for one.

        Raises:
            PageError: `unknown_call`: no such call waits.
        """
        fields = cast("dict[str, Any]", data) if isinstance(data, dict) else {}
        waiting = self._calls.get(str(fields.get("tool_call_id", "")))
        if waiting is None or waiting.done():
            raise PageError("unknown_call")
        result = fields.get("result")
        if len(json.dumps(result, ensure_ascii=False)) > MAX_RESULT_CHARS:
            result = {"error": "result_too_large"}
        waiting.set_result(result)

    async def _call(self, params: FunctionCallParams) -> None:
        """Wait for the page, which has seen the call by Pipecat's RTVI observer."""
        waiting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._calls[params.tool_call_id] = waiting
        try:
            result = await waiting
        finally:
            del self._calls[params.tool_call_id]
        logger.info("page action {} was carried out", params.function_name)
        await params.result_callback(result)


def _schema(action: _Action) -> FunctionSchema:
    properties = {
        name: parameter.model_dump(exclude_defaults=True)
        for name, parameter in action.parameters.properties.items()
    }
    required = action.parameters.required
    return FunctionSchema(action.name, action.description, properties, required)


def is_page(message: LLMContextMessage) -> bool:
    """Whether a message of the conversation is the one that shows the page."""
    content = message.get("content") if isinstance(message, dict) else None
    return isinstance(content, str) and bool(re.match(_OPENING, content))
