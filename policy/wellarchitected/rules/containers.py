"""Containers: ECS, EKS, ECR, Batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..changes import put
from ..model import Changes, Context, Example, Parameter, Resource, rule
from ..policies import is_public, statements
from ..values import Malformed, NotApplicable, Unreadable, as_list, dig, is_set
from ._checks import is_true, not_set, not_true, setting
from ._secrets import secret_like
from ._types import ECR_REPOSITORY, KEY, KEY_ALIAS, KEY_ARN, SCALABLE_TARGET

ECS_CLUSTER = "aws:ecs/cluster:Cluster"
ECS_SERVICE = "aws:ecs/service:Service"
TASK_DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"
EKS_CLUSTER = "aws:eks/cluster:Cluster"
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
ECR_POLICY = "aws:ecr/repositoryPolicy:RepositoryPolicy"
BATCH_ENVIRONMENT = "aws:batch/computeEnvironment:ComputeEnvironment"
BATCH_JOB = "aws:batch/jobDefinition:JobDefinition"


def containers(resource: Resource) -> list[tuple[str, dict[str, Any]]]:
    """The containers of a task or job definition with the place where they stand."""
    property_ = "containerProperties" if resource.type == BATCH_JOB else "containerDefinitions"
    document = resource.document(property_)
    if document is None:
        raise NotApplicable(f"{property_} is absent")
    found: list[tuple[str, dict[str, Any]]] = []
    for index, item in enumerate(as_list(document)):
        dig(item, "name")  # an unknown container cannot be judged
        if not isinstance(item, dict):
            raise Malformed(f"{property_} of '{resource.name}' holds {type(item).__name__}; expected objects")
        found.append((property_ if resource.type == BATCH_JOB else f"{property_}[{index}]", item))
    return found


def task(**container: object) -> dict[str, object]:
    """A task definition with one container, for examples."""
    return {"family": "task", "containerDefinitions": [{"name": "app", "image": "app:1.4", **container}]}


def job(**container: object) -> Example:
    """A Batch job definition, for examples."""
    return Example(BATCH_JOB, "job", {"type": "container", "containerProperties": {"image": "app:1.4", **container}})


def observe_containers(cluster: Resource, context: Context) -> Changes:
    """The setting containerInsights, in the place where it is if it is given."""
    names = [dig(item, "name") for item in as_list(cluster.get("settings"))]
    index = names.index("containerInsights") if "containerInsights" in names else len(names)
    return {f"settings[{index}].name": "containerInsights", f"settings[{index}].value": "enabled"}


@rule(
    "ecs-container-insights", ECS_CLUSTER,
    practices="OPS04-BP02 PERF02-BP03", checklist="CHK-PERF-5", severity="low", level="advisory",
    sources="cdk-nag:AwsSolutions-ECS4 checkov:CKV_AWS_65 securityhub:ECS.12",
    why="Without it nobody sees which task uses the memory, or which service restarts all the time.",
    fix="Add the setting containerInsights with value enhanced (or enabled)",
    reads="settings", compliant={"settings": [{"name": "containerInsights", "value": "enhanced"}]},
        violating={"settings": [{"name": "containerInsights", "value": "disabled"}]},
    remediation=observe_containers,
)  # fmt: skip
def ecs_container_insights(cluster: Resource, context: Context) -> str | None:
    """Container clusters are measured."""
    value = setting(as_list(cluster.get("settings")), "containerInsights")
    return None if value in ("enabled", "enhanced") else f"setting containerInsights of '{cluster.name}' is {value or 'absent'}"


@rule(
    "ecs-exec-logged", ECS_CLUSTER,
    practices="SEC04-BP01 SEC06-BP03", checklist="CHK-SEC-4", severity="medium", level="advisory", sources="checkov:CKV_AWS_223",
    why="ECS Exec gives a shell inside the container; what was typed there should be on record.",
    fix="Remove executeCommandConfiguration.logging NONE, or set OVERRIDE with a log group",
    reads="configuration.executeCommandConfiguration.logging", missing="pass",
    compliant={"configuration": {"executeCommandConfiguration": {"logging": "OVERRIDE"}}},
    violating={"configuration": {"executeCommandConfiguration": {"logging": "NONE"}}},
)  # fmt: skip
def ecs_exec_logged(cluster: Resource, context: Context) -> str | None:
    """Shells in containers are logged."""
    logging = cluster.get("configuration.executeCommandConfiguration.logging", "DEFAULT")
    return f"configuration.executeCommandConfiguration.logging of '{cluster.name}' is NONE" if logging == "NONE" else None


@rule(
    "ecs-no-public-address", ECS_SERVICE,
    practices="SEC05-BP01", checklist="CHK-SEC-6", severity="high", level="advisory", sources="checkov:CKV_AWS_333 securityhub:ECS.2",
    why="A task with a public address is reachable past the load balancer and its firewall.",
    fix="Set networkConfiguration.assignPublicIp to false and use VPC endpoints (or NAT) to pull images",
    reads="networkConfiguration.assignPublicIp", missing="pass",
    compliant={"networkConfiguration": {"subnets": ["subnet-1"], "assignPublicIp": False}},
    violating={"networkConfiguration": {"subnets": ["subnet-1"], "assignPublicIp": True}},
)  # fmt: skip
def ecs_no_public_address(service: Resource, context: Context) -> str | None:
    """Container services have no public addresses."""
    return is_true(service, "networkConfiguration.assignPublicIp")


@rule(
    "ecs-rolls-back", ECS_SERVICE,
    practices="OPS06-BP04 REL08-BP05", checklist="CHK-OPS-2", severity="medium", level="advisory",
    why="A version that never becomes healthy is otherwise started again and again until somebody looks.",
    fix="Set deploymentCircuitBreaker with enable and rollback true (or alarms with rollback)",
    reads="deploymentCircuitBreaker", compliant={"deploymentCircuitBreaker": {"enable": True, "rollback": True}},
        violating={"deploymentCircuitBreaker": {"enable": True, "rollback": False}},
    remediation=put({"deploymentCircuitBreaker.enable": True, "deploymentCircuitBreaker.rollback": True}),
)  # fmt: skip
def ecs_rolls_back(service: Resource, context: Context) -> str | None:
    """A deployment of containers that fails is rolled back."""
    if service.get("deploymentController.type", "ECS") != "ECS":
        raise NotApplicable("another controller deploys it")
    for path in ("deploymentCircuitBreaker", "alarms"):
        if service.get(f"{path}.enable", False) and service.get(f"{path}.rollback", False):
            return None
    return f"deploymentCircuitBreaker of '{service.name}' does not roll back"


@rule(
    "ecs-several-tasks", ECS_SERVICE, scope="stack",
    practices="REL10-BP01", checklist="CHK-REL-1", severity="medium", level={"dev": "disabled", "prod": "advisory"},
    why="One task is in one zone, and is away during every replacement.",
    fix="Set desiredCount to 2 or more (or let a scalable target with minCapacity 2 decide)",
    reads="desiredCount", compliant={"desiredCount": 2}, violating={"desiredCount": 1},
)  # fmt: skip
def ecs_several_tasks(service: Resource, context: Context) -> str | None:
    """Production container services run two tasks or more."""
    if service.get("schedulingStrategy", "REPLICA") == "DAEMON":
        raise NotApplicable("runs once on every instance")
    if any(target.get("minCapacity", 0) >= 2 for target in context.graph.referring(service, SCALABLE_TARGET, "resourceId")):
        return None
    count = service.get("desiredCount", 0)
    return f"desiredCount of '{service.name}' is {count:g}" if count < 2 else None


@rule(
    "ecs-service-scales", ECS_SERVICE, scope="stack",
    practices="PERF02-BP05 REL07-BP01 SUS02-BP01", checklist="CHK-PERF-2", severity="low", level={"dev": "disabled", "prod": "advisory"},
    why="A fixed number of tasks is too many at night and too few on the day that counts.",
    fix="Register an aws.appautoscaling.Target for ecs:service:DesiredCount of the service",
    reads=None,
    compliant=(Example(ECS_SERVICE, "s"), Example(SCALABLE_TARGET, "t", {"minCapacity": 2, "maxCapacity": 6},
        links={"resourceId": "s"})),
    violating=(Example(ECS_SERVICE, "s"),),
)  # fmt: skip
def ecs_service_scales(service: Resource, context: Context) -> str | None:
    """Production container services scale with demand."""
    if service.get("schedulingStrategy", "REPLICA") == "DAEMON":
        raise NotApplicable("runs once on every instance")
    name = service.get("name")
    named = [target.get("resourceId") for target in context.graph.of(SCALABLE_TARGET)] if isinstance(name, str) else []
    if any(isinstance(id_, str) and id_.startswith("service/") and id_.endswith(f"/{name}") for id_ in named):
        return None
    return None if context.graph.referring(service, SCALABLE_TARGET, "resourceId") else f"nothing scales service '{service.name}'"


@rule(
    "ecs-platform-version", ECS_SERVICE,
    practices="SUS06-BP03 SEC06-BP01", checklist="CHK-SUS-4", severity="low", level="advisory",
    sources="checkov:CKV_AWS_332 securityhub:ECS.10",
    why="A pinned Fargate platform gets no more security updates one day.",
    fix="Remove platformVersion, or set it to LATEST",
    reads="platformVersion", missing="pass", compliant={"platformVersion": "LATEST"}, violating={"platformVersion": "1.3.0"},
)  # fmt: skip
def ecs_platform_version(service: Resource, context: Context) -> str | None:
    """Container services run on the latest Fargate platform."""
    version = service.get("platformVersion", "LATEST")
    return None if version in ("LATEST", "1.4.0", "1.0.0") else f"platformVersion of '{service.name}' is {version}"


@rule(
    "ecs-spot-outside-production", ECS_SERVICE,
    practices="COST07-BP04 SUS02-BP01", checklist="CHK-COST-2", severity="low", level={"dev": "advisory", "prod": "disabled"},
    example_environment="dev",
    why="Fargate Spot costs up to 70 % less; development survives an interruption.",
    fix="Add a capacityProviderStrategies entry with capacityProvider FARGATE_SPOT instead of launchType",
    reads="capacityProviderStrategies", compliant={"capacityProviderStrategies": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]},
        violating={"launchType": "FARGATE"},
)  # fmt: skip
def ecs_spot_outside_production(service: Resource, context: Context) -> str | None:
    """Container services outside production use spot capacity."""
    if service.get("launchType") in ("EC2", "EXTERNAL"):
        raise NotApplicable("runs on instances of its own")
    names = [dig(item, "capacityProvider", "FARGATE") for item in as_list(service.get("capacityProviderStrategies"))]
    if names and not any(name.startswith("FARGATE") for name in names):
        raise NotApplicable("runs on instances of its own")
    return None if "FARGATE_SPOT" in names else f"capacityProviderStrategies of '{service.name}' name no FARGATE_SPOT"


@rule(
    "container-not-privileged", f"{TASK_DEFINITION} {BATCH_JOB}",
    practices="SEC03-BP02 SEC06-BP02", checklist="CHK-SEC-1", severity="critical",
    sources="checkov:CKV_AWS_334 checkov:CKV_AWS_210 securityhub:ECS.4",
    why="A privileged container owns its host and everything else on it.",
    fix="Remove privileged; add single Linux capabilities where one is needed",
    reads="containerDefinitions", missing="not_applicable",
    compliant=(Example(TASK_DEFINITION, "task", task()), job(privileged=False)),
    violating=(Example(TASK_DEFINITION, "task", task(privileged=True)), job(privileged=True)),
)  # fmt: skip
def container_not_privileged(resource: Resource, context: Context) -> Iterator[str]:
    """No container is privileged."""
    for where, container in containers(resource):
        if container.get("privileged") or False:
            yield f"{where}.privileged of '{resource.name}' is true"


@rule(
    "container-readonly-root", f"{TASK_DEFINITION} {BATCH_JOB}",
    practices="SEC06-BP02", checklist="CHK-SEC-1", severity="medium", level="advisory", sources="checkov:CKV_AWS_336 securityhub:ECS.5",
    why="Malware that cannot write its files does not survive a restart, and often does not start.",
    fix="Set readonlyRootFilesystem to true and mount a volume where the program writes",
    reads="containerDefinitions", missing="not_applicable",
    compliant=(Example(TASK_DEFINITION, "task", task(readonlyRootFilesystem=True)), job(readonlyRootFilesystem=True)),
    violating=(Example(TASK_DEFINITION, "task", task()), job()),
)  # fmt: skip
def container_readonly_root(resource: Resource, context: Context) -> Iterator[str]:
    """Containers cannot change their own files."""
    for where, container in containers(resource):
        if not container.get("readonlyRootFilesystem"):
            yield f"{where}.readonlyRootFilesystem of '{resource.name}' is not true"


@rule(
    "container-not-root", TASK_DEFINITION,
    practices="SEC03-BP02", checklist="CHK-SEC-1", severity="medium", level="advisory", sources="securityhub:ECS.20",
    why="Root in a container is root on the host after the next escape.",
    fix="Set user to a number other than 0",
    reads="containerDefinitions", missing="not_applicable", compliant=task(user="1000"), violating=task(user="root"),
)  # fmt: skip
def container_not_root(definition: Resource, context: Context) -> Iterator[str]:
    """Containers do not run as root."""
    for where, container in containers(definition):
        if str(container.get("user") or "root").split(":")[0] in ("root", "0"):
            yield f"{where}.user of '{definition.name}' is root"


@rule(
    "container-no-secrets-in-environment", f"{TASK_DEFINITION} {BATCH_JOB}",
    practices="SEC02-BP03", checklist="CHK-SEC-1", severity="critical", sources="cdk-nag:AwsSolutions-ECS2 securityhub:ECS.8",
    why="Definitions are readable by everybody with a console login, in every revision, for ever.",
    fix="Move the value to Secrets Manager and name it in secrets (valueFrom)",
    reads="containerDefinitions", missing="not_applicable",
    compliant=(Example(TASK_DEFINITION, "task", task(environment=[{"name": "LEVEL", "value": "info"}])), job()),
    violating=(Example(TASK_DEFINITION, "task", task(environment=[{"name": "DB_PASSWORD", "value": "hunter2"}])),
        job(environment=[{"name": "API_KEY", "value": "abc"}])),
)  # fmt: skip
def container_no_secrets_in_environment(resource: Resource, context: Context) -> Iterator[str]:
    """Environments of containers hold no credentials."""
    for where, container in containers(resource):
        pairs = {str(dig(item, "name", "")): dig(item, "value") for item in as_list(container.get("environment"))}
        for key, value in pairs.items():
            if secret_like({key: "x" if isinstance(value, Unreadable) else value}):
                is_set(value)  # a secret-like name with a value that nobody knows yet cannot be judged
                yield f"{where}.environment of '{resource.name}' sets {key}"


@rule(
    "container-logs", TASK_DEFINITION,
    practices="OPS04-BP02", checklist="CHK-OPS-4", severity="high", level="advisory",
    sources="cdk-nag:AwsSolutions-ECS7 securityhub:ECS.9",
    why="What a container prints is lost with it.",
    fix="Set logConfiguration (awslogs or awsfirelens)",
    reads="containerDefinitions", missing="not_applicable", compliant=task(logConfiguration={"logDriver": "awslogs"}), violating=task(),
)  # fmt: skip
def container_logs(definition: Resource, context: Context) -> Iterator[str]:
    """Containers write logs that outlive them."""
    for where, container in containers(definition):
        if container.get("logConfiguration") is None:
            yield f"{where}.logConfiguration of '{definition.name}' is not set"


@rule(
    "container-health-checked", TASK_DEFINITION,
    practices="REL11-BP01 REL11-BP03", checklist="CHK-REL-5", severity="low", level="advisory",
    why="A process that hangs is still running; only a health check has it replaced.",
    fix="Set healthCheck of the essential containers (or rely on a load balancer's and exempt the task)",
    reads="containerDefinitions", missing="not_applicable",
    compliant=task(healthCheck={"command": ["CMD-SHELL", "curl -f http://localhost/"]}), violating=task(),
)  # fmt: skip
def container_health_checked(definition: Resource, context: Context) -> str | None:
    """Containers say whether they are well."""
    found = containers(definition)
    if not found or any(container.get("healthCheck") is not None for _, container in found):
        return None
    return f"no container of '{definition.name}' has a healthCheck"


@rule(
    "container-image-pinned", f"{TASK_DEFINITION} {BATCH_JOB}",
    practices="SEC06-BP04 OPS05-BP03", checklist="CHK-OPS-2", severity="medium", level="advisory",
    why="With latest nobody can say which code runs, and a restart may run another.",
    fix="Name the image by digest or by a version tag that does not move",
    reads="containerDefinitions", missing="not_applicable",
    compliant=(Example(TASK_DEFINITION, "task", task()), job()),
    violating=(Example(TASK_DEFINITION, "task", task(image="app:latest")), job(image="app")),
)  # fmt: skip
def container_image_pinned(resource: Resource, context: Context) -> Iterator[str]:
    """Containers name the version of their image."""
    for where, container in containers(resource):
        image = container.get("image")
        last = str(image or "").rsplit("/", 1)[-1]
        if "@sha256:" not in last and (":" not in last or last.endswith(":latest")):
            yield f"{where}.image of '{resource.name}' is not pinned"


@rule(
    "task-no-host-namespaces", TASK_DEFINITION,
    practices="SEC05-BP02 SEC06-BP02", checklist="CHK-SEC-1", severity="high", level="advisory",
    sources="checkov:CKV_AWS_335 securityhub:ECS.3",
    why="A task that shares the host's processes sees and signals those of other tasks.",
    fix="Remove pidMode host, ipcMode host and networkMode host",
    reads="pidMode", missing="pass", compliant={"family": "task", "pidMode": "task"}, violating={"family": "task", "pidMode": "host"},
)  # fmt: skip
def task_no_host_namespaces(definition: Resource, context: Context) -> Iterator[str]:
    """Tasks do not share the host's namespaces."""
    for path in ("pidMode", "ipcMode", "networkMode"):
        if definition.get(path) == "host":
            yield f"{path} of '{definition.name}' is host"


@rule(
    "task-efs-tls", TASK_DEFINITION,
    practices="SEC09-BP02", checklist="CHK-SEC-3", severity="medium", level="advisory", sources="checkov:CKV_AWS_97",
    why="NFS is in clear unless the volume asks for TLS.",
    fix="Set efsVolumeConfiguration.transitEncryption to ENABLED",
    reads="volumes", missing="not_applicable",
    compliant={"family": "t", "volumes": [{"name": "v", "efsVolumeConfiguration": {"fileSystemId": "fs-1",
        "transitEncryption": "ENABLED"}}]},
    violating={"family": "t", "volumes": [{"name": "v", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}]},
)  # fmt: skip
def task_efs_tls(definition: Resource, context: Context) -> Iterator[str]:
    """Tasks mount file systems over TLS."""
    volumes = [(i, item) for i, item in enumerate(as_list(definition.get("volumes"))) if dig(item, "efsVolumeConfiguration") is not None]
    if not volumes:
        raise NotApplicable("mounts no EFS")
    for index, volume in volumes:
        if dig(volume, "efsVolumeConfiguration.transitEncryption", "DISABLED") != "ENABLED":
            yield f"volumes[{index}].efsVolumeConfiguration.transitEncryption of '{definition.name}' is not ENABLED"


@rule(
    "task-graviton", TASK_DEFINITION,
    practices="SUS05-BP02 COST06-BP02", checklist="CHK-SUS-2", severity="low", level="advisory",
    why="Fargate on Graviton costs a fifth less and uses less energy for the same work.",
    fix="Set runtimePlatform.cpuArchitecture to ARM64 and build the image for it",
    reads="runtimePlatform.cpuArchitecture",
    compliant={"family": "t", "runtimePlatform": {"cpuArchitecture": "ARM64"}}, violating={"family": "t",
        "runtimePlatform": {"cpuArchitecture": "X86_64"}},
)  # fmt: skip
def task_graviton(definition: Resource, context: Context) -> str | None:
    """Tasks run on Graviton."""
    if str(definition.get("runtimePlatform.operatingSystemFamily", "LINUX")).startswith("WINDOWS"):
        raise NotApplicable("Windows runs on x86 only")
    kind = definition.get("runtimePlatform.cpuArchitecture", "X86_64")
    return None if kind == "ARM64" else f"runtimePlatform.cpuArchitecture of '{definition.name}' is {kind}"


FARGATE_MEMORY = {
    256: (512, 2048), 512: (1024, 4096), 1024: (2048, 8192), 2048: (4096, 16384), 4096: (8192, 30720), 8192: (16384, 61440),
    16384: (32768, 122880),
}  # fmt: skip


@rule(
    "task-fargate-size", TASK_DEFINITION,
    practices="OPS06-BP02 PERF02-BP04", checklist="CHK-OPS-3", severity="high", level="advisory",
    why="Fargate knows only certain pairs of CPU and memory and refuses all others.",
    fix="Choose a pair that Fargate offers, such as cpu 512 with memory 1024 to 4096",
    reads="cpu", compliant={"requiresCompatibilities": ["FARGATE"], "cpu": "512", "memory": "1024"},
        violating={"requiresCompatibilities": ["FARGATE"], "cpu": "512", "memory": "512"},
)  # fmt: skip
def task_fargate_size(definition: Resource, context: Context) -> str | None:
    """The size of a Fargate task is one that exists."""
    if "FARGATE" not in as_list(definition.get("requiresCompatibilities")):
        raise NotApplicable("does not run on Fargate")
    cpu, memory = str(definition.get("cpu", "")), str(definition.get("memory", ""))
    if not cpu.isdigit() or not memory.isdigit():
        return None if cpu and memory else f"cpu or memory of '{definition.name}' is not set"  # "1 vCPU" and "2 GB" are accepted too
    least, most = FARGATE_MEMORY.get(int(cpu), (0, -1))
    return None if least <= int(memory) <= most else f"cpu {cpu} with memory {memory} of '{definition.name}' does not exist"


@rule(
    "eks-endpoint-private", EKS_CLUSTER,
    practices="SEC05-BP01 SEC05-BP02", checklist="CHK-SEC-6", severity="critical",
    sources="cdk-nag:AwsSolutions-EKS1 checkov:CKV_AWS_38 checkov:CKV_AWS_39 securityhub:EKS.1",
    why="The API server of a cluster answers the whole internet by default.",
    fix="Set vpcConfig.endpointPublicAccess to false, or name the networks in publicAccessCidrs",
    reads="vpcConfig.endpointPublicAccess", compliant={"vpcConfig": {"endpointPublicAccess": False, "endpointPrivateAccess": True}},
        violating={"vpcConfig": {"endpointPublicAccess": True}},
)  # fmt: skip
def eks_endpoint_private(cluster: Resource, context: Context) -> str | None:
    """The API of a Kubernetes cluster is not open to the world."""
    if not cluster.get("vpcConfig.endpointPublicAccess", True):
        return None
    networks = as_list(cluster.get("vpcConfig.publicAccessCidrs", ["0.0.0.0/0"]))
    return f"the API server of '{cluster.name}' is open to 0.0.0.0/0" if not networks or "0.0.0.0/0" in networks else None


@rule(
    "eks-supported-version", EKS_CLUSTER,
    practices="SUS06-BP03 SEC06-BP01 COST01-BP07", checklist="CHK-SUS-4", severity="high", level="advisory",
    sources="checkov:CKV_AWS_339 securityhub:EKS.2",
    why="In extended support a cluster costs six times as much; after it AWS upgrades it whether it works or not.",
    fix="Set version to the rule's oldest version or newer",
    reads="version", missing="pass", compliant={"version": "1.34"}, violating={"version": "1.29"},
    parameters={"oldest": Parameter(33, "Oldest minor version of Kubernetes 1.x in standard support", {"type": "integer", "minimum": 20})},
)  # fmt: skip
def eks_supported_version(cluster: Resource, context: Context) -> str | None:
    """Kubernetes clusters run a version in standard support."""
    version = cluster.get("version")
    if version is None:
        return None  # AWS takes the newest
    minor = str(version).removeprefix("1.")
    return f"version of '{cluster.name}' is {version}" if not minor.isdigit() or int(minor) < context.parameters["oldest"] else None


@rule(
    "eks-secrets-encrypted", EKS_CLUSTER,
    practices="SEC08-BP02 SEC02-BP03", checklist="CHK-SEC-2", severity="high", level="advisory",
    sources="checkov:CKV_AWS_58 securityhub:EKS.3",
    why="With envelope encryption, who copies etcd has no secrets yet.",
    fix="Set encryptionConfig with a key and the resource secrets",
    reads="encryptionConfig", compliant={"encryptionConfig": {"provider": {"keyArn": KEY_ARN}, "resources": ["secrets"]}},
        violating={"name": "cluster"},
)  # fmt: skip
def eks_secrets_encrypted(cluster: Resource, context: Context) -> str | None:
    """Secrets of Kubernetes are encrypted with a customer key."""
    if "secrets" in as_list(cluster.get("encryptionConfig.resources")):
        return None
    return f"encryptionConfig of '{cluster.name}' does not encrypt secrets"


WANTED_LOGS = ("api", "audit", "authenticator")


def log_control_plane(cluster: Resource, context: Context) -> Changes:
    """The kinds of logs that are wanted, after those that are given."""
    given = as_list(cluster.get("enabledClusterLogTypes"))
    absent = [name for name in WANTED_LOGS if name not in given]
    return {f"enabledClusterLogTypes[{index}]": name for index, name in enumerate(absent, start=len(given))}


@rule(
    "eks-control-plane-logs", EKS_CLUSTER,
    practices="SEC04-BP01 OPS04-BP02", checklist="CHK-OPS-4", severity="medium", level="advisory",
    sources="cdk-nag:AwsSolutions-EKS2 checkov:CKV_AWS_37 securityhub:EKS.8",
    why="Who changed what in the cluster is in the audit log, which is off by default.",
    fix="Set enabledClusterLogTypes to api, audit and authenticator at least",
    reads="enabledClusterLogTypes", compliant={"enabledClusterLogTypes": ["api", "audit", "authenticator"]},
        violating={"enabledClusterLogTypes": ["scheduler"]},
    remediation=log_control_plane,
)  # fmt: skip
def eks_control_plane_logs(cluster: Resource, context: Context) -> str | None:
    """Kubernetes clusters log their control plane."""
    absent = [name for name in WANTED_LOGS if name not in as_list(cluster.get("enabledClusterLogTypes"))]
    return f"enabledClusterLogTypes of '{cluster.name}' lacks {', '.join(absent)}" if absent else None


@rule(
    "eks-access-entries", EKS_CLUSTER,
    practices="SEC03-BP02 SEC02-BP04", checklist="CHK-SEC-1", severity="medium", level="advisory",
    why="The aws-auth map is edited by hand inside the cluster; access entries are declared, logged and revoked like everything else.",
    fix="Set accessConfig.authenticationMode to API and bootstrapClusterCreatorAdminPermissions to false",
    reads="accessConfig.authenticationMode", compliant={"accessConfig": {"authenticationMode": "API"}},
        violating={"accessConfig": {"authenticationMode": "CONFIG_MAP"}},
)  # fmt: skip
def eks_access_entries(cluster: Resource, context: Context) -> str | None:
    """Access to Kubernetes is given by access entries."""
    mode = cluster.get("accessConfig.authenticationMode", "CONFIG_MAP")
    return None if mode == "API" else f"accessConfig.authenticationMode of '{cluster.name}' is {mode}"


@rule(
    "eks-nodes-no-ssh", NODE_GROUP,
    practices="SEC06-BP03 SEC05-BP02", checklist="CHK-SEC-5", severity="high", level="advisory", sources="checkov:CKV_AWS_100",
    why="With a key and no source groups, SSH of every node is open to the internet.",
    fix="Remove remoteAccess (Session Manager needs no key), or set sourceSecurityGroupIds",
    reads="remoteAccess.ec2SshKey", missing="pass",
    compliant={"remoteAccess": {"ec2SshKey": "key", "sourceSecurityGroupIds": ["sg-1"]}}, violating={"remoteAccess": {"ec2SshKey": "key"}},
)  # fmt: skip
def eks_nodes_no_ssh(group: Resource, context: Context) -> str | None:
    """Nodes of Kubernetes are not open to SSH."""
    if not group.get("remoteAccess.ec2SshKey"):
        return None
    return not_set(group, "remoteAccess.sourceSecurityGroupIds")


@rule(
    "eks-nodes-scale", NODE_GROUP,
    practices="PERF02-BP05 SUS02-BP01 REL07-BP01", checklist="CHK-PERF-2", severity="medium", level="advisory",
    why="A node group whose minimum is its maximum is paid for in full by day and night.",
    fix="Set scalingConfig.maxSize above minSize",
    reads="scalingConfig.maxSize", compliant={"scalingConfig": {"minSize": 1, "maxSize": 5, "desiredSize": 1}},
        violating={"scalingConfig": {"minSize": 3, "maxSize": 3, "desiredSize": 3}},
)  # fmt: skip
def eks_nodes_scale(group: Resource, context: Context) -> str | None:
    """Node groups have room to scale."""
    least, most = group.get("scalingConfig.minSize", 0), group.get("scalingConfig.maxSize", 0)
    return None if most > least else f"scalingConfig.maxSize of '{group.name}' is not above minSize"


@rule(
    "eks-nodes-spot", NODE_GROUP,
    practices="COST07-BP04 SUS02-BP01", checklist="CHK-COST-2", severity="low", level={"dev": "advisory", "prod": "disabled"},
    example_environment="dev",
    why="Kubernetes moves pods off an interrupted node; spot nodes cost up to 90 % less.",
    fix="Set capacityType to SPOT with several instanceTypes",
    reads="capacityType", compliant={"capacityType": "SPOT", "instanceTypes": ["m6g.large", "m7g.large"]},
        violating={"capacityType": "ON_DEMAND"},
)  # fmt: skip
def eks_nodes_spot(group: Resource, context: Context) -> str | None:
    """Nodes outside production are spot instances."""
    kind = group.get("capacityType", "ON_DEMAND")
    return None if kind == "SPOT" else f"capacityType of '{group.name}' is {kind}"


@rule(
    "eks-nodes-repaired", NODE_GROUP,
    practices="REL11-BP03", checklist="CHK-REL-5", severity="low", level={"dev": "disabled", "prod": "advisory"},
    why="A node with a broken disk or accelerator otherwise keeps taking pods.",
    fix="Set nodeRepairConfig.enabled to true",
    reads="nodeRepairConfig.enabled", compliant={"nodeRepairConfig": {"enabled": True}}, violating={"nodeRepairConfig": {"enabled": False}},
    remediation=put({"nodeRepairConfig.enabled": True}),
)  # fmt: skip
def eks_nodes_repaired(group: Resource, context: Context) -> str | None:
    """Broken nodes are replaced."""
    return not_true(group, "nodeRepairConfig.enabled")


@rule(
    "ecr-customer-key", ECR_REPOSITORY, scope="stack",
    practices="SEC08-BP02", checklist="CHK-SEC-2", severity="low", level="advisory", sources="checkov:CKV_AWS_136 securityhub:ECR.5",
    why="Images hold code and models; with a customer key, pulling them needs a second permission. It cannot be changed later.",
    fix="Set encryptionConfigurations to encryptionType KMS with kmsKey",
    reads="encryptionConfigurations", compliant={"encryptionConfigurations": [{"encryptionType": "KMS", "kmsKey": KEY_ARN}]},
        violating={"encryptionConfigurations": [{"encryptionType": "AES256"}]},
)  # fmt: skip
def ecr_customer_key(repository: Resource, context: Context) -> str | None:
    """Images are encrypted with a customer key."""
    for item in as_list(repository.get("encryptionConfigurations")):
        key = dig(item, "kmsKey")
        if isinstance(key, Unreadable) and context.graph.linked(repository, "encryptionConfigurations", KEY, KEY_ALIAS):
            return None
        if dig(item, "encryptionType", "AES256").startswith("KMS") and is_set(key):
            return None
    return f"encryptionConfigurations of '{repository.name}' name no customer key"


@rule(
    "ecr-policy-not-public", ECR_POLICY,
    practices="SEC03-BP07", checklist="CHK-SEC-1", severity="critical", sources="cdk-nag:AwsSolutions-ECR1 checkov:CKV_AWS_32",
    why="Whoever may push to a repository decides what production runs; whoever may pull has the code.",
    fix="Name the accounts in Principal, or restrict the statement by aws:PrincipalOrgID",
    reads="policy", missing="not_applicable",
    compliant={"policy": {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
        "Action": "ecr:BatchGetImage"}]}},
    violating={"policy": {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}]}},
)  # fmt: skip
def ecr_policy_not_public(policy: Resource, context: Context) -> Iterator[str]:
    """No image repository is open to everybody."""
    for index, statement in statements(policy, "policy"):
        if is_public(statement):
            yield f"policy.Statement[{index}] of '{policy.name}' allows Principal *"


@rule(
    "ecr-no-force-delete", ECR_REPOSITORY,
    practices="SEC08-BP04 REL08-BP04", checklist="CHK-REL-6", severity="medium", level={"dev": "disabled", "prod": "advisory"},
    why="With it, destroying a stack deletes the images that other stacks run and would roll back to.",
    fix="Remove forceDelete",
    reads="forceDelete", missing="pass", compliant={"forceDelete": False}, violating={"forceDelete": True},
    remediation=put({"forceDelete": False}),
)  # fmt: skip
def ecr_no_force_delete(repository: Resource, context: Context) -> str | None:
    """Production repositories are not emptied when they are destroyed."""
    return is_true(repository, "forceDelete")


@rule(
    "batch-scales-to-zero", BATCH_ENVIRONMENT,
    practices="SUS02-BP01 COST09-BP03", checklist="CHK-SUS-1", severity="medium", level="advisory",
    why="Instances that wait for jobs are paid for while they wait.",
    fix="Set computeResources.minVcpus to 0",
    reads="computeResources.minVcpus", missing="pass",
    compliant={"computeResources": {"type": "SPOT", "minVcpus": 0, "maxVcpus": 64}},
    violating={"computeResources": {"type": "EC2", "minVcpus": 16, "maxVcpus": 64}},
)  # fmt: skip
def batch_scales_to_zero(environment: Resource, context: Context) -> str | None:
    """Batch keeps nothing running between jobs."""
    least = environment.get("computeResources.minVcpus", 0)
    return f"computeResources.minVcpus of '{environment.name}' is {least:g}" if least > 0 else None


@rule(
    "batch-spot", BATCH_ENVIRONMENT,
    practices="COST07-BP04", checklist="CHK-COST-2", severity="low", level="advisory",
    why="Batch starts an interrupted job again; spot capacity costs up to 90 % less.",
    fix="Set computeResources.type to SPOT or FARGATE_SPOT",
    reads="computeResources.type", missing="not_applicable",
    compliant={"computeResources": {"type": "FARGATE_SPOT", "maxVcpus": 16}}, violating={"computeResources": {"type": "EC2",
        "maxVcpus": 16}},
)  # fmt: skip
def batch_spot(environment: Resource, context: Context) -> str | None:
    """Batch jobs use spot capacity."""
    kind = environment.get("computeResources.type")
    if kind is None:
        raise NotApplicable("does not manage compute")
    return None if str(kind).endswith("SPOT") else f"computeResources.type of '{environment.name}' is {kind}"


@rule(
    "batch-job-bounded", BATCH_JOB,
    practices="COST02-BP05 REL05-BP05", checklist="CHK-COST-5", severity="medium", level="advisory",
    why="A job that hangs is paid for until somebody notices.",
    fix="Set timeout.attemptDurationSeconds",
    reads="timeout.attemptDurationSeconds", compliant={"timeout": {"attemptDurationSeconds": 3600}}, violating={"type": "container"},
)  # fmt: skip
def batch_job_bounded(job_: Resource, context: Context) -> str | None:
    """Batch jobs end after a set time."""
    return not_set(job_, "timeout.attemptDurationSeconds")


@rule(
    "batch-job-retried", BATCH_JOB,
    practices="REL05-BP03 REL11-BP03", checklist="CHK-REL-4", severity="low", level="advisory",
    why="Without a second attempt one interrupted host fails the job.",
    fix="Set retryStrategy.attempts to 2 or more",
    reads="retryStrategy.attempts", compliant={"retryStrategy": {"attempts": 3}}, violating={"retryStrategy": {"attempts": 1}},
)  # fmt: skip
def batch_job_retried(job_: Resource, context: Context) -> str | None:
    """Batch jobs are tried again."""
    attempts = job_.get("retryStrategy.attempts", 1)
    return f"retryStrategy.attempts of '{job_.name}' is {attempts:g}" if attempts < 2 else None
