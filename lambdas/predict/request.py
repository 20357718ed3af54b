"""From an API request to instances that the model takes, and from the model's answers to the response. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from platform_common.api import ApiError, body_of, header
from platform_common.contract import Contract
from platform_common.rows import instance_errors

MAXIMUM_INSTANCES = 1000
MAXIMUM_KEY = 255
LOGGED_IDS = 100


@dataclass(frozen=True)
class Request:
    """A valid request. `digest` tells two bodies apart under one idempotency key."""

    request_id: str
    instances: list[dict[str, Any]]
    key: str | None
    digest: str


def parse(event: dict[str, Any], contract: Contract) -> Request:
    """The request of an API Gateway proxy event; ApiError names every wrong field."""
    key = header(event, "Idempotency-Key")
    if key is not None and not 1 <= len(key) <= MAXIMUM_KEY:
        raise ApiError(400, "bad-idempotency-key", f"expected an Idempotency-Key of 1 to {MAXIMUM_KEY} characters, got {len(key)}")
    body = body_of(event)
    instances = body.get("instances") if isinstance(body, dict) else None
    if not isinstance(instances, list) or not 1 <= len(instances) <= MAXIMUM_INSTANCES:
        raise ApiError(
            400,
            "bad-instances",
            f'expected {{"instances": [...]}} with 1 to {MAXIMUM_INSTANCES} objects',
            "use a batch prediction for more",
        )
    errors = [error for row, instance in enumerate(instances) for error in instance_errors(contract, instance, row)]
    if errors:
        first = errors[0]
        message = f"instance {first.row}, field {first.field!r}: {first.reason}" + (
            f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        )
        raise ApiError(422, "invalid-instance", message, f"see the contract '{contract.name}'", errors)
    return Request(
        event["requestContext"]["requestId"], instances, key, hashlib.sha256(json.dumps(instances, sort_keys=True).encode()).hexdigest()
    )


def payload(request: Request, contract: Contract) -> bytes:
    """The endpoint's request: the columns the model takes, nothing else."""
    rows = [{name: instance.get(name) for name in contract.inputs} for instance in request.instances]
    return json.dumps({"instances": rows}).encode()


def predictions(
    request: Request, contract: Contract, answers: list[dict[str, Any]], variant: str, latency_ms: float
) -> list[dict[str, Any]]:
    """One prediction an instance, in order; `latency_ms` is the time of the endpoint's answer to the whole request."""
    if len(answers) != len(request.instances):
        raise ValueError(f"expected {len(request.instances)} answers of the endpoint, got {len(answers)}")
    return [
        {
            "id": str(instance.get(contract.id_column or "") or f"{request.request_id}-{row}"),
            "request_id": request.request_id,
            "replayed": False,
            "value": answer["prediction"],
            "probability": answer["probability"],
            "model_version": answer["model_version"],
            **({"training_run": answer["training_run"]} if answer.get("training_run") else {}),
            "variant": variant,
            "latency_ms": round(latency_ms, 2),
        }
        for row, (instance, answer) in enumerate(zip(request.instances, answers, strict=True))
    ]


def records(request: Request, contract: Contract, predicted: list[dict[str, Any]], created: str) -> list[dict[str, Any]]:
    """What is stored of each prediction: the features as they came, the answer, and the time."""
    return [
        {**prediction, "created": created, "features": {name: instance.get(name) for name in contract.inputs}}
        for prediction, instance in zip(predicted, request.instances, strict=True)
    ]


def line(predicted: list[dict[str, Any]]) -> dict[str, Any]:
    """What the log says of an answered request: which version of which training answered, how long that took, and (of up to 100) which predictions."""
    first = predicted[0]
    causes = [first["training_run"]] if first.get("training_run") else []
    ids = [prediction["id"] for prediction in predicted[:LOGGED_IDS]]
    known = {"predictions": len(predicted), "prediction_ids": ids, "model_version": first["model_version"], "caused_by": causes}
    return {**known, "milliseconds": first["latency_ms"]}


def messages(rows: list[dict[str, Any]], maximum_bytes: int = 200_000) -> list[str]:
    """Queue messages of several records each, below the queue's limit of 256 KiB."""
    found: list[str] = []
    batch: list[str] = []
    size = 0
    for row in rows:
        text = json.dumps(row, sort_keys=True)
        if batch and size + len(text) > maximum_bytes:
            found.append("[" + ",".join(batch) + "]")
            batch, size = [], 0
        batch.append(text)
        size += len(text) + 1
    return [*found, "[" + ",".join(batch) + "]"] if batch else found
