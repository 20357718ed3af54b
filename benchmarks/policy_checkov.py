"""`mlops check` on a stack of 2,000 resources, against checkov on the same resources as a CloudFormation template.

Target: at most a twentieth of checkov's time for each evaluation of a rule on a resource. Both are processes of which the processor time counts (a loaded
machine changes it little); what they take for one resource of each kind is their start.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
CHECKOV = ROOT / "build" / "checkov" / "bin" / "checkov"
RESOURCES = 2_000
PROGRAM = "urn:pulumi:prod::bench"
# The same resource as Pulumi and as CloudFormation declare it.
PAIRS: tuple[tuple[str, dict[str, Any], str, dict[str, Any]], ...] = (
    ("aws:s3/bucket:Bucket", {"acl": "private", "forceDestroy": True}, "AWS::S3::Bucket", {"AccessControl": "Private"}),
    (
        "aws:lambda/function:Function",
        {"runtime": "python3.12", "handler": "a.b", "role": "arn:aws:iam::123456789012:role/f", "memorySize": 512, "timeout": 30},
        "AWS::Lambda::Function",
        {"Runtime": "python3.12", "Handler": "a.b", "Role": "arn:aws:iam::123456789012:role/f", "MemorySize": 512, "Timeout": 30,
         "Code": {"ZipFile": "x"}},
    ),
    (
        "aws:ec2/securityGroup:SecurityGroup",
        {"description": "web", "ingress": [{"protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrBlocks": ["10.0.0.0/8"]}]},
        "AWS::EC2::SecurityGroup",
        {"GroupDescription": "web",
         "SecurityGroupIngress": [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "10.0.0.0/8"}]},
    ),
    ("aws:sqs/queue:Queue", {"visibilityTimeoutSeconds": 60}, "AWS::SQS::Queue", {"VisibilityTimeout": 60}),
    ("aws:sns/topic:Topic", {"displayName": "t"}, "AWS::SNS::Topic", {"DisplayName": "t"}),
    ("aws:kms/key:Key", {"enableKeyRotation": True}, "AWS::KMS::Key", {"EnableKeyRotation": True, "KeyPolicy": {"Statement": []}}),
    (
        "aws:dynamodb/table:Table",
        {"billingMode": "PAY_PER_REQUEST", "hashKey": "k", "attributes": [{"name": "k", "type": "S"}]},
        "AWS::DynamoDB::Table",
        {"BillingMode": "PAY_PER_REQUEST", "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
         "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}]},
    ),
    (
        "aws:rds/instance:Instance",
        {"engine": "postgres", "instanceClass": "db.t4g.medium", "allocatedStorage": 20, "storageEncrypted": True},
        "AWS::RDS::DBInstance",
        {"Engine": "postgres", "DBInstanceClass": "db.t4g.medium", "AllocatedStorage": "20", "StorageEncrypted": True},
    ),
)  # fmt: skip


def deployment(count: int) -> dict[str, Any]:
    """A stack's export with `count` resources, of all kinds alike."""
    resources = []
    for index in range(count):
        type_, inputs, _, _ = PAIRS[index % len(PAIRS)]
        urn = f"{PROGRAM}::{type_}::r{index}"
        resources.append({"urn": urn, "custom": True, "id": f"r{index}", "type": type_, "inputs": inputs, "outputs": inputs})
    return {"version": 3, "deployment": {"manifest": {}, "resources": resources}}


def template(count: int) -> dict[str, Any]:
    """The same resources as a CloudFormation template."""
    resources = {}
    for index in range(count):
        _, _, type_, properties = PAIRS[index % len(PAIRS)]
        resources[f"R{index}"] = {"Type": type_, "Properties": properties}
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}


def run(command: list[str], folder: Path) -> tuple[float, Any]:
    """Seconds of processor time and the document on standard output; findings make both tools leave with 1."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=900)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if answer.returncode not in (0, 1):
        raise RuntimeError(f"{command[0]} ended with {answer.returncode}: {answer.stderr[-800:]}")
    return seconds, json.loads(answer.stdout)


def ours(count: int, folder: Path) -> tuple[float, int]:
    """Seconds of `mlops check` and how many verdicts it came to; rules that are about none of the resources do not count."""
    file = folder / f"export-{count}.json"
    file.write_text(json.dumps(deployment(count)))
    seconds, document = run([sys.executable, "-m", "mlops", "check", str(file), "--json"], folder)
    return seconds, sum(document["policy"][outcome] for outcome in ("pass", "fail", "exempt", "not_evaluable", "error"))


def theirs(count: int, folder: Path) -> tuple[float, int]:
    """Seconds of checkov and how many verdicts it came to."""
    file = folder / f"template-{count}.json"
    file.write_text(json.dumps(template(count)))
    options = ["--framework", "cloudformation", "--output", "json", "--compact", "--skip-download"]
    seconds, document = run([str(CHECKOV), "--file", str(file), *options], folder)
    return seconds, sum(document["summary"][outcome] for outcome in ("passed", "failed", "skipped"))


def told(name: str, whole: float, start: float, evaluations: int) -> None:
    each = whole / evaluations * 1e6
    print(f"  {name}: {evaluations:,} evaluations in {whole:.2f} s, {start:.2f} s of it to start ({each:.0f} µs each, start included)")


def main() -> None:
    if not CHECKOV.exists():
        print(f"  not measured: {CHECKOV.relative_to(ROOT)} is not there; `make bench` installs it")
        return
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        (start, _), (whole, evaluations) = (min(ours(count, folder) for _ in range(3)) for count in (len(PAIRS), RESOURCES))
        (other_start, _), (other_whole, others) = (min(theirs(count, folder) for _ in range(2)) for count in (len(PAIRS), RESOURCES))
    told(f"mlops check, {RESOURCES} resources", whole, start, evaluations)
    told(f"checkov, {RESOURCES} resources", other_whole, other_start, others)
    net = ((other_whole - other_start) / others) / ((whole - start) / evaluations)
    ratio = (other_whole / others) / (whole / evaluations)
    print(f"  for each evaluation checkov takes {net:.0f} × the time (target ≥ 20 ×); {ratio:.0f} × with the start of both processes")
