"""Where a prediction or a model version comes from: raw object versions → features → training run and job → model version → deployments → prediction.

Nothing new is recorded for it: it joins what the parts wrote (ledger, manifests, registry, SageMaker, Step Functions, stored predictions, object
versions). A link whose record is gone, or was never made, is told as missing, never guessed.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from mlops.errors import UserError
from mlops.operations import models as registry
from mlops.operations.target import Target

NOT_THERE = {
    "404",
    "NoSuchKey",
    "NoSuchVersion",
    "NotFound",
    "ResourceNotFound",
    "ResourceNotFoundException",
    "ValidationException",
    "NoSuchBucket",
}
LOOK_BACK_DAYS = 30


@dataclass
class Node:
    """One link of the chain; `missing` says what should be here and is not, `children` are what it comes from."""

    kind: str
    id: str
    facts: dict[str, Any] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "id": self.id,
            "facts": {name: value for name, value in self.facts.items() if value not in (None, "", [], {})},
            "missing": self.missing,
            "children": [child.document() for child in self.children],
        }

    def every(self) -> Iterator[Node]:
        yield self
        for child in self.children:
            yield from child.every()


class Lineage:
    """Reads one model's records."""

    def __init__(self, target: Target, name: str, model: dict[str, Any]) -> None:
        self._target, self._name, self._model = target, name, model
        self._buckets = target.outputs["buckets"]
        self._sources: dict[str, Node] = {}

    # ---- prediction -------------------------------------------------------------------------------------------------------------------

    def prediction(self, identifier: str, days: int = LOOK_BACK_DAYS) -> Node:
        """The newest stored prediction with this id or request id; UserError when there is none."""
        record = self._online(identifier, days) or self._in_batches(identifier, days)
        if record is None:
            raise UserError(
                "no-prediction",
                f"expected the id of a stored prediction or of a request of the last {days} days, found none called {identifier!r}",
                f"s3://{self._buckets['predictions']}/{self._name}/",
                "give MODEL, MODEL:VERSION or a prediction's id (a prediction is stored some seconds after its answer); look further back with --days",
            )
        keys = ("request_id", "batch", "created", "value", "prediction", "probability", "model_version", "variant", "stored_at", "source")
        node = Node("prediction", identifier, {key: record.get(key) for key in keys})
        version = str(record.get("model_version", ""))
        if not version.isdigit():
            node.missing.append(f"model version: the record says {version!r}")
            return node
        served = self.version(int(version), before=_moment(record["created"]), variant=record.get("variant", ""))
        run = record.get("training_run")
        if run and run != served.facts.get("training_run"):
            served.missing.append(f"training run: the prediction names {run}, the registry {served.facts.get('training_run')}")
        node.children.append(served)
        return node

    def _online(self, identifier: str, days: int) -> dict[str, Any] | None:
        today = datetime.now(UTC).date()
        for back in range(days + 1):
            newest: dict[str, Any] | None = None
            for key in self._keys("predictions", f"{self._name}/online/date={today - timedelta(days=back):%Y-%m-%d}/"):
                for line in gzip.decompress(self._body("predictions", key)).splitlines():
                    if identifier.encode() not in line:
                        continue
                    record = json.loads(line)
                    if identifier in (record["id"], record["request_id"]) and (newest is None or record["created"] > newest["created"]):
                        newest = {**record, "stored_at": f"s3://{self._buckets['predictions']}/{key}"}
            if newest:
                return newest
        return None

    def _in_batches(self, identifier: str, days: int) -> dict[str, Any] | None:
        client, bucket = self._target.client("s3"), self._buckets["predictions"]
        oldest = datetime.now(UTC) - timedelta(days=days)
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{self._name}/batch/")
        found = [item for page in pages for item in page.get("Contents", []) if item["Key"].endswith("/predictions.csv.gz")]
        for item in sorted(found, key=lambda each: each["LastModified"], reverse=True):
            if item["LastModified"] < oldest:
                return None
            with gzip.open(io.BytesIO(self._body("predictions", item["Key"])), "rt", newline="") as text:
                for row in csv.DictReader(text):
                    if identifier in row.values():
                        batch = item["Key"].split("/")[-2]
                        summary = self._json("predictions", item["Key"].replace("predictions.csv.gz", "summary.json")) or {}
                        answer = {name: row.get(name) for name in ("prediction", "probability", "model_version")}
                        stored = {"stored_at": f"s3://{bucket}/{item['Key']}", "created": item["LastModified"].isoformat()}
                        return {**answer, **stored, "batch": batch, "source": summary.get("source"), "variant": "primary"}
        return None

    # ---- model version ----------------------------------------------------------------------------------------------------------------

    def version(self, number: int, before: datetime | None = None, variant: str = "") -> Node:
        """A registered version; with `before` and `variant`, the deployment that served then."""
        row = registry.package(self._target, self._model, number)
        package = self._target.client("sagemaker").describe_model_package(ModelPackageName=row["arn"])
        properties = package.get("CustomerMetadataProperties", {})
        container = package["InferenceSpecification"]["Containers"][0]
        node = Node(
            "model version", f"{self._name}:{number}", {key: row[key] for key in ("arn", "status", "algorithm", "metrics", "created")}
        )
        node.facts |= {
            "training_run": properties.get("training_run"),
            "image": container["Image"],
            "archive": container.get("ModelDataUrl"),
        }
        self._expect(node, "archive", container.get("ModelDataUrl", ""))
        node.facts["decisions"] = self._decisions(number)
        if row["status"] != "PendingManualApproval" and not node.facts["decisions"]:
            node.missing.append("decision: no audit record under approvals/ of the log bucket")
        node.children.append(self._deployment(number, before, variant))
        if "promoted_from" in properties:
            facts = {"account": properties.get("promoted_from_account"), "archive_sha256": properties.get("archive_sha256")}
            origin = Node("promoted from", properties["promoted_from"], facts)
            origin.missing.append(
                "training: its records are in the account it was promoted from; `mlops lineage` of that version, there, goes on"
            )
            node.children.append(origin)
            return node
        node.children.append(self._job(properties.get("training_job", "")))
        node.children.append(self._training_run(properties.get("training_run", "")))
        return node

    def _decisions(self, number: int) -> list[dict[str, Any]]:
        prefix = f"approvals/{self._model['model_package_group']}/version={number}/"
        records = [self._json("logs", key) or {} for key in self._keys("logs", prefix)]
        return [{key: record.get(key) for key in ("decided", "decision", "who", "why")} for record in records]

    def _deployment(self, number: int, before: datetime | None, variant: str) -> Node:
        """The last successful deployment of the version (with `before`: the last one that had ended by then)."""
        client = self._target.client("stepfunctions")
        pages = client.get_paginator("list_executions").paginate(
            stateMachineArn=self._model["deployment_state_machine"], statusFilter="SUCCEEDED"
        )
        last: tuple[datetime, dict[str, Any], str] | None = None
        for execution in (each for page in pages for each in page["executions"]):
            output = json.loads(client.describe_execution(executionArn=execution["executionArn"]).get("output") or "{}")
            ended = execution["stopDate"].astimezone(UTC)
            if str(output.get("version")) != str(number) or (before and execution["startDate"].astimezone(UTC) > before):
                continue
            if last is None or ended > last[0]:
                last = (ended, output, execution["executionArn"])
        if last is None:
            node = Node("deployment", f"of version {number}")
            if before:
                node.missing.append("deployment: no execution that could have served this prediction (Step Functions keeps them 90 days)")
            else:
                node.facts["state"] = "never deployed"
            return node
        ended, output, arn = last
        node = Node(
            "deployment",
            output.get("endpoint_config", ""),
            {"endpoint": output.get("endpoint"), "execution": arn, "ended": ended.isoformat()},
        )
        node.facts["variant"] = variant
        serving = [each for each in registry.in_service(self._target, self._model) if each["version"] == number]
        node.facts["in_service_now"] = [f"{each['variant']} {each['weight']:.0%}" for each in serving]
        return node

    # ---- training ---------------------------------------------------------------------------------------------------------------------

    def _job(self, name: str) -> Node:
        node = Node("training job", name or "not named")
        if not name:
            node.missing.append("training job: the registry names none (a version that something else registered)")
            return node
        job = self._call(node, "training job", lambda: self._target.client("sagemaker").describe_training_job(TrainingJobName=name))
        if job is None:
            return node
        interrupted = [each["Status"] for each in job.get("SecondaryStatusTransitions", [])].count("Interrupted")
        resources = job["ResourceConfig"]
        node.facts |= {
            "status": job["TrainingJobStatus"],
            "hyperparameters": {key: value for key, value in job.get("HyperParameters", {}).items() if not key.startswith("sagemaker_")},
            "image": job["AlgorithmSpecification"]["TrainingImage"],
            "instances": f"{resources['InstanceCount']} {resources['InstanceType']}",
            "spot_interruptions": interrupted or None,
            "started": _text(job.get("TrainingStartTime")),
            "ended": _text(job.get("TrainingEndTime")),
        }
        channels = {each["ChannelName"]: each["DataSource"]["S3DataSource"]["S3Uri"] for each in job.get("InputDataConfig", [])}
        for kind, channel in (("code", "code"), ("contract", "contract"), ("model it was compared with", "incumbent")):
            if channel in channels:
                node.children.append(self._object(kind, channels[channel]))
        return node

    def _training_run(self, run: str) -> Node:
        node = Node("training run", run or "not named")
        if not run:
            node.missing.append("training run: the registry names none (a version that something else registered)")
            return node
        item = self._ledger(f"training#{self._name}#{run}")
        if item is None:
            node.missing.append(f"ledger: no item training#{self._name}#{run}")
        node.facts |= {key: (item or {}).get(key) for key in ("status", "reason", "execution", "started_at")}
        record = self._json("processed", f"{self._name}/training/{run}/training.json")
        if record is None:
            node.missing.append(f"training.json: s3://{self._buckets['processed']}/{self._name}/training/{run}/training.json is gone")
            return node
        node.facts |= {"rows": record["rows"], "test_days": record["split"]["test"][:1] + record["split"]["test"][-1:]}
        node.children += [self._features(uri) for uri in record["manifest_uris"]]
        return node

    def _features(self, uri: str) -> Node:
        run = uri.rsplit("/", 1)[-1].removesuffix(".json")
        node = Node("features", f"run={run}", {"manifest": uri})
        manifest = self._json("processed", uri.split("/", 3)[3])
        if manifest is None:
            node.missing.append(f"manifest: {uri} is gone")
            return node
        files = [file for partition in manifest["partitions"] for file in partition["files"]]
        node.facts |= {key: manifest[key] for key in ("rows", "accepted", "quarantined", "created", "contract")} | {"files": len(files)}
        node.facts["partitions"] = len(manifest["partitions"])
        absent = set(files) - {
            f"s3://{self._buckets['processed']}/{key}" for key in self._keys("processed", manifest["features_prefix"].split("/", 3)[-1])
        }
        if absent:
            node.missing.append(f"features: {len(absent)} of {len(files)} Parquet files are gone")
        source = manifest["source"]
        bucket, key = source["uri"].removeprefix("s3://").split("/", 1)
        version = source.get("version") or "null"
        item = self._ledger(f"object#{bucket}#{key}#{version}")
        if item is None:
            node.missing.append(f"ledger: no item object#{bucket}#{key}#{version}")
        node.facts |= {"execution": (item or {}).get("execution"), "status": (item or {}).get("status")}
        node.children.append(self._object("raw object", source["uri"], version))
        return node

    # ---- records ----------------------------------------------------------------------------------------------------------------------

    def _object(self, kind: str, uri: str, version: str | None = None) -> Node:
        """An S3 object, of a version where one is given, with the commit that its metadata names."""
        bucket, key = uri.removeprefix("s3://").split("/", 1)
        node = Node(kind, uri, {"version": version})
        chosen = {"VersionId": version} if version and version != "null" else {}
        head = self._call(node, kind, lambda: self._target.client("s3").head_object(Bucket=bucket, Key=key, **chosen))
        if head is not None:
            node.facts |= {"bytes": head["ContentLength"], "etag": head["ETag"].strip('"'), "modified": _text(head["LastModified"])}
            node.facts["version"] = version or head.get("VersionId")
            if kind == "code":
                node.facts["commit"] = head.get("Metadata", {}).get("commit")
                if not node.facts["commit"]:
                    node.missing.append("commit: the deployment that brought this source did not know its commit (MLOPS_REVISION)")
        return node

    def _expect(self, node: Node, what: str, uri: str) -> None:
        if not uri:
            node.missing.append(f"{what}: the registry names none")
            return
        bucket, key = uri.removeprefix("s3://").split("/", 1)
        self._call(node, what, lambda: self._target.client("s3").head_object(Bucket=bucket, Key=key))

    def _call(self, node: Node, what: str, call: Callable[[], Any]) -> Any:
        """The answer, or None and a missing link when AWS says that it is not there."""
        try:
            return call()
        except ClientError as error:
            if error.response["Error"]["Code"] not in NOT_THERE:
                raise
            node.missing.append(f"{what}: it is gone ({error.response['Error']['Code']})")
            return None

    def _ledger(self, identifier: str) -> dict[str, str] | None:
        table = self._target.outputs["ledger_table"]
        item = self._target.client("dynamodb").get_item(TableName=table, Key={"id": {"S": identifier}}, ConsistentRead=True).get("Item")
        return None if item is None else {name: next(iter(value.values())) for name, value in item.items()}

    def _keys(self, bucket: str, prefix: str) -> list[str]:
        pages = self._target.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self._buckets[bucket], Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def _body(self, bucket: str, key: str) -> bytes:
        return self._target.client("s3").get_object(Bucket=self._buckets[bucket], Key=key)["Body"].read()

    def _json(self, bucket: str, key: str) -> dict[str, Any] | None:
        try:
            return json.loads(self._body(bucket, key))
        except ClientError as error:
            if error.response["Error"]["Code"] not in NOT_THERE:
                raise
            return None


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()


def trace(target: Target, what: str, model: str | None, days: int) -> Node:
    """The tree of MODEL, MODEL:VERSION or a prediction's id. A model alone is its version in service, else its newest one."""
    name, _, version = what.partition(":")
    if name in target.outputs["models"] and re.fullmatch(r"|\d+", version):
        _, chosen = target.model(name)
        return Lineage(target, name, chosen).version(int(version) if version else _current(target, chosen))
    named, chosen = target.model(model)
    return Lineage(target, named, chosen).prediction(what, days)


def _current(target: Target, model: dict[str, Any]) -> int:
    for row in registry.in_service(target, model):
        if row["version"] is not None:
            return row["version"]
    rows = registry.versions(target, model)
    if not rows:
        raise UserError(
            "no-version", "there is no version: none is registered yet", model["model_package_group"], "`mlops train` makes one"
        )
    return rows[-1]["version"]
