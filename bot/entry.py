"""Pipecat's entry contract: `bot(runner_args)`, so its runner, evals and cloud start this bot."""

from __future__ import annotations

import uuid

from pipecat.runner.types import LiveKitRunnerArguments, RunnerArguments
from pipecat.runner.utils import (
    create_transport,  # pyright: ignore[reportUnknownVariableType] - its factories are untyped
)
from pipecat.transports.base_transport import TransportParams

from bot.instruction import build_instruction
from bot.joining import livekit_session
from bot.session import Session, SessionInfo
from bot.settings import BotSettings


def _media_params() -> TransportParams:
    return TransportParams(audio_in_enabled=True, audio_out_enabled=True)


async def bot(runner_args: RunnerArguments) -> None:
    """Run one session for whoever called; returns when it has ended.

    Args:
        runner_args: Pipecat's arguments. LiveKit rooms get the product's own transport; any other
            kind gets Pipecat's.

    Raises:
        pydantic.ValidationError: a setting is missing (the message names it).
    """
    settings = BotSettings()
    instruction = build_instruction(settings.knowledge_dir)
    info = SessionInfo(session_id=runner_args.session_id or str(uuid.uuid4()))
    if isinstance(runner_args, LiveKitRunnerArguments):
        session = livekit_session(
            info,
            url=runner_args.url,
            token=runner_args.token,
            room=runner_args.room_name,
            settings=settings,
            instruction=instruction,
        )
    else:
        kinds = ("webrtc", "eval", "websocket")
        transport = await create_transport(runner_args, dict.fromkeys(kinds, _media_params))
        session = Session(info, transport, settings, instruction)
    await session.run()
