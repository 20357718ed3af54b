"""Glue and SageMaker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlops.sandbox.identity.actions import reference
from mlops.sandbox.identity.actions.needs import Need, Scope, Values, keys

_GLUE_LISTS = {"GetJobs", "ListJobs", "GetCrawlers", "ListCrawlers", "GetCrawlerMetrics", "GetTriggers", "ListTriggers", "GetSecurityConfigurations",
               "CreateSecurityConfiguration", "DeleteSecurityConfiguration", "GetSecurityConfiguration", "CreateCrawler"}  # fmt: skip
_GLUE_TAGS = {"TagResource", "UntagResource", "GetTags"}


def glue(scope: Scope) -> list[Need] | None:
    """Jobs and crawlers by name; everything in the catalog needs the right to the catalog, the database and the table."""
    parameters, operation = scope.parameters, scope.operation
    if operation in _GLUE_TAGS:
        return [Need(f"glue:{operation}", parameters["ResourceArn"])]
    if operation in _GLUE_LISTS:
        return [Need(f"glue:{operation}", "*", _glue_keys(scope))]
    found = reference.action(f"glue:{operation}")
    if found is None:
        raise scope.unmapped(f"IAM has no action glue:{operation}")
    templates = " ".join((*found.required, *found.optional))
    if ":catalog" in templates and ("database/" in templates or operation in ("GetDatabases", "SearchTables")):
        return [Need(found.name, scope.arn("glue", path)) for path in _catalog_paths(scope, templates)]
    if ":job/" in templates:
        name = parameters.get("JobName") or parameters.get("Name")
        return [Need(found.name, scope.arn("glue", f"job/{name}"), _glue_keys(scope))] if name else None
    if ":crawler/" in templates:
        name = parameters.get("Name") or parameters.get("CrawlerName")
        return [Need(found.name, scope.arn("glue", f"crawler/{name}"), _glue_keys(scope))] if name else None
    return None


def _catalog_paths(scope: Scope, templates: str) -> list[str]:
    parameters = scope.parameters
    database = parameters.get("DatabaseName") or (parameters.get("DatabaseInput") or {}).get("Name")
    if not database and scope.operation in ("GetDatabase", "DeleteDatabase", "UpdateDatabase"):
        database = parameters.get("Name")
    paths = ["catalog", f"database/{database}" if database else "database/*"]
    if "table/" in templates:
        table = parameters.get("TableName") or (parameters.get("TableInput") or {}).get("Name")
        table = table or (parameters.get("Name") if "DatabaseName" in parameters else None)
        names = parameters.get("TablesToDelete") or [table or "*"]
        paths += [f"table/{database or '*'}/{name}" for name in names]
    return paths


GLUE_KEYS = frozenset({"glue:vpcids", "glue:subnetids", "glue:securitygroupids", "glue:rolearn"})


def _glue_keys(scope: Scope) -> dict[str, Values]:
    return keys({"glue:RoleArn": scope.parameters.get("Role") if str(scope.parameters.get("Role", "")).startswith("arn:") else None})


SAGEMAKER_KEYS = frozenset(
    {
        "sagemaker:instancetypes", "sagemaker:vpcsubnets", "sagemaker:vpcsecuritygroupids", "sagemaker:networkisolation", "sagemaker:volumekmskey",
        "sagemaker:outputkmskey", "sagemaker:intercontainertrafficencryption", "sagemaker:maxruntimeinseconds", "sagemaker:modelarn",
        "sagemaker:modelapprovalstatus", "sagemaker:targetmodel", "sagemaker:keepaliveperiod", "sagemaker:enableremotedebug",
        "sagemaker:directgatedmodelaccess", "sagemaker:filesystemaccessmode", "sagemaker:filesystemdirectorypath", "sagemaker:filesystemid",
        "sagemaker:filesystemtype", "sagemaker:serverlessmaxconcurrency", "sagemaker:serverlessmemorysize", "sagemaker:acceleratortypes",
    }
)  # fmt: skip

# Parameter with the resource's name → path of its ARN; the first one present decides.
_SAGEMAKER_NAMES = {
    "TrainingJobName": "training-job",
    "TransformJobName": "transform-job",
    "ProcessingJobName": "processing-job",
    "HyperParameterTuningJobName": "hyper-parameter-tuning-job",
    "ModelName": "model",
    "EndpointName": "endpoint",
    "EndpointConfigName": "endpoint-config",
    "ModelPackageName": "model-package",
    "ModelPackageGroupName": "model-package-group",
    "MonitoringScheduleName": "monitoring-schedule",
    "PipelineName": "pipeline",
    "FeatureGroupName": "feature-group",
    "ModelCardName": "model-card",
    "ExperimentName": "experiment",
}


def sagemaker(scope: Scope) -> list[Need] | None:
    """Everything by name; creating with tags needs sagemaker:AddTags too."""
    parameters, operation = scope.parameters, scope.operation
    if "ResourceArn" in parameters and operation in ("AddTags", "DeleteTags", "ListTags"):
        return [Need(f"sagemaker:{operation}", parameters["ResourceArn"])]
    if operation.startswith("List") and operation != "ListModelPackages":
        return None
    resources = _resources(scope)
    if not resources:
        return None
    condition = _sagemaker_keys(parameters)
    found = [Need(f"sagemaker:{operation}", resource, condition) for resource in resources]
    if operation.startswith("Create") and parameters.get("Tags"):
        found.append(Need("sagemaker:AddTags", resources[0], condition))
    return found + _volume_key(scope)


def _volume_key(scope: Scope) -> list[Need]:
    """A volume key needs kms:CreateGrant of the caller or of the role the job runs as.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/api-permissions-reference.html
    """
    parameters = scope.parameters
    resource = parameters.get("ResourceConfig") or parameters.get("TransformResources") or {}
    cluster = (parameters.get("ProcessingResources") or {}).get("ClusterConfig") or {}
    key_id = resource.get("VolumeKmsKeyId") or cluster.get("VolumeKmsKeyId")
    if scope.operation == "CreateEndpointConfig":
        key_id = parameters.get("KmsKeyId")
    key = scope.account.key_arn(key_id) if scope.operation.startswith("Create") else None
    if key is None:
        return []
    condition = keys(
        {
            "kms:GrantIsForAWSResource": True,
            "kms:ViaService": f"sagemaker.{scope.call.region}.amazonaws.com",
            "kms:CallerAccount": scope.account.account,
            "aws:ViaAWSService": True,
        }
    )
    return [Need("kms:CreateGrant", key, condition, or_role=parameters.get("RoleArn", ""))]


def _resources(scope: Scope) -> list[str]:
    parameters, operation = scope.parameters, scope.operation
    if operation in ("CreateModelPackage", "ListModelPackages") and parameters.get("ModelPackageGroupName"):
        # The version is not known yet: AWS's own example policies name it with a wildcard.
        group = parameters["ModelPackageGroupName"].rsplit("/", 1)[-1]
        return [scope.arn("sagemaker", f"model-package/{group}/*")]
    if parameters.get("ModelPackageArn"):
        return [parameters["ModelPackageArn"]]
    found = [_named(scope, parameters[name], kind) for name, kind in _SAGEMAKER_NAMES.items() if isinstance(parameters.get(name), str)]
    if operation in ("CreateEndpoint", "UpdateEndpoint"):
        return found  # endpoint and endpoint configuration are both judged
    return found[:1]


def _named(scope: Scope, name: str, kind: str) -> str:
    return name if name.startswith("arn:") else scope.arn("sagemaker", f"{kind}/{name}")


def _sagemaker_keys(parameters: Mapping[str, Any]) -> dict[str, Values]:
    resource = parameters.get("ResourceConfig") or parameters.get("TransformResources") or {}
    cluster = (parameters.get("ProcessingResources") or {}).get("ClusterConfig") or {}
    variants = parameters.get("ProductionVariants") or ()
    vpc = parameters.get("VpcConfig") or {}
    serverless = [variant.get("ServerlessConfig") or {} for variant in variants]
    return keys(
        {
            "sagemaker:InstanceTypes": (
                *filter(None, (resource.get("InstanceType"), cluster.get("InstanceType"))),
                *(variant["InstanceType"] for variant in variants if variant.get("InstanceType")),
            ),
            "sagemaker:VpcSubnets": tuple(vpc.get("Subnets") or ()),
            "sagemaker:VpcSecurityGroupIds": tuple(vpc.get("SecurityGroupIds") or ()),
            "sagemaker:NetworkIsolation": parameters.get("EnableNetworkIsolation"),
            "sagemaker:InterContainerTrafficEncryption": parameters.get("EnableInterContainerTrafficEncryption"),
            "sagemaker:VolumeKmsKey": resource.get("VolumeKmsKeyId") or cluster.get("VolumeKmsKeyId") or parameters.get("KmsKeyId"),
            "sagemaker:OutputKmsKey": (parameters.get("OutputDataConfig") or parameters.get("TransformOutput") or {}).get("KmsKeyId"),
            "sagemaker:MaxRuntimeInSeconds": (parameters.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds"),
            "sagemaker:ModelApprovalStatus": parameters.get("ModelApprovalStatus"),
            "sagemaker:ServerlessMaxConcurrency": tuple(item["MaxConcurrency"] for item in serverless if "MaxConcurrency" in item),
            "sagemaker:ServerlessMemorySize": tuple(item["MemorySizeInMB"] for item in serverless if "MemorySizeInMB" in item),
        }
    )


def sagemaker_runtime(scope: Scope) -> list[Need] | None:
    """Invocations of an endpoint."""
    return [
        Need(
            f"sagemaker:{scope.operation}",
            scope.arn("sagemaker", f"endpoint/{scope.parameters['EndpointName']}"),
            keys({"sagemaker:TargetModel": scope.parameters.get("TargetModel")}),
        )
    ]


def sagemaker_metrics(scope: Scope) -> list[Need] | None:
    """Metrics of trial components."""
    if scope.operation != "BatchPutMetrics":
        return None
    name = scope.parameters.get("TrialComponentName")
    return [Need("sagemaker:BatchPutMetrics", scope.arn("sagemaker", f"experiment-trial-component/{name}"))]
