"""A version goes from one account's registry to another's, and waits there."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from mlops.errors import UserError
from mlops.operations.promotion import promote
from mlops.operations.target import Target

REGION = "eu-west-1"
DEV, PROD = "123456789012", "222222222222"
CONTRACT = {
    "target": "late",
    "positive": 1,
    "columns": [{"name": "distance", "type": "integer"}, {"name": "carrier", "type": "string"}, {"name": "late", "type": "integer"}],
}
SCHEMA = {"inputs": [{"name": "distance", "type": "integer"}, {"name": "carrier", "type": "string"}], "target": "late", "positive": 1}
pytestmark = pytest.mark.spec("P3h")


def archive(**documents: Any) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        for name, content in {"evaluation": {}, "statistics": {}, "constraints": {}, "schema": SCHEMA, **documents}.items():
            body = json.dumps(content).encode()
            entry = tarfile.TarInfo(f"{name}.json")
            entry.size = len(body)
            tar.addfile(entry, io.BytesIO(body))
    return data.getvalue()


def stack(name: str, account: str, session: boto3.Session, contract: dict[str, Any] = CONTRACT) -> Target:
    model = {
        "model_package_group": f"mlops-{name}-flights",
        "contract": f"s3://mlops-{name}-models/code/contracts/flights.json",
        "serving_image": f"{account}.dkr.ecr.{REGION}.amazonaws.com/mlops-{name}-serving:1",
    }
    outputs = {"account": account, "buckets": {"models": f"mlops-{name}-models"}, "models": {"flights": model}}
    made = Target(name, session, None, outputs)
    made.client("s3").create_bucket(Bucket=f"mlops-{name}-models", CreateBucketConfiguration={"LocationConstraint": REGION})
    made.client("s3").put_object(Bucket=f"mlops-{name}-models", Key="code/contracts/flights.json", Body=json.dumps(contract).encode())
    made.client("sagemaker").create_model_package_group(ModelPackageGroupName=model["model_package_group"])
    return made


def register(target: Target, body: bytes, status: str = "Approved") -> int:
    model = target.outputs["models"]["flights"]
    key = "flights/training/job-1/output/model.tar.gz"
    target.client("s3").put_object(Bucket=target.outputs["buckets"]["models"], Key=key, Body=body)
    container = {"Image": model["serving_image"], "ModelDataUrl": f"s3://{target.outputs['buckets']['models']}/{key}"}
    arn = target.client("sagemaker").create_model_package(
        ModelPackageGroupName=model["model_package_group"],
        InferenceSpecification={
            "Containers": [container],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        ModelApprovalStatus=status,
        CustomerMetadataProperties={"training_run": "0a1b2c3d4e5f", "algorithm": "lightgbm"},
    )["ModelPackageArn"]
    return int(arn.rsplit("/", 1)[1])


@pytest.fixture
def accounts(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[boto3.Session, boto3.Session]]:
    """Sessions of two accounts."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        own = boto3.Session("testing", "testing", region_name=REGION)
        keys = own.client("sts").assume_role(RoleArn=f"arn:aws:iam::{PROD}:role/promoter", RoleSessionName="promotion")["Credentials"]
        yield own, boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], region_name=REGION)


def test_the_same_archive_waits_in_the_other_account_for_its_own_approval(accounts: Any) -> None:
    dev, prod = stack("dev", DEV, accounts[0]), stack("prod", PROD, accounts[1])
    body = archive()
    version = register(dev, body)
    answer = promote(dev, prod, "flights", version, "better in dev since March (AUC +0.01)")
    assert answer["status"] == "succeeded" and f":{PROD}:" in answer["to"]["arn"]
    package = prod.client("sagemaker").describe_model_package(ModelPackageName=answer["to"]["arn"])
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    container = package["InferenceSpecification"]["Containers"][0]
    assert container["Image"].startswith(f"{PROD}.dkr.ecr.") and container["ModelDataUrl"].startswith(
        "s3://mlops-prod-models/flights/training/"
    )
    bucket, key = container["ModelDataUrl"].removeprefix("s3://").split("/", 1)
    assert prod.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read() == body
    properties = package["CustomerMetadataProperties"]
    assert (properties["promoted_from"], properties["promoted_from_account"]) == (answer["from"]["arn"], DEV)
    assert (properties["archive_sha256"], properties["training_run"]) == (hashlib.sha256(body).hexdigest(), "0a1b2c3d4e5f")
    assert properties["promotion_reason"] == "better in dev since March AUC +0.01"


def test_a_second_promotion_registers_nothing(accounts: Any) -> None:
    dev, prod = stack("dev", DEV, accounts[0]), stack("prod", PROD, accounts[1])
    version = register(dev, archive())
    first, second = (promote(dev, prod, "flights", version, "twice") for _ in range(2))
    assert (second["status"], second["to"]["arn"]) == ("duplicate", first["to"]["arn"])
    group = {"ModelPackageGroupName": "mlops-prod-flights"}
    assert len(prod.client("sagemaker").list_model_packages(**group)["ModelPackageSummaryList"]) == 1


@pytest.mark.parametrize("status", ["PendingManualApproval", "Rejected"])
def test_only_what_its_own_stack_has_approved_is_promoted(accounts: Any, status: str) -> None:
    dev, prod = stack("dev", DEV, accounts[0]), stack("prod", PROD, accounts[1])
    with pytest.raises(UserError, match=f"is {status}"):
        promote(dev, prod, "flights", register(dev, archive(), status), "hope")


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (
            {**SCHEMA, "inputs": [{"name": "distance", "type": "number"}]},
            "column distance: the model takes number, the contract has integer",
        ),
        (
            {**SCHEMA, "inputs": [{"name": "gate", "type": "string"}]},
            "column gate: the model takes string, the contract has no such column",
        ),
        ({**SCHEMA, "positive": 0}, "positive: the model has 0, the contract 1"),
    ],
)
def test_a_model_that_does_not_fit_the_other_stacks_contract_is_refused(accounts: Any, schema: dict[str, Any], words: str) -> None:
    dev, prod = stack("dev", DEV, accounts[0]), stack("prod", PROD, accounts[1])
    with pytest.raises(UserError, match=words):
        promote(dev, prod, "flights", register(dev, archive(schema=schema)), "hope")
    assert not prod.client("sagemaker").list_model_packages(ModelPackageGroupName="mlops-prod-flights")["ModelPackageSummaryList"]


def test_a_stack_is_not_promoted_to_itself(accounts: Any) -> None:
    dev = stack("dev", DEV, accounts[0])
    with pytest.raises(UserError, match="the same one twice"):
        promote(dev, dev, "flights", register(dev, archive()), "hope")
