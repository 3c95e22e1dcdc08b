import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.tokens import Keys, bot_token, identity_of, user_token

KEYS = Keys("key", "s" * 32)


def claims(token: str) -> dict:
    return jwt.decode(token, KEYS.api_secret, algorithms=["HS256"])


def test_user_token_grants_speaking_listening_and_typing_in_one_room() -> None:
    """A user token opens one room, for a microphone and data, and nothing else."""
    video = claims(user_token(KEYS, "room-1", "user-1"))["video"]
    assert video == {
        "roomJoin": True,
        "room": "room-1",
        "canPublish": True,
        "canPublishSources": ["microphone"],
        "canSubscribe": True,
        "canPublishData": True,
        "canUpdateOwnMetadata": False,
    }


def test_user_token_lives_a_minute() -> None:
    """A user token that leaks is worthless after 60 seconds."""
    token = claims(user_token(KEYS, "room-1", "user-1"))
    assert token["exp"] - token["nbf"] == 60


def test_bot_token_is_an_agents() -> None:
    """The bot joins as an agent, so that it does not take the one human's place."""
    token = claims(bot_token(KEYS, "room-1", "bot-1"))
    assert token["kind"] == "agent"
    assert token["video"]["agent"] is True
    assert "roomAdmin" not in token["video"]


def test_identity_survives_expiry() -> None:
    """A token that expired still tells whose it was, for coming back to a live session."""
    token = claims(user_token(KEYS, "room-1", "user-1"))
    expired = jwt.encode({**token, "exp": 1, "nbf": 0}, KEYS.api_secret, algorithm="HS256")
    assert identity_of(KEYS, expired) == "user-1"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "garbage",
        jwt.encode({"sub": "user-1", "iss": "key"}, "x" * 32, algorithm="HS256"),
        jwt.encode({"sub": "user-1", "iss": "other"}, KEYS.api_secret, algorithm="HS256"),
        jwt.encode({"iss": "key"}, KEYS.api_secret, algorithm="HS256"),
        jwt.encode({"sub": "user-1", "iss": "key"}, "", algorithm="none"),
    ],
    ids=["empty", "garbage", "other secret", "other issuer", "no subject", "unsigned"],
)
def test_identity_is_refused_for_a_token_that_is_not_ours(token: str) -> None:
    """Only a token signed with our key and secret names an identity."""
    assert identity_of(KEYS, token) is None


def test_each_return_has_a_token_of_its_own() -> None:
    """Tokens of the same second differ, so that a page that goes late takes nobody else along."""
    tokens = {user_token(KEYS, "room-1", "user-1", visit) for visit in range(3)}
    assert len(tokens) == 3


@given(st.text(max_size=300) | st.lists(st.text(max_size=80), min_size=3, max_size=3).map(".".join))
def test_no_text_is_a_token_of_ours(text: str) -> None:
    """Whatever is sent to come back with, or to leave with, names nobody."""
    assert identity_of(KEYS, text) is None


@given(st.dictionaries(st.sampled_from(["exp", "nbf", "iat", "video"]), st.integers(0, 10**10)))
def test_no_claims_make_another_keys_token_ours(more: dict[str, int]) -> None:
    """What another key has signed names nobody, whatever it says."""
    token = jwt.encode({"sub": "user-1", "iss": "key", **more}, "x" * 32, algorithm="HS256")
    assert identity_of(KEYS, token) is None
