"""Checks of what the settings bring along: it is there, in this account and region, and fit for what the stack does with it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from botocore.exceptions import ClientError

from mlops.doctor.check import Finding, check, ok, problem, warning
from mlops.doctor.context import Context
from mlops.doctor.examination import refused

_GONE = ("NoSuchEntity", "NotFoundException", "ResourceNotFoundException", "404", "NoSuchBucket", "InvalidVpcID.NotFound", "InvalidSubnetID.NotFound",
         "TrailNotFoundException", "RepositoryDoesNotExistException", "UnknownMonitorException")  # fmt: skip
DATA_CLASSES = ("data", "models", "predictions", "logs", "operations")
PROD_ZONES = 2
API_STAGE = "aws:apigateway/stage:Stage"


def key_of(context: Context, path: str) -> str:
    """A setting as the stack's file names it."""
    return f"{context.configuration.name}:{path}"


def missing(context: Context, what: str, setting: str, error: ClientError, subject: str) -> Finding:
    """A brought-along thing that is not there, or that could not be looked at."""
    if error.response["Error"]["Code"] in _GONE:
        return problem(
            f"{what} is not there",
            f"it is: {key_of(context, setting)} refers to it",
            f"make it, or correct {key_of(context, setting)}",
            subject,
        )
    return refused(error, subject)


@check("existing-network", "The network that is brought along", "existing", aws=True)
def network(context: Context) -> Iterable[Finding]:
    """DescribeVpcs and DescribeSubnets: subnets of that VPC, in enough zones (prod: two)."""
    settings = context.own("network")
    if settings.get("mode") != "existing":
        return
    ec2, vpc = context.account.client("ec2"), str(settings.get("vpc_id"))
    try:
        ec2.describe_vpcs(VpcIds=[vpc])
        subnets = ec2.describe_subnets(SubnetIds=list(settings.get("private_subnet_ids") or []))["Subnets"]
    except ClientError as error:
        yield missing(context, f"{vpc} or one of its subnets", "network", error, "VPC")
        return
    strangers = [each["SubnetId"] for each in subnets if each["VpcId"] != vpc]
    if strangers:
        yield problem(
            f"{', '.join(strangers)} are in another VPC",
            f"subnets of {vpc}",
            f"correct {key_of(context, 'network.private_subnet_ids')}",
            "subnets",
        )
    public = [each["SubnetId"] for each in subnets if each.get("MapPublicIpOnLaunch")]
    if public:
        yield warning(
            f"{', '.join(public)} give public addresses",
            "private subnets",
            f"correct {key_of(context, 'network.private_subnet_ids')}",
            "private",
        )
    zones = {each["AvailabilityZone"] for each in subnets}
    wanted = PROD_ZONES if context.own("stack").get("environment") == "prod" else 1
    if len(zones) < wanted:
        yield problem(
            f"subnets in {', '.join(sorted(zones))}",
            f"{wanted} zones",
            f"add a subnet of another zone to {key_of(context, 'network.private_subnet_ids')}",
            "zones",
        )
    elif not strangers:
        yield ok(f"{vpc}, {len(subnets)} subnets in {len(zones)} zones")


def services(policy: str) -> set[str]:
    """The services that a policy's statements admit."""
    found = set[str]()
    statements = json.loads(policy)["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal")
        named = principal.get("Service", []) if isinstance(principal, dict) else []
        if statement.get("Effect") == "Allow":
            found |= {named} if isinstance(named, str) else set(named)
    return found


def admitted(context: Context, data_class: str) -> set[str]:
    """Services that must be able to use a key of a data class, since they act by themselves: CloudWatch Logs on groups, publishers on the topic.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html, https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    if data_class == "logs":
        return {f"logs.{context.account.region}.amazonaws.com"}
    if data_class == "operations":
        budgets = {"budgets.amazonaws.com"} if context.count("aws:budgets/budget:Budget") else set()
        anomalies = {"costalerts.amazonaws.com"} if context.count("aws:costexplorer/anomalySubscription:AnomalySubscription") else set()
        return {"cloudwatch.amazonaws.com", "events.amazonaws.com", *budgets, *anomalies}
    return set()


@check("existing-keys", "Keys that are brought along", "existing", aws=True)
def keys(context: Context) -> Iterable[Finding]:
    """DescribeKey and GetKeyPolicy: enabled, symmetric, of this region, and admitting the services that use it by themselves."""
    settings = context.own("keys")
    if settings.get("mode") != "existing":
        return
    kms = context.account.client("kms")
    for data_class in DATA_CLASSES:
        arn, setting = str(settings.get(data_class)), f"keys.{data_class}"
        try:
            found = kms.describe_key(KeyId=arn)["KeyMetadata"]
            policy = kms.get_key_policy(KeyId=arn, PolicyName="default")["Policy"]
        except ClientError as error:
            yield missing(context, arn, setting, error, data_class)
            continue
        shortcomings = []
        if found["KeyState"] != "Enabled":
            shortcomings.append(problem(f"{arn} is {found['KeyState']}", "Enabled", f"aws kms enable-key --key-id {arn}", data_class))
        if (
            found.get("KeySpec", "SYMMETRIC_DEFAULT") != "SYMMETRIC_DEFAULT"
            or found.get("KeyUsage", "ENCRYPT_DECRYPT") != "ENCRYPT_DECRYPT"
        ):
            shortcomings.append(
                problem(
                    f"{arn} is {found.get('KeySpec')}", "a symmetric key for encryption", f"correct {key_of(context, setting)}", data_class
                )
            )
        if arn.split(":")[3] != context.account.region:
            shortcomings.append(
                problem(f"{arn} is of another region", context.account.region, f"correct {key_of(context, setting)}", data_class)
            )
        lacking = sorted(admitted(context, data_class) - services(policy))
        if lacking:
            fix = f"let its policy allow kms:GenerateDataKey* and kms:Decrypt to {', '.join(lacking)}: aws kms put-key-policy --key-id {arn} …"
            shortcomings.append(
                problem(f"its policy does not admit {', '.join(lacking)}", "admitted: they use it by themselves", fix, data_class)
            )
        yield from shortcomings or [ok(arn, data_class)]


@check("key-administrators", "Administrators of the keys", "existing", aws=True)
def administrators(context: Context) -> Iterable[Finding]:
    """KMS refuses a key policy that names a role which is not there: https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html"""
    for arn in context.own("keys").get("administrators") or []:
        try:
            context.account.client("iam").get_role(RoleName=arn.rpartition("/")[2])
            yield ok(arn, arn.rpartition("/")[2])
        except ClientError as error:
            yield missing(context, arn, "keys.administrators", error, arn.rpartition("/")[2])


@check("existing-boundary", "The permissions boundary that is brought along", "existing", aws=True)
def boundary(context: Context) -> Iterable[Finding]:
    """GetPolicy: a role with a boundary that is not there cannot be made."""
    for section, member, mode in (("identity", "boundary_arn", "boundary"), ("boundary", "policy_arn", "mode")):
        settings = context.own(section)
        if settings.get(mode) != "existing":
            continue
        arn = str(settings.get(member))
        try:
            context.account.client("iam").get_policy(PolicyArn=arn)
            yield ok(arn)
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                fix = "deploy foundations/account first (docs/deployment.md): its output boundary_arn is the one"
                yield problem(f"{arn} is not there", f"it is: {key_of(context, section)} refers to it", fix)
            else:
                yield refused(error)


@check("existing-trail", "The trail that is brought along", "existing", aws=True)
def trail(context: Context) -> Iterable[Finding]:
    """GetTrailStatus: responses to events need a trail that logs; CloudTrail delivers events to EventBridge only then."""
    settings = context.own("audit")
    if settings.get("mode") != "existing":
        return
    arn = str(settings.get("trail_arn"))
    client = context.account.client("cloudtrail", arn.split(":")[3])
    try:
        status = client.get_trail_status(Name=arn)
    except ClientError as error:
        yield missing(context, arn, "audit.trail_arn", error, "")
        return
    if status["IsLogging"]:
        yield ok(arn)
    else:
        yield problem(f"{arn} does not log", "it logs", f"aws cloudtrail start-logging --name {arn}")


@check("existing-bucket", "The raw bucket that is brought along", "existing", aws=True)
def bucket(context: Context) -> Iterable[Finding]:
    """GetBucketLocation and GetBucketNotificationConfiguration: without events to EventBridge no file starts the data pipeline."""
    settings = context.own("lake")
    if settings.get("raw_mode") != "existing":
        return
    name, s3 = str(settings.get("raw_bucket")), context.account.client("s3")
    try:
        region = s3.get_bucket_location(Bucket=name).get("LocationConstraint") or "us-east-1"
        notifications = s3.get_bucket_notification_configuration(Bucket=name)
    except ClientError as error:
        yield missing(context, name, "lake.raw_bucket", error, "")
        return
    shortcomings = []
    if region != context.account.region:
        shortcomings.append(
            problem(
                f"{name} is in {region}", context.account.region, "use a bucket of the stack's region: rules and jobs are there", "region"
            )
        )
    if "EventBridgeConfiguration" not in notifications:
        configuration = '{"EventBridgeConfiguration": {}}'
        fix = f"aws s3api put-bucket-notification-configuration --bucket {name} --notification-configuration '{configuration}' (with what it has already)"
        shortcomings.append(problem(f"{name} does not send its events to EventBridge", "it does", fix, "events"))
    yield from shortcomings or [ok(name)]


@check("connection", "The connection to the Git host", "existing", aws=True)
def connection(context: Context) -> Iterable[Finding]:
    """GetConnection: a connection has to be completed by hand once (https://docs.aws.amazon.com/dtconsole/latest/userguide/connections-update.html)."""
    source = context.own("cicd").get("source") or {}
    if not context.count("aws:codepipeline/pipeline:Pipeline"):
        return
    if source.get("provider") == "codeconnections":
        arn = source.get("connection_arn") or _own_connection(context)
        if arn is None:
            yield warning("the stack makes a connection, which waits for its handshake", "completed once, by hand, after the first deployment",
                          "Developer Tools → Settings → Connections → Update pending connection; until then the Source stage fails")  # fmt: skip
            return
        try:
            status = context.account.client("codeconnections").get_connection(ConnectionArn=arn)["Connection"]["ConnectionStatus"]
        except ClientError as error:
            yield missing(context, arn, "cicd.source.connection_arn", error, "")
            return
        if status == "AVAILABLE":
            yield ok(arn)
        else:
            yield problem(f"{arn} is {status}", "AVAILABLE", "Developer Tools → Settings → Connections → Update pending connection")
    elif source.get("provider") == "codecommit" and source.get("repository_mode") == "existing":
        try:
            context.account.client("codecommit").get_repository(repositoryName=source["repository"])
            yield ok(source["repository"])
        except ClientError as error:
            yield missing(context, str(source.get("repository")), "cicd.source.repository", error, "")


def _own_connection(context: Context) -> str | None:
    """The connection that the stack made in an earlier deployment."""
    if not context.state_known():
        return None
    return next((arn for arn in context.state.arns if ":codeconnections:" in arn), None)


@check("peer", "The stack in the other region", "existing", aws=True)
def peer(context: Context) -> Iterable[Finding]:
    """HeadBucket on the buckets that replication goes to: the peer's stack is deployed first (docs/deployment.md)."""
    settings = context.own("recovery")
    other = settings.get("peer") or {}
    if "buckets" not in (settings.get("replicate") or []) or not other:
        return
    name = f"{context.configuration.name}-{other.get('stack')}-raw-{context.account.id}"
    try:
        context.account.client("s3", str(other.get("region"))).head_bucket(Bucket=name)
        yield ok(f"{name} is there")
    except ClientError as error:
        if error.response["Error"]["Code"] in _GONE:
            fix = f"pulumi up --stack {other.get('stack')} first; then this stack"
            yield problem(
                f"{name} is not there: stack {other.get('stack')} has not been deployed", "it has: this stack replicates to it", fix
            )
        else:
            yield refused(error)


@check("existing-state", "The state bucket that is brought along", "existing", aws=True)
def state(context: Context) -> Iterable[Finding]:
    """HeadBucket and DescribeKey of what `github.state` refers to (foundations/account)."""
    settings: dict[str, Any] = context.own("github").get("state") or {}
    if settings.get("mode") != "existing":
        return
    for what, look in (
        (str(settings.get("bucket")), lambda: context.account.client("s3").head_bucket(Bucket=settings["bucket"])),
        (str(settings.get("key_arn")), lambda: context.account.client("kms").describe_key(KeyId=settings["key_arn"])),
    ):
        try:
            look()
            yield ok(what, what)
        except ClientError as error:
            yield missing(context, what, "github.state", error, what)
