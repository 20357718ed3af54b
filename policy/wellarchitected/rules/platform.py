"""The stack as a whole: tags, regions, how it is built, what runs around the clock, what AWS runs for you."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from ..environments import environment_of
from ..graph import Graph
from ..model import Context, Example, Parameter, Resource, rule
from ..values import NotApplicable, Unreadable
from ._secrets import is_credential
from ._types import (
    ALARM,
    AWS_PROVIDER,
    BUCKET,
    ENDPOINT_CONFIGURATION,
    EVENT_RULE,
    EVENT_TARGET,
    FUNCTION,
    GLUE_JOB,
    KEY,
    KEY_ALIAS,
    KEY_ARN,
    PIPELINE,
    QUEUE,
    QUEUE_POLICY,
    STACK,
    STATE_MACHINE,
    SUBSCRIPTION,
    TABLE,
    TOPIC,
    TOPIC_POLICY,
    TRAINING_JOB,
)
from .serving import configuration_of, variants

STRINGS = {"type": "array", "items": {"type": "string"}}
REQUIRED_TAGS = ["Project", "Environment", "Owner", "CostCenter", "ManagedBy"]
TAGS = dict.fromkeys(REQUIRED_TAGS, "x")
# Regions whose electricity AWS reported as matched by 100 % renewable energy for 2022 (AWS sustainability report).
GREEN_REGIONS = [
    "us-east-1", "us-east-2", "us-west-1", "us-west-2", "us-gov-east-1", "us-gov-west-1", "ca-central-1", "eu-central-1", "eu-central-2",
    "eu-north-1",
    "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "ap-south-1", "ap-south-2", "cn-north-1", "cn-northwest-1",
]  # fmt: skip

# Compute that somebody has to patch and that costs money while it waits.
SERVERS = (
    "aws:ec2/instance:Instance", "aws:ec2/spotInstanceRequest:SpotInstanceRequest", "aws:autoscaling/group:Group",
    "aws:lightsail/instance:Instance",
    "aws:eks/nodeGroup:NodeGroup", "aws:emr/cluster:Cluster", "aws:elasticbeanstalk/environment:Environment",
)  # fmt: skip
NOTEBOOKS = ("aws:sagemaker/notebookInstance:NotebookInstance", "aws:glue/devEndpoint:DevEndpoint")
SERVERLESS = (
    FUNCTION,
    STATE_MACHINE,
    GLUE_JOB,
    "aws:ecs/service:Service",
    "aws:apprunner/service:Service",
    "aws:batch/jobDefinition:JobDefinition",
)
# What one would otherwise run and patch oneself.
MANAGED = (
    FUNCTION, STATE_MACHINE, GLUE_JOB, TABLE, BUCKET, TRAINING_JOB, ENDPOINT_CONFIGURATION, PIPELINE, "aws:rds/cluster:Cluster",
        "aws:rds/instance:Instance",
    "aws:athena/workgroup:Workgroup", "aws:ecs/service:Service",
)  # fmt: skip
OBJECTS = ("aws:s3/bucketObject:BucketObject", "aws:s3/bucketObjectv2:BucketObjectv2", "aws:s3/objectCopy:ObjectCopy")
ESCAPE_HATCHES = (
    "pulumi-python:dynamic:Resource",
    "pulumi-nodejs:dynamic:Resource",
    "command:local:Command",
    "command:remote:Command",
    "command:remote:CopyFile",
)


@cache
def taggable_types() -> frozenset[str]:
    """The types of pulumi_aws that carry tags (generated from the SDK's classes)."""
    return frozenset((files("wellarchitected") / "data" / "taggable_types.txt").read_text(encoding="utf-8").split())


@rule(
    "required-tags", "aws:*",
    practices="COST03-BP02 OPS02-BP01", checklist="CHK-COST-1", spec="COST-1a COST-5a COST-5b", severity="medium",
    level="advisory",
    why="What carries no tags appears on the bill as nobody's.",
    fix="Set the tags once as the provider's defaultTags (aws:defaultTags in the stack's configuration)",
    reads="tags", compliant=(Example(BUCKET, "data", {"tags": TAGS}),), violating=(Example(BUCKET, "data",
        {"tags": {"Project": "mlops"}}),), reads_of=BUCKET,
    parameters={"tags": Parameter(REQUIRED_TAGS, "Tags every taggable resource must carry", STRINGS)},
)  # fmt: skip
def required_tags(resource: Resource, context: Context) -> str | None:
    """Everything that can be tagged says whose it is and what it is for."""
    if resource.type not in taggable_types():
        raise NotApplicable("cannot be tagged")
    if resource.type in OBJECTS:
        raise NotApplicable("an object is billed with its bucket")
    tags = resource.get("tagsAll")
    if tags is None:
        tags = resource.get("tags", {})
    missing = [key for key in context.parameters["tags"] if key not in tags]
    return f"tags of '{resource.name}' lack {', '.join(missing)}" if missing else None


@rule(
    "environment-tag-matches", AWS_PROVIDER,
    practices="COST03-BP03 OPS05-BP08", checklist="CHK-COST-1", spec="COST-5b", severity="low", level="advisory",
    why="Costs of production under the tag of development mislead everybody who reads the bill.",
    fix="Set defaultTags.tags.Environment to the environment of the stack",
    reads="defaultTags", missing="not_applicable",
    compliant={"region": "eu-west-1", "defaultTags": {"tags": {"Environment": "prod"}}}, violating={"region": "eu-west-1",
        "defaultTags": {"tags": {"Environment": "dev"}}},
)  # fmt: skip
def environment_tag_matches(provider: Resource, context: Context) -> str | None:
    """The environment tag says the stack's environment."""
    value = _structured(provider, "defaultTags", "tags.Environment")
    if value is None:
        raise NotApplicable("sets no Environment tag")
    fits = value.lower() == context.environment.lower() or (environment_of(value) == "prod") == context.production
    return None if fits else f"defaultTags.tags.Environment of '{provider.name}' is not {context.environment}"


def _structured(provider: Resource, property_: str, path: str) -> str | None:
    """A value inside a provider's property; providers carry structured configuration as JSON text."""
    value = provider.document(property_)
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


@rule(
    "green-region", AWS_PROVIDER,
    practices="SUS01-BP01", lens="MLSUS02-BP02", checklist="CHK-SUS-5", spec="SUS-2d SUS-4d", severity="medium",
    why="The same work causes less carbon dioxide where the grid is clean.",
    fix="Choose a region of the rule's list (aws:region), or extend the list in the configuration",
    reads="region", compliant={"region": "eu-north-1"}, violating={"region": "ap-southeast-2"},
    parameters={"regions": Parameter(GREEN_REGIONS, "Regions that may be used", STRINGS)},
)  # fmt: skip
def green_region(provider: Resource, context: Context) -> str | None:
    """The stack lies in a region with renewable energy."""
    region = provider.get("region")
    if region is None:
        return f"region of provider '{provider.name}' is not set, so it depends on whoever deploys"
    return None if region in context.parameters["regions"] else f"region of provider '{provider.name}' is {region}"


# A rule's dead-letter queue, the alarm on it and who hears of that must be where the rule is.
BESIDE_A_RULE = (QUEUE, QUEUE_POLICY, ALARM, TOPIC, TOPIC_POLICY, SUBSCRIPTION, KEY, KEY_ALIAS)


def _only_in_us_east_1(resource: Resource, context: Context) -> str | None:
    """Why it lies in us-east-1 wherever its stack is."""
    if resource.type in (EVENT_RULE, EVENT_TARGET):
        return "events of IAM and of sign-ins are in us-east-1 only"
    if resource.type == ALARM and resource.get("namespace") == "AWS/Route53":
        return "metrics of Route 53 are in us-east-1 only, and so are alarms on them"
    if resource.type.startswith("aws:cloudwatch/logDelivery"):
        return "access logs of CloudFront are set up in us-east-1 only, wherever the bucket is"
    rules_there = (rule for rule in context.graph.of(EVENT_RULE) if rule.get("region") == "us-east-1")
    if resource.type in BESIDE_A_RULE and any(rules_there):
        return "serves a rule on events that are in us-east-1 only"
    return None


def home_regions(graph: Graph) -> frozenset[str]:
    """The regions of the stack's providers."""
    return frozenset(provider.get("region", "") for provider in graph.of(AWS_PROVIDER))


@rule(
    "one-region", "aws:*", scope="stack",
    practices="SUS04-BP07 COST08-BP01 PERF04-BP06", checklist="CHK-SUS-3", spec="SUS-2c", severity="medium",
    why="Data that crosses regions is paid for by the gigabyte and takes longer.",
    fix="Leave region out (the provider's is used), or list the region in the rule's parameter for replicas",
    reads=None,
    compliant=(Example(AWS_PROVIDER, "default", {"region": "eu-west-1"}), Example(BUCKET, "data", {"region": "eu-west-1"})),
    violating=(Example(AWS_PROVIDER, "default", {"region": "eu-west-1"}), Example(BUCKET, "data", {"region": "us-east-1"})),
    parameters={"replica_regions": Parameter([], "Regions that may hold copies besides the provider's", STRINGS)},
)  # fmt: skip
def one_region(resource: Resource, context: Context) -> str | None:
    """Resources lie in the region of their provider."""
    region = resource.get("region")
    if region is None:
        raise NotApplicable("lies in the provider's region")
    if region == "us-east-1" and (reason := _only_in_us_east_1(resource, context)):
        raise NotApplicable(reason)
    home = context.graph.once(home_regions)
    if not home:
        raise NotApplicable("the provider is not part of the stack")
    return None if region in home or region in context.parameters["replica_regions"] else f"region of '{resource.name}' is {region}"


@rule(
    "everything-declared", STACK, scope="stack",
    practices="OPS05-BP03 SEC01-BP06 SEC11-BP07", checklist="CHK-OPS-1", spec="OPS-1a REL-5a", severity="high",
    why="Commands and dynamic providers make things no rule sees, no preview shows and no destroy removes.",
    fix="Declare the resource with its provider",
    reads=None, compliant=(Example(BUCKET, "data"),), violating=(Example("command:local:Command", "upload"), Example(BUCKET, "data")),
)  # fmt: skip
def everything_declared(stack: Resource, context: Context) -> Iterator[str]:
    """Everything is declared as a resource; nothing is made by scripts."""
    if not any(type_.startswith(("aws:", "aws-native:", "awsx:")) and resources for type_, resources in context.graph.by_type.items()):
        raise NotApplicable("the stack declares nothing on AWS")
    for resource in context.graph.of(*ESCAPE_HATCHES):
        yield f"'{resource.name}' is of type {resource.type}"


@rule(
    "no-other-engine", STACK, scope="stack",
    practices="OPS05-BP03", checklist="CHK-OPS-1", spec="OPS-1a", severity="medium",
    why="What another engine owns inside a stack changes behind Pulumi's back.",
    fix="Declare its resources in the program, or import them",
    reads=None, compliant=(Example(BUCKET, "data"),), violating=(Example("aws:cloudformation/stack:Stack", "legacy"), Example(BUCKET,
        "data")),
)  # fmt: skip
def no_other_engine(stack: Resource, context: Context) -> Iterator[str]:
    """One engine owns the resources."""
    if not any(type_.startswith("aws:") and resources for type_, resources in context.graph.by_type.items()):
        raise NotApplicable("the stack declares nothing on AWS")
    for resource in context.graph.of("aws:cloudformation/stack:Stack", "aws:cloudformation/stackSet:StackSet"):
        yield f"'{resource.name}' is a CloudFormation stack"


@rule(
    "serverless-compute", STACK, scope="stack", when_types=" ".join((*SERVERS, *SERVERLESS)),
    practices="PERF02-BP01 SEC06-BP03", checklist="CHK-PERF-1", spec="PERF-3a PERF-3c PERF-3d REL-4a COST-4b", severity="medium",
    level="advisory",
    why="Servers are patched, scaled and paid for around the clock; functions, jobs and state machines are not.",
    fix="Use Lambda, Glue, Step Functions, SageMaker or Fargate",
    reads=None, compliant=(Example(FUNCTION, "predict"),), violating=(Example(FUNCTION, "predict"), Example("aws:ec2/instance:Instance",
        "worker")),
)  # fmt: skip
def serverless_compute(stack: Resource, context: Context) -> Iterator[str]:
    """Compute is serverless."""
    for resource in context.graph.of(*SERVERS):
        yield f"'{resource.name}' is of type {resource.type}"


@rule(
    "managed-services", STACK, scope="stack", when_types=" ".join((*MANAGED, *SERVERS)),
    practices="SUS05-BP03 SEC01-BP05", checklist="CHK-SUS-4", spec="SUS-5a SUS-5b SUS-5c SUS-5d COST-4a COST-4c PERF-1d", severity="medium",
    level="advisory",
    why="A managed service runs many customers on few machines and is patched by AWS.",
    fix="Where it runs a database, a broker, Spark or a training, use the managed service: RDS or DynamoDB, MSK or SQS, Glue, SageMaker",
    reads=None, compliant=(Example(TABLE, "ledger"),), violating=(Example(TABLE, "ledger"), Example("aws:emr/cluster:Cluster", "spark")),
)  # fmt: skip
def managed_services(stack: Resource, context: Context) -> Iterator[str]:
    """The work is done by managed services."""
    for resource in context.graph.of(*SERVERS, "aws:ebs/volume:Volume", "aws:efs/fileSystem:FileSystem"):
        if resource.type != "aws:efs/fileSystem:FileSystem":
            yield f"'{resource.name}' ({resource.type}) has to be run by somebody"


@rule(
    "no-idle-machines", STACK, scope="stack", when_types=" ".join((*SERVERS, *NOTEBOOKS, *SERVERLESS)),
    practices="SUS02-BP03 COST04-BP04 COST09-BP03", checklist="CHK-SUS-1", spec="SUS-2a SUS-3a", severity="medium", level="advisory",
    why="A notebook, a development endpoint or a server runs and is paid for at night and at weekends.",
    fix="Use jobs that end (training, processing, Glue), or give a notebook a lifecycle configuration that stops it when idle",
    reads=None, compliant=(Example(FUNCTION, "predict"),), violating=(Example(FUNCTION, "predict"), Example(NOTEBOOKS[0], "notebook",
        {"kmsKeyId": KEY_ARN})),
)  # fmt: skip
def no_idle_machines(stack: Resource, context: Context) -> Iterator[str]:
    """Nothing runs that nobody uses."""
    for resource in context.graph.of(*NOTEBOOKS, *SERVERS):
        if resource.get("lifecycleConfigName") is None:
            yield f"'{resource.name}' ({resource.type}) runs around the clock"


@rule(
    "small-endpoints-outside-production", ENDPOINT_CONFIGURATION,
    practices="COST06-BP02 SUS02-BP01", lens="MLCOST05-BP03", checklist="CHK-SUS-1", spec="SUS-2a PERF-5b", severity="medium", level={"dev": "mandatory",
        "prod": "disabled"},
    why="An endpoint is paid for around the clock; in development it mostly waits.",
    fix="Use one small instance (ml.t2.medium, for example) or a serverless variant outside production",
    reads="productionVariants", missing="pass", example_environment="dev",
    compliant=configuration_of(instanceType="ml.t2.medium", initialInstanceCount=1),
        violating=configuration_of(instanceType="ml.m5.4xlarge", initialInstanceCount=2),
    parameters={"sizes": Parameter(["medium", "large"], "Instance sizes allowed outside production", STRINGS)},
)  # fmt: skip
def small_endpoints_outside_production(configuration: Resource, context: Context) -> Iterator[str]:
    """Endpoints outside production are small."""
    for index, variant in enumerate(variants(configuration)):
        if variant.get("serverlessConfig") is not None:
            continue
        count, size = variant.get("initialInstanceCount", 1), variant.get("instanceType", "")
        if not isinstance(count, Unreadable) and count > 1:
            yield f"productionVariants[{index}].initialInstanceCount of '{configuration.name}' is {count}"
        if size.split(".")[-1] not in context.parameters["sizes"]:
            yield f"productionVariants[{index}].instanceType of '{configuration.name}' is {size}"


@rule(
    "no-credentials-in-clear", "aws:*",
    practices="SEC02-BP03", checklist="CHK-SEC-1", severity="critical",
    why="What stands in a property stands in the state, in every preview and in the log of the deployment.",
    fix="Revoke the credential, keep the new one in Secrets Manager and name it by its ARN (or pass it as a Pulumi secret)",
    reads=None, compliant=(Example(FUNCTION, "function", {"description": "reads arn:aws:secretsmanager:eu-west-1:1:secret:s"}),),
    violating=(Example(FUNCTION, "function", {"environment": {"variables": {"X": "AKIA" + "ABCDEFGHIJKLMNOP"}}}),),
)  # fmt: skip
def no_credentials_in_clear(resource: Resource, context: Context) -> Iterator[str]:
    """No property holds a credential in clear, whatever it is called."""
    for name, value in resource.properties.items():
        if _holds_credential(value):
            yield f"{name} of '{resource.name}' holds what looks like a credential"


def _holds_credential(value: object) -> bool:
    """Whether a text in a property value is a credential. One that is marked as secret is encrypted in the state."""
    if isinstance(value, str):
        return is_credential(value)
    if isinstance(value, Mapping):
        return any(_holds_credential(item) for item in value.values())
    return isinstance(value, list | tuple) and any(_holds_credential(item) for item in value)
