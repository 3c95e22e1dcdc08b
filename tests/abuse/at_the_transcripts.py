"""Attempts at what is kept of conversations, and at `POST /leave`."""

from __future__ import annotations

import json
from collections.abc import Mapping

import aiohttp

from local.caller import Caller, Invitation
from tests.abuse.field import KEY, OTHER, OTHER_KEY, PUBLIC, SITE, Field, GotInError, attempt

KEPT = "Kept conversations"
UNKNOWN = "404 transcript_unknown"
# A victim of this group's own: quotas count by user.
VICTIM = "victim"


async def victims_session(field: Field) -> str:
    """Return the id of a kept conversation of the victim's, which is begun when there is none."""
    found = await _asked(field, "GET", "/transcripts", field.credential(VICTIM))
    for one in found["transcripts"]:
        return str(one["sessionId"])
    status, answer = await field.ask({"credential": field.credential(VICTIM), "record": True})
    if status != 200 or not answer["recorded"]:
        raise RuntimeError(f"an honest user is not recorded: {answer}")
    invitation = Invitation(answer["url"], answer["token"], answer["room"], answer["sessionId"])
    async with Caller(invitation, microphone=False) as caller:
        await caller.ready()
        await caller.send("send-text", {"content": "What is a lot?"})
        await caller.wait_for("bot-stopped-speaking", count=2)
        await caller.send("disconnect-bot")
        await caller.disconnected.wait()
    while not (await _asked(field, "GET", "/transcripts", field.credential(VICTIM)))["transcripts"]:
        pass
    return str(answer["sessionId"])


async def _request(
    field: Field, method: str, path: str, headers: Mapping[str, str]
) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as http,
        http.request(method, f"{field.url}{path}", headers=headers) as answer,
    ):
        return answer.status, await answer.text()


async def _asked(field: Field, method: str, path: str, credential: str) -> dict[str, list[dict]]:
    headers = {"Authorization": f"Bearer {credential}"}
    return json.loads((await _request(field, method, path, headers))[1])


async def _code(field: Field, method: str, path: str, headers: Mapping[str, str]) -> str:
    status, text = await _request(field, method, path, headers)
    if status < 300:
        raise GotInError(f"{method} {path} was answered {status}")
    return f"{status} {json.loads(text)['error']['code']}"


def _bearer(credential: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {credential}"}


@attempt(KEPT, "another user's conversation, by its id", UNKNOWN)
async def others(field: Field) -> str:
    """A user of the same site, with a good credential."""
    session = await victims_session(field)
    return await _code(field, "GET", f"/transcripts/{session}", _bearer(field.credential("thief")))


@attempt(KEPT, "the same, by a user of the same name at another site", UNKNOWN)
async def namesake(field: Field) -> str:
    """Names are a site's own."""
    session = await victims_session(field)
    credential = field.credential(VICTIM, OTHER, OTHER_KEY)
    return await _code(field, "GET", f"/transcripts/{session}", _bearer(credential))


@attempt(KEPT, "a name that would hash like another site's user", "200, no conversation")
async def glued(field: Field) -> str:
    """Site and user are joined for the folder's name: a line break in the user's is the joint."""
    await victims_session(field)
    credential = field.credential(f"{SITE}\n{VICTIM}", OTHER, OTHER_KEY)
    found = await _asked(field, "GET", "/transcripts", credential)
    if found["transcripts"]:
        raise GotInError("another's conversations are listed")
    return "200, no conversation"


@attempt(KEPT, "deleting another user's conversation", f"{UNKNOWN}, and it is there")
async def deleted(field: Field) -> str:
    """A user of the same site."""
    session = await victims_session(field)
    credential = field.credential("thief")
    code = await _code(field, "DELETE", f"/transcripts/{session}", _bearer(credential))
    kept = await _asked(field, "GET", "/transcripts", field.credential(VICTIM))
    if session not in {one["sessionId"] for one in kept["transcripts"]}:
        raise GotInError("it is gone")
    return f"{code}, and it is there"


@attempt(KEPT, "a list without a credential", "401 sign_in_required")
async def nobody(field: Field) -> str:
    """As a browser would ask."""
    return await _code(field, "GET", "/transcripts", {"Origin": SITE})


@attempt(KEPT, "with the room's token for a credential", "401 sign_in_wrong_site")
async def with_room_token(field: Field) -> str:
    """The token is in the page, where scripts are."""
    token = (await field.enter("tokenholder")).token
    return await _code(field, "GET", "/transcripts", _bearer(token))


@attempt(KEPT, "a credential of one's own making for it", "401 sign_in_invalid")
async def forged(field: Field) -> str:
    """The other site knows its own secret only."""
    return await _code(
        field, "GET", "/transcripts", _bearer(field.credential(VICTIM, SITE, OTHER_KEY))
    )


@attempt(KEPT, "a path out of the folder", UNKNOWN)
async def climbing(field: Field) -> str:
    """As an id that is none."""
    path = "/transcripts/..%2f..%2f..%2fetc%2fpasswd"
    credential = field.credential("climber", SITE, KEY)
    code = await _code(field, "GET", path, _bearer(credential))
    return UNKNOWN if code == "404 not_found" else code


@attempt(KEPT, "having a public visitor's conversation kept", "not recorded")
async def unowned(field: Field) -> str:
    """Who has not signed in could never ask for it."""
    status, answer = await field.ask({"record": True}, origin=PUBLIC)
    if status != 200:
        raise RuntimeError(answer)
    if answer["recorded"]:
        raise GotInError("it is kept")
    return "not recorded"


@attempt("Going for others", "hanging somebody up by an older token of theirs", "goes on")
async def old_token(field: Field) -> str:
    """Only the token that was given out last ends a visit."""
    async with field.talking("leaver") as caller:
        old = caller.invitation.token
        body = {"credential": field.credential("leaver"), "resume": old}
        status, answer = await field.ask(body)
        if status != 200:
            raise RuntimeError(answer)
        for token in (old, "", "x" * 5000, "no.such.token"):
            async with aiohttp.ClientSession() as http, http.post(f"{field.url}/leave", data=token):
                pass
        await caller.send("send-text", {"content": "Are you there?"})
        await caller.wait_for("bot-started-speaking", count=2)
        if caller.disconnected.is_set():
            raise GotInError("the call has ended")
    return "goes on"
