"""The three sites that a demonstration ends with: their logins are printed, and open what they say."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from login_process import HttpBrowser

PIPE = subprocess.PIPE


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    at = tmp_path_factory.mktemp("sites") / "land"
    command = [sys.executable, "-m", "kakine", "demo", "--residents", "60", "--dir", str(at), "--no-serve"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=480, check=False)
    assert done.returncode == 0, done.stderr
    assert "serve sites" in done.stdout
    return at


def test_three_sites_of_one_country_and_a_paper_that_opens_the_portal(folder: Path) -> None:
    """Addresses and logins are on the screen before anything is needed of them; one signal ends all three."""
    command = [sys.executable, "-m", "kakine", "serve", "sites", "--dir", str(folder)]
    ports = [word for name in ("portal", "desk", "console") for word in (f"--{name}", "0")]
    with subprocess.Popen([*command, *ports], stdout=PIPE, stderr=PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            said = ""
            while "Ctrl-C" not in said:
                line = process.stdout.readline()
                assert line, process.stderr.read()
                said += line
            portal, desk, console, public, _ = re.findall(
                r"http://localhost:\d+\S*", said + " http://localhost:1"
            )
            assert public == f"{console}/public"
            assert "職員の窓口" in HttpBrowser(desk).call("GET", "/")[2]
            assert HttpBrowser(console).call("GET", "/public")[0] == 200
            browser = HttpBrowser(portal)
            sent = dict(re.findall(r'name="(token|once)" value="(\w+)"', browser.call("GET", "/")[2]))
            code = re.search(r"paper code: (\S+)", said)
            assert code
            answer = browser.call("POST", "/enter/paper", [*sent.items(), ("code", code[1])])
            assert answer[:2] == (303, "/")
            assert "あなたの窓口" in browser.call("GET", "/")[2]
        finally:
            process.send_signal(signal.SIGTERM)
            told = process.stderr.read()
            process.wait(120)
    assert (process.returncode, told) == (0, "")


@pytest.mark.parametrize("site", ["sites", "portal", "desk", "console", "login"])
def test_a_port_that_is_taken_is_named_before_the_country_starts(folder: Path, site: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        which = "--portal" if site == "sites" else "--port"
        more = ["--as", "yokohama/children"] if site == "desk" else []
        command = [sys.executable, "-m", "kakine", "serve", site, "--dir", str(folder), which, port, *more]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(
        f"port-taken: another program listens at this port: name another, or 0 for any (port={port})"
    )
