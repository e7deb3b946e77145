"""The resident's site at the portal: what is held and where, who asked and why, what can be decided (spec/web.md)."""

from __future__ import annotations

from kakine.parties.portal.site.house import House
from kakine.parties.portal.site.routes import site

__all__ = ["House", "site"]
