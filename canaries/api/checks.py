"""What the canary asks and what it takes for right: pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any


class Wrong(Exception):
    """An answer that is not the one a working API gives; the message says what came and where to look."""


def health(status: int, body: bytes) -> None:
    """`GET /health` answers 200 with status ok."""
    if status != 200 or decoded(body) != {"status": "ok"}:
        raise Wrong(f"GET /health: expected 200 and status ok, got {status}: {shown(body)}")


def body_of(instance: Mapping[str, Any]) -> bytes:
    """The request's body: one instance."""
    return json.dumps({"instances": [dict(instance)]}, sort_keys=True).encode()


def key_of(model: str, now: datetime) -> str:
    """One idempotency key an hour: the first run of an hour asks the endpoint, the others must get its answer again, and few rows are stored."""
    return f"canary-{model}-{now:%Y%m%dT%H}"


def prediction(model: str, status: int, body: bytes) -> dict[str, Any]:
    """The one prediction of the answer: a value, a probability in [0, 1] where there is one, and the model's version."""
    answer = decoded(body)
    found = answer.get("predictions") if isinstance(answer, dict) else None
    if status != 200 or not isinstance(found, list) or len(found) != 1:
        raise Wrong(f"POST /models/{model}/predictions: expected 200 and one prediction, got {status}: {shown(body)}")
    (one,) = found
    probability = one.get("probability")
    if one.get("value") is None or not one.get("model_version"):
        raise Wrong(f"POST /models/{model}/predictions: expected a value and a model version, got {shown(body)}")
    if probability is not None and not 0 <= probability <= 1:
        raise Wrong(f"POST /models/{model}/predictions: expected a probability from 0 to 1, got {probability}")
    return one


def same(model: str, first: Mapping[str, Any], again: Mapping[str, Any]) -> None:
    """The same key gives the same answer."""
    if (first["id"], first["value"]) != (again.get("id"), again.get("value")):
        raise Wrong(
            f"POST /models/{model}/predictions: the same idempotency key gave {first['id']} = {first['value']}, then {again.get('id')} = {again.get('value')}"
        )


def decoded(body: bytes) -> Any:
    """JSON, or None."""
    try:
        return json.loads(body)
    except ValueError:
        return None


def shown(body: bytes) -> str:
    return body[:300].decode(errors="replace")
