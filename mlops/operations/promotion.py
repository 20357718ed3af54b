"""A model version from one stack to another, across accounts: its archive is copied and registered there, pending that stack's own approval.

No account opens itself to the other: whoever promotes reads with a principal of the one and writes with a principal of the other, so both
accounts' walls (bucket policies, keys, boundary) stay as they are. The version that was tested is the version that is approved: the archive's
digest is compared on both sides and kept in the registry. What was trained is not trained again.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
import tempfile
import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlops.errors import UserError
from mlops.operations import models as registry
from mlops.operations.target import Target

DOCUMENTS = ("evaluation", "statistics", "constraints")
PUNCTUATION = "_.:/=+-@"  # besides letters, numbers and spaces: what SageMaker admits in customer metadata
BLOCK = 1 << 20


def promote(source: Target, target: Target, name: str, version: int, reason: str) -> dict[str, Any]:
    """Copies and registers; the answer says what is where. A second promotion of the same archive registers nothing."""
    _, here = source.model(name)
    _, there = target.model(name)
    if (source.outputs["account"], here["model_package_group"]) == (target.outputs["account"], there["model_package_group"]):
        raise UserError(
            "same-registry", "expected two registries, got the same one twice", here["model_package_group"], "name another stack with --to"
        )
    row = registry.package(source, here, version)
    if row["status"] != "Approved":
        raise UserError(
            "not-approved",
            f"expected a version that stack {source.stack} has approved, version {version} is {row['status']}",
            row["arn"],
            f"`mlops approve {version} --reason … --stack {source.stack}`",
        )
    package = source.client("sagemaker").describe_model_package(ModelPackageName=row["arn"])
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "model.tar.gz"
        bucket, key = _split(package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"])
        source.client("s3").download_file(bucket, key, str(archive))
        digest = _digest(archive)
        documents = _documents(archive)
        _require_same_contract(documents.pop("schema"), target, there)
        known = _promoted(target, there, digest)
        if known is not None:
            return _answer(source, target, row, known, digest, status="duplicate")
        place = f"{name}/training/promoted-{digest[:12]}"
        uris = _upload(target, archive, documents, place, digest)
    created = target.client("sagemaker").create_model_package(
        **_package(package, uris, there, reason, digest, source), ClientToken=f"promoted-{digest[:24]}"
    )
    return _answer(source, target, row, created["ModelPackageArn"], digest, status="succeeded")


def _split(uri: str) -> tuple[str, str]:
    bucket, key = uri.removeprefix("s3://").split("/", 1)
    return bucket, key


def _digest(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as body:
        while block := body.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _documents(archive: Path) -> dict[str, bytes]:
    """The documents of a model's archive: evaluation, baseline and schema."""
    found: dict[str, bytes] = {}
    wanted = {f"{name}.json" for name in (*DOCUMENTS, "schema")}
    with tarfile.open(archive) as tar:
        for member in tar:
            path = member.name.removeprefix("./")
            file = tar.extractfile(member) if path in wanted else None
            if file is not None:
                found[path.removesuffix(".json")] = file.read()
    missing = sorted(wanted - {f"{name}.json" for name in found})
    if missing:
        raise UserError(
            "bad-archive",
            f"expected {', '.join(missing)} in the archive, found none",
            str(archive.name),
            "train.py writes them: train again",
        )
    return found


def _require_same_contract(schema: bytes, target: Target, model: dict[str, Any]) -> None:
    """UserError unless the other stack's contract has every column that the model takes, as the type it takes, and the same labels."""
    document = json.loads(schema)
    contract = target.read_json(*_split(model["contract"]))
    types = {column["name"]: column["type"] for column in contract["columns"]}
    wrong = [
        f"column {each['name']}: the model takes {each['type']}, the contract has {types.get(each['name'], 'no such column')}"
        for each in document["inputs"]
        if types.get(each["name"]) != each["type"]
    ]
    wrong += [
        f"{what}: the model has {document[what]!r}, the contract {contract[what]!r}"
        for what in ("target", "positive")
        if document[what] != contract[what]
    ]
    if wrong:
        raise UserError(
            "other-contract",
            f"the model does not fit stack {target.stack}'s contract: {'; '.join(wrong[:5])}",
            model["contract"],
            "bring both stacks to the same contract first",
        )


def _promoted(target: Target, model: dict[str, Any], digest: str) -> str | None:
    """The version that an earlier promotion of this archive registered."""
    client = target.client("sagemaker")
    for row in reversed(registry.versions(target, model)):
        package = client.describe_model_package(ModelPackageName=row["arn"])
        if package.get("CustomerMetadataProperties", {}).get("archive_sha256") == digest:
            return row["arn"]
    return None


def _upload(target: Target, archive: Path, documents: dict[str, bytes], place: str, digest: str) -> dict[str, str]:
    """The archive, read back and compared, and its documents; what → URI."""
    s3, bucket = target.client("s3"), target.outputs["buckets"]["models"]
    key = f"{place}/output/model.tar.gz"
    s3.upload_file(str(archive), bucket, key)
    returned = hashlib.sha256()
    for block in s3.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(BLOCK):
        returned.update(block)
    if returned.hexdigest() != digest:
        raise UserError(
            "bad-copy", f"expected the digest {digest}, read back {returned.hexdigest()}", f"s3://{bucket}/{key}", "promote again", 1
        )
    uris = {"archive": f"s3://{bucket}/{key}"}
    for name in DOCUMENTS:
        uris[name] = f"s3://{bucket}/{place}/baseline/{name}.json"
        s3.put_object(Bucket=bucket, Key=f"{place}/baseline/{name}.json", Body=documents[name], ContentType="application/json")
    return uris


def _package(
    package: dict[str, Any], uris: dict[str, str], there: dict[str, Any], reason: str, digest: str, source: Target
) -> dict[str, Any]:
    """Parameters of CreateModelPackage: the same version for the other stack's image, and where it comes from."""

    def document(name: str) -> dict[str, str]:
        return {"ContentType": "application/json", "S3Uri": uris[name]}

    specification = package["InferenceSpecification"]
    container = specification["Containers"][0]
    own = {
        "promoted_from": package["ModelPackageArn"],
        "promoted_from_account": str(source.outputs["account"]),
        "promotion_reason": _permitted(reason)[:256],
        "archive_sha256": digest,
    }
    return {
        "ModelPackageGroupName": there["model_package_group"],
        "ModelPackageDescription": f"promoted from stack {source.stack}: {package.get('ModelPackageDescription', '')}"[:1024],
        "InferenceSpecification": {
            "Containers": [
                {"Image": there["serving_image"], "ModelDataUrl": uris["archive"], "Environment": container.get("Environment", {})},
            ],
            "SupportedContentTypes": specification["SupportedContentTypes"],
            "SupportedResponseMIMETypes": specification["SupportedResponseMIMETypes"],
        },
        "ModelApprovalStatus": "PendingManualApproval",
        "ModelMetrics": {
            "ModelQuality": {"Statistics": document("evaluation")},
            "ModelDataQuality": {"Statistics": document("statistics"), "Constraints": document("constraints")},
        },
        "CustomerMetadataProperties": {
            **package.get("CustomerMetadataProperties", {}),
            **{name: value for name, value in own.items() if value},
        },
    }


def _permitted(text: str) -> str:
    kept = (each if each in PUNCTUATION or unicodedata.category(each)[0] in "LNZ" else " " for each in text)
    return " ".join("".join(kept).split())


def _answer(source: Target, target: Target, row: dict[str, Any], arn: str, digest: str, *, status: str) -> dict[str, Any]:
    return {
        "status": status,
        "from": {"stack": source.stack, "account": source.outputs["account"], "version": row["version"], "arn": row["arn"]},
        "to": {"stack": target.stack, "account": target.outputs["account"], "version": int(arn.rsplit("/", 1)[1]), "arn": arn},
        "archive_sha256": digest,
        "promoted": datetime.now(UTC).isoformat(),
    }
