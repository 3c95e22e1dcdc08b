"""GET and DELETE /transcripts: whose they are, who reads them, and for how long."""

import json
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from bot.settings import BotSettings
from examples.sign_in import sign_in
from server.app import create_app
from server.records import Owner, Records, RecordsError
from server.settings import ServerSettings
from tests.server.stub import STUB

SITE, KEY = "https://dashboard.example", "k" * 32
OTHER_SITE, OTHER_KEY = "https://other.example", "x" * 32
AMA, KOFI = Owner(SITE, "ama"), Owner(SITE, "kofi")
ELSEWHERE = Owner(OTHER_SITE, "ama")
KEYS = {SITE: KEY, OTHER_SITE: OTHER_KEY}


def keep(
    records: Records, owner: Owner, session_id: str, *, started_at: str = "2026-01-05"
) -> Path:
    """Leave a conversation as a session process does; return its file."""
    to = records.place(owner, session_id)
    words = {"sessionId": session_id, "startedAt": started_at, "lines": [{"text": owner.user}]}
    to.file(".json").write_text(json.dumps(words))
    return to.file(".json")


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path / "kept", 30, with_sound=False)


def door(tmp_path: Path, **changes: object) -> TestClient:
    settings = ServerSettings(
        livekit_url="ws://127.0.0.1:9",
        livekit_api_key="key",
        livekit_api_secret="s" * 32,
        session_processes=1,
        sign_in_keys=",".join(f"{site}={key}" for site, key in KEYS.items()),
        **changes,
    )
    (tmp_path / "knowledge").mkdir(exist_ok=True)
    bot_settings = BotSettings(
        deepgram_base_url="http://127.0.0.1:9",
        groq_base_url="http://127.0.0.1:9",
        knowledge_dir=tmp_path / "knowledge",
    )
    return TestClient(create_app(settings, bot_settings, STUB), base_url="http://door.test")


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    """A door with a folder for transcripts."""
    with door(tmp_path, transcripts_dir=tmp_path / "kept") as client:
        yield client


def bearer(owner: Owner) -> dict[str, str]:
    return {"Authorization": f"Bearer {sign_in(owner.user, site=owner.site, key=KEYS[owner.site])}"}


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def test_a_user_sees_their_own(client: TestClient, records: Records) -> None:
    """The list has the latest first and no words; one conversation has its words."""
    keep(records, AMA, "a1", started_at="2026-01-05")
    keep(records, AMA, "a2", started_at="2026-01-06")
    keep(records, KOFI, "b1")
    listed = client.get("/transcripts", headers=bearer(AMA))
    assert [one["sessionId"] for one in listed.json()["transcripts"]] == ["a2", "a1"]
    assert "lines" not in listed.text
    assert listed.headers["cache-control"] == "no-store"
    one = client.get("/transcripts/a1", headers=bearer(AMA)).json()
    assert one["lines"] == [{"text": "ama"}]
    assert one["hasSound"] is False


@pytest.mark.parametrize("stranger", [KOFI, ELSEWHERE])
def test_nobody_sees_or_deletes_anothers(
    client: TestClient, records: Records, stranger: Owner
) -> None:
    """Another user of the site, and a user of the same name elsewhere, learn of nothing."""
    file = keep(records, AMA, "a1")
    unknown = (404, "transcript_unknown")
    assert client.get("/transcripts", headers=bearer(stranger)).json() == {"transcripts": []}
    assert code(client.get("/transcripts/a1", headers=bearer(stranger))) == unknown
    assert code(client.get("/transcripts/a1/sound", headers=bearer(stranger))) == unknown
    assert code(client.delete("/transcripts/a1", headers=bearer(stranger))) == unknown
    assert client.delete("/transcripts", headers=bearer(stranger)).status_code == 204
    assert file.exists()


def test_a_user_deletes_one_or_all(client: TestClient, records: Records) -> None:
    """What is deleted is gone from the disk, with its sound."""
    first, second = keep(records, AMA, "a1"), keep(records, AMA, "a2")
    first.with_suffix(".wav").write_bytes(b"RIFF")
    assert client.get("/transcripts/a1/sound", headers=bearer(AMA)).content == b"RIFF"
    assert client.delete("/transcripts/a1", headers=bearer(AMA)).status_code == 204
    assert sorted(file.name for file in second.parent.iterdir()) == [".owner", "a2.json"]
    assert client.delete("/transcripts", headers=bearer(AMA)).status_code == 204
    assert not second.parent.exists()


@pytest.mark.parametrize("path", ["/transcripts", "/transcripts/a1", "/transcripts/a1/sound"])
def test_without_a_credential_nothing_is_told(client: TestClient, path: str) -> None:
    """No credential, a scheme of another kind, a forged one, and one that was used: each a 401."""
    forged = sign_in("ama", site=SITE, key="z" * 32)
    assert code(client.get(path)) == (401, "sign_in_required")
    basic = {"Authorization": "Basic YTpi"}
    assert code(client.get(path, headers=basic)) == (401, "sign_in_required")
    refused = client.get(path, headers={"Authorization": f"Bearer {forged}"})
    assert code(refused) == (401, "sign_in_invalid")
    once = bearer(AMA)
    client.get(path, headers=once)
    assert code(client.get(path, headers=once)) == (401, "sign_in_used")


def test_another_sites_page_may_not_present_it(client: TestClient) -> None:
    """A credential that was stolen is no use in a page of a site that signs users in itself."""
    headers = {**bearer(AMA), "Origin": OTHER_SITE}
    assert code(client.get("/transcripts", headers=headers)) == (401, "sign_in_wrong_site")


@pytest.mark.parametrize("path", ["..%2f..%2fkept", ".owner", "%2e%2e", "a1.json", "A1", "a" * 65])
def test_no_path_leads_elsewhere(client: TestClient, records: Records, path: str) -> None:
    """An id is hexadecimal and nothing else, whatever stands on the disk."""
    keep(records, AMA, "a1")
    answer = client.get(f"/transcripts/{path}", headers=bearer(AMA))
    assert code(answer)[0] == 404
    assert "ama" not in answer.text


def test_nothing_is_kept_unless_a_folder_is_named(tmp_path: Path) -> None:
    """Without TRANSCRIPTS_DIR the answer says so, before a credential is used up."""
    with door(tmp_path) as client:
        once = bearer(AMA)
        assert code(client.get("/transcripts", headers=once)) == (404, "transcripts_off")


def test_a_folder_that_cannot_be_written_to_is_a_wrong_setting(tmp_path: Path) -> None:
    """The server does not start to lose what people agreed to have kept."""
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(RecordsError, match="TRANSCRIPTS_DIR"):
        door(tmp_path, transcripts_dir=file / "kept")


def test_what_is_old_is_swept(records: Records) -> None:
    """After its days a conversation is deleted; of an owner with none left nothing remains."""
    old, young = keep(records, AMA, "a1"), keep(records, AMA, "a2")
    only, part = keep(records, KOFI, "b1"), keep(records, KOFI, "b2").with_suffix(".wav.part")
    part.touch()
    long_ago = time.time() - 31 * 86_400
    for file in (old, only, part, only.with_name("b2.json")):
        os.utime(file, (long_ago, long_ago))
    assert records.sweep() == 4
    assert (old.exists(), young.exists(), only.parent.exists()) == (False, True, False)
    assert records.sweep() == 0


def test_a_new_owner_is_not_swept(records: Records) -> None:
    """The folder of a call that is going on is there when it ends."""
    to = records.place(AMA, "a1")
    records.sweep()
    assert to.file(".json").parent.is_dir()


def test_only_the_keeper_reads_the_folder(records: Records) -> None:
    """Folders and files are the server's own; a folder's name tells nobody's."""
    file = keep(records, AMA, "a1")
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.with_name(".owner").stat().st_mode) == 0o600
    assert "ama" not in str(file.parent.relative_to(file.parent.parent.parent))
    assert json.loads(file.with_name(".owner").read_text()) == {"site": SITE, "user": "ama"}
