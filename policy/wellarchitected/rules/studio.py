"""SageMaker beyond training and serving: notebooks, Studio, feature store, monitoring jobs, pipelines, registry, people."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

from ..changes import put
from ..graph import Graph
from ..model import STACK, Changes, Context, Example, Parameter, Resource, rule
from ..policies import is_public, statements
from ..values import Malformed, NotApplicable, Unreadable, as_list, dig, is_set
from ._checks import both, not_given, not_set, not_true
from ._secrets import secret_like
from ._types import BUCKET, ENDPOINT, ENDPOINT_CONFIGURATION, KEY_ARN, MODEL, PIPELINE
from .serving import configuration_of, served_serverless, variants
from .training import VPC, matches

NOTEBOOK = "aws:sagemaker/notebookInstance:NotebookInstance"
NOTEBOOK_LIFECYCLE = "aws:sagemaker/notebookInstanceLifecycleConfiguration:NotebookInstanceLifecycleConfiguration"
STUDIO_LIFECYCLE = "aws:sagemaker/studioLifecycleConfig:StudioLifecycleConfig"
DOMAIN = "aws:sagemaker/domain:Domain"
FEATURES = "aws:sagemaker/featureGroup:FeatureGroup"
MONITORING = "aws:sagemaker/monitoringSchedule:MonitoringSchedule"
DATA_QUALITY = "aws:sagemaker/dataQualityJobDefinition:DataQualityJobDefinition"
# pulumi_aws has no such types; aws-native names their properties alike.
NATIVE_JOBS = " ".join(f"aws-native:sagemaker:Model{kind}JobDefinition" for kind in ("Quality", "Bias", "Explainability"))
MODEL_GROUP = "aws:sagemaker/modelPackageGroup:ModelPackageGroup"
MODEL_GROUP_POLICY = "aws:sagemaker/modelPackageGroupPolicy:ModelPackageGroupPolicy"
FLOW = "aws:sagemaker/flowDefinition:FlowDefinition"
CODE_REPOSITORY = "aws:sagemaker/codeRepository:CodeRepository"
TRACKING = "aws:sagemaker/mlflowTrackingServer:MlflowTrackingServer"


@rule(
    "notebook-no-direct-internet", NOTEBOOK,
    practices="SEC05-BP02", lens="MLSEC04-BP01", checklist="CHK-SEC-6", severity="high", level="advisory",
    sources="cdk-nag:AwsSolutions-SM3 checkov:CKV_AWS_122 securityhub:SageMaker.1",
    why="Data and credentials of a notebook leave through an internet access that no security group sees.",
    fix="Set directInternetAccess to Disabled, with subnetId and securityGroups",
    reads="directInternetAccess", compliant={"directInternetAccess": "Disabled"}, violating={"directInternetAccess": "Enabled"},
)  # fmt: skip
def notebook_no_direct_internet(notebook: Resource, context: Context) -> str | None:
    """Notebooks reach the internet through the VPC, if at all."""
    access = notebook.get("directInternetAccess", "Enabled")
    return None if access == "Disabled" else f"directInternetAccess of '{notebook.name}' is {access}"


@rule(
    "notebook-in-vpc", NOTEBOOK, scope="stack",
    practices="SEC05-BP01", lens="MLSEC04-BP01", checklist="CHK-SEC-6", severity="high", level="advisory",
    sources="cdk-nag:AwsSolutions-SM1 checkov:CKV_AWS_306 securityhub:SageMaker.2",
    why="Outside the VPC a notebook is in a network of AWS that nobody of the organisation watches.",
    fix="Set subnetId and securityGroups",
    reads="subnetId", compliant={"subnetId": "subnet-1", "securityGroups": ["sg-1"]}, violating={"instanceType": "ml.t3.medium"},
)  # fmt: skip
def notebook_in_vpc(notebook: Resource, context: Context) -> str | None:
    """Notebooks are inside the VPC."""
    return not_given(notebook, context, "subnetId")


@rule(
    "notebook-no-root", NOTEBOOK,
    practices="SEC03-BP02", lens="MLSEC03-BP01", checklist="CHK-SEC-1", severity="medium", level="advisory",
    sources="checkov:CKV_AWS_307 securityhub:SageMaker.3",
    why="Root on the notebook can undo every setting of the machine that protects the data.",
    fix="Set rootAccess to Disabled (lifecycle scripts still run as root)",
    reads="rootAccess", compliant={"rootAccess": "Disabled"}, violating={"rootAccess": "Enabled"},
    remediation=put({"rootAccess": "Disabled"}),
)  # fmt: skip
def notebook_no_root(notebook: Resource, context: Context) -> str | None:
    """Users of notebooks are not root."""
    access = notebook.get("rootAccess", "Enabled")
    return None if access == "Disabled" else f"rootAccess of '{notebook.name}' is {access}"


@rule(
    "studio-customer-key", f"{NOTEBOOK} {DOMAIN}", scope="stack",
    practices="SEC08-BP02", lens="MLSEC02-BP01", checklist="CHK-SEC-2", severity="medium", level="advisory",
    sources="cdk-nag:AwsSolutions-SM2 checkov:CKV_AWS_22 checkov:CKV_AWS_187 securityhub:SageMaker.21",
    why="Volumes of notebooks and home directories hold copies of training data; the key cannot be changed later.",
    fix="Set kmsKeyId",
    reads="kmsKeyId", **both({"kmsKeyId": KEY_ARN}, {"kmsKeyId": ""}, NOTEBOOK, DOMAIN),
)  # fmt: skip
def studio_customer_key(resource: Resource, context: Context) -> str | None:
    """Notebooks and Studio store under a customer key."""
    return not_given(resource, context, "kmsKeyId")


@rule(
    "notebook-metadata-v2", NOTEBOOK,
    practices="SEC06-BP02", lens="MLSEC04-BP01", checklist="CHK-SEC-1", severity="medium", level="advisory", sources="checkov:CKV_AWS_371",
    why="With version 1 of the metadata service, one request made for somebody else hands out the notebook's role.",
    fix="Set instanceMetadataServiceConfiguration.minimumInstanceMetadataServiceVersion to 2",
    reads="instanceMetadataServiceConfiguration.minimumInstanceMetadataServiceVersion",
    compliant={"instanceMetadataServiceConfiguration": {"minimumInstanceMetadataServiceVersion": "2"}},
    violating={"instanceMetadataServiceConfiguration": {"minimumInstanceMetadataServiceVersion": "1"}},
    remediation=put({"instanceMetadataServiceConfiguration.minimumInstanceMetadataServiceVersion": "2"}),
)  # fmt: skip
def notebook_metadata_v2(notebook: Resource, context: Context) -> str | None:
    """Notebooks give their credentials only to sessions."""
    path = "instanceMetadataServiceConfiguration.minimumInstanceMetadataServiceVersion"
    return None if str(notebook.get(path, "1")) == "2" else f"{path} of '{notebook.name}' is not 2"


@rule(
    "notebook-platform", NOTEBOOK,
    practices="SUS06-BP03 SEC06-BP01", checklist="CHK-SUS-4", severity="medium", level="advisory", sources="securityhub:SageMaker.8",
    why="Old platforms get no security updates, and one day their notebooks no longer start.",
    fix="Set platformIdentifier to a supported platform, such as notebook-al2023-v1",
    reads="platformIdentifier", compliant={"platformIdentifier": "notebook-al2023-v1"}, violating={"platformIdentifier": "notebook-al1-v1"},
    parameters={"supported": Parameter(["notebook-al2-v3", "notebook-al2023-v1"], "Supported platforms", {"type": "array", "items":
        {"type": "string"}})},
)  # fmt: skip
def notebook_platform(notebook: Resource, context: Context) -> str | None:
    """Notebooks run on a supported platform."""
    platform = notebook.get("platformIdentifier", "notebook-al2-v2")
    return None if platform in context.parameters["supported"] else f"platformIdentifier of '{notebook.name}' is {platform}"


@rule(
    "notebook-stops-idle", NOTEBOOK, scope="stack",
    practices="COST04-BP04 SUS02-BP03", lens="MLCOST04-BP08 MLSUS03-BP01", checklist="CHK-COST-5", severity="medium", level="advisory",
    why="A notebook is paid for by the hour until somebody stops it, and people go home.",
    fix="Set lifecycleConfigName to a configuration whose script stops an idle notebook",
    reads="lifecycleConfigName", compliant={"lifecycleConfigName": "stop-when-idle"}, violating={"instanceType": "ml.t3.medium"},
)  # fmt: skip
def notebook_stops_idle(notebook: Resource, context: Context) -> str | None:
    """Notebooks stop when nobody uses them."""
    return not_given(notebook, context, "lifecycleConfigName")


@rule(
    "notebook-right-sized", NOTEBOOK,
    practices="COST06-BP02 SUS05-BP01", lens="MLCOST04-BP01", checklist="CHK-PERF-4", severity="medium", level="advisory",
    why="Exploring data needs little; what needs an accelerator belongs into a training job that ends.",
    fix="Choose an instance type the rule allows, or a training job for the heavy part",
    reads="instanceType", missing="not_applicable", compliant={"instanceType": "ml.t3.medium"}, violating={"instanceType":
        "ml.p4d.24xlarge"},
    parameters={"allowed": Parameter(["ml.t3.*", "ml.m5.large", "ml.m5.xlarge", "ml.m6i.large", "ml.m6i.xlarge", "ml.m7i.large",
        "ml.m7i.xlarge"], "Instance types of notebooks, as patterns", {"type": "array", "items": {"type": "string"}})},
)  # fmt: skip
def notebook_right_sized(notebook: Resource, context: Context) -> str | None:
    """Notebooks are of an agreed size."""
    kind = notebook.get("instanceType")
    if kind is None:
        raise NotApplicable("names no instance type")
    return None if matches(kind, context.parameters["allowed"]) else f"instanceType of '{notebook.name}' is {kind}"


def decoded(text: str) -> str:
    """A script as text, whether it was given in Base64 or not."""
    try:
        return base64.b64decode(text, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return text


@rule(
    "lifecycle-script-no-secrets", f"{NOTEBOOK_LIFECYCLE} {STUDIO_LIFECYCLE}",
    practices="SEC02-BP03", lens="MLSEC03-BP02", checklist="CHK-SEC-1", severity="critical",
    why="Base64 is not encryption: everybody who may describe the script reads it.",
    fix="Read the value from Secrets Manager in the script",
    reads="onStart", missing="pass",
    compliant=(Example(NOTEBOOK_LIFECYCLE, "n", {"onStart": base64.b64encode(b"pip install pandas\n").decode()}),),
    violating=(Example(NOTEBOOK_LIFECYCLE, "n", {"onStart": base64.b64encode(b"export API_TOKEN=abc123\n").decode()}),
        Example(STUDIO_LIFECYCLE, "s", {"studioLifecycleConfigContent": base64.b64encode(b"DB_PASSWORD=hunter2\n").decode()})),
)  # fmt: skip
def lifecycle_script_no_secrets(script: Resource, context: Context) -> Iterator[str]:
    """Lifecycle scripts hold no credentials."""
    for path in ("onCreate", "onStart") if script.type == NOTEBOOK_LIFECYCLE else ("studioLifecycleConfigContent",):
        text = decoded(str(script.get(path, "")))
        pairs = dict(re.findall(r"^\s*(?:export\s+)?(\w+)=[\"']?([^\s\"'$`(]+)", text, re.MULTILINE))
        if secret_like(pairs) or re.search(r"\bAKIA[0-9A-Z]{16}\b", text):
            yield f"{path} of '{script.name}' looks like it holds a credential"


@rule(
    "studio-vpc-only", DOMAIN,
    practices="SEC05-BP01", lens="MLSEC04-BP01", checklist="CHK-SEC-6", severity="high", level="advisory",
    why="Otherwise everything a notebook of Studio sends goes through a network of AWS, past the organisation's controls.",
    fix="Set appNetworkAccessType to VpcOnly",
    reads="appNetworkAccessType", compliant={"appNetworkAccessType": "VpcOnly"}, violating={"appNetworkAccessType": "PublicInternetOnly"},
)  # fmt: skip
def studio_vpc_only(domain: Resource, context: Context) -> str | None:
    """Studio stays inside the VPC."""
    kind = domain.get("appNetworkAccessType", "PublicInternetOnly")
    return None if kind == "VpcOnly" else f"appNetworkAccessType of '{domain.name}' is {kind}"


@rule(
    "studio-sso", DOMAIN,
    practices="SEC02-BP04", lens="MLSEC03-BP01", checklist="CHK-SEC-1", severity="medium", level="advisory",
    why="People who leave lose access where their identity lives, not in every tool by hand.",
    fix="Set authMode to SSO; it cannot be changed later",
    reads="authMode", compliant={"authMode": "SSO"}, violating={"authMode": "IAM"},
)  # fmt: skip
def studio_sso(domain: Resource, context: Context) -> str | None:
    """People log in to Studio with the organisation's identity."""
    mode = domain.get("authMode", "IAM")
    return None if mode == "SSO" else f"authMode of '{domain.name}' is {mode}"


@rule(
    "studio-stops-idle", DOMAIN,
    practices="COST04-BP04 SUS02-BP03", lens="MLCOST04-BP08 MLSUS03-BP01", checklist="CHK-COST-5", severity="medium", level="advisory",
    why="Each open JupyterLab is a machine that runs at night and on Sundays.",
    fix="Set defaultUserSettings.jupyterLabAppSettings.appLifecycleManagement.idleSettings to lifecycleManagement ENABLED with "
        "idleTimeoutInMinutes",
    reads="defaultUserSettings.jupyterLabAppSettings",
    compliant={"defaultUserSettings": {"jupyterLabAppSettings": {"appLifecycleManagement": {"idleSettings": {"lifecycleManagement":
        "ENABLED", "idleTimeoutInMinutes": 60}}}}},
    violating={"defaultUserSettings": {"executionRole": "arn:aws:iam::123456789012:role/studio"}},
)  # fmt: skip
def studio_stops_idle(domain: Resource, context: Context) -> str | None:
    """Studio stops what nobody uses."""
    path = "defaultUserSettings.jupyterLabAppSettings.appLifecycleManagement.idleSettings.lifecycleManagement"
    return None if domain.get(path, "DISABLED") == "ENABLED" else f"{path} of '{domain.name}' is not ENABLED"


def retain_home(domain: Resource, context: Context) -> Changes:
    """The homes are kept in production; nothing is set that would delete them."""
    return {"retentionPolicy.homeEfsFileSystem": "Retain"} if context.production else {}


@rule(
    "studio-home-retained", DOMAIN,
    practices="REL09-BP01 COST04-BP03", checklist="CHK-REL-6", severity="medium", level="advisory",
    why="Home directories hold work that is nowhere else; in development they are rubbish that stays behind and is paid for.",
    fix="Set retentionPolicy.homeEfsFileSystem to Retain in production and to Delete elsewhere",
    reads="retentionPolicy.homeEfsFileSystem", missing="pass",
    compliant={"retentionPolicy": {"homeEfsFileSystem": "Retain"}}, violating={"retentionPolicy": {"homeEfsFileSystem": "Delete"}},
    remediation=retain_home,
)  # fmt: skip
def studio_home_retained(domain: Resource, context: Context) -> str | None:
    """Home directories outlive Studio in production, and only there."""
    policy = domain.get("retentionPolicy.homeEfsFileSystem", "Retain")
    wanted = "Retain" if context.production else "Delete"
    return None if policy == wanted else f"retentionPolicy.homeEfsFileSystem of '{domain.name}' is {policy}"


@rule(
    "studio-sharing-encrypted", DOMAIN, scope="stack",
    practices="SEC08-BP02", lens="MLSEC02-BP01", checklist="CHK-SEC-2", severity="low", level="advisory",
    why="A shared notebook carries the rows it printed.",
    fix="Set defaultUserSettings.sharingSettings.s3KmsKeyId (or notebookOutputOption Disabled)",
    reads="defaultUserSettings.sharingSettings.s3KmsKeyId",
    compliant={"defaultUserSettings": {"sharingSettings": {"notebookOutputOption": "Allowed", "s3KmsKeyId": KEY_ARN}}},
    violating={"defaultUserSettings": {"sharingSettings": {"notebookOutputOption": "Allowed"}}},
)  # fmt: skip
def studio_sharing_encrypted(domain: Resource, context: Context) -> str | None:
    """Shared notebooks are encrypted with a customer key."""
    if domain.get("defaultUserSettings.sharingSettings.notebookOutputOption", "Disabled") == "Disabled":
        raise NotApplicable("shares no output")
    return not_given(domain, context, "defaultUserSettings.sharingSettings.s3KmsKeyId")


@rule(
    "features-offline-encrypted", FEATURES, scope="stack",
    practices="SEC08-BP02", lens="MLSEC02-BP01", checklist="CHK-SEC-2", severity="medium", level="advisory", sources="securityhub:SageMaker.17",
    why="The offline store is the history of every feature of everybody.",
    fix="Set offlineStoreConfig.s3StorageConfig.kmsKeyId",
    reads="offlineStoreConfig.s3StorageConfig.kmsKeyId",
    compliant={"offlineStoreConfig": {"s3StorageConfig": {"s3Uri": "s3://features", "kmsKeyId": KEY_ARN}}},
    violating={"offlineStoreConfig": {"s3StorageConfig": {"s3Uri": "s3://features"}}},
)  # fmt: skip
def features_offline_encrypted(group: Resource, context: Context) -> str | None:
    """Offline features are encrypted with a customer key."""
    if group.get("offlineStoreConfig") is None:
        raise NotApplicable("has no offline store")
    return not_given(group, context, "offlineStoreConfig.s3StorageConfig.kmsKeyId")


@rule(
    "features-online-encrypted", FEATURES, scope="stack",
    practices="SEC08-BP02", lens="MLSEC02-BP01", checklist="CHK-SEC-2", severity="medium", level="advisory", sources="securityhub:SageMaker.18",
    why="The online store holds the newest features of everybody, by key.",
    fix="Set onlineStoreConfig.securityConfig.kmsKeyId",
    reads="onlineStoreConfig.securityConfig.kmsKeyId",
    compliant={"onlineStoreConfig": {"enableOnlineStore": True, "securityConfig": {"kmsKeyId": KEY_ARN}}},
    violating={"onlineStoreConfig": {"enableOnlineStore": True}},
)  # fmt: skip
def features_online_encrypted(group: Resource, context: Context) -> str | None:
    """Online features are encrypted with a customer key."""
    if not group.get("onlineStoreConfig.enableOnlineStore", False):
        raise NotApplicable("has no online store")
    return not_given(group, context, "onlineStoreConfig.securityConfig.kmsKeyId")


@rule(
    "features-kept-offline", FEATURES,
    practices="REL09-BP03", lens="MLREL03-BP02 MLCOST03-BP04", checklist="CHK-REL-2", severity="medium", level="advisory",
    why="Only the offline store knows what a feature was when a model was trained; the online store forgets.",
    fix="Set offlineStoreConfig",
    reads="offlineStoreConfig", compliant={"offlineStoreConfig": {"s3StorageConfig": {"s3Uri": "s3://features"}}},
        violating={"onlineStoreConfig": {"enableOnlineStore": True}},
)  # fmt: skip
def features_kept_offline(group: Resource, context: Context) -> str | None:
    """Features have a history from which training sets can be made again."""
    return None if is_set(group.get("offlineStoreConfig")) else f"offlineStoreConfig of '{group.name}' is not set"


@rule(
    "features-expire-online", FEATURES,
    practices="SUS04-BP05 COST04-BP05", lens="MLSEC03-BP05", checklist="CHK-COST-3", severity="low", level="advisory",
    why="A feature nobody has refreshed for months misleads a model, in memory that is paid for.",
    fix="Set onlineStoreConfig.ttlDuration",
    reads="onlineStoreConfig.ttlDuration",
    compliant={"onlineStoreConfig": {"enableOnlineStore": True, "ttlDuration": {"unit": "Days", "value": 30}}},
    violating={"onlineStoreConfig": {"enableOnlineStore": True}},
)  # fmt: skip
def features_expire_online(group: Resource, context: Context) -> str | None:
    """Online features expire."""
    if not group.get("onlineStoreConfig.enableOnlineStore", False):
        raise NotApplicable("has no online store")
    return None if is_set(group.get("onlineStoreConfig.ttlDuration")) else f"onlineStoreConfig.ttlDuration of '{group.name}' is not set"


def job_path(resource: Resource, path: str) -> str:
    """Where a property of a monitoring job stands: in a definition, or inline in a schedule."""
    if resource.type != MONITORING:
        return path
    inline = "monitoringScheduleConfig.monitoringJobDefinition"
    if resource.get(inline) is None:
        raise NotApplicable("names a job definition, which is judged instead")
    return f"{inline}.{path}"


def inline_job(**properties: object) -> dict[str, object]:
    """A monitoring schedule with its job inside, for examples."""
    return {"monitoringScheduleConfig": {"monitoringType": "DataQuality", "monitoringJobDefinition": {"environment": {}, **properties}}}


@rule(
    "monitoring-isolated", f"{DATA_QUALITY} {MONITORING} {NATIVE_JOBS}",
    practices="SEC05-BP02", lens="MLSEC04-BP01", checklist="CHK-SEC-6", severity="medium", level="advisory",
    sources="securityhub:SageMaker.11 securityhub:SageMaker.12 securityhub:SageMaker.14 securityhub:SageMaker.20 securityhub:SageMaker.25",
    why="The job reads captured requests of real people; it needs no network.",
    fix="Set networkConfig.enableNetworkIsolation to true",
    reads="networkConfig.enableNetworkIsolation",
    compliant=(Example(DATA_QUALITY, "d", {"networkConfig": {"enableNetworkIsolation": True}}), Example(MONITORING, "m",
        inline_job(networkConfig={"enableNetworkIsolation": True}))),
    violating=(Example(DATA_QUALITY, "d"), Example(MONITORING, "m", inline_job())),
)  # fmt: skip
def monitoring_isolated(job: Resource, context: Context) -> str | None:
    """Monitoring jobs have no network of their own."""
    return not_true(job, job_path(job, "networkConfig.enableNetworkIsolation"))


@rule(
    "monitoring-intercontainer-tls", f"{DATA_QUALITY} {MONITORING} {NATIVE_JOBS}",
    practices="SEC09-BP02", lens="MLSEC04-BP02", checklist="CHK-SEC-3", severity="low", level="advisory",
    sources="checkov:CKV_AWS_369 securityhub:SageMaker.9 securityhub:SageMaker.10 securityhub:SageMaker.13 securityhub:SageMaker.15 "
        "securityhub:SageMaker.22",
    why="Containers of a job of several instances exchange the data they compare.",
    fix="Set networkConfig.enableInterContainerTrafficEncryption to true",
    reads="networkConfig.enableInterContainerTrafficEncryption",
    compliant=(Example(DATA_QUALITY, "d", {"networkConfig": {"enableInterContainerTrafficEncryption": True}, "jobResources":
        {"clusterConfig": {"instanceCount": 2}}}),),
    violating=(Example(DATA_QUALITY, "d", {"jobResources": {"clusterConfig": {"instanceCount": 2}}}), Example(MONITORING, "m",
        inline_job(monitoringResources={"clusterConfig": {"instanceCount": 2}}))),
)  # fmt: skip
def monitoring_intercontainer_tls(job: Resource, context: Context) -> str | None:
    """Containers of a monitoring job talk to each other over TLS."""
    resources = job_path(job, "monitoringResources" if job.type == MONITORING else "jobResources")
    if job.get(f"{resources}.clusterConfig.instanceCount", 1) < 2:
        raise NotApplicable("one instance talks to nobody")
    return not_true(job, job_path(job, "networkConfig.enableInterContainerTrafficEncryption"))


@rule(
    "monitoring-encrypted", f"{DATA_QUALITY} {MONITORING}", scope="stack",
    practices="SEC08-BP02", lens="MLSEC02-BP01", checklist="CHK-SEC-2", severity="medium", level="advisory", sources="checkov:CKV_AWS_367 checkov:CKV_AWS_368",
    why="Volumes and reports of the job hold what requests contained.",
    fix="Set volumeKmsKeyId of the cluster and kmsKeyId of the output",
    reads="jobResources.clusterConfig.volumeKmsKeyId",
    compliant=(Example(DATA_QUALITY, "d", {"jobResources": {"clusterConfig": {"volumeKmsKeyId": KEY_ARN}}, "dataQualityJobOutputConfig":
        {"kmsKeyId": KEY_ARN}}),),
    violating=(Example(DATA_QUALITY, "d"), Example(MONITORING, "m", inline_job())),
)  # fmt: skip
def monitoring_encrypted(job: Resource, context: Context) -> Iterator[str]:
    """Monitoring jobs are encrypted with a customer key."""
    declared = job.type == DATA_QUALITY
    resources, output = ("jobResources", "dataQualityJobOutputConfig") if declared else ("monitoringResources", "monitoringOutputConfig")
    for path in (f"{resources}.clusterConfig.volumeKmsKeyId", f"{output}.kmsKeyId"):
        if problem := not_given(job, context, job_path(job, path)):
            yield problem


@rule(
    "monitoring-bounded", f"{DATA_QUALITY} {NATIVE_JOBS}",
    practices="COST02-BP05 REL05-BP05", lens="MLCOST04-BP08", checklist="CHK-COST-5", severity="low", level="advisory",
    why="A comparison that hangs blocks the next one and costs by the hour.",
    fix="Set stoppingCondition.maxRuntimeInSeconds (less than the interval of the schedule)",
    reads="stoppingCondition.maxRuntimeInSeconds", compliant={"stoppingCondition": {"maxRuntimeInSeconds": 1800}}, violating={"name": "d"},
)  # fmt: skip
def monitoring_bounded(job: Resource, context: Context) -> str | None:
    """Monitoring jobs end after a set time."""
    return not_set(job, "stoppingCondition.maxRuntimeInSeconds")


def steps(pipeline: Resource) -> list[dict[str, Any]]:
    """All steps of a SageMaker pipeline, those behind conditions included."""
    document = pipeline.document("pipelineDefinition")
    if document is None:
        raise NotApplicable("its definition lies in S3")
    if not isinstance(document, dict):
        raise Malformed(f"pipelineDefinition of '{pipeline.name}' is no object")
    found: list[dict[str, Any]] = []
    waiting = list(as_list(document.get("Steps")))
    while waiting:
        step = waiting.pop(0)
        dig(step, "Name")  # an unknown step cannot be judged
        if isinstance(step, dict):
            found.append(step)
            arguments = step.get("Arguments")
            if step.get("Type") == "Condition" and isinstance(arguments, dict):
                waiting += [*as_list(arguments.get("IfSteps")), *as_list(arguments.get("ElseSteps"))]
    return found


def pipeline_of(*given: dict[str, Any], **properties: Any) -> dict[str, Any]:
    """A pipeline of these steps, for examples."""
    return {"pipelineDefinition": {"Version": "2020-12-01", "Steps": list(given)}, **properties}


TRAIN = {"Name": "train", "Type": "Training", "Arguments": {"VpcConfig": VPC}}
REGISTER = {"Name": "register", "Type": "RegisterModel", "Arguments": {"ModelApprovalStatus": "PendingManualApproval"}}


@rule(
    "sagemaker-pipeline-evaluation-gate", PIPELINE,
    practices="OPS05-BP02 OPS06-BP02", lens="MLREL03-BP03 MLPERF04-BP03", checklist="CHK-OPS-3", severity="high", level="advisory",
    why="A pipeline that registers whatever it trained puts a bad model in front of an approver who cannot see that it is bad.",
    fix="Put the RegisterModel step behind a Condition step that compares the evaluation's metrics",
    reads="pipelineDefinition", missing="not_applicable",
    compliant=pipeline_of(TRAIN, {"Name": "good", "Type": "Condition", "Arguments": {"IfSteps": [REGISTER], "ElseSteps": []}}),
    violating=pipeline_of(TRAIN, REGISTER),
)  # fmt: skip
def pipeline_evaluation_gate(pipeline: Resource, context: Context) -> str | None:
    """Pipelines register a model only if its evaluation is good enough."""
    found = steps(pipeline)
    if not any(step.get("Type") == "RegisterModel" for step in found):
        raise NotApplicable("registers no model")
    top = as_list(dig(pipeline.document("pipelineDefinition"), "Steps"))
    open_ = [step for step in top if dig(step, "Type") == "RegisterModel"]
    return f"step '{open_[0].get('Name')}' of '{pipeline.name}' registers without a condition" if open_ else None


@rule(
    "sagemaker-pipeline-manual-approval", PIPELINE,
    practices="OPS07-BP05 OPS06-BP01", lens="MLREL03-BP01", checklist="CHK-OPS-2", severity="medium", level={"dev": "disabled", "prod": "advisory"},
    why="What is registered as approved is deployed by everything that listens for approvals.",
    fix="Set ModelApprovalStatus of the RegisterModel step to PendingManualApproval",
    reads="pipelineDefinition", missing="not_applicable",
    compliant=pipeline_of(REGISTER), violating=pipeline_of({"Name": "register", "Type": "RegisterModel", "Arguments":
        {"ModelApprovalStatus": "Approved"}}),
)  # fmt: skip
def pipeline_manual_approval(pipeline: Resource, context: Context) -> Iterator[str]:
    """In production a person approves the models that pipelines register."""
    found = [step for step in steps(pipeline) if step.get("Type") == "RegisterModel"]
    if not found:
        raise NotApplicable("registers no model")
    for step in found:
        status = dig(step, "Arguments.ModelApprovalStatus", "PendingManualApproval")
        if status == "Approved":
            yield f"step '{step.get('Name')}' of '{pipeline.name}' registers as {status}"


@rule(
    "sagemaker-pipeline-steps-retried", PIPELINE,
    practices="REL05-BP03 REL11-BP03", lens="MLREL02-BP02", checklist="CHK-REL-4", severity="low", level="advisory",
    why="A throttled call or a lack of capacity otherwise ends a run of hours.",
    fix="Add RetryPolicies to Training, Processing and Transform steps",
    reads="pipelineDefinition", missing="not_applicable",
    compliant=pipeline_of({**TRAIN, "RetryPolicies": [{"ExceptionType": ["Step.THROTTLING"], "MaxAttempts": 3}]}),
    violating=pipeline_of(TRAIN),
)  # fmt: skip
def pipeline_steps_retried(pipeline: Resource, context: Context) -> Iterator[str]:
    """Steps of a pipeline are tried again."""
    for step in steps(pipeline):
        if step.get("Type") in ("Training", "Processing", "Transform", "Tuning") and not step.get("RetryPolicies"):
            yield f"step '{step.get('Name')}' of '{pipeline.name}' has no RetryPolicies"


@rule(
    "sagemaker-pipeline-steps-cached", PIPELINE,
    practices="COST05-BP05 SUS03-BP02 PERF03-BP05", lens="MLSUS06-BP02", checklist="CHK-PERF-3", severity="low", level="advisory",
    why="A run that fails at the end otherwise computes everything before it again.",
    fix="Add CacheConfig with Enabled true and ExpireAfter to Processing and Training steps",
    reads="pipelineDefinition", missing="not_applicable",
    compliant=pipeline_of({**TRAIN, "CacheConfig": {"Enabled": True, "ExpireAfter": "P7D"}}), violating=pipeline_of(TRAIN),
)  # fmt: skip
def pipeline_steps_cached(pipeline: Resource, context: Context) -> Iterator[str]:
    """Pipelines do not compute the same thing twice."""
    for step in steps(pipeline):
        if step.get("Type") in ("Training", "Processing") and not dig(step, "CacheConfig.Enabled", False):
            yield f"step '{step.get('Name')}' of '{pipeline.name}' has no CacheConfig"


@rule(
    "sagemaker-pipeline-parallelism-bounded", PIPELINE,
    practices="REL05-BP02 COST02-BP05 SUS02-BP06", checklist="CHK-PERF-4", severity="low", level="advisory",
    why="A fan-out over every city or customer starts as many instances as the quota lets it, and starves everything else.",
    fix="Set parallelismConfiguration.maxParallelExecutionSteps",
    reads="parallelismConfiguration.maxParallelExecutionSteps",
    compliant={"parallelismConfiguration": {"maxParallelExecutionSteps": 4}}, violating={"pipelineName": "p"},
)  # fmt: skip
def pipeline_parallelism_bounded(pipeline: Resource, context: Context) -> str | None:
    """Pipelines limit how many steps run at once."""
    return not_set(pipeline, "parallelismConfiguration.maxParallelExecutionSteps")


@rule(
    "registry-policy-not-public", MODEL_GROUP_POLICY,
    practices="SEC03-BP07", lens="MLSEC06-BP01", checklist="CHK-SEC-1", severity="critical",
    why="Whoever may read a registry takes the models; whoever may write decides what is served.",
    fix="Name the accounts in Principal",
    reads="resourcePolicy", missing="not_applicable",
    compliant={"resourcePolicy": {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
        "Action": "sagemaker:DescribeModelPackage", "Resource": "*"}]}},
    violating={"resourcePolicy": {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sagemaker:DescribeModelPackage",
        "Resource": "*"}]}},
)  # fmt: skip
def registry_policy_not_public(policy: Resource, context: Context) -> Iterator[str]:
    """No model registry is open to everybody."""
    for index, statement in statements(policy, "resourcePolicy"):
        if is_public(statement):
            yield f"resourcePolicy.Statement[{index}] of '{policy.name}' allows Principal *"


@rule(
    "registry-exists", STACK, scope="stack", when_types=f"{ENDPOINT} {PIPELINE}",
    practices="OPS05-BP04 OPS05-BP01", lens="MLOPS03-BP02 MLREL05-BP02", checklist="CHK-OPS-2", severity="low", level="advisory",
    why="Without a registry nobody can say which data and code the model in service came from, or which one to go back to.",
    fix="Declare an aws.sagemaker.ModelPackageGroup and register every model in it",
    reads=None, compliant=(Example(ENDPOINT, "e"), Example(MODEL_GROUP, "g")), violating=(Example(ENDPOINT, "e"),),
)  # fmt: skip
def registry_exists(stack: Resource, context: Context) -> str | None:
    """A stack that serves models registers them."""
    return None if context.graph.of(MODEL_GROUP) else "the stack serves or builds models and has no model package group"


def model_containers(model: Resource) -> list[tuple[str, Any]]:
    """The containers of a model with where they stand."""
    found = [("primaryContainer", model.get("primaryContainer"))]
    found += [(f"containers[{index}]", item) for index, item in enumerate(as_list(model.get("containers")))]
    return [(where, item) for where, item in found if item is not None]


@rule(
    "sagemaker-model-from-registry", MODEL,
    practices="OPS05-BP04 OPS06-BP01", lens="MLREL05-BP02 MLOPS03-BP02", checklist="CHK-OPS-2", severity="low", level="advisory",
    why="A model made of a loose file was approved by nobody and can be traced to nothing.",
    fix="Set modelPackageName of the container to an approved model package",
    reads="primaryContainer.modelPackageName", missing="not_applicable",
    compliant={"primaryContainer": {"modelPackageName": "arn:aws:sagemaker:eu-west-1:123456789012:model-package/g/1"}},
    violating={"primaryContainer": {"image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/serve:1", "modelDataUrl": "s3://m/model.tar.gz"}},
)  # fmt: skip
def model_from_registry(model: Resource, context: Context) -> Iterator[str]:
    """Models come from the registry."""
    found = [(where, item) for where, item in model_containers(model) if dig(item, "modelPackageName") or dig(item, "modelDataUrl")]
    if not found:
        raise NotApplicable("names neither a package nor a file")
    for where, item in found:
        if dig(item, "modelPackageName") is None:
            yield f"{where}.modelDataUrl of '{model.name}' is a loose file"


@rule(
    "sagemaker-model-private-image", MODEL,
    practices="SEC11-BP05 SEC06-BP04", lens="MLOPS04-BP02", checklist="CHK-OPS-2", severity="medium", level="advisory",
    sources="securityhub:SageMaker.16 securityhub:SageMaker.19",
    why="An image from a public registry can change or vanish between two deployments, and nobody here scanned it.",
    fix="Copy the image to a private ECR repository and name that",
    reads="primaryContainer.image", missing="not_applicable",
    compliant={"primaryContainer": {"image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/serve:1"}},
    violating={"primaryContainer": {"image": "docker.io/someone/serve:1"}},
)  # fmt: skip
def model_private_image(model: Resource, context: Context) -> Iterator[str]:
    """Models are served by images of a private registry."""
    found = [(where, image) for where, item in model_containers(model) if (image := dig(item, "image")) is not None]
    if not found:
        raise NotApplicable("names no image")
    for where, image in found:
        if not re.match(r"\d{12}\.dkr[.-]ecr[.-]", str(image)):
            yield f"{where}.image of '{model.name}' is not of a private ECR registry"


@rule(
    "sagemaker-endpoint-data-captured", ENDPOINT_CONFIGURATION,
    practices="OPS04-BP02 REL06-BP01", lens="MLPERF06-BP03 MLPERF06-BP04", checklist="CHK-OPS-4", severity="low", level={"dev": "disabled", "prod": "advisory"},
    why="Without the requests nobody can tell whether the model or the world has changed.",
    fix="Set dataCaptureConfig with enableCapture true, Input and Output, and initialSamplingPercentage above 0",
    reads="dataCaptureConfig",
    compliant={**configuration_of(), "dataCaptureConfig": {"enableCapture": True, "initialSamplingPercentage": 20, "captureOptions":
        [{"captureMode": "InputAndOutput"}]}},
    violating=configuration_of(),
)  # fmt: skip
def endpoint_data_captured(configuration: Resource, context: Context) -> str | None:
    """Endpoints on instances keep a sample of what they are asked."""
    variants(configuration, provisioned=True)
    if (
        configuration.get("dataCaptureConfig.enableCapture", False)
        and configuration.get("dataCaptureConfig.initialSamplingPercentage", 0) > 0
    ):
        return None
    return f"dataCaptureConfig of '{configuration.name}' captures nothing"


@rule(
    "sagemaker-endpoint-capture-encrypted", ENDPOINT_CONFIGURATION, scope="stack",
    practices="SEC08-BP02", lens="MLSEC02-BP01", checklist="CHK-SEC-2", severity="medium", level="advisory",
    why="Captured requests are personal data as soon as one of them is.",
    fix="Set dataCaptureConfig.kmsKeyId (kmsKeyId of asyncInferenceConfig.outputConfig)",
    reads="dataCaptureConfig.kmsKeyId",
    compliant={"dataCaptureConfig": {"enableCapture": True, "kmsKeyId": KEY_ARN}}, violating={"dataCaptureConfig": {"enableCapture": True}},
)  # fmt: skip
def endpoint_capture_encrypted(configuration: Resource, context: Context) -> Iterator[str]:
    """Captured requests and stored answers are encrypted with a customer key."""
    asynchronous = configuration.get("asyncInferenceConfig") is not None
    captures = configuration.get("dataCaptureConfig.enableCapture", False)
    if not asynchronous and not captures:
        raise NotApplicable("stores neither requests nor answers")
    paths = [("dataCaptureConfig.kmsKeyId", captures), ("asyncInferenceConfig.outputConfig.kmsKeyId", asynchronous)]
    for path, applies in paths:
        if applies and (problem := not_given(configuration, context, path)):
            yield problem


@rule(
    "sagemaker-endpoint-async-tells", ENDPOINT_CONFIGURATION,
    practices="REL06-BP03 REL04-BP02", lens="MLOPS06-BP02", checklist="CHK-REL-3", severity="low", level="advisory",
    why="Nobody waits for an asynchronous answer; one that failed is otherwise noticed by its absence.",
    fix="Set asyncInferenceConfig.outputConfig.notificationConfig.errorTopic",
    reads="asyncInferenceConfig.outputConfig.notificationConfig.errorTopic",
    compliant={"asyncInferenceConfig": {"outputConfig": {"s3OutputPath": "s3://out", "notificationConfig": {"errorTopic": "arn:t"}}}},
    violating={"asyncInferenceConfig": {"outputConfig": {"s3OutputPath": "s3://out"}}},
)  # fmt: skip
def endpoint_async_tells(configuration: Resource, context: Context) -> str | None:
    """Failed asynchronous answers are told to somebody."""
    if configuration.get("asyncInferenceConfig") is None:
        raise NotApplicable("answers at once")
    path = "asyncInferenceConfig.outputConfig.notificationConfig.errorTopic"
    return None if is_set(configuration.get(path)) else f"{path} of '{configuration.name}' is not set"


@rule(
    "sagemaker-endpoint-least-outstanding", ENDPOINT_CONFIGURATION,
    practices="PERF04-BP04", lens="MLPERF04-BP02", checklist="CHK-PERF-2", severity="low", level="advisory",
    why="Random routing sends requests to an instance that is busy while another idles; the slowest answers get much faster.",
    fix="Set routingConfigs of the variant to routingStrategy LEAST_OUTSTANDING_REQUESTS",
    reads="productionVariants", missing="not_applicable",
    compliant=configuration_of(routingConfigs=[{"routingStrategy": "LEAST_OUTSTANDING_REQUESTS"}]), violating=configuration_of(),
)  # fmt: skip
def endpoint_least_outstanding(configuration: Resource, context: Context) -> Iterator[str]:
    """Requests go to the instance that is least busy."""
    if configuration.get("productionVariants") is None:
        raise NotApplicable("has no variants")
    for index, variant in enumerate(variants(configuration, provisioned=True)):
        if dig(variant, "initialInstanceCount", 1) < 2:
            continue
        routing = dig(variant, "routingConfigs", dig(variant, "routingConfig"))
        if not any(dig(item, "routingStrategy") == "LEAST_OUTSTANDING_REQUESTS" for item in as_list(routing)):
            yield f"productionVariants[{index}].routingConfigs of '{configuration.name}' is random"


@rule(
    "sagemaker-endpoint-no-shell", ENDPOINT_CONFIGURATION,
    practices="SEC06-BP03", lens="MLSEC06-BP01", checklist="CHK-SEC-1", severity="medium", level={"dev": "disabled", "prod": "advisory"},
    why="A shell in a serving container changes what is served without leaving a trace in any version.",
    fix="Remove enableSsmAccess",
    reads="productionVariants", missing="not_applicable",
    compliant=configuration_of(enableSsmAccess=False), violating=configuration_of(enableSsmAccess=True),
)  # fmt: skip
def endpoint_no_shell(configuration: Resource, context: Context) -> Iterator[str]:
    """Nobody logs in to production's serving containers."""
    if configuration.get("productionVariants") is None:
        raise NotApplicable("has no variants")
    for index, variant in enumerate(variants(configuration)):
        if dig(variant, "enableSsmAccess", False):
            yield f"productionVariants[{index}].enableSsmAccess of '{configuration.name}' is true"


@rule(
    "sagemaker-endpoint-serverless-deployable", ENDPOINT_CONFIGURATION,
    practices="REL01-BP03 OPS06-BP02", checklist="CHK-OPS-3", severity="high", level="advisory",
    why="SageMaker refuses an endpoint with a serverless variant beside another one, with data capture or with shadow variants.",
    fix="Serve one serverless variant, without dataCaptureConfig and shadowProductionVariants, or use instances",
    reads="productionVariants", missing="not_applicable",
    compliant={"productionVariants": [{"modelName": "m", "serverlessConfig": {"memorySizeInMb": 2048, "maxConcurrency": 5}}]},
    violating={"productionVariants": [{"modelName": "m", "serverlessConfig": {"memorySizeInMb": 2048, "maxConcurrency": 5}}],
        "dataCaptureConfig": {"enableCapture": True}},
)  # fmt: skip
def endpoint_serverless_deployable(configuration: Resource, context: Context) -> Iterator[str]:
    """A serverless endpoint asks for nothing that only instances can do."""
    found = variants(configuration)
    if not any(dig(item, "serverlessConfig") is not None for item in found):
        raise NotApplicable("is not serverless")
    if len(found) > 1:
        yield f"productionVariants of '{configuration.name}' has a serverless variant beside others"
    if configuration.get("dataCaptureConfig.enableCapture", False):
        yield f"dataCaptureConfig of '{configuration.name}' is set for a serverless variant"
    if as_list(configuration.get("shadowProductionVariants")):
        yield f"shadowProductionVariants of '{configuration.name}' is set beside a serverless variant"
    for index, item in enumerate(found):
        memory = dig(item, "serverlessConfig.memorySizeInMb", 1024)
        if memory not in (1024, 2048, 3072, 4096, 5120, 6144):
            yield f"productionVariants[{index}].serverlessConfig.memorySizeInMb of '{configuration.name}' is {memory:g}"


def configurations_by_owner(graph: Graph) -> dict[str, list[Resource]]:
    """Endpoint configurations by the URN of what declares or starts them."""
    found: dict[str, list[Resource]] = {}
    for configuration in graph.of(ENDPOINT_CONFIGURATION):
        found.setdefault(configuration.urn, []).append(configuration)
    return found


@rule(
    "sagemaker-endpoint-canary-deployable", ENDPOINT, scope="stack",
    practices="OPS06-BP03 REL01-BP06", lens="MLREL04-BP02", checklist="CHK-OPS-2", severity="high", level="advisory",
    why="SageMaker refuses to shift traffic by steps with one instance: half of one is none.",
    fix="Set initialInstanceCount of the variant to 2 or more, or trafficRoutingConfiguration.type ALL_AT_ONCE",
    reads="deploymentConfig", missing="not_applicable",
    compliant=(Example(ENDPOINT_CONFIGURATION, "c", configuration_of()), Example(ENDPOINT, "e", {"deploymentConfig":
        {"blueGreenUpdatePolicy": {"trafficRoutingConfiguration": {"type": "CANARY"}}}}, links={"endpointConfigName": "c"})),
    violating=(Example(ENDPOINT_CONFIGURATION, "c", configuration_of(initialInstanceCount=1)), Example(ENDPOINT, "e", {"deploymentConfig":
        {"blueGreenUpdatePolicy": {"trafficRoutingConfiguration": {"type": "CANARY"}}}}, links={"endpointConfigName": "c"})),
)  # fmt: skip
def endpoint_canary_deployable(endpoint: Resource, context: Context) -> Iterator[str]:
    """Traffic is shifted by steps only where there are instances enough."""
    if served_serverless(endpoint, context):
        raise NotApplicable("serverless endpoints have no deployment guardrails")
    kind = endpoint.get("deploymentConfig.blueGreenUpdatePolicy.trafficRoutingConfiguration.type", "ALL_AT_ONCE")
    if kind not in ("CANARY", "LINEAR"):
        raise NotApplicable("shifts all traffic at once")
    configurations = context.graph.linked(endpoint, "endpointConfigName", ENDPOINT_CONFIGURATION)
    if endpoint.state is not None:  # the state machine that starts the endpoint makes its configuration too
        configurations = context.graph.once(configurations_by_owner).get(endpoint.urn, [])
    for configuration in configurations:
        for index, variant in enumerate(variants(configuration)):
            count = dig(variant, "initialInstanceCount", 1)
            if count < 2:
                yield f"productionVariants[{index}].initialInstanceCount of '{configuration.name}' is {count:g} with {kind} traffic"


@rule(
    "review-encrypted", FLOW, scope="stack",
    practices="SEC08-BP02", lens="MLSEC02-BP01 MLPERF06-BP01", checklist="CHK-SEC-2", severity="medium", level="advisory", sources="checkov:CKV_AWS_372",
    why="People review exactly the cases that are delicate.",
    fix="Set outputConfig.kmsKeyId",
    reads="outputConfig.kmsKeyId", compliant={"outputConfig": {"s3OutputPath": "s3://r", "kmsKeyId": KEY_ARN}},
        violating={"outputConfig": {"s3OutputPath": "s3://r"}},
)  # fmt: skip
def review_encrypted(flow: Resource, context: Context) -> str | None:
    """Human reviews are encrypted with a customer key."""
    return not_given(flow, context, "outputConfig.kmsKeyId")


@rule(
    "code-repository-secret", CODE_REPOSITORY, scope="stack",
    practices="SEC02-BP03", checklist="CHK-SEC-1", severity="high", level="advisory",
    why="A repository without a secret is public, or its password stands in the URL.",
    fix="Set gitConfig.secretArn and keep credentials out of repositoryUrl",
    reads="gitConfig.secretArn",
    compliant={"gitConfig": {"repositoryUrl": "https://github.com/org/models.git", "secretArn": "arn:aws:secretsmanager:x"}},
    violating={"gitConfig": {"repositoryUrl": "https://user:token@github.com/org/models.git"}},
)  # fmt: skip
def code_repository_secret(repository: Resource, context: Context) -> Iterator[str]:
    """Credentials of code repositories lie in Secrets Manager."""
    if re.match(r"https?://[^/]*:[^/]*@", str(repository.get("gitConfig.repositoryUrl", ""))):
        yield f"gitConfig.repositoryUrl of '{repository.name}' holds a credential"
    if problem := not_given(repository, context, "gitConfig.secretArn"):
        yield problem


@rule(
    "tracking-bucket-owned", TRACKING, scope="stack",
    practices="SEC08-BP02 SEC08-BP04", lens="MLOPS03-BP02", checklist="CHK-SEC-2", severity="medium", level="advisory",
    why="Artifacts of experiments are models and data; in a bucket of the program its rules apply to them.",
    fix="Set artifactStoreUri to a bucket that the program declares",
    reads="artifactStoreUri", missing="fail",
    compliant=(Example(BUCKET, "artifacts", {"bucket": "artifacts"}), Example(TRACKING, "t", {"artifactStoreUri": "s3://artifacts/runs"})),
    violating=(Example(BUCKET, "artifacts", {"bucket": "artifacts"}), Example(TRACKING, "t", {"artifactStoreUri": "s3://elsewhere/runs"})),
)  # fmt: skip
def tracking_bucket_owned(server: Resource, context: Context) -> str | None:
    """Experiments are tracked in a bucket of the program."""
    if any(context.graph.linked(server, "artifactStoreUri", BUCKET)):
        return None
    uri = server.get("artifactStoreUri", "")
    if isinstance(uri, Unreadable):
        is_set(uri)
    name = str(uri).removeprefix("s3://").split("/")[0]
    return None if context.graph.named(BUCKET, name) else f"artifactStoreUri of '{server.name}' is no bucket of the program"


@rule(
    "tracking-small-outside-production", TRACKING,
    practices="COST06-BP02 SUS05-BP01", lens="MLCOST04-BP01", checklist="CHK-PERF-4", severity="low", level={"dev": "advisory", "prod": "disabled"},
    example_environment="dev",
    why="A tracking server runs day and night; the small one serves a team of twenty-five.",
    fix="Set trackingServerSize to Small outside production",
    reads="trackingServerSize", missing="pass", compliant={"trackingServerSize": "Small"}, violating={"trackingServerSize": "Large"},
)  # fmt: skip
def tracking_small_outside_production(server: Resource, context: Context) -> str | None:
    """Tracking servers outside production are small."""
    size = server.get("trackingServerSize", "Small")
    return None if size == "Small" else f"trackingServerSize of '{server.name}' is {size}"
