"""A pipeline worker that spends nothing on what nobody looks at.

Defect: Pipecat tells every observer of every frame at every processor, twice. Audio is 25 frames a
second through nine processors, and none of a session's observers reads it.
"""

from __future__ import annotations

from typing import Any

from pipecat.frames.frames import AudioRawFrame
from pipecat.observers.base_observer import FrameProcessed, FramePushed
from pipecat.pipeline.worker import PipelineWorker
from pipecat.pipeline.worker_observer import WorkerObserver


class SparingObserver(WorkerObserver):
    """Pipecat's proxy of all observers, without audio and without what is only processed."""

    async def on_process_frame(self, data: FrameProcessed) -> None:
        """Tell nobody: a session's observers wait for pushes."""

    async def on_push_frame(self, data: FramePushed) -> None:
        """Tell the observers, unless it is audio."""
        if not isinstance(data.frame, AudioRawFrame):
            await super().on_push_frame(data)


class SparingWorker(PipelineWorker):
    """Pipecat's worker with a `SparingObserver`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Create the worker; arguments as Pipecat's."""
        super().__init__(*args, **kwargs)
        observers = self._observer._observers  # pyright: ignore[reportPrivateUsage]
        self._observer = SparingObserver(observers=observers)
