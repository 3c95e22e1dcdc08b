"""livekit-agents' voice agent as its documentation describes it, on Deepgram and an OpenAI API.

Run by livekit-agents' own command: `python bench/peers/livekit_agents.py start`. Silero decides
about turns and interruptions, because the default models of 1.8 for both run in LiveKit's cloud;
delays, preemptive generation and services keep their defaults. The greeting is a fixed sentence.
Two settings differ from those of `start`: a worker under load takes sessions all the same, and it
is asked for by name. This program imports nothing of this project.

References: docs.livekit.io/agents, "Voice AI quickstart" and "Turns overview" (November 2026,
livekit-agents 1.8.9).
"""

# pyright: reportMissingImports=false, reportMissingModuleSource=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
# pyright: reportUntypedFunctionDecorator=false

import os
from pathlib import Path

from livekit.agents import Agent, AgentServer, AgentSession, JobContext, JobProcess, cli
from livekit.plugins import deepgram, openai, silero

# The address of the delay server, http://host:port; a program of its own has its own settings.
PROVIDERS = os.environ["BENCH_PROVIDERS_URL"]  # noqa: TID251
PORT = int(os.environ["BENCH_PORT"])  # noqa: TID251
# Made once LiveKit knows this worker; what is asked for earlier is never answered.
REGISTERED = Path(os.environ["BENCH_REGISTERED"])  # noqa: TID251
_KEY = "local"
_INSTRUCTION = "You are a friendly voice assistant. Keep your answers short and conversational."
_GREETING = "Hello! I am a voice assistant. How can I help you?"


def prewarm(process: JobProcess) -> None:
    """Load Silero before a session needs it."""
    process.userdata["vad"] = silero.VAD.load()


def no_load() -> float:
    """Say that the machine is idle: LiveKit gives no session to a worker on a busy one."""
    return 0.0


server = AgentServer(
    host="127.0.0.1", port=PORT, load_fnc=no_load, setup_fnc=prewarm, log_level="WARN"
)


@server.once("worker_registered")
def registered(*_: object) -> None:
    """Tell the benchmark that it can begin."""
    REGISTERED.touch()


@server.rtc_session(agent_name="bench")
async def talk(context: JobContext) -> None:
    """Run one session; livekit-agents calls this in a process of its own."""
    session = AgentSession(
        vad=context.proc.userdata["vad"],
        stt=deepgram.STT(api_key=_KEY, base_url=f"{PROVIDERS}/v1/listen"),
        llm=openai.LLM(
            model="openai/gpt-oss-120b", api_key=_KEY, base_url=f"{PROVIDERS}/openai/v1"
        ),
        tts=deepgram.TTS(api_key=_KEY, base_url=f"{PROVIDERS}/v1/speak"),
        turn_handling={"turn_detection": "vad", "interruption": {"mode": "vad"}},
    )
    await session.start(agent=Agent(instructions=_INSTRUCTION), room=context.room)
    session.say(_GREETING)


if __name__ == "__main__":
    cli.run_app(server)
