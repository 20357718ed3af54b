"""Which candidate is the best, and whether it may be approved. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

HIGHER_IS_BETTER = {"auc": True, "average_precision": True, "accuracy": True, "log_loss": False, "brier": False}
PENDING, REJECTED = "PendingManualApproval", "Rejected"
PROPERTY_CHARACTERS = 256  # SageMaker's limit of a customer metadata value
PROPERTY_PUNCTUATION = "_.:/=+-@"  # besides letters, numbers and spaces: what SageMaker admits in one


@dataclass(frozen=True)
class Candidate:
    """A finished training job: all metrics that train.py printed, on the same test rows for every candidate; what was billed of its seconds."""

    job: str
    algorithm: str
    metrics: Mapping[str, float]
    seconds: float
    model_data_url: str
    evaluation: Mapping[str, Any]
    billable_seconds: float | None = None

    def row(self) -> dict[str, Any]:
        return {"algorithm": self.algorithm, "job": self.job, "metrics": dict(self.metrics), "seconds": self.seconds}


@dataclass(frozen=True)
class Verdict:
    """The registry's status and the reason for it."""

    status: str
    detail: str


def direction(metric: str) -> int:
    """1 when more is better, -1 when less is; ValueError for an unknown metric."""
    if metric not in HIGHER_IS_BETTER:
        raise ValueError(f"METRIC: expected one of {', '.join(HIGHER_IS_BETTER)}, got {metric!r}")
    return 1 if HIGHER_IS_BETTER[metric] else -1


def ranked(candidates: Sequence[Candidate], metric: str) -> list[Candidate]:
    """The best first; equal ones by name, so that a repeated run chooses the same."""
    if not candidates:
        raise ValueError("expected at least one completed training job, got none")
    sign = direction(metric)
    return sorted(candidates, key=lambda candidate: (-sign * candidate.metrics[metric], candidate.algorithm))


def gate(best: Candidate, metric: str, minimum: float, improvement: float) -> Verdict:
    """Rejected when worse than required, than the trivial baseline, or than the version in service plus the wanted improvement."""
    sign = direction(metric)
    value, baseline, incumbent = (best.metrics.get(f"{whose}{metric}") for whose in ("", "baseline:", "incumbent:"))
    assert value is not None
    bound = "at least" if sign > 0 else "at most"
    if sign * value < sign * minimum:
        return Verdict(REJECTED, f"{metric} {value:.4f}: the gate wants {bound} {minimum:.4f}")
    if baseline is not None and sign * (value - baseline) <= 0:
        return Verdict(REJECTED, f"{metric} {value:.4f} is no better than the trivial baseline's {baseline:.4f}")
    if incumbent is None:
        return Verdict(PENDING, f"{metric} {value:.4f}, trivial baseline {_text(baseline)}; no version is in service to compare with")
    gain = sign * (value - incumbent)
    compared = f"{metric} {value:.4f}, version in service {incumbent:.4f} on the same test rows"
    if gain < improvement:
        return Verdict(REJECTED, f"{compared}: better by {gain:.4f}, the gate wants at least {improvement:.4f}")
    return Verdict(PENDING, f"{compared}: better by {gain:.4f}")


def _text(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4f}"


def properties(best: Candidate, *, training_run: str, reason: str, detail: str, model: str) -> dict[str, str]:
    """CustomerMetadataProperties of the model package, in the characters that SageMaker admits; `metrics` is `name=value` pairs."""
    own = {name: round(value, 6) for name, value in best.metrics.items() if ":" not in name}
    windows = best.evaluation.get("windows", {})
    values = {
        "model": model,
        "algorithm": best.algorithm,
        "training_run": training_run,
        "training_job": best.job,
        "reason": reason,
        "metrics": " ".join(f"{name}={value}" for name, value in own.items()),
        "gate": detail,
        **{f"{part}_window": " to ".join(window) for part, window in windows.items() if window},
        **{f"{part}_rows": str(rows) for part, rows in best.evaluation.get("rows", {}).items()},
    }
    texts = {name: permitted(value)[:PROPERTY_CHARACTERS] for name, value in values.items()}
    return {name: text for name, text in texts.items() if text}


def permitted(text: str) -> str:
    """`text` without the characters that SageMaker refuses in customer metadata (quotes, commas, brackets)."""
    kept = (each if each in PROPERTY_PUNCTUATION or unicodedata.category(each)[0] in "LNZ" else " " for each in text)
    return " ".join("".join(kept).split())


def model_package(
    best: Candidate, verdict: Verdict, *, group: str, image: str, documents: Mapping[str, str], customer: Mapping[str, str]
) -> dict[str, Any]:
    """Parameters of CreateModelPackage; `documents` is evaluation, statistics and constraints → URI."""

    def source(name: str) -> dict[str, str]:
        return {"ContentType": "application/json", "S3Uri": documents[name]}

    return {
        "ModelPackageGroupName": group,
        "ModelPackageDescription": f"{best.algorithm}: {verdict.detail}"[:1024],
        "InferenceSpecification": {
            "Containers": [{"Image": image, "ModelDataUrl": best.model_data_url, "Environment": {"SAGEMAKER_PROGRAM": "serve.py"}}],
            "SupportedContentTypes": ["text/csv", "application/json", "application/jsonlines"],
            "SupportedResponseMIMETypes": ["text/csv", "application/json", "application/jsonlines"],
        },
        "ModelApprovalStatus": verdict.status,
        "ModelMetrics": {
            "ModelQuality": {"Statistics": source("evaluation")},
            "ModelDataQuality": {"Statistics": source("statistics"), "Constraints": source("constraints")},
        },
        "CustomerMetadataProperties": dict(customer),
    }
