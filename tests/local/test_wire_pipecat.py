"""Pipecat's own Deepgram and Groq services, unmodified, over the wire."""

import asyncio
import warnings

import pytest

from tests.local.wire_server import WireServer, run, silence, tone

# Pipecat imports audioop, which warns on Python 3.11 and 3.12.
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from pipecat.frames.frames import (
        EndFrame,
        Frame,
        InputAudioRawFrame,
        LLMContextFrame,
        LLMTextFrame,
        StartFrame,
        TranscriptionFrame,
        TTSAudioRawFrame,
        TTSSpeakFrame,
        TTSStoppedFrame,
        VADUserStoppedSpeakingFrame,
    )
    from pipecat.pipeline.pipeline import Pipeline
    from pipecat.pipeline.worker import PipelineParams, PipelineWorker
    from pipecat.processors.aggregators.llm_context import LLMContext
    from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
    from pipecat.services.deepgram.stt import DeepgramSTTService
    from pipecat.services.deepgram.tts import DeepgramTTSService
    from pipecat.services.groq.llm import GroqLLMService
    from pipecat.workers.runner import WorkerRunner

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class Collector(FrameProcessor):
    """Keeps the frames that reach it and tells when one of a kind has come."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[Frame] = []
        self.came = asyncio.Condition()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Keep the frame and pass it on."""
        await super().process_frame(frame, direction)
        async with self.came:
            self.frames.append(frame)
            self.came.notify_all()
        await self.push_frame(frame, direction)

    def of(self, kind: type[Frame]) -> list[Frame]:
        """Return the frames of a kind."""
        return [frame for frame in self.frames if isinstance(frame, kind)]

    async def until(self, kind: type[Frame], count: int = 1) -> None:
        """Wait for as many frames of a kind."""
        async with self.came:
            await self.came.wait_for(lambda: len(self.of(kind)) >= count)


async def drive(service: FrameProcessor, frames: list[Frame], kind: type[Frame]) -> Collector:
    """Run a service in a pipeline, queue frames, and wait until a kind of frame comes out."""
    collector = Collector()
    worker = PipelineWorker(
        Pipeline([service, collector]),
        params=PipelineParams(audio_in_sample_rate=16_000, audio_out_sample_rate=24_000),
        enable_rtvi=False,
    )
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    await collector.until(StartFrame)
    await worker.queue_frames(frames)
    await collector.until(kind)
    await worker.queue_frames([EndFrame()])
    await running
    return collector


def test_stt_service_gets_a_finalized_transcript(server: WireServer) -> None:
    """DeepgramSTTService turns audio and the end of speech into a TranscriptionFrame."""

    async def story() -> str:
        service = DeepgramSTTService(
            api_key="any-key",
            base_url=server.url,
            settings=DeepgramSTTService.Settings(endpointing=False),
        )
        audio = tone(0.4) + silence(0.2)
        frames: list[Frame] = [
            InputAudioRawFrame(audio[i : i + 640], 16_000, 1) for i in range(0, len(audio), 640)
        ]
        frames.append(VADUserStoppedSpeakingFrame())
        collector = await drive(service, frames, TranscriptionFrame)
        [frame] = collector.of(TranscriptionFrame)
        assert isinstance(frame, TranscriptionFrame)
        assert frame.finalized
        return frame.text

    assert run(story(), 30) == "This is utterance 1, I say."


def test_tts_service_gets_audio_until_it_is_flushed(server: WireServer) -> None:
    """DeepgramTTSService turns a sentence into audio frames and a stop."""

    async def story() -> float:
        service = DeepgramTTSService(
            api_key="any-key",
            base_url=server.ws_url,
            settings=DeepgramTTSService.Settings(voice="aura-2-helena-en"),
        )
        collector = await drive(service, [TTSSpeakFrame("Hello there.")], TTSStoppedFrame)
        frames = collector.of(TTSAudioRawFrame)
        return sum(len(frame.audio) for frame in frames if isinstance(frame, TTSAudioRawFrame))

    assert run(story(), 30) / 48_000 == pytest.approx(12 / 15, abs=0.1)


def test_llm_service_streams_text(server: WireServer) -> None:
    """GroqLLMService streams the answer as text frames."""

    async def story() -> str:
        service = GroqLLMService(api_key="any-key", base_url=f"{server.url}/openai/v1")
        context = LLMContext([{"role": "user", "content": "hello"}])
        collector = await drive(service, [LLMContextFrame(context)], LLMTextFrame)
        # The service leaves its HTTP client to the garbage collector.
        await service._client.close()
        frames = collector.of(LLMTextFrame)
        return "".join(frame.text for frame in frames if isinstance(frame, LLMTextFrame))

    assert run(story(), 30).startswith("Sure, here is")
