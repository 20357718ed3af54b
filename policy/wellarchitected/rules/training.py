"""SageMaker training, processing and transform jobs, declared or started by a state machine or pipeline."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from ..model import Context, Parameter, Resource, rule
from ..values import NotApplicable, Unreadable, as_list, is_set
from ._secrets import secret_like
from ._types import KEY, KEY_ALIAS, KEY_ARN, MODEL, PROCESSING_JOB, PRODUCTION, TRAINING_JOB, TRANSFORM_JOB

VPC = {"securityGroupIds": ["sg-1"], "subnets": ["subnet-1", "subnet-2"]}
RESOURCES = {"instanceType": "ml.m5.xlarge", "instanceCount": 1, "volumeSizeInGb": 30}


def matches(instance_type: str, patterns: tuple[str, ...] | list[str]) -> bool:
    """Whether an instance type is one of some families."""
    return any(fnmatchcase(str(instance_type), pattern) for pattern in patterns)


@rule(
    "sagemaker-training-in-vpc", f"{TRAINING_JOB} {PROCESSING_JOB}",
    practices="SEC05-BP01", lens="MLSEC03-BP02 MLSEC04-BP01", checklist="CHK-SEC-6", spec="SEC-5d SEC-3d", severity="high", level=PRODUCTION,
    why="Outside the VPC a job's traffic to data goes over public endpoints and no security group limits it.",
    fix="Set VpcConfig with private subnets and a security group (processing: NetworkConfig.VpcConfig)",
    reads="vpcConfig", compliant={"vpcConfig": VPC}, violating={"resourceConfig": RESOURCES},
)  # fmt: skip
def training_in_vpc(job: Resource, context: Context) -> str | None:
    """Training and processing jobs run in the VPC."""
    if is_set(job.get("vpcConfig")) or (job.type == PROCESSING_JOB and is_set(job.get("networkConfig.vpcConfig"))):
        return None
    return f"vpcConfig of '{job.name}' is not set"


@rule(
    "sagemaker-training-encrypted", TRAINING_JOB, scope="stack",
    practices="SEC08-BP02", lens="MLSEC02-BP01", checklist="CHK-SEC-2", spec="SEC-5d", severity="high", level=PRODUCTION,
    why="The volume holds the training data and the output holds the model.",
    fix="Set ResourceConfig.VolumeKmsKeyId and OutputDataConfig.KmsKeyId",
    reads="outputDataConfig",
    compliant={"resourceConfig": {**RESOURCES, "volumeKmsKeyId": KEY_ARN}, "outputDataConfig": {"s3OutputPath": "s3://models/m",
        "kmsKeyId": KEY_ARN}},
    violating={"resourceConfig": RESOURCES, "outputDataConfig": {"s3OutputPath": "s3://models/m"}},
)  # fmt: skip
def training_encrypted(job: Resource, context: Context) -> Iterator[str]:
    """Training volumes and models are encrypted with a customer key."""
    if not context.graph.given(job, "outputDataConfig.kmsKeyId", KEY, KEY_ALIAS):
        yield f"outputDataConfig.kmsKeyId of '{job.name}' is not set"
    if not context.graph.given(job, "resourceConfig.volumeKmsKeyId", KEY, KEY_ALIAS):
        yield f"resourceConfig.volumeKmsKeyId of '{job.name}' is not set"


@rule(
    "sagemaker-training-intercontainer-tls", TRAINING_JOB,
    practices="SEC09-BP02", lens="MLSEC04-BP02", checklist="CHK-SEC-3", spec="SEC-5d", severity="high",
    why="The containers of a distributed job exchange data and gradients in clear otherwise.",
    fix="Set EnableInterContainerTrafficEncryption to true",
    reads="enableInterContainerTrafficEncryption",
    compliant={"enableInterContainerTrafficEncryption": True, "resourceConfig": {**RESOURCES, "instanceCount": 2}},
    violating={"enableInterContainerTrafficEncryption": False, "resourceConfig": {**RESOURCES, "instanceCount": 2}},
)  # fmt: skip
def training_intercontainer_tls(job: Resource, context: Context) -> str | None:
    """Containers of a training job talk to each other over TLS."""
    if job.get("enableInterContainerTrafficEncryption", False):
        return None
    return f"enableInterContainerTrafficEncryption of '{job.name}' is not true"


@rule(
    "sagemaker-training-spot", TRAINING_JOB,
    practices="COST07-BP04 SUS02-BP01", lens="MLCOST04-BP06", checklist="CHK-COST-2", spec="P3d COST-2c COST-7a SUS-3b", severity="medium",
    why="Spot capacity costs up to 70 % less than on-demand, and training can wait.",
    fix="Set EnableManagedSpotTraining to true with CheckpointConfig and StoppingCondition.MaxWaitTimeInSeconds",
    reads="enableManagedSpotTraining",
    compliant={"enableManagedSpotTraining": True, "checkpointConfig": {"s3Uri": "s3://models/c"},
        "stoppingCondition": {"maxRuntimeInSeconds": 3600, "maxWaitTimeInSeconds": 7200}},
    violating={"enableManagedSpotTraining": False, "stoppingCondition": {"maxRuntimeInSeconds": 3600}},
)  # fmt: skip
def training_spot(job: Resource, context: Context) -> str | None:
    """Training uses spot capacity."""
    return None if job.get("enableManagedSpotTraining", False) else f"enableManagedSpotTraining of '{job.name}' is not true"


@rule(
    "sagemaker-training-checkpoints", TRAINING_JOB, scope="stack",
    practices="REL11-BP03", lens="MLCOST04-BP06", checklist="CHK-REL-3 CHK-COST-2", spec="REL-1c P3d", severity="high",
    why="A spot interruption loses everything since the last checkpoint; without one, the whole run.",
    fix="Set CheckpointConfig.S3Uri to a prefix of its own for each job",
    reads="checkpointConfig.s3Uri",
    compliant={"enableManagedSpotTraining": True, "checkpointConfig": {"s3Uri": "s3://models/checkpoints/job"}},
    violating={"enableManagedSpotTraining": True},
)  # fmt: skip
def training_checkpoints(job: Resource, context: Context) -> str | None:
    """Training on spot capacity writes checkpoints."""
    if not job.get("enableManagedSpotTraining", False):
        raise NotApplicable("is not interrupted")
    return None if context.graph.given(job, "checkpointConfig.s3Uri") else f"checkpointConfig.s3Uri of '{job.name}' is not set"


@rule(
    "sagemaker-training-wait", TRAINING_JOB,
    practices="COST02-BP05 REL05-BP05", lens="MLCOST04-BP06", checklist="CHK-COST-2", spec="P3d", severity="high",
    why="SageMaker refuses a spot job whose waiting time is shorter than its running time.",
    fix="Set StoppingCondition.MaxWaitTimeInSeconds to at least MaxRuntimeInSeconds",
    reads="stoppingCondition",
    compliant={"enableManagedSpotTraining": True, "stoppingCondition": {"maxRuntimeInSeconds": 3600, "maxWaitTimeInSeconds": 7200}},
    violating={"enableManagedSpotTraining": True, "stoppingCondition": {"maxRuntimeInSeconds": 3600, "maxWaitTimeInSeconds": 600}},
)  # fmt: skip
def training_wait(job: Resource, context: Context) -> str | None:
    """A spot job may wait at least as long as it may run."""
    if not job.get("enableManagedSpotTraining", False):
        raise NotApplicable("does not wait for capacity")
    run, wait = job.get("stoppingCondition.maxRuntimeInSeconds", 86400), job.get("stoppingCondition.maxWaitTimeInSeconds")
    if wait is None:
        return f"stoppingCondition.maxWaitTimeInSeconds of '{job.name}' is not set"
    return f"stoppingCondition of '{job.name}' waits {wait} s and runs {run} s" if wait < run else None


@rule(
    "sagemaker-training-bounded", f"{TRAINING_JOB} {PROCESSING_JOB}",
    practices="COST02-BP05 REL05-BP05 SUS02-BP03", lens="MLCOST04-BP08", checklist="CHK-COST-5 CHK-SUS-2", spec="SUS-2a COST-7c", severity="medium",
    why="A job that hangs is billed until somebody notices; the default is a whole day.",
    fix="Set StoppingCondition.MaxRuntimeInSeconds, at most the rule's maximum_seconds",
    reads="stoppingCondition.maxRuntimeInSeconds",
    compliant={"stoppingCondition": {"maxRuntimeInSeconds": 3600}}, violating={"stoppingCondition": {"maxRuntimeInSeconds": 432000}},
    parameters={"maximum_seconds": Parameter(86400, "The longest a job may run", {"type": "integer", "minimum": 60})},
)  # fmt: skip
def training_bounded(job: Resource, context: Context) -> str | None:
    """Jobs end after a set time."""
    seconds, maximum = job.get("stoppingCondition.maxRuntimeInSeconds"), context.parameters["maximum_seconds"]
    if seconds is None:
        return f"stoppingCondition.maxRuntimeInSeconds of '{job.name}' is not set"
    return f"stoppingCondition.maxRuntimeInSeconds of '{job.name}' is {seconds}, over {maximum}" if seconds > maximum else None


@rule(
    "sagemaker-training-right-sized", f"{TRAINING_JOB} {TRANSFORM_JOB}",
    practices="PERF02-BP04 COST06-BP02 SUS05-BP01", lens="MLCOST04-BP01 MLPERF04-BP01", checklist="CHK-PERF-4", spec="PERF-5b", severity="medium",
    why="An accelerator or a large instance that a job cannot use is paid for all the same.",
    fix="Take an instance type of the rule's allowed list, or extend the list in the configuration",
    reads="resourceConfig.instanceType", missing="not_applicable",
    compliant={"resourceConfig": RESOURCES}, violating={"resourceConfig": {**RESOURCES, "instanceType": "ml.p4d.24xlarge"}},
    parameters={
        "allowed": Parameter(
            ["ml.m5.large", "ml.m5.xlarge", "ml.m5.2xlarge", "ml.m5.4xlarge", "ml.m6i.large", "ml.m6i.xlarge", "ml.m6i.2xlarge",
                "ml.m6i.4xlarge", "ml.c5.large", "ml.c5.xlarge", "ml.c5.2xlarge", "ml.c5.4xlarge", "ml.c6i.*", "ml.r5.large",
                "ml.r5.xlarge", "ml.g4dn.xlarge"],
            "Instance types (globs) that training and transform may use", {"type": "array", "items": {"type": "string"}},
        )
    },
)  # fmt: skip
def training_right_sized(job: Resource, context: Context) -> str | None:
    """Training and transform instances are of an agreed size."""
    where = "resourceConfig" if job.type == TRAINING_JOB else "transformResources"
    instance_type = job.get(f"{where}.instanceType")
    if instance_type is None:
        raise NotApplicable("names no instance type")
    return None if matches(instance_type, context.parameters["allowed"]) else f"{where}.instanceType of '{job.name}' is {instance_type}"


@rule(
    "sagemaker-training-streams-data", TRAINING_JOB,
    practices="PERF03-BP02 SUS04-BP07", lens="MLPERF04-BP02 MLCOST04-BP13", checklist="CHK-SUS-3", spec="SUS-2c", severity="low", level="advisory",
    why="FastFile reads what the job needs when it needs it, instead of copying everything first.",
    fix="Set InputMode FastFile on the channels, or AlgorithmSpecification.TrainingInputMode FastFile",
    reads="algorithmSpecification.trainingInputMode", missing="fail",
    compliant={"algorithmSpecification": {"trainingInputMode": "FastFile"}},
        violating={"algorithmSpecification": {"trainingInputMode": "File"}},
)  # fmt: skip
def training_streams_data(job: Resource, context: Context) -> str | None:
    """Training streams its data instead of copying it."""
    if job.get("algorithmSpecification.trainingInputMode", "File") in ("FastFile", "Pipe"):
        return None
    channels = job.get("inputDataConfigs")
    if (
        channels is not None
        and all(item.get("inputMode", "File") in ("FastFile", "Pipe") for item in as_list(channels))
        and as_list(channels)
    ):
        return None
    return f"algorithmSpecification.trainingInputMode of '{job.name}' is File"


@rule(
    "sagemaker-training-metrics", TRAINING_JOB,
    practices="PERF05-BP01 OPS04-BP01", lens="MLCOST06-BP04 MLPERF02-BP01", checklist="CHK-PERF-5", spec="COST-3c OPS-3c", severity="medium", level="advisory",
    why="Without metric definitions SageMaker does not know how good the model is, and no dashboard can show it.",
    fix="Add AlgorithmSpecification.MetricDefinitions with a regular expression for each metric the script prints",
    reads="algorithmSpecification.metricDefinitions",
    compliant={"algorithmSpecification": {"trainingInputMode": "File", "metricDefinitions": [{"name": "auc", "regex": "auc=([0-9.]+)"}]}},
    violating={"algorithmSpecification": {"trainingInputMode": "File"}},
)  # fmt: skip
def training_metrics(job: Resource, context: Context) -> str | None:
    """Training reports its metrics to CloudWatch."""
    if as_list(job.get("algorithmSpecification.metricDefinitions")) or job.get("algorithmSpecification.algorithmName") is not None:
        return None
    return f"algorithmSpecification.metricDefinitions of '{job.name}' is empty"


@rule(
    "sagemaker-no-secrets-in-clear", f"{TRAINING_JOB} {MODEL}",
    practices="SEC02-BP03", lens="MLSEC03-BP02", checklist="CHK-SEC-1", spec="SEC-1c", severity="critical",
    why="Hyperparameters and container environments are returned in clear by every Describe call.",
    fix="Keep the credential in Secrets Manager and pass its ARN, or use the job's role",
    reads="hyperParameters", missing="pass", compliant={"hyperParameters": {"seed": "7"}},
        violating={"hyperParameters": {"db_password": "hunter2"}},
)  # fmt: skip
def no_secrets_in_clear(resource: Resource, context: Context) -> Iterator[str]:
    """Hyperparameters and container environments hold no credentials."""
    maps = [("hyperParameters", resource.get("hyperParameters")), ("environment", resource.get("environment"))]
    maps.append(("primaryContainer.environment", resource.get("primaryContainer.environment")))
    for path, values in maps:
        if isinstance(values, Unreadable):
            bool(values)
        for key in secret_like(values):
            yield f"{path}.{key} of '{resource.name}' looks like a credential"
