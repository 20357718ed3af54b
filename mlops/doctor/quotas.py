"""Checks of quotas: what the previewed stack needs against what the account has, less what is used already."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from botocore.exceptions import ClientError

from mlops.doctor.check import Finding, NotChecked, check, not_checked, ok, problem, warning
from mlops.doctor.context import Account, Context
from mlops.doctor.examination import refused
from mlops.doctor.needs import Need, all_needs

UNRESERVED = 100
TRAILS = 5

# Quota → (type that counts against it, how many the account has now).
USED: dict[str, tuple[str, Callable[[Account], int]]] = {
    "VPCs per Region": ("aws:ec2/vpc:Vpc", lambda a: len(a.pages("ec2", "describe_vpcs", "Vpcs"))),
    "Internet gateways per Region": (
        "aws:ec2/internetGateway:InternetGateway",
        lambda a: len(a.pages("ec2", "describe_internet_gateways", "InternetGateways")),
    ),
    "EC2-VPC Elastic IPs": ("aws:ec2/eip:Eip", lambda a: len(a.pages("ec2", "describe_addresses", "Addresses"))),
    "Gateway VPC endpoints per Region": (
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        lambda a: len(
            a.pages("ec2", "describe_vpc_endpoints", "VpcEndpoints", Filters=[{"Name": "vpc-endpoint-type", "Values": ["Gateway"]}])
        ),
    ),
    "Max jobs per account": ("aws:glue/job:Job", lambda a: len(a.pages("glue", "list_jobs", "JobNames"))),
    "Regional APIs per account": ("aws:apigateway/restApi:RestApi", lambda a: len(a.pages("apigateway", "get_rest_apis", "items"))),
    "General purpose buckets": ("aws:s3/bucket:Bucket", lambda a: len(a.pages("s3", "list_buckets", "Buckets"))),
    "Buckets": ("aws:s3/bucket:Bucket", lambda a: len(a.pages("s3", "list_buckets", "Buckets"))),
}


def listed(context: Context, service: str) -> dict[str, dict[str, Any]]:
    """The quotas of a service by name: those applied to the account, else AWS's default values.

    ListServiceQuotas leaves out quotas that have only a default: https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ListServiceQuotas.html
    """

    def ask() -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for operation in ("list_aws_default_service_quotas", "list_service_quotas"):
            for quota in context.account.pages("service-quotas", operation, "Quotas", ServiceCode=service):
                found[quota["QuotaName"].lower()] = quota
        return found

    return context.once(f"quotas of {service}", ask)


def increase(quota: dict[str, Any], wanted: float, region: str) -> str:
    """The command that asks for more, and the page where it is done by hand."""
    service, code = quota["ServiceCode"], quota["QuotaCode"]
    return (
        f"aws service-quotas request-service-quota-increase --service-code {service} --quota-code {code} --desired-value {wanted:.0f} "
        f"--region {region} (https://{region}.console.aws.amazon.com/servicequotas/home/services/{service}/quotas/{code})"
    )


def judged(context: Context, need: Need) -> Finding:
    """One need against its quota."""
    quotas = listed(context, need.service)
    quota = next((quotas[name.lower()] for name in need.quota if name.lower() in quotas), None)
    subject = need.quota[0]
    if quota is None:
        if context.account.is_sandbox:
            return not_checked("the sandbox has no such quota: it would enforce none", "", subject)
        return not_checked(
            f"Service Quotas lists no quota of this name in {context.account.region}",
            f"look for it: https://{context.account.region}.console.aws.amazon.com/servicequotas/home/services/{need.service}/quotas",
            subject,
        )
    limit, used, ours = quota["Value"], 0, 0
    if quota["QuotaName"] in USED:
        type_, count = USED[quota["QuotaName"]]
        used = count(context.account)
        ours = context.state.types.get(type_, 0) if context.state_known() else 0
    least, wanted = need.least + max(0, used - ours), need.wanted + max(0, used - ours)
    there = f", {used} in use" if used else ""
    if limit < least:
        return problem(f"{limit:.0f}{there}", f"at least {least} ({need.what})", increase(quota, wanted, context.account.region), subject)
    if limit < wanted:
        more = f"{wanted} when everything runs at once ({need.what}): below that, runs wait or fail"
        return warning(f"{limit:.0f}{there}", more, increase(quota, wanted, context.account.region), subject)
    return ok(f"{limit:.0f}{there}, {need.wanted} needed", subject)


@check("quotas", "Service quotas", "quotas", aws=True)
def quotas(context: Context) -> Iterable[Finding]:
    """Instances by type and use, network, Glue, builds, API and buckets, as `mlops.doctor.needs` reads them from the preview."""
    for need in all_needs(context):
        try:
            yield judged(context, need)
        except ClientError as error:
            yield refused(error, need.quota[0])
        except NotChecked as error:
            yield not_checked(error.why, error.fix, need.quota[0])


@check("nat", "NAT gateways per zone", "quotas", aws=True)
def nat(context: Context) -> Iterable[Finding]:
    """https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html: pending, active and deleting gateways count, zone by zone."""
    wanted = context.count("aws:ec2/natGateway:NatGateway")
    if not wanted:
        return
    states = [{"Name": "state", "Values": ["pending", "available", "deleting"]}]
    gateways = context.account.pages("ec2", "describe_nat_gateways", "NatGateways", Filter=states)
    subnets = {each["SubnetId"]: each["AvailabilityZone"] for each in context.account.pages("ec2", "describe_subnets", "Subnets")}
    by_zone: dict[str, int] = {}
    for gateway in gateways:
        if not (context.state_known() and context.state.has("aws:ec2/natGateway:NatGateway", gateway["NatGatewayId"])):
            zone = subnets.get(gateway["SubnetId"], "?")
            by_zone[zone] = by_zone.get(zone, 0) + 1
    quota = listed(context, "vpc").get("nat gateways per availability zone")
    if quota is None:
        raise NotChecked("Service Quotas lists no quota of this name")
    full = {zone: number for zone, number in by_zone.items() if number + 1 > quota["Value"]}
    for zone, number in full.items():
        yield problem(f"{number} of {quota['Value']:.0f}", "room for one more", increase(quota, number + 1, context.account.region), zone)
    if not full:
        yield ok(f"{quota['Value']:.0f} a zone, {max(by_zone.values(), default=0)} in use in the fullest, one a zone needed")


@check("lambda-concurrency", "Lambda concurrency", "quotas", aws=True)
def lambda_concurrency(context: Context) -> Iterable[Finding]:
    """GetAccountSettings. New accounts have less than 1,000; 100 must stay unreserved:
    https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html and …/configuration-concurrency.html
    """
    functions = context.declared("aws:lambda/function:Function")
    if not functions:
        return
    limits = context.account.client("lambda").get_account_settings()["AccountLimit"]
    total, unreserved = int(limits["ConcurrentExecutions"]), int(limits["UnreservedConcurrentExecutions"])
    region = context.account.region
    quota = {"ServiceCode": "lambda", "QuotaCode": "L-B99A9384"}
    reserving = [each for each in functions if isinstance(each.inputs.get("reservedConcurrentExecutions"), int | float)]
    reserved = sum(int(each.inputs["reservedConcurrentExecutions"]) for each in reserving)
    # Provisioned concurrency counts too: https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
    provisioned = context.declared("aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig")
    reserved += sum(int(each.inputs.get("provisionedConcurrentExecutions", 0)) for each in provisioned)
    owned = context.state_known() and all(context.state.has(each.type, str(each.inputs.get("name"))) for each in reserving)
    owned = owned and all(context.state.types.get(each.type) for each in provisioned)
    if reserved > 0 and not owned and unreserved - reserved < UNRESERVED:
        wanted = total + UNRESERVED + reserved - unreserved
        yield problem(
            f"{unreserved} unreserved, the stack reserves {reserved}",
            f"{UNRESERVED} left unreserved",
            increase(quota, wanted, region),
            "reserved",
        )
    bursts = [
        (each.inputs.get("settings") or {}).get("throttlingBurstLimit")
        for each in context.declared("aws:apigateway/methodSettings:MethodSettings")
    ]
    burst = max((int(each) for each in bursts if isinstance(each, int | float) and each > 0), default=0)
    if total < burst:
        expected = f"{burst}, the API's burst limit: what exceeds the quota is answered 429"
        yield warning(
            f"{total} at the same time in the whole account", expected, increase(quota, burst + UNRESERVED, region), "the API's bursts"
        )
    elif reserved <= 0 or owned or unreserved - reserved >= UNRESERVED:
        yield ok(f"{total} at the same time, {unreserved} of them unreserved")


@check("iam-quotas", "Roles and policies", "quotas", aws=True)
def iam_quotas(context: Context) -> Iterable[Finding]:
    """GetAccountSummary tells use and quota: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
    summary = context.account.client("iam").get_account_summary()["SummaryMap"]
    for type_, used, quota, code in (
        ("aws:iam/role:Role", "Roles", "RolesQuota", "L-FE177D64"),
        ("aws:iam/policy:Policy", "Policies", "PoliciesQuota", "L-E95E4862"),
    ):
        more = context.more(type_)
        if not context.count(type_):
            continue
        if quota not in summary:
            yield not_checked(f"GetAccountSummary does not tell {quota}", "", used)
        elif summary.get(used, 0) + more > summary[quota]:
            # IAM's quotas are asked for in us-east-1.
            fix = increase({"ServiceCode": "iam", "QuotaCode": code}, summary[used] + more, "us-east-1")
            yield problem(f"{summary[used]} of {summary[quota]} in use", f"room for {more} more", fix, used)
        else:
            yield ok(f"{summary.get(used, 0)} of {summary[quota]} in use, {more} more", used)


@check("trails", "CloudTrail trails", "quotas", aws=True)
def trails(context: Context) -> Iterable[Finding]:
    """Five trails a region, organisation trails and those of other regions included; AWS does not raise it:
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html
    """
    more = context.more("aws:cloudtrail/trail:Trail")
    if not context.count("aws:cloudtrail/trail:Trail"):
        return
    there = context.account.client("cloudtrail").describe_trails(includeShadowTrails=True)["trailList"]
    if len(there) + more > TRAILS:
        names = ", ".join(each["Name"] for each in there)
        fix = f"{context.configuration.name}:audit: {{ mode: existing, trail_arn: … }}, or delete one of {names}"
        yield problem(f"{len(there)} trails", f"{TRAILS} at most", fix)
    else:
        yield ok(f"{len(there)} of {TRAILS}")
