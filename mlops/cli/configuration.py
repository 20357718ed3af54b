"""Configuration of the program given on the command line, as `pulumi preview --config` takes it."""

from __future__ import annotations

from collections.abc import Iterable

from mlops.errors import UserError


def given(values: Iterable[str] | None) -> dict[str, str]:
    """`KEY=VALUE`s as a mapping; UserError for one that is none, or given twice."""
    found: dict[str, str] = {}
    for text in values or ():
        key, sign, value = text.partition("=")
        if not key or not sign:
            raise UserError("usage", f"expected KEY=VALUE, got {text!r}", "--config-value", "e.g. --config-value aws:region=eu-west-1")
        if key in found:
            raise UserError("usage", f"the key '{key}' is given twice", "--config-value", "give one value for each key")
        found[key] = value
    return found
