import asyncio
from collections.abc import Sequence
from typing import Any

from pipecat.frames.frames import FunctionCallFromLLM
from pipecat.services.llm_service import LLMService

from bot.patience import PatientLLMMixin


class Recorder(LLMService[Any]):
    """Notes the calls that it is to carry out."""

    def __init__(self) -> None:
        super().__init__()
        self.called: list[Sequence[FunctionCallFromLLM]] = []

    async def run_function_calls(self, function_calls: Sequence[FunctionCallFromLLM]) -> None:
        """Note the calls."""
        self.called.append(function_calls)


class Patient(PatientLLMMixin[Any], Recorder):
    """The mixin over the recorder."""


def test_a_function_is_called_only_when_the_turn_is_decided() -> None:
    """A call that belongs to an answer that may be withdrawn waits until it cannot be."""

    async def story() -> None:
        decided = asyncio.Event()

        async def until_decided() -> None:
            await decided.wait()

        llm = Patient()
        llm.act_after(until_decided, lambda: True)
        calling = asyncio.create_task(llm.run_function_calls([]))
        await asyncio.sleep(0)
        assert not llm.called
        decided.set()
        await calling
        assert len(llm.called) == 1

    asyncio.run(story())
