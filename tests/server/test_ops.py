"""/ops: nobody sees it without its password, and what it shows is true."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from bot.channel import Turn
from bot.reasons import EndReason
from bot.waterfall import SEGMENTS
from server.chronicle import HOUR_SECS, MAX_PAST, Chronicle
from server.ledger import LOGINS_PER_MIN
from server.metrics import Metrics
from server.ops import COOKIE, MAX_LOGINS, Logins
from server.settings import MIN_PASSWORD_CHARS, ServerSettings
from tests.server.test_connect import OpenClient, code, open_client

__all__ = ["open_client"]

PASSWORD = "correct horse battery"


@pytest.fixture
def client(open_client: OpenClient) -> TestClient:
    """A door with an operator's page."""
    return open_client(ops_password=PASSWORD)


def log_in(client: TestClient, password: str = PASSWORD, **headers: str):
    return client.post("/ops/login", json={"password": password}, headers=headers)


def test_without_a_password_there_is_no_page(open_client: OpenClient) -> None:
    """A server that was not told one shows nothing, and takes no password, not even none."""
    closed = open_client()
    for method, path in (("GET", "/ops"), ("GET", "/ops/data"), ("POST", "/ops/logout")):
        assert code(closed.request(method, path)) == "not_found"
    assert code(log_in(closed, "")) == "not_found"


def test_nobody_sees_it_who_has_not_logged_in(client: TestClient) -> None:
    """The page is a form until then; a cookie of one's own making is none."""
    page = client.get("/ops")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert code(client.get("/ops/data")) == "ops_login_required"
    forged = client.get("/ops/data", headers={"Cookie": f"{COOKIE}=forged"})
    assert (forged.status_code, code(forged)) == (401, "ops_login_required")


def test_who_knows_the_password_is_let_in_and_out(client: TestClient) -> None:
    """The cookie is no script's, no other site's, and good for nothing after a logout."""
    answer = log_in(client)
    assert answer.status_code == 204
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/ops" in cookie
    assert "secure" not in cookie
    shown = client.get("/ops/data")
    assert (shown.status_code, shown.headers["cache-control"]) == (200, "no-store")
    assert shown.json()["now"]["max_sessions"] == 8
    assert shown.json()["servers"] == []
    kept = client.cookies[COOKIE]
    assert client.post("/ops/logout").status_code == 204
    again = client.get("/ops/data", headers={"Cookie": f"{COOKIE}={kept}"})
    assert code(again) == "ops_login_required"


def test_behind_a_proxy_with_tls_the_cookie_stays_there(client: TestClient) -> None:
    """A browser then sends it over https alone."""
    answer = log_in(client, **{"X-Forwarded-Proto": "https"})
    assert "; secure" in answer.headers["set-cookie"].lower()


def test_a_password_cannot_be_guessed(client: TestClient) -> None:
    """After a few tries a minute nobody at this address is asked any more, right or wrong."""
    for _ in range(LOGINS_PER_MIN):
        assert code(log_in(client, "wrong")) == "ops_password_wrong"
    refused = log_in(client)
    assert (refused.status_code, code(refused)) == (429, "rate_limited")
    assert int(refused.headers["retry-after"]) > 0


@pytest.mark.parametrize("body", ["", "{", "[]", '{"password": 1}', '{"password": "x", "y": 1}'])
def test_a_login_that_is_none(client: TestClient, body: str) -> None:
    """What is no password is told so."""
    assert code(client.post("/ops/login", content=body)) == "invalid_body"


def test_a_short_password_is_a_wrong_setting() -> None:
    """One that can be guessed is not taken."""
    with pytest.raises(ValueError, match="OPS_PASSWORD needs"):
        ServerSettings(
            livekit_url="ws://h",
            livekit_api_key="k",
            livekit_api_secret="s" * 32,
            ops_password="x" * (MIN_PASSWORD_CHARS - 1),
        )


def test_logins_are_bounded() -> None:
    """Who logs in again and again fills no memory; the oldest is logged out."""
    logins = Logins(PASSWORD)
    tokens = [logins.enter(PASSWORD) for _ in range(MAX_LOGINS + 1)]
    assert all(tokens)
    assert not logins.knows(tokens[0] or "")
    assert logins.knows(tokens[-1] or "")


class Clock:
    """Monotonic seconds, moved by hand."""

    def __init__(self) -> None:
        self.now_secs = 1000.0

    def __call__(self) -> float:
        return self.now_secs


def turn(session_id: str, secs: float = 0.1) -> Turn:
    segments = dict.fromkeys(SEGMENTS, secs)
    return Turn(session_id=session_id, segments_secs=segments, answers_begun=1)


def test_a_session_is_told_from_its_beginning_to_its_end() -> None:
    """When its bot was there, each turn with its segments, why it ended and what went wrong."""
    clock = Clock()
    chronicle = Chronicle(clock)
    chronicle.began("s-1", "https://a.example")
    clock.now_secs += 0.5
    chronicle.ready("s-1")
    clock.now_secs += 9.5
    chronicle.turn(turn("s-1"))
    clock.now_secs += 10
    chronicle.ended("s-1", EndReason.USER_LEFT, {"llm_failed": 2})
    clock.now_secs += 40
    told = chronicle.told()
    (session,) = told["sessions"]
    assert session == {
        "id": "s-1",
        "site": "https://a.example",
        "ago_secs": 60.0,
        "lasted_secs": 20.0,
        "ready_secs": 0.5,
        "turns": [{"at_secs": 10.0, "segments_secs": dict.fromkeys(SEGMENTS, 0.1)}],
        "reason": "user_left",
        "errors": {"llm_failed": 2},
    }
    assert told["waits"] == [{"ago_secs": 50.0, "secs": 0.6}]
    assert told["errors"] == {"llm_failed": 2}
    assert told["talked_secs"] == {"https://a.example": 20}


def test_what_is_older_than_an_hour_is_not_told() -> None:
    """Waits, errors, refusals and samples go; who is talking stays, however long."""
    clock = Clock()
    chronicle = Chronicle(clock)
    chronicle.began("old", "s")
    chronicle.began("gone", "s")
    chronicle.turn(turn("old"))
    chronicle.ended("gone", EndReason.IDLE, {"stt_lost": 1})
    chronicle.refused("server_full")
    chronicle.sample(1, 0.5, 2.0)
    clock.now_secs += HOUR_SECS + 1
    told = chronicle.told()
    gone = {name: told[name] for name in ("waits", "errors", "refused", "samples")}
    assert gone == {"waits": [], "errors": {}, "refused": {}, "samples": []}
    assert [one["id"] for one in told["sessions"]] == ["old", "gone"]


def test_what_is_kept_is_bounded() -> None:
    """A server that runs for weeks keeps its last hundred sessions, and every one that goes on."""
    chronicle = Chronicle()
    for number in range(3 * MAX_PAST):
        chronicle.began(f"s-{number}", "s")
        chronicle.turn(turn(f"s-{number}"))
        chronicle.ended(f"s-{number}", EndReason.IDLE, {})
    chronicle.began("live", "s")
    told = chronicle.told()["sessions"]
    assert len(told) == MAX_PAST + 1
    assert told[0]["id"] == "live"


def test_metrics_and_chronicle_count_the_same() -> None:
    """What Prometheus is told and what the page shows are one event."""
    metrics = Metrics()
    metrics.session_began("s-1", "s")
    metrics.reported(turn("s-1"))
    metrics.session_ended("s-1", EndReason.IDLE, {"tts_lost": 3})
    metrics.connect_refused("server_full")
    text = metrics.text().decode()
    assert 'voice_session_errors_total{code="tts_lost"} 3.0' in text
    assert 'voice_connect_errors_total{code="server_full"} 1.0' in text
    assert 'voice_session_ends_total{reason="idle"} 1.0' in text
    told = metrics.chronicle.told()
    assert (told["errors"], told["refused"]) == ({"tts_lost": 3}, {"server_full": 1})
    assert len(told["waits"]) == 1
