"""`kakine serve portal` as a process of its own: it prints where it is and how to come in, and lets somebody in."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

from login_process import HttpBrowser
from login_site import LoginSite


def test_the_command_serves_the_site_and_prints_how_to_come_in(tmp_path: Path) -> None:
    folder = tmp_path / "land"
    with LoginSite.opened(folder, people=1) as site:
        code = site.paper(0)
    command = [sys.executable, "-m", "kakine", "serve", "portal", "--dir", str(folder), "--port", "0"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            origin = line.split()[-1]
            rest = [process.stdout.readline() for _ in range(5)]
            assert any("kakine login paper" in each for each in rest)
            browser = HttpBrowser(origin)
            page = browser.call("GET", "/")[2]
            sent = dict(re.findall(r'name="(token|once)" value="(\w+)"', page))
            answer = browser.call("POST", "/enter/paper", [*sent.items(), ("code", code)])
            assert answer[:2] == (303, "/")
            assert "あなたの窓口" in browser.call("GET", "/")[2]
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(120)
