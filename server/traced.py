"""Whether traces are collected, and by whom."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from server.settings import ServerSettings

if TYPE_CHECKING:
    from server.traces import Traces


@asynccontextmanager
async def open_traces(settings: ServerSettings) -> AsyncGenerator[Traces | None]:
    """Traces for OTEL_EXPORTER_OTLP_ENDPOINT; without one nothing is collected."""
    if not settings.otel_exporter_otlp_endpoint:
        yield None
        return
    # An extra: only who collects traces installs the SDK.
    from server.traces import Traces  # noqa: PLC0415

    traces = Traces(
        settings.otel_exporter_otlp_endpoint,
        settings.otlp_headers,
        instance=f"{settings.host}:{settings.port}",
    )
    try:
        yield traces
    finally:
        await asyncio.to_thread(traces.close)
