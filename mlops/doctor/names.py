"""Checks of names: what the stack is about to make must not be there already, left over by an earlier stack or made by somebody else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from mlops.doctor.check import Finding, NotChecked, check, not_checked, ok, problem, warning
from mlops.doctor.context import Account, Context
from mlops.doctor.examination import refused

# Names in the account that begin with one of the prefixes, or all of them where AWS cannot filter.
Listing = Callable[[Account, list[str]], Iterable[str]]


@dataclass(frozen=True)
class Names:
    """How names of a type are listed; `remove` is the command that frees one (`{name}`). `replaced`: AWS lets a second creation overwrite the first."""

    property: str
    listing: Listing
    remove: str
    replaced: bool = False


def _all(service: str, operation: str, key: str, member: str | None = None, **parameters: Any) -> Listing:
    def names(account: Account, _: list[str]) -> Iterable[str]:
        return (each[member] if member else each for each in account.pages(service, operation, key, **parameters))

    return names


def _last(service: str, operation: str, key: str, member: str | None, separator: str) -> Listing:
    """Names at the end of ARNs or addresses."""

    def names(account: Account, _: list[str]) -> Iterable[str]:
        return (str(each[member] if member else each).rpartition(separator)[2] for each in account.pages(service, operation, key))

    return names


def _by_prefix(service: str, operation: str, key: str, member: str, parameter: str) -> Listing:
    def names(account: Account, prefixes: list[str]) -> Iterable[str]:
        for prefix in prefixes:
            yield from (each[member] for each in account.pages(service, operation, key, **{parameter: prefix}))

    return names


def _budgets(account: Account, _: list[str]) -> Iterable[str]:
    # Budgets are of the whole account, in one place.
    return (each["BudgetName"] for each in account.pages("budgets", "describe_budgets", "Budgets", AccountId=account.id))


def _trails(account: Account, _: list[str]) -> Iterable[str]:
    return (each["Name"] for each in account.client("cloudtrail").describe_trails(includeShadowTrails=False)["trailList"])


NAMES: dict[str, Names] = {
    "aws:backup/vault:Vault": Names(
        "name",
        _all("backup", "list_backup_vaults", "BackupVaultList", "BackupVaultName"),
        "aws backup delete-backup-vault --backup-vault-name {name}",
    ),
    "aws:budgets/budget:Budget": Names("name", _budgets, "aws budgets delete-budget --account-id ACCOUNT --budget-name {name}"),
    "aws:cloudtrail/trail:Trail": Names("name", _trails, "aws cloudtrail delete-trail --name {name}"),
    "aws:cloudwatch/eventRule:EventRule": Names(
        "name", _by_prefix("events", "list_rules", "Rules", "Name", "NamePrefix"), "aws events delete-rule --name {name}", replaced=True
    ),
    "aws:cloudwatch/logGroup:LogGroup": Names(
        "name",
        _by_prefix("logs", "describe_log_groups", "logGroups", "logGroupName", "logGroupNamePrefix"),
        "aws logs delete-log-group --log-group-name {name}",
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Names(
        "name",
        _by_prefix("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName", "AlarmNamePrefix"),
        "aws cloudwatch delete-alarms --alarm-names {name}",
        replaced=True,
    ),
    "aws:codebuild/project:Project": Names(
        "name", _all("codebuild", "list_projects", "projects"), "aws codebuild delete-project --name {name}"
    ),
    "aws:codepipeline/pipeline:Pipeline": Names(
        "name", _all("codepipeline", "list_pipelines", "pipelines", "name"), "aws codepipeline delete-pipeline --name {name}"
    ),
    "aws:dynamodb/table:Table": Names(
        "name", _all("dynamodb", "list_tables", "TableNames"), "aws dynamodb delete-table --table-name {name}"
    ),
    "aws:ecr/repository:Repository": Names(
        "name", _all("ecr", "describe_repositories", "repositories", "repositoryName"), "aws ecr delete-repository --repository-name {name}"
    ),
    "aws:glue/catalogDatabase:CatalogDatabase": Names(
        "name", _all("glue", "get_databases", "DatabaseList", "Name"), "aws glue delete-database --name {name}"
    ),
    "aws:glue/crawler:Crawler": Names("name", _all("glue", "list_crawlers", "CrawlerNames"), "aws glue delete-crawler --name {name}"),
    "aws:glue/job:Job": Names("name", _all("glue", "list_jobs", "JobNames"), "aws glue delete-job --job-name {name}"),
    "aws:iam/policy:Policy": Names(
        "name", _all("iam", "list_policies", "Policies", "PolicyName", Scope="Local"), "aws iam delete-policy --policy-arn (ARN of {name})"
    ),
    "aws:iam/role:Role": Names("name", _all("iam", "list_roles", "Roles", "RoleName"), "aws iam delete-role --role-name {name}"),
    "aws:kms/alias:Alias": Names("name", _all("kms", "list_aliases", "Aliases", "AliasName"), "aws kms delete-alias --alias-name {name}"),
    "aws:lambda/function:Function": Names(
        "name", _all("lambda", "list_functions", "Functions", "FunctionName"), "aws lambda delete-function --function-name {name}"
    ),
    "aws:sagemaker/modelPackageGroup:ModelPackageGroup": Names(
        "modelPackageGroupName",
        _all("sagemaker", "list_model_package_groups", "ModelPackageGroupSummaryList", "ModelPackageGroupName"),
        "aws sagemaker delete-model-package-group --model-package-group-name {name}",
    ),
    "aws:scheduler/schedule:Schedule": Names(
        "name", _by_prefix("scheduler", "list_schedules", "Schedules", "Name", "NamePrefix"), "aws scheduler delete-schedule --name {name}"
    ),
    "aws:sfn/stateMachine:StateMachine": Names(
        "name",
        _all("stepfunctions", "list_state_machines", "stateMachines", "name"),
        "aws stepfunctions delete-state-machine --state-machine-arn (ARN of {name})",
    ),
    "aws:sns/topic:Topic": Names(
        "name", _last("sns", "list_topics", "Topics", "TopicArn", ":"), "aws sns delete-topic --topic-arn (ARN of {name})", replaced=True
    ),
    "aws:sqs/queue:Queue": Names(
        "name", _last("sqs", "list_queues", "QueueUrls", None, "/"), "aws sqs delete-queue --queue-url (address of {name}), then wait 60 s"
    ),
}
_SHOWN = 8


def prefixes(names: Iterable[str], stack_prefix: str) -> list[str]:
    """The beginnings that cover all names, each as long as the stack's own prefix goes."""
    found = set()
    for name in names:
        before, middle, _ = name.partition(stack_prefix)
        found.add(before + middle)
    return sorted(each for each in found if not any(each != other and each.startswith(other) for other in found))


def taken(context: Context, type_: str, region: str, wanted: list[str]) -> list[str]:
    """Names of a type that are there and not the stack's own (or not known to be)."""
    stack_prefix = f"{context.configuration.name}-{context.stack}"
    there = set(NAMES[type_].listing(context.account.in_region(region), prefixes(wanted, stack_prefix)))
    own = context.state.has if context.state_known() else lambda *_: False
    return [name for name in wanted if name in there and not own(type_, name)]


@check("names", "Names that are taken", "names", aws=True)
def names(context: Context) -> Iterable[Finding]:
    """Lists what there is of each type, and compares it with the names of the preview; without Pulumi's state nobody knows whose it is."""
    wanted: dict[tuple[str, str], list[str]] = {}
    for type_, rule in NAMES.items():
        for resource in context.declared(type_):
            name = resource.inputs.get(rule.property)
            if isinstance(name, str):
                wanted.setdefault((type_, context.region_of(resource)), []).append(context.real(name))

    def one(place: tuple[str, str]) -> list[Finding]:
        type_, region = place
        try:
            return list(_told(context, type_, taken(context, type_, region, wanted[place])))
        except ClientError as error:
            return [refused(error, f"{type_.rpartition(':')[2]} in {region}")]
        except NotChecked as error:
            return [not_checked(error.why, error.fix, f"{type_.rpartition(':')[2]} in {region}")]

    with ThreadPoolExecutor(8, thread_name_prefix="names") as pool:
        findings = [finding for found in pool.map(one, wanted) for finding in found]
    yield from findings
    looked = sum(len(found) for found in wanted.values())
    if wanted and not findings:
        places = sorted({region for _, region in wanted})
        yield ok(f"{looked} names of {len({type_ for type_, _ in wanted})} types in {', '.join(places)} are free, or the stack's own")


def _names(context: Context, type_: str, name_property: str) -> list[str]:
    found = (each.inputs.get(name_property) for each in context.declared(type_))
    return [name for name in found if isinstance(name, str)]


def _told(context: Context, type_: str, found: list[str]) -> Iterable[Finding]:
    rule, short = NAMES[type_], type_.rpartition(":")[2]
    for name in found[:_SHOWN]:
        remove = rule.remove.format(name=name)
        if not context.state_known():
            fix = f"if stack {context.stack} made it, nothing; otherwise `{remove}`, or `pulumi import {type_} NAME {name}`"
            yield warning(
                f"{name} is there", "free, or this stack's own: Pulumi's state would tell, and could not be read", fix, f"{short} {name}"
            )
        elif rule.replaced:
            yield warning(
                f"{name} is there", "free: the stack would put its own in its place", f"`{remove}`, if nobody needs it", f"{short} {name}"
            )
        else:
            fix = f"`{remove}`, or take it into the stack: pulumi import {type_} NAME {name}"
            yield problem(f"{name} is there and not this stack's", "free: AWS refuses to make it again", fix, f"{short} {name}")
    if len(found) > _SHOWN:
        yield problem(f"{len(found) - _SHOWN} more of these", "free", "as above", short)


@check("buckets", "Bucket names", "names", aws=True)
def buckets(context: Context) -> Iterable[Finding]:
    """HeadBucket: names are global, so another account may hold one (403): https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html"""
    wanted = [context.real(name) for name in _names(context, "aws:s3/bucket:Bucket", "bucket")]
    if not wanted:
        return
    client = context.account.client("s3")

    def look(name: str) -> Finding | None:
        try:
            client.head_bucket(Bucket=name)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in ("404", "NoSuchBucket", "NotFound"):
                return None
            if code in ("403", "AccessDenied", "Forbidden"):
                fix = "change the project's or the stack's name (buckets are named <project>-<stack>-<purpose>-<account>)"
                return problem(f"{name} belongs to another account, or this role may not see it", "free", fix, name)
            if code in ("301", "PermanentRedirect", "400"):
                return problem(
                    f"{name} is in another region",
                    f"free, or in {context.account.region}",
                    f"aws s3 rb s3://{name}, or change the stack's name",
                    name,
                )
            return refused(error, name)
        if not context.state_known():
            return warning(
                f"{name} is there",
                "free, or this stack's own",
                f"if stack {context.stack} made it, nothing; otherwise aws s3 rb s3://{name}",
                name,
            )
        if context.state.has("aws:s3/bucket:Bucket", name):
            return None
        fix = f"aws s3 rb s3://{name} --force (its data is gone then), or pulumi import aws:s3/bucket:Bucket NAME {name}"
        return problem(f"{name} is there and not this stack's", "free", fix, name)

    with ThreadPoolExecutor(8, thread_name_prefix="buckets") as pool:
        findings = [finding for finding in pool.map(look, wanted) if finding]
    yield from findings
    if not findings:
        yield ok(f"{len(wanted)} names are free, or the stack's own")


@check("subscriptions", "E-mail subscriptions", "names", aws=True)
def subscriptions(context: Context) -> Iterable[Finding]:
    """An e-mail address hears nothing until somebody there confirms: https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html"""
    topics = _names(context, "aws:sns/topic:Topic", "name")
    mails = [each for each in context.declared("aws:sns/topicSubscription:TopicSubscription") if each.inputs.get("protocol") == "email"]
    if not topics or not mails:
        return
    client, account = context.account.client("sns"), context.account
    pending, confirmed, missing = [], 0, 0
    for name in topics:
        arn = f"arn:{account.partition}:sns:{account.region}:{account.id}:{name}"
        try:
            there = account.pages("sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=arn)
        except client.exceptions.NotFoundException:
            missing += 1
            continue
        for each in there:
            if each["Protocol"] == "email" and each["SubscriptionArn"] == "PendingConfirmation":
                pending.append(each["Endpoint"])
            elif each["Protocol"] == "email":
                confirmed += 1
    if pending:
        fix = "open the message `AWS Notification - Subscription Confirmation` there and confirm; a new one: Amazon SNS → Subscriptions → Request confirmation"
        yield warning(f"not confirmed: {', '.join(pending)}", "confirmed: alarms do not reach it", fix)
    elif confirmed:
        yield ok(f"{confirmed} confirmed")
    elif missing == len(topics):
        who = ", ".join(sorted({str(each.inputs.get("endpoint")) for each in mails}))
        yield ok(f"none yet: {who} gets a message to confirm after the first deployment")
