"""Waiting for one of several things."""

from __future__ import annotations

import asyncio


async def first_of(*events: asyncio.Event) -> asyncio.Event:
    """Return the event that is set first, the earlier named one of several."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    return next(event for event in events if event.is_set())
