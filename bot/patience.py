"""A language model that answers ahead of the turn's end, and acts only after it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from pipecat.adapters.llm.base_llm_adapter import BaseLLMAdapter
from pipecat.frames.frames import Frame, FunctionCallFromLLM, InputAudioRawFrame
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.llm_service import LLMService

Adapter = TypeVar("Adapter", bound=BaseLLMAdapter[Any])


class PatientLLMMixin(LLMService[Adapter]):
    """Waits for the turn to be decided before it calls a function.

    What a model says can be withdrawn until it is heard; what it does in a page cannot.

    Attributes:
        passes_audio: Whether somebody further on still wants the microphone's audio.
    """

    passes_audio = False

    _until_decided: Callable[[], Awaitable[None]] | None = None
    _is_open: Callable[[], bool] | None = None

    def act_after(
        self, until_decided: Callable[[], Awaitable[None]], is_open: Callable[[], bool]
    ) -> None:
        """Say what to wait for before a function is called, and before a failure is told.

        Args:
            until_decided: Returns when the turn that is being answered has ended.
            is_open: Whether it has not ended yet.
        """
        self._until_decided = until_decided
        self._is_open = is_open

    @property
    def is_decided(self) -> bool:
        """Whether what is being said will be heard."""
        return self._is_open is None or not self._is_open()

    async def decided(self) -> None:
        """Return when it is; who is answering a turn that goes on is cancelled meanwhile."""
        if self._until_decided is not None:
            await self._until_decided()

    async def run_function_calls(self, function_calls: Sequence[FunctionCallFromLLM]) -> None:
        """Call the functions that the model asks for, once its answer stands."""
        await self.decided()
        await super().run_function_calls(function_calls)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Answer contexts; the microphone's audio goes no further, except to a recorder."""
        if not isinstance(frame, InputAudioRawFrame):
            await super().process_frame(frame, direction)
        elif self.passes_audio:
            await self.push_frame(frame, direction)
