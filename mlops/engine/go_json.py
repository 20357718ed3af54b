"""JSON text as Go's encoder writes it: compact, sorted, numbers without needless digits, and safe inside of HTML."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

_ESCAPED = {character: f"\\u{ord(character):04x}" for character in "&<>\u2028\u2029"}


def encoded(value: Any) -> str:
    """Plain JSON values as text."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{encoded(key)}:{encoded(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(encoded, value)) + "]"
    if isinstance(value, float):
        return _number(value)
    text = json.dumps(value, ensure_ascii=False)
    return text.translate(str.maketrans(_ESCAPED)) if isinstance(value, str) else text


def _number(value: float) -> str:
    if value == 0 or 1e-6 <= abs(value) < 1e21:
        return f"{Decimal(repr(value)):f}".removesuffix(".0")
    return re.sub(r"e([+-])0", r"e\1", repr(value))
