"""The audit of dependencies says that nothing is known only where somebody was asked who would know."""

from __future__ import annotations

import json
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import audit

NOW = datetime(2026, 11, 20, tzinfo=UTC)
NAME, VERSION, ID = audit.CANARY


def advisory(name: str, of: str, *, fixed: str, modified: str = "2026-11-01T00:00:00Z") -> dict[str, Any]:
    """As OSV writes it."""
    events = [{"introduced": "0"}, {"fixed": fixed}]
    package = {"ecosystem": "PyPI", "name": name}
    ranges = [{"type": "ECOSYSTEM", "events": events}]
    return {
        "id": f"PYSEC-{of}", "aliases": [of], "modified": modified, "published": modified, "summary": "made up",
        "affected": [{"package": package, "ranges": ranges}],
    }  # fmt: skip


CANARY = advisory("Jinja2", ID, fixed="2.10.1")


def brought(tmp_path: Path, *advisories: dict[str, Any]) -> Path:
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as file:
        for each in advisories:
            file.writestr(f"{each['id']}.json", json.dumps(each))
    return path


def test_a_file_names_what_it_knows_of_a_locked_version(tmp_path: Path) -> None:
    path = brought(tmp_path, CANARY, advisory("Made_Up", "CVE-2026-1", fixed="1.5"))
    assert audit.by_file(path, {"made-up": "1.4"}, NOW) == [audit.Known("made-up", "1.4", "PYSEC-CVE-2026-1")]
    assert audit.by_file(path, {"made-up": "1.5"}, NOW) == []


@pytest.mark.parametrize(
    ("advisories", "why"),
    [
        ([], "does not know"),
        ([advisory("other", "CVE-2026-2", fixed="9")], "does not know"),
        ([CANARY | {"withdrawn": "2026-11-02T00:00:00Z"}], "does not know"),
        ([CANARY | {"modified": "2026-09-01T00:00:00Z"}], "newest advisory is of 2026-09-01"),
    ],
)
def test_a_file_that_is_empty_foreign_or_old_is_no_source(
    tmp_path: Path, advisories: list[dict[str, Any]], why: str
) -> None:
    with pytest.raises(audit.Unusable, match=why):
        audit.by_file(brought(tmp_path, *advisories), {"made-up": "1.4"}, NOW)


def test_a_file_that_is_none_is_no_source(tmp_path: Path) -> None:
    (tmp_path / "all.zip").write_bytes(b"not a zip")
    with pytest.raises(audit.Unusable, match="no file of advisories"):
        audit.by_file(tmp_path / "all.zip", {}, NOW)


@pytest.mark.parametrize(
    ("events", "inside"),
    [
        ([{"introduced": "0"}], True),
        ([{"introduced": "2.0"}], False),
        ([{"introduced": "0"}, {"fixed": "1.4"}], False),
        ([{"introduced": "0"}, {"last_affected": "1.4"}], True),
        ([{"introduced": "0"}, {"last_affected": "1.3"}], False),
        ([{"introduced": "0"}, {"fixed": "1.0"}, {"introduced": "1.2"}, {"fixed": "1.5"}], True),
        ([{"introduced": "not a version"}], True),
    ],
)
def test_ranges_are_read_as_the_osv_schema_says(events: list[dict[str, str]], inside: bool) -> None:
    package = {"ecosystem": "PyPI", "name": "Made.Up"}
    entry = {"package": package, "ranges": [{"type": "ECOSYSTEM", "events": events}]}
    assert audit.hits(entry, "made-up", "1.4") is inside
    assert audit.hits({"package": package, "versions": ["1.4"]}, "made-up", "1.4")
    assert not audit.hits({"package": package | {"ecosystem": "npm"}, "versions": ["1.4"]}, "made-up", "1.4")


def answers(*known: str, skipped: bool = False) -> dict[str, Any]:
    vulns = [{"id": each, "aliases": []} for each in known]
    found: dict[str, Any] = {"name": NAME, "version": VERSION, "vulns": vulns}
    return {"dependencies": [{"name": NAME, "skip_reason": "not found"} if skipped else found]}


def test_a_service_that_finds_no_package_is_no_source(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What pip-audit calls "No known vulnerabilities found", with exit code 0."""
    monkeypatch.setattr(audit, "_pip_audit", lambda *_: answers(skipped=True))
    with pytest.raises(audit.Unusable, match="does not know"):
        audit.by_service(["pypi"], tmp_path, [NAME])


def test_a_service_that_knows_no_weakness_at_all_is_no_source(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A mirror that answers on every package, with an empty list each."""
    monkeypatch.setattr(audit, "_pip_audit", lambda *_: answers())
    with pytest.raises(audit.Unusable, match="does not know"):
        audit.by_service(["pypi"], tmp_path, [NAME])


def test_a_service_that_leaves_out_one_package_has_not_audited(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(audit, "_pip_audit", lambda *_: answers(ID))
    with pytest.raises(audit.Unusable, match="no answer on 1 packages, made-up"):
        audit.by_service(["pypi"], tmp_path, [NAME, "made-up"])


@contextmanager
def osv(*known: dict[str, Any]) -> Iterator[str]:
    """A service on this machine that speaks OSV's API."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            package, version = asked["package"]["name"], asked["version"]
            found = [a for a in known if any(audit.hits(e, package, version) for e in a["affected"])]
            body = json.dumps({"vulns": found} if found else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "locked.txt"
    path.write_text(f"made-up==1.4 --hash=sha256:{'0' * 64}\n")
    return path


def test_pip_audit_itself_is_asked_and_names_the_weakness(file: Path) -> None:
    with osv(CANARY, advisory("made-up", "CVE-2026-1", fixed="1.5")) as url:
        found = audit.by_service(["osv", "--osv-url", url], file, ["made-up"])
    assert [(each.package, each.version) for each in found] == [("made-up", "1.4")]


def test_pip_audit_before_a_service_that_knows_nothing_is_not_believed(file: Path) -> None:
    with osv() as url, pytest.raises(audit.Unusable, match="does not know"):
        audit.by_service(["osv", "--osv-url", url], file, ["made-up"])


def test_the_command_fails_loudly_where_nobody_could_be_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit.main(["--advisories", str(tmp_path / "missing.zip")]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("NOT AUDITED")
