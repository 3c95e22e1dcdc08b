"""The door without a media server: what it refuses before anything is started."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from bot.settings import BotSettings
from server.app import create_app
from server.settings import ServerSettings
from tests.server.stub import STUB

ALLOWED = "https://dashboard.example"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    """The real application; nothing listens at its LiveKit address."""
    settings = ServerSettings(
        livekit_url="ws://127.0.0.1:9",
        livekit_api_key="key",
        livekit_api_secret="s" * 32,
        allowed_origins=(ALLOWED,),
        session_processes=1,
    )
    bot_settings = BotSettings(
        deepgram_base_url="http://127.0.0.1:9",
        groq_base_url="http://127.0.0.1:9",
        knowledge_dir=tmp_path,
    )
    app = create_app(settings, bot_settings, STUB)
    with TestClient(app, base_url="http://door.test") as client:
        yield client


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


@pytest.mark.parametrize("origin", [ALLOWED, "http://door.test"])
def test_connect_admits_a_listed_origin_and_its_own_page(client: TestClient, origin: str) -> None:
    """A listed page and the server's own page get past the origin check, and may read errors."""
    response = client.post("/connect", json={}, headers={"Origin": origin})
    assert code(response) == "livekit_unreachable"
    assert response.headers["access-control-allow-origin"] == origin


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
