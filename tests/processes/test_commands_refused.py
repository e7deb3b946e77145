"""What an operator types wrongly is told in one line with a code, never in a traceback."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from backed_up import Office, office
from kakine.__main__ import main
from kakine.crypto import age


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    made = office(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "there").write_text("it")
    (tmp_path / "empty").mkdir()
    keys = tmp_path / "opener"
    keys.mkdir()
    (keys / "backup.key").write_text(made.secret)
    made.back_up()
    return made


BACKUP = "backup --config converter-1/party.toml --to x.age"
CHECK = "backup --check {} --signed-by " + "00" * 32
OPENER = "--key opener/backup.key"
CONFIG = "--config converter-1/party.toml"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("backup-key --to there", "system-refused"),
        ("backup-key --to none/there", "system-refused"),
        (f"{BACKUP} --recipient-file none", "backup-key-malformed"),
        (f"{BACKUP} --recipient-file binary", "backup-key-malformed"),
        (f"{CHECK.format('store.age')} --key none", "backup-key-malformed"),
        (f"{CHECK.format('store.age')} --key binary", "backup-key-malformed"),
        (f"{CHECK.format('store.age')} --key empty", "backup-key-malformed"),
        (f"{CHECK.format('none.age')} {OPENER}", "backup-unreadable"),
        (f"{CHECK.format('binary')} {OPENER}", "backup-unreadable"),
        ("restore --dir new --from store.age --key binary", "backup-key-malformed"),
        (f"restore --dir new --from none.age {OPENER}", "backup-unreadable"),
        (f"restore --dir there --from store.age {OPENER}", "system-refused"),
        ("restore --dir empty --accept --config none.toml", ""),
        *(
            (f"agency {command} none {CONFIG}", "system-refused")
            for command in (
                "propose",
                "assess --file x --people 0 --draft 2026-01-01",
                "approve",
                "state",
                "certify --to x.pem",
                "address",
            )
        ),
        ("agency finish none --dir converter-1", "system-refused"),
        (f"agency keep --domain kobe/tax --file none {CONFIG}", "people-file-malformed"),
        (f"agency acquire --domain kobe/tax --file none {CONFIG}", "people-file-malformed"),
        ("apart revoke pension --dir none", "settings-malformed"),
        ("apart revoke converter-1 --dir . --certificate binary", "certificate-malformed"),
        ("apart revoke converter-1 --dir . --certificate two.pem", "certificate-malformed"),
    ],
)
def test_a_file_that_is_missing_or_no_text_is_refused_in_one_line(
    made: Office,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: str,
    code: str,
) -> None:
    Path("two.pem").write_bytes(Path("converter-1/roots.pem").read_bytes() * 2)
    monkeypatch.setattr(sys, "argv", ["kakine", *words.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr().err
    if not code:
        assert (ended.value.code, said) == (0, "")
        return
    assert ended.value.code == 1
    assert len(said.splitlines()) == 1, said
    assert said.split(":")[0] == code


def test_a_key_for_backups_is_never_written_over(
    made: Office, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        monkeypatch.setattr(sys, "argv", ["kakine", "backup-key", "--to", "fresh.key"])
        with pytest.raises(SystemExit):
            main()
    public = capsys.readouterr().out.strip()
    assert [*age.publics_in(Path("fresh.key").read_bytes())] == [public]
