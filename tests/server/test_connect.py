"""The door without a media server: what it refuses before anything is started."""

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fastapi import Request
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from bot.settings import BotSettings
from server.app import create_app
from server.connect import read_body
from server.errors import DoorError
from server.origins import is_origin, is_own_page
from server.settings import ServerSettings
from tests.server.stub import STUB

ALLOWED = "https://dashboard.example"


OpenClient = Callable[..., TestClient]


@pytest.fixture
def open_client(tmp_path: Path) -> Iterator[OpenClient]:
    """Starts the real application; nothing listens at its LiveKit address."""
    with ExitStack() as stack:

        def open_with(
            *, client: tuple[str, int] = ("203.0.113.9", 1), **changes: Any
        ) -> TestClient:
            settings = ServerSettings(
                livekit_url="ws://127.0.0.1:9",
                livekit_api_key="key",
                livekit_api_secret="s" * 32,
                session_processes=1,
                **changes,
            )
            bot_settings = BotSettings(
                deepgram_base_url="http://127.0.0.1:9",
                groq_base_url="http://127.0.0.1:9",
                knowledge_dir=tmp_path,
            )
            app = create_app(settings, bot_settings, STUB)
            base_url = "http://door.test"
            return stack.enter_context(TestClient(app, base_url=base_url, client=client))

        yield open_with


@pytest.fixture
def client(open_client: OpenClient) -> TestClient:
    """A door for one public site, asked by its page."""
    client = open_client(allowed_origins=(ALLOWED,))
    client.headers["Origin"] = ALLOWED
    return client


def code(response) -> str:
    return response.json()["error"]["code"]


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "https://dashboard.example.evil.example",
        "https://evil-dashboard.example",
        "http://dashboard.example",
        "https://dashboard.example:8443",
        "https://dashboard.example/",
        "http://door.test",
        "file://door.test",
        "",
    ],
)
def test_connect_refuses_every_origin_that_is_not_listed(client: TestClient, origin: str) -> None:
    """Origins match exactly or not at all: no suffix, no other scheme or port, no `null`."""
    response = client.post("/connect", json={}, headers={"Origin": origin})
    assert (response.status_code, code(response)) == (403, "origin_not_allowed")
    assert "access-control-allow-origin" not in response.headers
    assert response.headers["vary"] == "Origin"


def test_connect_admits_a_listed_origin(client: TestClient) -> None:
    """A listed page gets past the origin check, and may read errors."""
    response = client.post("/connect", json={})
    assert code(response) == "livekit_unreachable"
    assert response.headers["access-control-allow-origin"] == ALLOWED


def test_two_origins_are_none(client: TestClient) -> None:
    """A request that names two origins is no browser's."""
    headers = [("Origin", ALLOWED), ("Origin", "https://evil.example")]
    del client.headers["Origin"]
    assert code(client.post("/connect", headers=headers)) == "origin_not_allowed"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost:7860", "livekit_unreachable"),
        ("127.0.0.1:7860", "livekit_unreachable"),
        ("[::1]:7860", "livekit_unreachable"),
        ("192.168.1.5", "livekit_unreachable"),
        ("rebound.evil.example:7860", "origin_not_allowed"),
        ("localhost.evil.example", "origin_not_allowed"),
        ("127.0.0.1.evil.example", "origin_not_allowed"),
    ],
)
def test_an_open_door_has_its_own_page(open_client: OpenClient, host: str, expected: str) -> None:
    """With no site named the own page connects, but by no name that others can point here."""
    headers = {"Host": host, "Origin": f"http://{host}"}
    assert code(open_client().post("/connect", headers=headers)) == expected


@pytest.mark.parametrize(
    ("client", "headers", "expected"),
    [
        ("127.0.0.1", {}, "livekit_unreachable"),
        ("::1", {}, "livekit_unreachable"),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, "sign_in_required"),
        ("203.0.113.9", {}, "sign_in_required"),
    ],
)
def test_an_open_door_admits_this_machine_only(
    open_client: OpenClient, client: str, headers: dict[str, str], expected: str
) -> None:
    """With no site named a caller that is no page has to be on this machine, not behind a proxy."""
    door = open_client(client=(client, 1))
    assert code(door.post("/connect", headers=headers)) == expected


@pytest.mark.parametrize("client", ["127.0.0.1", "203.0.113.9"])
def test_a_named_site_closes_the_door_to_everybody_else(
    open_client: OpenClient, client: str
) -> None:
    """Once a site is named, callers without its origin need a credential, also on this machine."""
    door = open_client(client=(client, 1), allowed_origins=(ALLOWED,))
    assert code(door.post("/connect")) == "sign_in_required"
    own = {"Host": "localhost", "Origin": "http://localhost"}
    assert code(door.post("/connect", headers=own)) == "origin_not_allowed"


def test_connect_says_that_livekit_cannot_be_reached(client: TestClient) -> None:
    """Without LiveKit the answer is a true 503 that says when to come back."""
    response = client.post("/connect")
    assert (response.status_code, code(response)) == (503, "livekit_unreachable")
    assert response.headers["retry-after"] == "5"
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").json() == {"status": "alive"}


@pytest.mark.parametrize(
    ("body", "media_type", "status", "expected"),
    [
        (b"{", "application/json", 400, "invalid_body"),
        (b"[]", "application/json", 400, "invalid_body"),
        (b'"x"', "application/json", 400, "invalid_body"),
        (b'{"resume": 5}', "application/json", 400, "invalid_body"),
        (b'{"credential": ""}', "application/json", 400, "invalid_body"),
        (b'{"credential": "' + b"x" * 3000 + b'"}', "application/json", 400, "invalid_body"),
        (b"[" * 16_000, "application/json", 400, "invalid_body"),
        (b'{"unknown": 1}', "application/json", 400, "invalid_body"),
        (b"\xff\xfe", "application/json", 400, "invalid_body"),
        (b"{}", "text/plain", 415, "unsupported_media_type"),
        (b"a=b", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b" " * 20_000, "application/json", 413, "body_too_large"),
        (b'{"resume": "' + b"x" * 5000 + b'"}', "application/json", 400, "invalid_body"),
        (b'{"resume": "no.such.token"}', "application/json", 410, "session_gone"),
    ],
)
def test_connect_refuses_a_body_it_does_not_understand(
    client: TestClient, body: bytes, media_type: str, status: int, expected: str
) -> None:
    """Each malformed body has its own status and code, and its content is not echoed."""
    response = client.post("/connect", content=body, headers={"Content-Type": media_type})
    assert (response.status_code, code(response)) == (status, expected)
    assert "xxxx" not in response.text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
BODIES = (
    st.binary(max_size=300)
    | JSON.map(json.dumps).map(str.encode)
    | st.dictionaries(st.sampled_from(["resume", "credential", "x"]), JSON)
    .map(json.dumps)
    .map(str.encode)
)


@given(BODIES)
def test_any_body_is_understood_or_has_a_code(body: bytes) -> None:
    """No bytes lead to anything but a request or a refusal of ours."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {"type": "http", "headers": [(b"content-type", b"application/json")]}
    try:
        told = asyncio.run(read_body(Request(scope, receive))).resume
    except DoorError as error:
        told = error.code
    assert told is None or told == "invalid_body" or 0 < len(told) <= 4096


@given(st.text(max_size=80))
def test_no_text_is_an_origin_by_accident(text: str) -> None:
    """What counts as an origin has a scheme and a host, and nothing else."""
    assert not is_origin(text) or re.fullmatch(r"https?://[^\s/?#@]+", text)
    assert not is_own_page(text, [text])


def test_connect_answers_a_preflight_of_a_listed_page_only(client: TestClient) -> None:
    """A preflight allows POST with JSON to a listed page, and refuses another."""
    ask = {"Access-Control-Request-Method": "POST"}
    good = client.options("/connect", headers={"Origin": ALLOWED, **ask})
    assert good.status_code == 204
    assert good.headers["access-control-allow-origin"] == ALLOWED
    assert good.headers["access-control-allow-methods"] == "POST"
    assert client.options("/connect", headers={"Origin": "null", **ask}).status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "status", "expected"),
    [
        ("GET", "/connect", 405, "method_not_allowed"),
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/static/..%2fapp.py", 404, "not_found"),
        ("GET", "/static/%2e%2e/app.py", 404, "not_found"),
        ("GET", "/session-..%2f..%2fsecret.js", 404, "not_found"),
        ("GET", "/openapi.json", 404, "not_found"),
        ("GET", "/docs", 404, "not_found"),
    ],
)
def test_other_paths_are_refused_in_the_same_form(
    client: TestClient, method: str, path: str, status: int, expected: str
) -> None:
    """Unknown paths, methods and attempts to climb out get a code like every other error."""
    response = client.request(method, path)
    assert (response.status_code, code(response)) == (status, expected)


def test_demo_page_runs_under_a_strict_policy(client: TestClient) -> None:
    """The demo page forbids everything the widget must not need."""
    policy = client.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "require-trusted-types-for 'script'" in policy


def test_metrics_count_refusals_by_their_code(client: TestClient) -> None:
    """GET /metrics shows every refusal under the code that the caller got."""
    client.post("/connect")
    client.post("/connect", headers={"Origin": "https://evil.example"})
    client.post("/connect", content=b"[]", headers={"Content-Type": "application/json"})
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = set(answer.text.splitlines())
    codes = ("livekit_unreachable", "origin_not_allowed", "invalid_body")
    assert {f'voice_connect_errors_total{{code="{code}"}} 1.0' for code in codes} <= lines
    assert {"voice_sessions 0.0", "voice_sessions_max 8.0", "voice_processes_warm 1.0"} <= lines
    assert {"voice_admitting 1.0", "voice_session_starts_total 0.0"} <= lines
