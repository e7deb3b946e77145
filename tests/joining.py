"""A made-up agency that joins: the city of Kobe as the legal pack writes cities down."""

from __future__ import annotations

from pathlib import Path

ENTRY = """
[[party]]
name = "{name}"
ja = "{ja}"
en = "{en}"
number = "{number}"
roles = ["gateway"]
types = ["municipality", "municipality_or_nhi_society", "prefecture_or_municipality"]

[[party.domain]]
name = "{name}/children"
epoch = 1
asks = ["JO106"]

[[party.domain]]
name = "{name}/tax"
epoch = 1
provides = ["TK-0002"]
"""
ASSESSMENT = """
[[assessment]]
id = "PIA-{name}-{file}"
party = "{name}"
file = "{file}"
level = "basic"
published = 2026-04-01
review = 2031-03-31
status = "published"
"""
KOBE = {"name": "kobe", "ja": "神戸市", "en": "City of Kobe", "number": "9000020281000"}
NAGOYA = {"name": "nagoya", "ja": "名古屋市", "en": "City of Nagoya", "number": "3000020231002"}


def text(city: dict[str, str]) -> str:
    """A city and its assessments."""
    files = ("child-allowance", "local-tax")
    return ENTRY.format(**city) + "".join(ASSESSMENT.format(file=file, **city) for file in files)


def entry(folder: Path, city: dict[str, str]) -> Path:
    """The same as a file."""
    path = folder / f"{city['name']}.toml"
    path.write_text(text(city))
    return path
