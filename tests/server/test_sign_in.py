"""The credentials by which a site vouches for its user, and every way to get one wrong."""

import json
import shutil
import subprocess
import time
from base64 import urlsafe_b64encode
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.sign_in import sign_in
from server.errors import DoorError
from server.sign_in import LEEWAY_SECS, MAX_LIFETIME_SECS, SignIn
from tests.conftest import REPOSITORY

SITE, KEY, OLD_KEY = "https://dashboard.example", "k" * 32, "o" * 32
OTHER, OTHER_KEY = "https://other.example", "x" * 32
DOOR = SignIn({SITE: [OLD_KEY, KEY], OTHER: [OTHER_KEY]})


def claims(**changes: Any) -> dict[str, Any]:
    now = time.time()
    good = {
        "iss": SITE,
        "aud": "voice-assistant",
        "sub": "ama",
        "jti": "j" * 22,
        "iat": now,
        "exp": now + 60,
    }
    for name in [name for name in changes if name.endswith("_in")]:
        good[name.removesuffix("_in")] = now + changes.pop(name)
    return {name: value for name, value in (good | changes).items() if value is not None}


def signed(key: str = KEY, algorithm: str = "HS256", **changes: Any) -> str:
    """A token of these claims, also of ones that no library would sign; `exp_in`: from now."""
    payload = json.dumps(claims(**changes)).encode()
    return jwt.api_jws.encode(payload, key, algorithm=algorithm)


def code_of(credential: str) -> str:
    with pytest.raises(DoorError) as refusal:
        DOOR.verify(credential)
    assert refusal.value.status == 401
    return refusal.value.code


@pytest.mark.parametrize("key", [KEY, OLD_KEY])
def test_a_site_vouches_for_its_user(key: str) -> None:
    """A credential names site and user; a secret that is being replaced counts as well."""
    vouched = DOOR.verify(sign_in("ama", site=SITE, key=key))
    assert (vouched.site, vouched.user) == (SITE, "ama")
    assert vouched.once != DOOR.verify(sign_in("ama", site=SITE, key=key)).once


@pytest.mark.skipif(shutil.which("node") is None, reason="no node on PATH")
def test_the_helper_for_node_makes_the_same() -> None:
    """The file that the Next.js example signs with makes credentials that are accepted."""
    helper = REPOSITORY / "examples" / "nextjs" / "lib" / "sign-in.mjs"
    script = f"import {{ signIn }} from {json.dumps(str(helper))}; console.log(signIn(...{{}}))"
    script = script.replace("...{}", f'"amá", "{SITE}", "{KEY}"')
    command = ["node", "--input-type=module", "-e", script]
    made = subprocess.run(command, capture_output=True, check=True, text=True)  # noqa: S603
    assert DOOR.verify(made.stdout.strip()).user == "amá"


@pytest.mark.parametrize("skew_secs", [-LEEWAY_SECS + 2, LEEWAY_SECS - 2])
def test_clocks_may_differ(skew_secs: float) -> None:
    """A site whose clock is half a minute off signs in all the same."""
    assert DOOR.verify(signed(iat_in=skew_secs, exp_in=skew_secs + 1)).user == "ama"


def test_a_credential_is_remembered_for_as_long_as_it_is_valid() -> None:
    """It cannot come back after it was forgotten: by then it has expired."""
    vouched = DOOR.verify(signed(exp_in=MAX_LIFETIME_SECS - 1))
    assert vouched.forget_after_secs >= MAX_LIFETIME_SECS + LEEWAY_SECS


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"exp_in": -3600, "iat_in": -3660}, "sign_in_expired"),
        ({"iat_in": 3600, "exp_in": 3660}, "sign_in_not_yet_valid"),
        ({"nbf_in": 3600}, "sign_in_not_yet_valid"),
        ({"exp_in": 3600}, "sign_in_too_long"),
        ({"exp": 10**11}, "sign_in_too_long"),
        ({"iat_in": 20, "exp_in": 20}, "sign_in_too_long"),
        ({"exp": 10**400}, "sign_in_invalid"),
        ({"iss": OTHER}, "sign_in_invalid"),
        ({"iss": "https://nobody.example"}, "sign_in_wrong_site"),
        ({"iss": f"{SITE}/"}, "sign_in_wrong_site"),
        ({"aud": "another-server"}, "sign_in_invalid"),
        ({"aud": ["voice-assistant", "another"]}, "sign_in_invalid"),
        ({"sub": ""}, "sign_in_invalid"),
        ({"sub": "u" * 129}, "sign_in_invalid"),
        ({"jti": "short"}, "sign_in_invalid"),
        ({"jti": "j" * 129}, "sign_in_invalid"),
        *[({name: None}, "sign_in_invalid") for name in ("iss", "aud", "sub", "jti", "iat", "exp")],
    ],
)
def test_claims_that_do_not_hold(changes: dict[str, Any], expected: str) -> None:
    """Expired, of the future, for too long, of another site, or incomplete: each has its code."""
    assert code_of(signed(**changes)) == expected


def test_another_sites_secret_signs_nothing_here() -> None:
    """One site cannot sign in as another, nor with a LiveKit key, nor with no key at all."""
    assert code_of(signed(OTHER_KEY)) == "sign_in_invalid"
    assert code_of(signed("s" * 64)) == "sign_in_invalid"
    assert code_of(jwt.encode(claims(), None, algorithm="none")) == "sign_in_invalid"
    assert code_of(signed("k" * 64, "HS512")) == "sign_in_invalid"


def part(value: object) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_a_forged_header_or_payload_is_noticed() -> None:
    """Whatever is changed after signing, the signature no longer fits."""
    head, payload, signature = signed().split(".")
    forged = part(claims(sub="root"))
    assert code_of(f"{head}.{forged}.{signature}") == "sign_in_invalid"
    assert code_of(f"{part({'alg': 'none'})}.{payload}.") == "sign_in_invalid"
    assert code_of(f"{part({'alg': 'RS256', 'typ': 'JWT'})}.{payload}.{signature}") == (
        "sign_in_invalid"
    )
    assert code_of(f"{head}.{payload}.{signature[:-4]}AAAA") == "sign_in_invalid"
    assert code_of(f"{head}.{payload}") == "sign_in_invalid"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(st.text(max_size=300))
def test_no_text_gets_in(text: str) -> None:
    """Any text is refused with a code, and none with an exception of another kind."""
    assert code_of(text).startswith("sign_in_")


@given(st.sampled_from(["iss", "aud", "sub", "jti", "iat", "exp", "nbf", "crit"]), JSON)
def test_no_claim_of_another_type_gets_in(name: str, value: Any) -> None:
    """A claim of any other value leads to a refusal with a code or to a user's name."""
    token = signed(**{name: value})
    try:
        told = DOOR.verify(token).user
    except DoorError as refusal:
        told = refusal.code
    assert told in ("ama", value) or told.startswith("sign_in_")


def test_the_helpers_stand_alone() -> None:
    """A site copies one file: the Python helper imports nothing of this project."""
    text = (REPOSITORY / "examples" / "sign_in.py").read_text(encoding="utf-8")
    imports = [line for line in text.splitlines() if line.startswith(("import", "from"))]
    assert imports == [
        "from __future__ import annotations",
        "import secrets",
        "import time",
        "import jwt",
    ]
