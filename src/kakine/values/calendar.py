"""Times as the formats hold them: milliseconds since 1970 UTC, minutes, and months since 2000-01."""

from __future__ import annotations

from datetime import UTC, datetime

RETENTION_MONTHS = 84
"""Seven years: Cabinet order to the Number Act, art. 30."""


def months_since_2000(now_ms: int) -> int:
    """Whole months since 2000-01, UTC."""
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    return (now.year - 2000) * 12 + now.month - 1


def minutes(now_ms: int) -> int:
    """Whole minutes since 1970, UTC."""
    return now_ms // 60_000
