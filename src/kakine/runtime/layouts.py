"""Layouts of items: JSON Schema (2020-12) by item and version, checked with `jsonschema`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator

from kakine.values.problems import LayoutUnknown, LayoutViolated


class Layouts:
    """All layouts of a pack."""

    def __init__(self, schemas: Mapping[tuple[str, int], Mapping[str, Any]]) -> None:
        self._schemas = schemas
        self._validators = {key: Draft202012Validator(schema) for key, schema in schemas.items()}

    def schema(self, item: str, version: int) -> Mapping[str, Any]:
        """Raises `LayoutUnknown`."""
        found = self._schemas.get((item, version))
        if found is None:
            raise LayoutUnknown(item=item, version=version)
        return found

    def validate(self, item: str, version: int, data: object) -> None:
        """Raise `LayoutUnknown` or `LayoutViolated`; the latter names the place in the layout, never the value."""
        validator = self._validators.get((item, version))
        if validator is None:
            raise LayoutUnknown(item=item, version=version)
        fault = next(iter(validator.iter_errors(data)), None)
        if fault is not None:
            place = "/".join(str(part) for part in fault.schema_path)
            raise LayoutViolated(item=item, version=version, rule=place)
