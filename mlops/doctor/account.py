"""Checks of the account: who deploys, where to, and what the region offers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from mlops.doctor.check import Finding, NotChecked, check, ok, problem, warning
from mlops.doctor.context import Context
from mlops.doctor.needs import fleets

# Signature version 4 takes a request for five minutes: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
SKEW_SECONDS = 300
NEARLY_SECONDS = 60
_ARN = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:(\d{12}):[^\s\"',}\]]*")


@check("identity", "Who deploys", "account", aws=True)
def identity(context: Context) -> Iterable[Finding]:
    """GetCallerIdentity. With responses to security events, the deploying role has to be named in the settings, or it would be quarantined."""
    arn = context.account.caller["Arn"]
    if arn.endswith(":root"):
        yield warning(
            arn, "a role: the root user's keys can do everything and cannot be limited", "aws iam create-role …; deploy as that role"
        )
        return
    yield ok(arn)
    role = re.search(r":assumed-role/([^/]+)/", arn)
    security, dry_run = context.own("security"), context.own("security").get("dry_run")
    # As the program has it: without the setting, dev only says what it would do.
    acts = security.get("response", True) and not (context.own("stack").get("environment") == "dev" if dry_run is None else dry_run)
    deployers = security.get("deployers") or []
    if not acts or not context.count("mlops:security:SecurityResponse"):
        return
    if role and role[1] not in deployers:
        fix = f"{context.configuration.name}:security: {{ deployers: [{role[1]}] }}, or deploy as one of them"
        found = f"{role[1]} is none of the settings' deployers ({', '.join(deployers) or 'none'})"
        yield warning(found, "one of them: the responses to security events act on everybody else's changes", fix, "deployers")


@check("account", "The account that the settings expect", "account", aws=True)
def expected_account(context: Context) -> Iterable[Finding]:
    """aws:allowedAccountIds, which the provider itself enforces, and the accounts in ARNs of the settings."""
    here = context.account.id
    allowed = context.setting("aws:allowedAccountIds")
    if allowed and here not in [str(each) for each in allowed]:
        yield problem(
            here, f"one of {', '.join(map(str, allowed))} (aws:allowedAccountIds)", "use credentials of that account: export AWS_PROFILE=…"
        )
    elsewhere = []
    for key, text in context.settings_text().items():
        for found in _ARN.finditer(text):
            # A trail may be the organisation's.
            if found[1] != here and ":cloudtrail:" not in found[0]:
                elsewhere.append(
                    problem(
                        found[0],
                        f"something of account {here}",
                        f"correct {key} in Pulumi.{context.stack}.yaml, or use that account's credentials",
                        key,
                    )
                )
    yield from elsewhere
    if not elsewhere and (not allowed or here in [str(each) for each in allowed]):
        yield ok(here)


def regions(context: Context) -> list[str]:
    """The stack's region first, then those of its other providers and of its peer."""
    found = [context.account.region]
    found += [
        str(each.inputs["region"])
        for each in context.preview.resources
        if each.type == "pulumi:providers:aws" and isinstance(each.inputs.get("region"), str)
    ]
    peer = context.own("recovery").get("peer") or {}
    return list(dict.fromkeys([*found, *([peer["region"]] if isinstance(peer.get("region"), str) else [])]))


@check("region", "Regions", "account", aws=True)
def region(context: Context) -> Iterable[Finding]:
    """DescribeRegions: regions launched since 2019 are off until someone opts in (https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html)."""
    account = context.account
    account.caller  # noqa: B018 - tells whether the stack's region answers
    answer = account.client("ec2", account.home if account.refusal else None).describe_regions(AllRegions=True)["Regions"]
    status = {each["RegionName"]: each.get("OptInStatus", "opt-in-not-required") for each in answer}
    for name in regions(context):
        if name not in status:
            yield problem(
                f"{name} is no region of this account's partition",
                ", ".join(sorted(status)),
                f"correct aws:region in Pulumi.{context.stack}.yaml",
                name,
            )
        elif status[name] == "not-opted-in":
            yield problem("not enabled in this account", "enabled", f"aws account enable-region --region-name {name} (takes minutes)", name)
        elif account.refusal and name == account.region:
            fix = "aws iam set-security-token-service-preferences --global-endpoint-token-version v2Token, then sign in again"
            yield problem(account.refusal, "credentials that are good in this region", fix, name)
        else:
            yield ok(status[name], name)


@check("zones", "Availability zones", "account", aws=True)
def zones(context: Context) -> Iterable[Finding]:
    """DescribeAvailabilityZones against the zones of the previewed subnets."""
    wanted = {str(each.inputs.get("availabilityZone")) for each in context.declared("aws:ec2/subnet:Subnet")}
    if not wanted:
        return
    filters = [{"Name": "zone-type", "Values": ["availability-zone"]}]
    answer = context.account.client("ec2").describe_availability_zones(Filters=filters)["AvailabilityZones"]
    there = [each["ZoneName"] for each in answer if each["State"] == "available"]
    if len(there) < len(wanted):
        fix = f"{context.configuration.name}:network: {{ availability_zones: {len(there)} }}"
        yield problem(f"{len(there)} available: {', '.join(there)}", f"{len(wanted)}", fix)
    else:
        yield ok(f"{len(there)} available, {len(wanted)} needed")


@check("clock", "Clock", "account", aws=True)
def clock(context: Context) -> Iterable[Finding]:
    """The Date of STS's answer against this machine's clock; AWS refuses signatures that are more than five minutes off."""
    headers = context.account.client("sts").get_caller_identity()["ResponseMetadata"]["HTTPHeaders"]
    here = datetime.now(UTC)
    if "date" not in headers:
        raise NotChecked("the answer has no date")
    skew = abs((here - parsedate_to_datetime(headers["date"])).total_seconds())
    fix = "set the clock by NTP: timedatectl set-ntp true"
    if skew > SKEW_SECONDS:
        yield problem(f"{skew:.0f} s off", f"less than {SKEW_SECONDS} s", fix)
    elif skew > NEARLY_SECONDS:
        yield warning(f"{skew:.0f} s off", f"less than {NEARLY_SECONDS} s; AWS refuses signatures from {SKEW_SECONDS} s on", fix)
    else:
        yield ok(f"{skew:.0f} s off")


@check("instance-types", "Instance types in the region", "account", aws=True)
def instance_types(context: Context) -> Iterable[Finding]:
    """DescribeInstanceTypeOfferings by zone. SageMaker has no such call: a type that EC2 offers nowhere in a region, SageMaker does not have there either."""
    wanted = sorted({each.instance_type.removeprefix("ml.") for each in fleets(context)})
    if not wanted:
        return
    filters = [{"Name": "instance-type", "Values": wanted}]
    offerings = context.account.pages(
        "ec2", "describe_instance_type_offerings", "InstanceTypeOfferings", LocationType="availability-zone", Filters=filters
    )
    for each in wanted:
        there = sorted(offer["Location"] for offer in offerings if offer["InstanceType"] == each)
        if there:
            yield ok(f"in {len(there)} zones", f"ml.{each}")
        else:
            fix = f"choose another type in {context.configuration.name}:models (https://aws.amazon.com/sagemaker/ai/pricing/ lists them by region)"
            yield problem(f"EC2 offers {each} in no zone of {context.account.region}", "a type that the region has", fix, f"ml.{each}")
