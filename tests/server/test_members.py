"""What a member of a cluster makes of the others, without any of them."""

from __future__ import annotations

import pytest

from server.cluster.joining import own_url
from server.cluster.notes import Member
from server.cluster.peers import LEAVE, START
from server.cluster.signing import SignatureError, check, key_of, signature
from server.cluster.view import View
from tests.server.test_doorkeeper import settings_of

SECRET = "s" * 40


def test_a_word_is_good_for_one_request_and_some_seconds() -> None:
    """An old one is refused, and one for something else."""
    key = key_of(SECRET)
    good = signature(key, START, b"{}")
    check(key, START, b"{}", good)
    for path, body in ((LEAVE, b"{}"), (START, b"[]")):
        with pytest.raises(SignatureError):
            check(key, path, body, good)


def test_the_least_occupied_comes_first() -> None:
    """By share, not by number; one that refuses is left out, what was placed just now counts."""
    view = View()
    me = Member(id="me", url="u", sessions=1, max_sessions=2)
    big = Member(id="big", url="u", sessions=2, max_sessions=8)
    full = Member(id="full", url="u", sessions=0, max_sessions=8, refuses="server_busy")
    view.look([me, big, full])
    assert [one.id for one in view.ranked(me)] == ["big", "me"]
    for _ in range(3):
        view.placed(big)
    assert [one.id for one in view.ranked(me)] == ["me", "big"]


def test_how_a_member_is_reached() -> None:
    """By HOST; where that is every address, by the one that Redis is reached from."""
    common = {"cluster_redis_url": "redis://127.0.0.1:6379/0", "port": 7860}
    assert own_url(settings_of(**common)) == "http://127.0.0.1:7860"
    assert own_url(settings_of(**common, host="0.0.0.0")) == "http://127.0.0.1:7860"  # noqa: S104
    assert own_url(settings_of(**common, host="::1")) == "http://[::1]:7860"
