"""Checks of the project: its files, the stack's settings, the previewed program, the policy pack, names."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import botocore.session

from mlops import engine, policy
from mlops.doctor.check import Finding, NotChecked, check, ok, problem, warning
from mlops.doctor.context import Context
from mlops.errors import UserError


@check("project", "Project and stack files", "project")
def project(context: Context) -> Iterable[Finding]:
    """Pulumi.yaml and Pulumi.<stack>.yaml as the Pulumi CLI reads them."""
    try:
        loaded = context.configuration
    except engine.EngineError as error:
        yield problem(f"{error.where}: {error.message}", "files that the Pulumi CLI can read", error.hint)
        return
    if loaded.placeholders:
        found = f"encrypted: {', '.join(loaded.placeholders)}"
        yield warning(found, "readable without Pulumi: a placeholder stands for it here", "pulumi preview, which decrypts it", "secrets")
    yield ok(f"project {loaded.name}, stack {context.stack}, {len(loaded.config)} settings")


@check("region-name", "Name of the region", "project")
def region_name(context: Context) -> Iterable[Finding]:
    """The regions of the settings against those botocore knows, in all partitions: a typing error is seen without an account."""
    session = botocore.session.Session()
    known = {name for partition in session.get_available_partitions() for name in session.get_available_regions("ec2", partition)}
    peer = context.own("recovery").get("peer") or {}
    wanted = {"aws:region": context.configuration.config.get("aws:region"), "recovery.peer.region": peer.get("region")}
    for key, name in wanted.items():
        if not name:
            continue
        if name in known:
            yield ok(f"{key} {name}")
        else:
            near = ", ".join(difflib.get_close_matches(name, sorted(known))) or "one of `aws ec2 describe-regions --all-regions`"
            yield problem(f"{key} {name!r} is no region of AWS that is known here", near, f"correct {key} in Pulumi.{context.stack}.yaml")


@check("preview", "Settings and program", "project")
def preview(context: Context) -> Iterable[Finding]:
    """What `mlops preview` says: the settings are checked as a whole before anything is registered."""
    try:
        record = context.record
    except engine.EngineError as error:
        subject = "settings" if error.code == "bad-settings" else error.code
        yield problem(
            f"{error.where}: {error.message}", "a program that previews", error.hint or f"mlops preview --stack {context.stack}", subject
        )
        return
    yield ok(f"{len(record.resources)} resources in {record.seconds:.1f} s")


@check("policy", "Policy pack", "project")
def pack(context: Context) -> Iterable[Finding]:
    """The Well-Architected pack on the preview: a mandatory rule that fails stops `pulumi up --policy-pack policy`."""
    file = context.project.root / policy.CONFIG_FILE
    try:
        report = policy.evaluate(context.preview, policy.load_config(file) if file.is_file() else None, date.today())
    except UserError as error:
        yield problem(f"{error.where}: {error.message}", "a configuration of the pack that can be read", error.hint)
        return
    document = report.to_dict()["policy"]
    blocking = [each for each in document["findings"] if each["outcome"] in ("fail", "error") and each["level"] == "mandatory"]
    for each in blocking:
        yield problem(
            each["message"],
            "a mandatory rule that passes",
            f"mlops preview --stack {context.stack}",
            f"{each['rule']} {each['urn'].rsplit('::', 1)[-1]}",
        )
    if not blocking:
        advisory = sum(each["outcome"] == "fail" for each in document["findings"])
        yield ok(f"{document['rules']} rules, no mandatory one fails, {advisory} advisory findings")


@check("runtime", "Python of the functions", "project")
def runtime(context: Context) -> Iterable[Finding]:
    """The sandbox and the tests run functions with this machine's Python; AWS runs them with the runtime of the settings."""
    here = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    runtimes = sorted(
        {str(each.inputs.get("runtime")) for each in context.declared("aws:lambda/function:Function") if each.inputs.get("runtime")}
    )
    for each in runtimes:
        if each == here:
            yield ok(f"{each}, as here")
        else:
            fix = "set mlops:functions.runtime to a version that tests run with here, or let the pipeline's Test stage run them with it"
            yield warning(f"functions run {each}, this is {here}", "the same, so that tests say what happens on AWS", fix)


@dataclass(frozen=True)
class NameLimit:
    """How long a type's name may be; `property` holds it."""

    property: str
    limit: int
    source: str


_API = "https://docs.aws.amazon.com"
# AWS's limits by type. Not from botocore: where an ARN is accepted in a name's place, its models allow the ARN's length.
NAME_LIMITS = {
    "aws:backup/plan:Plan": NameLimit("name", 50, f"{_API}/aws-backup/latest/devguide/API_BackupPlanInput.html"),
    "aws:backup/selection:Selection": NameLimit("name", 50, f"{_API}/aws-backup/latest/devguide/API_BackupSelection.html"),
    "aws:backup/vault:Vault": NameLimit("name", 50, f"{_API}/aws-backup/latest/devguide/API_CreateBackupVault.html"),
    "aws:budgets/budget:Budget": NameLimit("name", 100, f"{_API}/aws-cost-management/latest/APIReference/API_budgets_Budget.html"),
    "aws:cloudtrail/trail:Trail": NameLimit("name", 128, f"{_API}/awscloudtrail/latest/APIReference/API_CreateTrail.html"),
    "aws:cloudwatch/eventRule:EventRule": NameLimit("name", 64, f"{_API}/eventbridge/latest/APIReference/API_PutRule.html"),
    "aws:cloudwatch/logGroup:LogGroup": NameLimit("name", 512, f"{_API}/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html"),
    "aws:cloudwatch/metricAlarm:MetricAlarm": NameLimit(
        "name", 255, f"{_API}/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"
    ),
    "aws:codebuild/reportGroup:ReportGroup": NameLimit("name", 128, f"{_API}/codebuild/latest/APIReference/API_CreateReportGroup.html"),
    "aws:codeconnections/connection:Connection": NameLimit(
        "name", 32, f"{_API}/codeconnections/latest/APIReference/API_CreateConnection.html"
    ),
    "aws:codepipeline/pipeline:Pipeline": NameLimit("name", 100, f"{_API}/codepipeline/latest/APIReference/API_PipelineDeclaration.html"),
    "aws:dax/cluster:Cluster": NameLimit("clusterName", 20, f"{_API}/amazondynamodb/latest/APIReference/API_dax_CreateCluster.html"),
    "aws:dynamodb/table:Table": NameLimit("name", 255, f"{_API}/amazondynamodb/latest/APIReference/API_CreateTable.html"),
    "aws:ecr/repository:Repository": NameLimit("name", 256, f"{_API}/AmazonECR/latest/APIReference/API_CreateRepository.html"),
    "aws:glue/crawler:Crawler": NameLimit("name", 255, f"{_API}/glue/latest/webapi/API_CreateCrawler.html"),
    "aws:glue/job:Job": NameLimit("name", 255, f"{_API}/glue/latest/webapi/API_CreateJob.html"),
    "aws:iam/policy:Policy": NameLimit("name", 128, f"{_API}/IAM/latest/APIReference/API_CreatePolicy.html"),
    "aws:iam/role:Role": NameLimit("name", 64, f"{_API}/IAM/latest/APIReference/API_CreateRole.html"),
    "aws:kms/alias:Alias": NameLimit("name", 256, f"{_API}/kms/latest/APIReference/API_CreateAlias.html"),
    "aws:lambda/function:Function": NameLimit("name", 64, f"{_API}/lambda/latest/api/API_CreateFunction.html"),
    "aws:s3/bucket:Bucket": NameLimit("bucket", 63, f"{_API}/AmazonS3/latest/userguide/bucketnamingrules.html"),
    "aws:sagemaker/modelPackageGroup:ModelPackageGroup": NameLimit(
        "modelPackageGroupName", 63, f"{_API}/sagemaker/latest/APIReference/API_CreateModelPackageGroup.html"
    ),
    "aws:scheduler/schedule:Schedule": NameLimit("name", 64, f"{_API}/scheduler/latest/APIReference/API_CreateSchedule.html"),
    "aws:sfn/stateMachine:StateMachine": NameLimit("name", 80, f"{_API}/step-functions/latest/apireference/API_CreateStateMachine.html"),
    "aws:sns/topic:Topic": NameLimit("name", 256, f"{_API}/sns/latest/api/API_CreateTopic.html"),
    "aws:sqs/queue:Queue": NameLimit("name", 80, f"{_API}/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html"),
    "aws:xray/group:Group": NameLimit("groupName", 32, f"{_API}/xray/latest/api/API_CreateGroup.html"),
    "aws:xray/samplingRule:SamplingRule": NameLimit("ruleName", 32, f"{_API}/xray/latest/api/API_SamplingRule.html"),
}


def name_of(resource: engine.RecordedResource, name_property: str) -> str | None:
    """The name where the program gives one; None where the provider makes it, or it is not known yet."""
    value: Any = resource.inputs.get(name_property)
    return value if isinstance(value, str) else None


@check("name-lengths", "Lengths of names", "project")
def name_lengths(context: Context) -> Iterable[Finding]:
    """Every name of the previewed resources against AWS's limit for its type (NAME_LIMITS has the sources)."""
    looked = 0
    wrong = []
    for resource in context.preview.resources:
        limit = NAME_LIMITS.get(resource.type)
        name = name_of(resource, limit.property) if limit and not resource.external else None
        if limit is None or name is None:
            continue
        looked += 1
        if len(name) > limit.limit:
            fix = f"shorten the project's, the stack's or the model's name by {len(name) - limit.limit} ({limit.source})"
            wrong.append(
                problem(f"{name} has {len(name)} characters", f"{limit.limit} at most", fix, f"{resource.type.rpartition(':')[2]} {name}")
            )
    if wrong:
        yield from wrong
    elif looked:
        yield ok(f"{looked} names fit")


@check("build", "Packages for the functions", "project")
def build(context: Context) -> Iterable[Finding]:
    """The preview builds what the functions are made of; an archive whose file is missing would fail in the deployment."""
    archives = 0
    for resource in context.declared("aws:lambda/function:Function") + context.declared("aws:lambda/layerVersion:LayerVersion"):
        code = resource.inputs.get("code")
        if isinstance(code, engine.Archive):
            archives += 1
            if not code.hash:
                raise NotChecked(f"the archive of {resource.name} has no content")
    if archives:
        yield ok(f"{archives} archives")
