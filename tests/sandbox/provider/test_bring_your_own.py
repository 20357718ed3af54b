"""A stack on a VPC, keys, a trail, a boundary and a raw bucket of somebody else: it is built on them, and leaves them as they were."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlops import engine
from mlops.sandbox import lifecycle
from mlops.sandbox.provider import AwsProvider
from mlops.sandbox.provider.deployer import deployer

from ..conftest import FAST, Aws

ROOT = Path(__file__).parents[3]
PROGRAM = ("Pulumi.yaml", "__main__.py", "components", "lambdas", "glue_jobs", "training", "contracts")
CLASSES = ("data", "models", "predictions", "logs", "operations")
pytestmark = pytest.mark.sandbox


@dataclass
class Company:
    """What the company has, made without Pulumi."""

    aws: Aws
    vpc: str
    subnets: list[str]
    keys: dict[str, str]
    trail: str
    boundary: str
    raw: str = "company-raw"

    def settings(self) -> dict[str, Any]:
        return {
            "mlops:network": {"mode": "existing", "vpc_id": self.vpc, "private_subnet_ids": self.subnets},
            "mlops:keys": {"mode": "existing", **self.keys},
            "mlops:audit": {"mode": "existing", "trail_arn": self.trail},
            "mlops:identity": {"boundary": "existing", "boundary_arn": self.boundary},
            "mlops:lake": {"raw_mode": "existing", "raw_bucket": self.raw},
        }

    def as_it_is(self) -> dict[str, Any]:
        """Everything of it that a stack could have changed or destroyed."""
        ec2, kms, s3 = (self.aws.client(service) for service in ("ec2", "kms", "s3"))
        trail, iam = self.aws.client("cloudtrail"), self.aws.client("iam")
        in_vpc = [{"Name": "vpc-id", "Values": [self.vpc]}]
        policy = iam.get_policy(PolicyArn=self.boundary)["Policy"]
        return {
            "vpc": ec2.describe_vpcs(VpcIds=[self.vpc])["Vpcs"],
            "subnets": sorted(subnet["SubnetId"] for subnet in ec2.describe_subnets(Filters=in_vpc)["Subnets"]),
            "routes": ec2.describe_route_tables(Filters=in_vpc)["RouteTables"],
            "acls": ec2.describe_network_acls(Filters=in_vpc)["NetworkAcls"],
            "flow logs": ec2.describe_flow_logs(Filters=[{"Name": "resource-id", "Values": [self.vpc]}])["FlowLogs"],
            "endpoints": ec2.describe_vpc_endpoints(Filters=in_vpc)["VpcEndpoints"],
            "keys": [kms.describe_key(KeyId=arn)["KeyMetadata"] for arn in self.keys.values()],
            "key policies": [kms.get_key_policy(KeyId=arn, PolicyName="default")["Policy"] for arn in self.keys.values()],
            "trail": trail.describe_trails(trailNameList=[self.trail])["trailList"],
            "logging": trail.get_trail_status(Name=self.trail)["IsLogging"],
            "boundary": iam.get_policy_version(PolicyArn=self.boundary, VersionId=policy["DefaultVersionId"])["PolicyVersion"]["Document"],
            "bucket policy": json.loads(s3.get_bucket_policy(Bucket=self.raw)["Policy"]),
            "versioning": s3.get_bucket_versioning(Bucket=self.raw)["Status"],
            "objects": [
                (found["Key"], found["VersionId"], s3.get_object(Bucket=self.raw, Key=found["Key"])["Body"].read())
                for found in s3.list_object_versions(Bucket=self.raw)["Versions"]
            ],
        }

    def groups(self) -> set[str]:
        found = self.aws.client("ec2").describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [self.vpc]}])["SecurityGroups"]
        return {group["GroupName"] for group in found}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def company_of(aws: Aws) -> Company:
    account = aws.running.account
    ec2, kms, s3, trail = (aws.client(service) for service in ("ec2", "kms", "s3", "cloudtrail"))
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{n}.0/24", AvailabilityZone=f"eu-west-1{'ab'[n]}")["Subnet"]["SubnetId"]
        for n in range(2)
    ]
    services = [f"{name}.amazonaws.com" for name in ("logs.eu-west-1", "cloudwatch", "scheduler", "sns", "events", "budgets", "costalerts")]
    admitted = document(
        {"Sid": "Account", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "kms:*", "Resource": "*"},
        {"Sid": "Services", "Effect": "Allow", "Principal": {"Service": services}, "Action": "kms:*", "Resource": "*"},
    )
    keys = {data_class: kms.create_key(Description=data_class, Policy=admitted)["KeyMetadata"]["Arn"] for data_class in CLASSES}
    for bucket in ("company-raw", "company-trail"):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    tls = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::company-raw/*"}
    s3.put_bucket_policy(Bucket="company-raw", Policy=document({**tls, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}))
    s3.put_bucket_versioning(Bucket="company-raw", VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(Bucket="company-raw", NotificationConfiguration={"EventBridgeConfiguration": {}})
    s3.put_object(Bucket="company-raw", Key="archive/2025.csv", Body=b"kept for years")
    writes = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}}
    s3.put_bucket_policy(
        Bucket="company-trail",
        Policy=document(
            {**writes, "Action": "s3:GetBucketAcl", "Resource": "arn:aws:s3:::company-trail"},
            {**writes, "Action": "s3:PutObject", "Resource": "arn:aws:s3:::company-trail/*"},
        ),
    )
    arn = trail.create_trail(Name="company", S3BucketName="company-trail", IsMultiRegionTrail=True)["TrailARN"]
    trail.start_logging(Name=arn)
    everything = document({"Effect": "Allow", "Action": "*", "Resource": "*"})
    boundary = aws.client("iam").create_policy(PolicyName="company", Path="/boundary/", PolicyDocument=everything)["Policy"]["Arn"]
    return Company(aws, vpc, subnets, keys, arn, boundary)


def project(folder: Path, settings: dict[str, Any]) -> Path:
    """The program with its base and the part `data`, on what the company has."""
    for part in PROGRAM:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / part)
    local = yaml.safe_load((ROOT / "Pulumi.local.yaml").read_text())
    local["config"]["mlops:stack"]["parts"] = ["data"]
    del local["config"]["mlops:cicd"]
    local["config"] |= settings
    (folder / "Pulumi.local.yaml").write_text(yaml.safe_dump(local, sort_keys=False))
    if (ROOT / "build").is_dir():
        (folder / "build").symlink_to(ROOT / "build")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("brought")


@pytest.fixture(scope="module")
def aws(folder: Path) -> Iterator[Aws]:
    yield Aws(lifecycle.start(folder, "eu-west-1", options=FAST, attached=True))
    lifecycle.stop(folder)


@pytest.mark.spec("U5")
def test_what_was_brought_along_is_used_and_is_there_unchanged_after_the_stack_is_destroyed(aws: Aws, folder: Path) -> None:
    company = company_of(aws)
    before, groups = company.as_it_is(), company.groups()
    assert (len(before["subnets"]), len(before["keys"]), before["logging"], len(before["objects"])) == (2, 5, True, 1)

    running = aws.running
    provider = AwsProvider(running.endpoint, running.region, deployer(running), api_url=running.api_url)
    record = engine.up(project(folder, company.settings()), "local", provider)
    assert company.as_it_is() == before
    assert company.groups() > groups
    assert record.outputs["buckets"]["raw"] == company.raw
    prefix = record.outputs["prefix"]
    function = aws.client("lambda").get_function_configuration(FunctionName=f"{prefix}-security-audit")
    assert sorted(function["VpcConfig"]["SubnetIds"]) == sorted(company.subnets)
    assert function["KMSKeyArn"] == company.keys["operations"]
    role = aws.client("iam").get_role(RoleName=f"{prefix}-security-audit")["Role"]
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == company.boundary

    engine.destroy(record, provider)
    assert company.as_it_is() == before
    assert company.groups() == groups
    assert {bucket["Name"] for bucket in aws.client("s3").list_buckets()["Buckets"]} == {"company-raw", "company-trail"}
    assert aws.client("lambda").list_functions()["Functions"] == []
