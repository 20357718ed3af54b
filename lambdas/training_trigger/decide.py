"""Whether to train, on what: pure, from manifests and settings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from platform_common.objects import split_uri
from platform_common.split import MINIMUM_PARTITIONS, Split, split_by_time

REASONS = ("data", "drift", "schedule", "request")
POLICIES = ("always", "until_in_service", "never")
PARTS = ("train", "validation", "test")


class UnknownEvent(ValueError):
    """An event that is no reason to train."""


@dataclass(frozen=True)
class Declined:
    """No training now; `status` is pending (more data will change it) or declined (settings say no)."""

    status: str
    detail: str


@dataclass(frozen=True)
class Plan:
    """A training on these manifests: files and rows of each set."""

    manifest_uris: tuple[str, ...]
    split: Split
    files: Mapping[str, tuple[str, ...]]
    rows: Mapping[str, int]
    contract: str
    sources: Sequence[Mapping[str, Any]] = field(default_factory=tuple)


def reason_of(event: Mapping[str, Any]) -> str:
    """The reason an event gives: its own `reason`, or drift when it is an alarm's state change."""
    if event.get("detail-type") == "CloudWatch Alarm State Change":
        return "drift"
    if event.get("reason") in REASONS:
        return event["reason"]
    raise UnknownEvent(
        f"expected an event with reason {', '.join(REASONS)}, or an alarm's state change, got {json.dumps(event, default=str)[:200]}"
    )


def cause_of(event: Mapping[str, Any]) -> str:
    """The correlation id that an event brings: the data run of its manifest, or the event's own id; empty where it has none."""
    if event.get("manifest"):
        return data_runs([event["manifest"]])[0]
    return str(event.get("id", ""))


def data_runs(manifest_uris: Sequence[str]) -> list[str]:
    """The data runs that wrote these manifests (`<model>/manifests/<run>.json`)."""
    return [uri.rsplit("/", 1)[-1].removesuffix(".json") for uri in manifest_uris]


def in_bucket(document: Mapping[str, Any], bucket: str) -> dict[str, Any]:
    """The manifest with its files in `bucket`: one that was replicated here names the bucket of the stack that wrote it, its files came along."""
    partitions = [{**each, "files": [f"s3://{bucket}/{split_uri(file)[1]}" for file in each["files"]]} for each in document["partitions"]]
    return {**document, "partitions": partitions}


def keys_of(document: Mapping[str, Any]) -> set[str]:
    """The keys of all files of a manifest."""
    return {split_uri(file)[1] for partition in document["partitions"] for file in partition["files"]}


def current(manifests: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Of several runs of the same raw object the latest: a corrected file replaces its earlier version, in either region's raw bucket."""
    latest: dict[str, str] = {}
    for uri in sorted(manifests, key=lambda each: (manifests[each]["created"], each)):
        latest[split_uri(manifests[uri]["source"]["uri"])[1]] = uri
    return {uri: manifests[uri] for uri in sorted(latest.values())}


def decide(
    manifests: Mapping[str, Mapping[str, Any]],
    *,
    reason: str,
    train_on_data: str,
    minimum_rows: int,
    in_service: bool,
    contract: str | None,
) -> Plan | Declined:
    """A plan, or why there is none. `manifests` is URI → document of all runs of the model."""
    if train_on_data not in POLICIES:
        raise ValueError(f"TRAIN_ON_DATA: expected one of {', '.join(POLICIES)}, got {train_on_data!r}")
    if reason == "data" and train_on_data == "never":
        return Declined("declined", "the model's setting train_on_data is never: new data alone starts no training")
    if reason == "data" and train_on_data == "until_in_service" and in_service:
        return Declined("declined", "a version is in service and the model's setting train_on_data is until_in_service")
    used = current(manifests)
    rows: dict[str, int] = {}
    files: dict[str, list[str]] = {}
    for document in used.values():
        for partition in document["partitions"]:
            rows[partition["value"]] = rows.get(partition["value"], 0) + partition["rows"]
            files.setdefault(partition["value"], []).extend(partition["files"])
    total = sum(rows.values())
    if total < minimum_rows:
        return Declined("pending", f"{total} rows in {len(used)} files, {minimum_rows} are needed")
    if len(rows) < MINIMUM_PARTITIONS:
        return Declined("pending", f"{len(rows)} days of data, {MINIMUM_PARTITIONS} are needed for train, validation and test sets")
    parts = split_by_time(rows)
    newest = max(used.values(), key=lambda document: document["created"])
    return Plan(
        manifest_uris=tuple(used),
        split=parts,
        files={part: tuple(file for value in getattr(parts, part) for file in sorted(files[value])) for part in PARTS},
        rows={part: sum(rows[value] for value in getattr(parts, part)) for part in PARTS},
        contract=contract or newest["contract"],
        sources=tuple(document["source"] for document in used.values()),
    )


def training_run(plan: Plan, reason: str, attempt: int) -> str:
    """Twelve hex digits that stand for this training's inputs; the same event again gives the same run."""
    inputs = json.dumps([plan.manifest_uris, [dict(source) for source in plan.sources], reason, attempt], sort_keys=True)
    return hashlib.sha256(inputs.encode()).hexdigest()[:12]


def sagemaker_manifest(files: Sequence[str]) -> list[Any]:
    """SageMaker's manifest of S3 objects: the common prefix, then keys relative to it."""
    bucket = files[0].split("/", 3)[2]
    prefix = f"s3://{bucket}/"
    foreign = [file for file in files if not file.startswith(prefix)]
    if foreign:
        raise ValueError(f"expected all files in {prefix}, got {foreign[0]}")
    return [{"prefix": prefix}, *(file.removeprefix(prefix) for file in files)]


def channel(name: str, uri: str, kind: str) -> dict[str, Any]:
    """One entry of InputDataConfig; `kind` is ManifestFile or S3Prefix."""
    return {
        "ChannelName": name,
        "DataSource": {"S3DataSource": {"S3DataType": kind, "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}},
        "InputMode": "File",
    }


def input_data_config(channels: Mapping[str, str]) -> list[dict[str, Any]]:
    """InputDataConfig of all channels (name → URI); the data sets are manifest files, the others single objects."""
    return [channel(name, uri, "ManifestFile" if name in PARTS else "S3Prefix") for name, uri in channels.items()]
