"""The commission's console (個人情報保護委員会の画面): what two people decide, what is counted, and a public page.

It shows no resident, ever. Rules: spec/console.md; pages: spec/web.md.
"""

from __future__ import annotations

from kakine.parties.commission.console.house import House
from kakine.parties.commission.console.routes import site

__all__ = ["House", "site"]
