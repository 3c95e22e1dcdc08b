"""GET and DELETE /transcripts: what is kept of a user, for the site that signs this user in."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import FileResponse, JSONResponse

from server import errors
from server.doorkeeper import Doorkeeper
from server.records import Owner, Records

router = APIRouter()

_ID = re.compile(r"[0-9a-f]{1,64}")
_PRIVATE = {"Cache-Control": "no-store"}


def _records(request: Request) -> Records:
    records: Records | None = request.app.state.records
    if records is None:
        raise errors.transcripts_off()
    return records


async def _owner(request: Request) -> Owner:
    """Return whom the request's credential speaks for; it is used up by this."""
    _records(request)
    keeper: Doorkeeper = request.app.state.keeper
    scheme, _, credential = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not credential:
        raise errors.sign_in_required()
    signed = await keeper.signed_in(credential.strip(), keeper.origin_of(request))
    return Owner(signed.site, signed.user)


def _known_form(session_id: str) -> str:
    """Return a session's id; what has another form names no conversation, and no file."""
    if not _ID.fullmatch(session_id):
        raise errors.transcript_unknown()
    return session_id


SessionId = Annotated[str, Depends(_known_form)]
Asking = Annotated[Owner, Depends(_owner)]
Kept = Annotated[Records, Depends(_records)]


@router.get("/transcripts")
async def show_all(records: Kept, owner: Asking) -> Response:
    """The user's conversations, the latest first."""
    kept = await asyncio.to_thread(records.all_of, owner)
    return JSONResponse({"transcripts": kept}, headers=_PRIVATE)


@router.get("/transcripts/{session_id}")
async def show(session_id: SessionId, records: Kept, owner: Asking) -> Response:
    """One conversation with its words."""
    words = await asyncio.to_thread(records.words_of, owner, session_id)
    if words is None:
        raise errors.transcript_unknown()
    return JSONResponse(words, headers=_PRIVATE)


@router.get("/transcripts/{session_id}/sound")
async def play(session_id: SessionId, records: Kept, owner: Asking) -> Response:
    """Both voices of one conversation."""
    file = await asyncio.to_thread(records.sound_of, owner, session_id)
    if file is None:
        raise errors.transcript_unknown()
    return FileResponse(file, media_type="audio/wav", headers=_PRIVATE)


@router.delete("/transcripts/{session_id}")
async def forget(session_id: SessionId, records: Kept, owner: Asking) -> Response:
    """One conversation is deleted."""
    if not await asyncio.to_thread(records.forget, owner, session_id):
        raise errors.transcript_unknown()
    return Response(status_code=204)


@router.delete("/transcripts")
async def forget_all(records: Kept, owner: Asking) -> Response:
    """Everything that is kept of the user is deleted."""
    await asyncio.to_thread(records.forget_all, owner)
    return Response(status_code=204)
