"""Checks of permissions: whether who deploys may create what the preview registers, by IAM's own simulator."""

from __future__ import annotations

import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from mlops import engine
from mlops.doctor.check import Finding, NotChecked, check, not_checked, ok, problem, warning
from mlops.doctor.context import Context
from mlops.doctor.examination import refused

_EXAMPLES = 12
_SHOWN = 12


@dataclass(frozen=True)
class Rights:
    """What creating a type takes: actions on a resource. `name` is the property that goes into the ARN (`{name}`)."""

    actions: tuple[str, ...]
    resource: str
    name: str = ""


def _of(actions: str, resource: str = "*", name: str = "") -> Rights:
    return Rights(tuple(actions.split()), resource, name)


_EC2 = "arn:{partition}:ec2:{region}:{account}:"
# The service authorization reference names action and resource: https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html
RIGHTS: dict[str, tuple[Rights, ...]] = {
    "aws:accessanalyzer/analyzer:Analyzer": (
        _of("access-analyzer:CreateAnalyzer", "arn:{partition}:access-analyzer:{region}:{account}:analyzer/*"),
    ),
    "aws:apigateway/account:Account": (_of("apigateway:PATCH", "arn:{partition}:apigateway:{region}::/account"),),
    "aws:apigateway/restApi:RestApi": (_of("apigateway:POST", "arn:{partition}:apigateway:{region}::/restapis"),),
    "aws:appautoscaling/policy:Policy": (
        _of("application-autoscaling:PutScalingPolicy", "arn:{partition}:application-autoscaling:{region}:{account}:scalable-target/*"),
    ),
    "aws:appautoscaling/target:Target": (
        _of(
            "application-autoscaling:RegisterScalableTarget", "arn:{partition}:application-autoscaling:{region}:{account}:scalable-target/*"
        ),
    ),
    "aws:backup/plan:Plan": (_of("backup:CreateBackupPlan", "arn:{partition}:backup:{region}:{account}:backup-plan:*"),),
    "aws:backup/regionSettings:RegionSettings": (_of("backup:UpdateRegionSettings"),),
    "aws:backup/restoreTestingPlan:RestoreTestingPlan": (
        _of("backup:CreateRestoreTestingPlan", "arn:{partition}:backup:{region}:{account}:restore-testing-plan:*"),
    ),
    "aws:backup/vault:Vault": (_of("backup:CreateBackupVault", "arn:{partition}:backup:{region}:{account}:backup-vault:{name}", "name"),),
    "aws:budgets/budget:Budget": (_of("budgets:ModifyBudget", "arn:{partition}:budgets::{account}:budget/{name}", "name"),),
    "aws:cfg/recorder:Recorder": (_of("config:PutConfigurationRecorder"),),
    "aws:cloudfront/cachePolicy:CachePolicy": (
        _of("cloudfront:CreateCachePolicy", "arn:{partition}:cloudfront::{account}:cache-policy/*"),
    ),
    "aws:cloudfront/distribution:Distribution": (
        _of("cloudfront:CreateDistribution", "arn:{partition}:cloudfront::{account}:distribution/*"),
    ),
    "aws:cloudtrail/trail:Trail": (
        _of(
            "cloudtrail:CreateTrail cloudtrail:StartLogging cloudtrail:PutEventSelectors",
            "arn:{partition}:cloudtrail:{region}:{account}:trail/{name}",
            "name",
        ),
    ),
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": (
        _of("cloudwatch:PutCompositeAlarm", "arn:{partition}:cloudwatch:{region}:{account}:alarm:{name}", "alarmName"),
    ),
    "aws:cloudwatch/dashboard:Dashboard": (
        _of("cloudwatch:PutDashboard", "arn:{partition}:cloudwatch::{account}:dashboard/{name}", "dashboardName"),
    ),
    "aws:cloudwatch/eventRule:EventRule": (
        _of("events:PutRule events:PutTargets", "arn:{partition}:events:{region}:{account}:rule/{name}", "name"),
    ),
    "aws:cloudwatch/logGroup:LogGroup": (
        _of("logs:CreateLogGroup logs:PutRetentionPolicy", "arn:{partition}:logs:{region}:{account}:log-group:{name}", "name"),
    ),
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": (
        _of("logs:PutMetricFilter", "arn:{partition}:logs:{region}:{account}:log-group:{name}", "logGroupName"),
    ),
    "aws:cloudwatch/queryDefinition:QueryDefinition": (_of("logs:PutQueryDefinition"),),
    "aws:cloudwatch/metricAlarm:MetricAlarm": (
        _of("cloudwatch:PutMetricAlarm", "arn:{partition}:cloudwatch:{region}:{account}:alarm:{name}", "name"),
    ),
    "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination": (
        _of("logs:PutDeliveryDestination", "arn:{partition}:logs:{region}:{account}:delivery-destination:{name}", "name"),
    ),
    "aws:cloudwatch/logDeliverySource:LogDeliverySource": (
        _of("logs:PutDeliverySource", "arn:{partition}:logs:{region}:{account}:delivery-source:{name}", "name"),
    ),
    "aws:codebuild/project:Project": (
        _of("codebuild:CreateProject", "arn:{partition}:codebuild:{region}:{account}:project/{name}", "name"),
    ),
    "aws:codebuild/reportGroup:ReportGroup": (
        _of("codebuild:CreateReportGroup", "arn:{partition}:codebuild:{region}:{account}:report-group/{name}", "name"),
    ),
    "aws:codecommit/repository:Repository": (
        _of("codecommit:CreateRepository", "arn:{partition}:codecommit:{region}:{account}:{name}", "repositoryName"),
    ),
    "aws:codeconnections/connection:Connection": (
        _of("codeconnections:CreateConnection", "arn:{partition}:codeconnections:{region}:{account}:connection/*"),
    ),
    "aws:codepipeline/pipeline:Pipeline": (
        _of("codepipeline:CreatePipeline", "arn:{partition}:codepipeline:{region}:{account}:{name}", "name"),
    ),
    "aws:costexplorer/anomalyMonitor:AnomalyMonitor": (_of("ce:CreateAnomalyMonitor", "arn:{partition}:ce::{account}:anomalymonitor/*"),),
    "aws:costexplorer/anomalySubscription:AnomalySubscription": (
        _of("ce:CreateAnomalySubscription", "arn:{partition}:ce::{account}:anomalysubscription/*"),
    ),
    "aws:dynamodb/table:Table": (
        _of("dynamodb:CreateTable dynamodb:UpdateContinuousBackups", "arn:{partition}:dynamodb:{region}:{account}:table/{name}", "name"),
    ),
    "aws:ebs/encryptionByDefault:EncryptionByDefault": (_of("ec2:EnableEbsEncryptionByDefault"),),
    "aws:ec2/eip:Eip": (_of("ec2:AllocateAddress", _EC2 + "elastic-ip/*"),),
    "aws:ec2/flowLog:FlowLog": (_of("ec2:CreateFlowLogs", _EC2 + "vpc-flow-log/*"),),
    "aws:ec2/internetGateway:InternetGateway": (_of("ec2:CreateInternetGateway", _EC2 + "internet-gateway/*"),),
    "aws:ec2/natGateway:NatGateway": (_of("ec2:CreateNatGateway", _EC2 + "natgateway/*"),),
    "aws:ec2/networkAcl:NetworkAcl": (_of("ec2:CreateNetworkAcl", _EC2 + "network-acl/*"),),
    "aws:ec2/route:Route": (_of("ec2:CreateRoute", _EC2 + "route-table/*"),),
    "aws:ec2/routeTable:RouteTable": (_of("ec2:CreateRouteTable", _EC2 + "route-table/*"),),
    "aws:ec2/securityGroup:SecurityGroup": (_of("ec2:CreateSecurityGroup", _EC2 + "security-group/*"),),
    "aws:ec2/subnet:Subnet": (_of("ec2:CreateSubnet", _EC2 + "subnet/*"),),
    "aws:ec2/vpc:Vpc": (_of("ec2:CreateVpc", _EC2 + "vpc/*"),),
    "aws:ec2/vpcEndpoint:VpcEndpoint": (_of("ec2:CreateVpcEndpoint", _EC2 + "vpc-endpoint/*"),),
    "aws:ecr/registryPolicy:RegistryPolicy": (_of("ecr:PutRegistryPolicy"),),
    "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration": (_of("ecr:PutRegistryScanningConfiguration"),),
    "aws:ecr/repository:Repository": (
        _of(
            "ecr:CreateRepository ecr:SetRepositoryPolicy ecr:PutLifecyclePolicy",
            "arn:{partition}:ecr:{region}:{account}:repository/{name}",
            "name",
        ),
    ),
    "aws:glue/catalogDatabase:CatalogDatabase": (
        _of("glue:CreateDatabase", "arn:{partition}:glue:{region}:{account}:database/{name}", "name"),
        _of("glue:CreateDatabase", "arn:{partition}:glue:{region}:{account}:catalog"),
    ),
    "aws:glue/crawler:Crawler": (_of("glue:CreateCrawler", "arn:{partition}:glue:{region}:{account}:crawler/{name}", "name"),),
    "aws:glue/job:Job": (_of("glue:CreateJob", "arn:{partition}:glue:{region}:{account}:job/{name}", "name"),),
    "aws:glue/securityConfiguration:SecurityConfiguration": (_of("glue:CreateSecurityConfiguration"),),
    "aws:guardduty/detector:Detector": (_of("guardduty:CreateDetector"),),
    "aws:iam/accountPasswordPolicy:AccountPasswordPolicy": (_of("iam:UpdateAccountPasswordPolicy"),),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": (
        _of("iam:CreateOpenIDConnectProvider", "arn:{partition}:iam::{account}:oidc-provider/*"),
    ),
    "aws:iam/policy:Policy": (_of("iam:CreatePolicy", "arn:{partition}:iam::{account}:policy{path}{name}", "name"),),
    "aws:iam/role:Role": (_of("iam:CreateRole iam:PutRolePolicy iam:PassRole", "arn:{partition}:iam::{account}:role{path}{name}", "name"),),
    "aws:iam/serviceLinkedRole:ServiceLinkedRole": (
        _of("iam:CreateServiceLinkedRole", "arn:{partition}:iam::{account}:role/aws-service-role/{name}/*", "awsServiceName"),
    ),
    "aws:kms/alias:Alias": (_of("kms:CreateAlias", "arn:{partition}:kms:{region}:{account}:{name}", "name"),),
    "aws:kms/key:Key": (_of("kms:CreateKey"),),
    "aws:lambda/eventSourceMapping:EventSourceMapping": (
        _of("lambda:CreateEventSourceMapping", "arn:{partition}:lambda:{region}:{account}:event-source-mapping:*"),
    ),
    "aws:lambda/function:Function": (
        _of(
            "lambda:CreateFunction lambda:CreateAlias lambda:AddPermission lambda:PutFunctionEventInvokeConfig",
            "arn:{partition}:lambda:{region}:{account}:function:{name}",
            "name",
        ),
    ),
    "aws:lambda/layerVersion:LayerVersion": (
        _of("lambda:PublishLayerVersion", "arn:{partition}:lambda:{region}:{account}:layer:{name}", "layerName"),
    ),
    "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig": (
        _of("lambda:PutProvisionedConcurrencyConfig", "arn:{partition}:lambda:{region}:{account}:function:{name}:*", "functionName"),
    ),
    "aws:macie2/account:Account": (_of("macie2:EnableMacie"),),
    "aws:costexplorer/costAllocationTag:CostAllocationTag": (_of("ce:UpdateCostAllocationTagsStatus"),),
    "aws:organizations/policy:Policy": (_of("organizations:CreatePolicy"),),
    "aws:route53/healthCheck:HealthCheck": (_of("route53:CreateHealthCheck", "arn:{partition}:route53:::healthcheck/*"),),
    "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock": (_of("s3:PutAccountPublicAccessBlock"),),
    "aws:s3/bucket:Bucket": (
        _of(
            "s3:CreateBucket s3:PutBucketPolicy s3:PutBucketVersioning s3:PutEncryptionConfiguration s3:PutLifecycleConfiguration "
            "s3:PutBucketNotification s3:PutBucketPublicAccessBlock s3:PutBucketOwnershipControls s3:PutBucketLogging s3:PutBucketTagging",
            "arn:{partition}:s3:::{name}",
            "bucket",
        ),
    ),
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": (
        _of("s3:PutReplicationConfiguration", "arn:{partition}:s3:::{name}", "bucket"),
    ),
    "aws:sagemaker/modelPackageGroup:ModelPackageGroup": (
        _of(
            "sagemaker:CreateModelPackageGroup",
            "arn:{partition}:sagemaker:{region}:{account}:model-package-group/{name}",
            "modelPackageGroupName",
        ),
    ),
    "aws:scheduler/schedule:Schedule": (
        _of("scheduler:CreateSchedule", "arn:{partition}:scheduler:{region}:{account}:schedule/default/{name}", "name"),
    ),
    "aws:securityhub/account:Account": (
        _of("securityhub:EnableSecurityHub", "arn:{partition}:securityhub:{region}:{account}:hub/default"),
    ),
    "aws:sfn/stateMachine:StateMachine": (
        _of("states:CreateStateMachine", "arn:{partition}:states:{region}:{account}:stateMachine:{name}", "name"),
    ),
    "aws:sns/topic:Topic": (
        _of("sns:CreateTopic sns:SetTopicAttributes sns:Subscribe", "arn:{partition}:sns:{region}:{account}:{name}", "name"),
    ),
    "aws:sqs/queue:Queue": (_of("sqs:CreateQueue sqs:SetQueueAttributes", "arn:{partition}:sqs:{region}:{account}:{name}", "name"),),
    "aws:xray/group:Group": (_of("xray:CreateGroup", "arn:{partition}:xray:{region}:{account}:group/{name}/*", "groupName"),),
    "aws:xray/samplingRule:SamplingRule": (
        _of("xray:CreateSamplingRule", "arn:{partition}:xray:{region}:{account}:sampling-rule/{name}", "ruleName"),
    ),
}
# Parts of something above: who may make that may make these, by the same service's actions.
PARTS = re.compile(
    r"aws:(apigateway/(deployment|integration|method|model|request|resource|response|stage)|backup/(restoreTestingSelection|selection|vault[A-Z])"
    r"|cloudwatch/(eventTarget|logDelivery:)|ec2/(default|routeTableAssociation)|ecr/(lifecycle|repository)Policy|ecr/repositoryPolicy|iam/rolePolicy|lambda/(alias|permission|functionEvent)"
    r"|s3/bucket[A-Z]|s3/bucketObject|sns/topic[A-Z]|sqs/(queue|redrive)|vpc/securityGroup|budgets/budgetAction|cfg/|guardduty/|securityhub/|organizations/policyAttachment)"
)


@dataclass(frozen=True)
class Question:
    """One call of the simulator."""

    type_: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    context: tuple[tuple[str, str], ...]


def questions(context: Context) -> list[Question]:
    """What has to be asked for the preview: the rights of each type, on some of its resources, evenly by name."""
    account = context.account
    names = {"partition": account.partition, "region": account.region, "account": account.id}
    asked = []
    for type_, rights in RIGHTS.items():
        declared = context.declared(type_)
        for right in rights if declared else ():
            filled = sorted({_filled(right, each, {**names, "region": context.region_of(each)}, context) for each in declared} - {None})  # type: ignore[type-var]
            examples = tuple(spread(filled, _EXAMPLES))  # type: ignore[arg-type]
            if examples:
                asked.append(Question(type_, right.actions, examples, _conditions(declared[0], context)))
    return asked


def spread(names: list[str], number: int) -> list[str]:
    """So many of the names at most, the first and the last among them, evenly."""
    if len(names) <= number:
        return names
    step = (len(names) - 1) / (number - 1)
    return [names[round(each * step)] for each in range(number)]


def _filled(right: Rights, resource: engine.RecordedResource, names: dict[str, str], context: Context) -> str | None:
    name = resource.inputs.get(right.name) if right.name else ""
    if not isinstance(name, str):
        return None
    path = resource.inputs.get("path")
    return right.resource.format(**names, name=context.real(name), path=path if isinstance(path, str) else "/")


def _conditions(resource: engine.RecordedResource, context: Context) -> tuple[tuple[str, str], ...]:
    """What a request for the resource would carry: the region, its tags, a role's boundary and whom it is passed to."""
    found = {"aws:RequestedRegion": context.account.region}
    tags = resource.inputs.get("tagsAll") or resource.inputs.get("tags") or {}
    for key, value in tags.items() if isinstance(tags, dict) else ():
        if isinstance(value, str):
            found[f"aws:RequestTag/{key}"] = found[f"aws:ResourceTag/{key}"] = value
    service = resource.inputs.get("awsServiceName")
    if isinstance(service, str):
        found["iam:AWSServiceName"] = service
    boundary = resource.inputs.get("permissionsBoundary")
    if isinstance(boundary, str):
        found["iam:PermissionsBoundary"] = context.real(boundary)
    trusted = re.search(r'"Service"\s*:\s*\[?\s*"([a-z0-9.-]+\.amazonaws\.com)"', str(resource.inputs.get("assumeRolePolicy", "")))
    if trusted:
        found["iam:PassedToService"] = trusted[1]
    return tuple(found.items())


def principal(context: Context) -> str:
    """The user or role whose policies count; a session's ARN leaves out the role's path, so the role is asked for."""
    arn = context.account.caller["Arn"]
    role = re.search(r":assumed-role/([^/]+)/", arn)
    if role:
        return context.account.client("iam").get_role(RoleName=role[1])["Role"]["Arn"]
    if arn.endswith(":root") or ":user/" not in arn:
        raise NotChecked(f"{arn} has no policies that could be simulated", "deploy as a role or user")
    return arn


@check("permissions", "Rights to create", "permissions", aws=True)
def permissions(context: Context) -> Iterable[Finding]:
    """SimulatePrincipalPolicy: identity policies, boundary and service control policies, not those of resources:
    https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
    """
    asked = questions(context)
    if not asked:
        return
    source, iam = principal(context), context.account.client("iam")

    def ask(question: Question) -> list[Finding]:
        try:
            return list(_answers(iam, source, question))
        except ClientError as error:
            return [refused(error, question.type_.rpartition(":")[2])]

    with ThreadPoolExecutor(6, thread_name_prefix="simulate") as pool:
        findings = [finding for found in pool.map(ask, asked) for finding in found]
    unanswered = [each for each in findings if each.status == "not_checked"]
    if len(unanswered) == len(asked):
        # One reason for all: who deploys may not simulate.
        yield not_checked(
            unanswered[0].why,
            "allow iam:SimulatePrincipalPolicy and iam:GetRole on itself to who deploys, or ask an administrator to run this",
        )
        return
    yield from findings[:_SHOWN]
    if len(findings) > _SHOWN:
        yield problem(f"{len(findings) - _SHOWN} more of these", "all allowed", "see --json after mending the first", "more")
    if not findings:
        number = sum(len(each.actions) for each in asked)
        yield ok(f"{source.rpartition(':')[2]} is allowed {number} actions on {len(asked)} kinds of resources")


def _answers(iam: Any, source: str, question: Question) -> Iterable[Finding]:
    entries = [{"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"} for key, value in question.context]
    parameters = {"PolicySourceArn": source, "ActionNames": list(question.actions), "ContextEntries": entries}
    if question.resources != ("*",):
        parameters["ResourceArns"] = list(question.resources)
    pages = iam.get_paginator("simulate_principal_policy").paginate(**parameters)
    for result in (each for page in pages for each in page["EvaluationResults"]):
        # The decision over all resources; older answers have one result for each resource instead.
        if result["EvalDecision"] == "allowed":
            continue
        missing = result.get("MissingContextValues") or []
        resource = next(
            (each["EvalResourceName"] for each in result.get("ResourceSpecificResults") or () if each["EvalResourceDecision"] != "allowed"),
            result.get("EvalResourceName") or "*",
        )
        action, subject = result["EvalActionName"], f"{result['EvalActionName']} on {resource}"
        by = "service control policy" if (result.get("OrganizationsDecisionDetail") or {}).get("AllowedByOrganizations") is False else ""
        by = by or ("explicit deny" if result["EvalDecision"] == "explicitDeny" else "no policy allows it")
        if missing and result["EvalDecision"] == "implicitDeny":
            found = f"allowed only under conditions on {', '.join(missing)}, which nobody can tell before the call"
            yield warning(found, "allowed", f"look at the conditions of {action} in the policies of {source}", subject)
        else:
            fix = f'allow it to {source}: {{"Effect": "Allow", "Action": "{action}", "Resource": "{resource}"}}'
            yield problem(f"denied: {by}", f"allowed, to create {question.type_.rpartition(':')[2]}", fix, subject)


@check("permissions-coverage", "Types nobody asked about", "permissions")
def coverage(context: Context) -> Iterable[Finding]:
    """Which of the previewed types the check `permissions` has no actions for."""
    types = {each.type for each in context.preview.resources if each.type.startswith("aws:") and not each.external}
    unknown = sorted(each for each in types if each not in RIGHTS and not PARTS.match(each))
    if unknown:
        yield not_checked(f"no actions are known for {', '.join(unknown)}", "compare them with the deploying role's policies by hand")
