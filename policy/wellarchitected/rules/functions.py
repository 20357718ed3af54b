"""Lambda functions: runtime, size, limits, credentials, failures, versions, queues."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..changes import put
from ..graph import Graph
from ..model import Context, Example, Parameter, Resource, rule
from ..values import NotApplicable, NotEvaluable, Unreadable, as_list
from ._checks import not_given
from ._secrets import secret_like
from ._types import (
    EVENT_SOURCE_MAPPING,
    EVENT_TARGET,
    FUNCTION,
    FUNCTION_INVOKE_CONFIG,
    FUNCTION_URL,
    KEY_ARN,
    LAMBDA_ALIAS,
    LAMBDA_PERMISSION,
    LOG_GROUP,
    PRODUCTION,
    PROVISIONED_CONCURRENCY,
    QUEUE,
    SCALABLE_TARGET,
    SCHEDULE,
    SUBSCRIPTION,
)

# Runtimes that receive security patches; see the deprecation table in the Lambda developer guide.
RUNTIMES = ["python3.11", "python3.12", "python3.13", "python3.14", "nodejs22.x", "nodejs24.x", "java17", "java21", "java25", "dotnet8",
    "dotnet10", "ruby3.3", "ruby3.4", "provided.al2023"]  # fmt: skip
STRINGS = {"type": "array", "items": {"type": "string"}}


@rule(
    "lambda-supported-runtime", FUNCTION,
    practices="SEC06-BP01 PERF05-BP06", checklist="CHK-SUS-2", spec="SUS-4a", severity="high",
        sources="cdk-nag:AwsSolutions-L1 checkov:CKV_AWS_363 securityhub:Lambda.2",
    why="A runtime past its end gets no security patches, and newer ones do the same work with less.",
    fix="Use a runtime that still gets security patches: one of the rule's runtimes",
    reads="runtime", missing="not_applicable", compliant={"runtime": "python3.13"}, violating={"runtime": "python3.8"},
    parameters={"runtimes": Parameter(RUNTIMES, "Runtimes that may be used", STRINGS)},
)  # fmt: skip
def supported_runtime(function: Resource, context: Context) -> str | None:
    """Functions run on a supported runtime."""
    runtime = function.get("runtime")
    if runtime is None:
        raise NotApplicable("is a container image")
    allowed = context.parameters["runtimes"]
    if runtime in allowed:
        return None
    family = re.split(r"[\d.]", str(runtime))[0]
    newer = [name for name in allowed if family and name.startswith(family)]
    return f"runtime of '{function.name}' is {runtime}" + (f" (there is {', '.join(newer)})" if newer else "")


@rule(
    "lambda-arm64", FUNCTION,
    practices="SUS05-BP02 COST06-BP02 PERF02-BP02", checklist="CHK-SUS-2", spec="SUS-4b", severity="low", level="advisory",
    why="Graviton does the same work with less energy, about 20 % cheaper.",
    fix="Set architectures to [arm64] and build native dependencies for it",
    reads="architectures", compliant={"architectures": ["arm64"]}, violating={"architectures": ["x86_64"]},
)  # fmt: skip
def arm64(function: Resource, context: Context) -> str | None:
    """Functions run on Graviton."""
    return None if "arm64" in as_list(function.get("architectures", ["x86_64"])) else f"architectures of '{function.name}' is x86_64"


@rule(
    "lambda-memory", FUNCTION,
    practices="PERF02-BP04 COST06-BP02 SUS05-BP01", checklist="CHK-PERF-4", spec="PERF-5a COST-7d", severity="medium",
    level="advisory",
    why="Memory decides CPU and price; the default of 128 MB is too little for Python with libraries, far too much is paid for nothing.",
    fix="Set memorySize between the rule's minimum and maximum, by what runs measured",
    reads="memorySize", compliant={"memorySize": 512}, violating={"memorySize": 8192},
    parameters={
        "minimum": Parameter(256, "Smallest memory in MB", {"type": "integer"}), "maximum": Parameter(3008, "Largest memory in MB",
        {"type": "integer"}),
    },
)  # fmt: skip
def memory(function: Resource, context: Context) -> str | None:
    """Functions have a considered amount of memory."""
    size, least, most = function.get("memorySize", 128), context.parameters["minimum"], context.parameters["maximum"]
    return None if least <= size <= most else f"memorySize of '{function.name}' is {size:.0f} MB, outside {least}-{most}"


@rule(
    "lambda-timeout", FUNCTION,
    practices="REL05-BP05 COST02-BP05", checklist="CHK-PERF-4 CHK-REL-3", spec="PERF-5a", severity="medium", level="advisory",
    why="The default of 3 s cuts real work off; the maximum lets a function that hangs cost money for 15 minutes, again and again.",
    fix="Set timeout to a little more than the function ever takes, at most the rule's maximum",
    reads="timeout", compliant={"timeout": 60}, violating={"timeout": 3},
    parameters={"maximum": Parameter(900, "Longest timeout in seconds", {"type": "integer", "maximum": 900})},
)  # fmt: skip
def timeout(function: Resource, context: Context) -> str | None:
    """Functions have a timeout of their own."""
    seconds, most = function.get("timeout", 3), context.parameters["maximum"]
    if seconds == 3:
        return f"timeout of '{function.name}' is the default of 3 s"
    return f"timeout of '{function.name}' is {seconds:.0f} s, more than {most:.0f}" if seconds > most else None


@rule(
    "lambda-environment-encrypted", FUNCTION, scope="stack",
    practices="SEC08-BP02", checklist="CHK-SEC-2", spec="SEC-5c", severity="medium", level=PRODUCTION, sources="checkov:CKV_AWS_173",
    why="With a customer key, reading a function's environment needs a second permission.",
    fix="Set kmsKeyArn",
    reads="kmsKeyArn", compliant={"environment": {"variables": {"MODEL": "flights"}}, "kmsKeyArn": KEY_ARN},
        violating={"environment": {"variables": {"MODEL": "flights"}}},
)  # fmt: skip
def environment_encrypted(function: Resource, context: Context) -> str | None:
    """Environment variables are encrypted with a customer key."""
    if function.get("environment") is None:
        raise NotApplicable("has no environment variables")
    return None if context.graph.given(function, "kmsKeyArn") else f"kmsKeyArn of '{function.name}' is not set"


@rule(
    "lambda-no-secrets-in-environment", FUNCTION,
    practices="SEC02-BP03", checklist="CHK-SEC-1", spec="SEC-1c", severity="critical", sources="checkov:CKV_AWS_45",
    why="Everybody who may describe the function reads its environment, and it ends up in state files and logs.",
    fix="Keep the credential in Secrets Manager and pass its ARN",
    reads="environment.variables", missing="pass",
    compliant={"environment": {"variables": {"SECRET_KEY": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:s"}}},
    violating={"environment": {"variables": {"DB_PASSWORD": "hunter2"}}},
)  # fmt: skip
def no_secrets_in_environment(function: Resource, context: Context) -> Iterator[str]:
    """Environment variables hold no credentials."""
    variables = function.get("environment.variables")
    if isinstance(variables, Unreadable):
        bool(variables)
    for key in secret_like(variables):
        yield f"environment.variables.{key} of '{function.name}' looks like a credential"


@rule(
    "lambda-tracing", FUNCTION,
    practices="OPS04-BP05 REL06-BP07", checklist="CHK-PERF-5", spec="OPS-3b", severity="medium",
        sources="checkov:CKV_AWS_50 securityhub:Lambda.7",
    why="A trace shows where a request spent its time.",
    fix="Set tracingConfig.mode to Active",
    reads="tracingConfig.mode", compliant={"tracingConfig": {"mode": "Active"}}, violating={"tracingConfig": {"mode": "PassThrough"}},
)  # fmt: skip
def tracing(function: Resource, context: Context) -> str | None:
    """Functions are traced."""
    mode = function.get("tracingConfig.mode", "PassThrough")
    return None if mode == "Active" else f"tracingConfig.mode of '{function.name}' is {mode}"


@rule(
    "lambda-structured-logs", FUNCTION,
    practices="OPS04-BP02", checklist="CHK-OPS-4", spec="OPS-5a", severity="low", level="advisory",
    why="Logs that are JSON can be searched and counted; text cannot.",
    fix="Set loggingConfig.logFormat to JSON",
    reads="loggingConfig.logFormat", compliant={"loggingConfig": {"logFormat": "JSON"}}, violating={"loggingConfig": {"logFormat": "Text"}},
    remediation=put({"loggingConfig.logFormat": "JSON"}),
)  # fmt: skip
def structured_logs(function: Resource, context: Context) -> str | None:
    """Functions write structured logs."""
    return None if function.get("loggingConfig.logFormat", "Text") == "JSON" else f"loggingConfig.logFormat of '{function.name}' is Text"


@rule(
    "lambda-log-group-managed", FUNCTION, scope="stack",
    practices="OPS04-BP02 COST04-BP05", checklist="CHK-OPS-4", spec="OPS-5a SEC-2b", severity="medium", sources="checkov:CKV_AWS_66",
    why="A log group that Lambda makes by itself keeps logs for ever and is not encrypted with your key.",
    fix="Add an aws.cloudwatch.LogGroup named /aws/lambda/<function>, or one that loggingConfig.logGroup names",
    reads=None,
    compliant=(Example(FUNCTION, "predict", {"name": "predict"}), Example(LOG_GROUP, "logs", {"name": "/aws/lambda/predict",
        "retentionInDays": 30})),
    violating=(Example(FUNCTION, "predict", {"name": "predict"}),),
)  # fmt: skip
def log_group_managed(function: Resource, context: Context) -> str | None:
    """Every function's log group is declared."""
    graph = context.graph
    if graph.linked(function, "loggingConfig", LOG_GROUP) or graph.referring(function, LOG_GROUP, "name"):
        return None
    named = function.get("loggingConfig.logGroup")
    name = str(named) if named is not None else f"/aws/lambda/{function.get('name', '')}"
    if graph.with_value(LOG_GROUP, "name", name):
        return None
    return f"no log group is declared for '{function.name}'"


# What invokes a function asynchronously, and the property that names the function.
_EVENTS = (
    (EVENT_TARGET, "arn"), (SUBSCRIPTION, "endpoint"), (SCHEDULE, "target"), ("aws:s3/bucketNotification:BucketNotification", "lambdaFunctions"),
)  # fmt: skip


@rule(
    "lambda-failure-destination", FUNCTION, scope="stack",
    practices="REL04-BP02 REL05-BP04", checklist="CHK-REL-3", spec="OPS-4b REL-1a", severity="high",
    sources="checkov:CKV_AWS_116 cdk-nag:Serverless-LambdaDLQ",
    why="An event that an asynchronous invocation could not process is dropped after two retries.",
    fix="Set deadLetterConfig.targetArn, or an aws.lambda.FunctionEventInvokeConfig with destinationConfig.onFailure",
    reads=None,
    compliant=(
        Example(FUNCTION, "judge", {"deadLetterConfig": {"targetArn": "arn:aws:sqs:eu-west-1:123456789012:failures"}}),
            Example(EVENT_TARGET, "on-approval", links={"arn": "judge"}),
    ),
    violating=(Example(FUNCTION, "judge", {"timeout": 60}), Example(EVENT_TARGET, "on-approval", links={"arn": "judge"})),
)  # fmt: skip
def failure_destination(function: Resource, context: Context) -> str | None:
    """Functions that events invoke keep what they could not process."""
    graph = context.graph
    invoking = [source for type_, property_ in _EVENTS for source in graph.referring(function, type_, property_)]
    for alias in graph.referring(function, LAMBDA_ALIAS, "functionName"):
        invoking += [source for type_, property_ in _EVENTS for source in graph.referring(alias, type_, property_)]
    if not invoking:
        raise NotApplicable("nothing invokes it asynchronously")
    if graph.given(function, "deadLetterConfig.targetArn"):
        return None
    for configuration in graph.referring(function, FUNCTION_INVOKE_CONFIG, "functionName"):
        if configuration.get("destinationConfig.onFailure") is not None:
            return None
    return f"'{function.name}' is invoked by '{invoking[0].name}' and has neither deadLetterConfig nor an onFailure destination"


@rule(
    "lambda-retries-bounded", FUNCTION_INVOKE_CONFIG,
    practices="REL05-BP03", checklist="CHK-REL-4", spec="REL-1a OPS-4a", severity="low",
    why="An event that is retried for six hours is processed long after anybody needed it.",
    fix="Set maximumEventAgeInSeconds to how long the event is of use",
    reads="maximumEventAgeInSeconds", compliant={"maximumEventAgeInSeconds": 3600, "maximumRetryAttempts": 2},
        violating={"maximumRetryAttempts": 2},
)  # fmt: skip
def retries_bounded(configuration: Resource, context: Context) -> str | None:
    """Asynchronous invocations are retried for a set time."""
    age = configuration.get("maximumEventAgeInSeconds", 21600)
    return f"maximumEventAgeInSeconds of '{configuration.name}' is {age:.0f}" if age >= 21600 else None


@rule(
    "lambda-published", FUNCTION,
    practices="OPS05-BP09 OPS06-BP01 REL08-BP04", checklist="CHK-OPS-2", spec="OPS-2d P2d", severity="low", level="advisory",
    why="Without numbered versions there is nothing a pipeline can shift traffic to, or back to.",
    fix="Set publish to true, so that every deployment makes an immutable version",
    reads="publish", compliant={"publish": True}, violating={"publish": False},
    remediation=put({"publish": True}),
)  # fmt: skip
def published(function: Resource, context: Context) -> str | None:
    """Every deployment of a function makes an immutable version."""
    return None if function.get("publish", False) else f"publish of '{function.name}' is not true"


@rule(
    "lambda-alias-to-version", LAMBDA_ALIAS, scope="stack",
    practices="OPS06-BP03 REL08-BP04", checklist="CHK-OPS-2", spec="P2d OPS-2d", severity="high",
    why="An alias to $LATEST is no safeguard: it moves with every upload.",
    fix="Set functionVersion to a published version",
    reads="functionVersion", missing="fail", compliant={"functionVersion": "3"}, violating={"functionVersion": "$LATEST"},
)  # fmt: skip
def alias_to_version(alias: Resource, context: Context) -> str | None:
    """Aliases point to published versions."""
    version = alias.get("functionVersion", "$LATEST")
    if isinstance(version, Unreadable):
        functions = context.graph.linked(alias, "functionVersion", FUNCTION)
        if functions and all(function.get("publish", False) for function in functions):
            return None  # the version this deployment publishes
    return f"functionVersion of '{alias.name}' is $LATEST" if version == "$LATEST" else None


@rule(
    "lambda-permission-not-public", LAMBDA_PERMISSION,
    practices="SEC03-BP07", checklist="CHK-SEC-1", spec="SEC-8d SEC-1d", severity="critical",
        sources="checkov:CKV_AWS_301 securityhub:Lambda.1",
    why="Principal * lets every AWS account call the function.",
    fix="Name the service or account in principal",
    reads="principal", compliant={"principal": "events.amazonaws.com", "sourceArn": "arn:aws:events:eu-west-1:123456789012:rule/r"},
        violating={"principal": "*"},
)  # fmt: skip
def permission_not_public(permission: Resource, context: Context) -> str | None:
    """No function may be called by everybody."""
    if permission.get("principal", "*") == "*" and permission.get("principalOrgId") is None:
        return f"principal of '{permission.name}' is *"
    return None


@rule(
    "lambda-permission-source", LAMBDA_PERMISSION, scope="stack",
    practices="SEC03-BP07", checklist="CHK-SEC-1", spec="SEC-1d SEC-8d", severity="high", sources="checkov:CKV_AWS_364",
    why="Without a source, any rule, bucket or API of any account may call the function through the service.",
    fix="Set sourceArn (or sourceAccount)",
    reads="sourceArn",
    compliant={"principal": "events.amazonaws.com", "sourceArn": "arn:aws:events:eu-west-1:123456789012:rule/r"},
        violating={"principal": "events.amazonaws.com"},
)  # fmt: skip
def permission_source(permission: Resource, context: Context) -> str | None:
    """Services may call a function only on behalf of a named source."""
    if not permission.get("principal", "").endswith(".amazonaws.com"):
        raise NotApplicable("not a service")
    if not context.graph.given(permission, "sourceArn") and not context.graph.given(permission, "sourceAccount"):
        return f"sourceArn of '{permission.name}' is not set"
    return None


@rule(
    "lambda-url-authorised", FUNCTION_URL,
    practices="SEC03-BP07", checklist="CHK-SEC-1", spec="SEC-1d", severity="critical", sources="checkov:CKV_AWS_258",
    why="A function URL without authorisation is open to everybody.",
    fix="Set authorizationType to AWS_IAM",
    reads="authorizationType", missing="fail", compliant={"authorizationType": "AWS_IAM"}, violating={"authorizationType": "NONE"},
    remediation=put({"authorizationType": "AWS_IAM"}),
)  # fmt: skip
def url_authorised(url: Resource, context: Context) -> str | None:
    """Function URLs ask who is calling."""
    return None if url.get("authorizationType") == "AWS_IAM" else f"authorizationType of '{url.name}' is NONE"


def scaled_concurrency(graph: Graph) -> tuple[frozenset[str], list[Unreadable]]:
    """The aliases whose provisioned concurrency is scaled, and the targets of which nobody knows yet what they scale."""
    ids = [
        target.get("resourceId")
        for target in graph.of(SCALABLE_TARGET)
        if target.get("scalableDimension") == "lambda:function:ProvisionedConcurrency"
    ]
    unknown = [item for item in ids if isinstance(item, Unreadable)]
    return frozenset(item for item in ids if isinstance(item, str)), unknown


@rule(
    "lambda-no-idle-capacity", f"{PROVISIONED_CONCURRENCY}", scope="stack",
    practices="SUS02-BP03 COST09-BP03", checklist="CHK-SUS-1 CHK-COST-4", spec="SUS-2a COST-2a", severity="medium",
        level={"dev": "mandatory", "prod": "advisory"},
    why="Provisioned concurrency is billed by the hour, used or not.",
    fix="Remove it and make cold starts short; in production scale it by its utilisation (a scalable target of lambda:function:ProvisionedConcurrency)",
    reads=None,
    compliant=(Example(PROVISIONED_CONCURRENCY, "warm", {"functionName": "predict", "qualifier": "live", "provisionedConcurrentExecutions": 1}),
        Example(SCALABLE_TARGET, "target", {"scalableDimension": "lambda:function:ProvisionedConcurrency", "serviceNamespace": "lambda",
            "minCapacity": 1, "maxCapacity": 5, "resourceId": "function:predict:live"})),
    violating=(Example(PROVISIONED_CONCURRENCY, "warm", {"functionName": "predict", "qualifier": "live",
        "provisionedConcurrentExecutions": 2}),),
)  # fmt: skip
def no_idle_capacity(provisioned: Resource, context: Context) -> str | None:
    """No function is kept warm around the clock; in production as many environments are kept as are used."""
    if not context.production:
        return f"'{provisioned.name}' keeps instances of a function warm"
    scaled, unknown = context.graph.once(scaled_concurrency)
    if f"function:{provisioned.get('functionName')}:{provisioned.get('qualifier')}" in scaled:
        return None
    for resource_id in unknown:
        raise NotEvaluable(resource_id.path, resource_id.reason)
    return f"'{provisioned.name}' keeps instances of a function warm whether they are used or not"


@rule(
    "lambda-queue-partial-failures", EVENT_SOURCE_MAPPING,
    practices="REL04-BP04 REL05-BP03", checklist="CHK-REL-3", spec="REL-1a", severity="high",
    why="Without it one bad message makes the whole batch come back: good messages are processed twice.",
    fix="Set functionResponseTypes to [ReportBatchItemFailures] and return batchItemFailures from the handler",
    reads="functionResponseTypes", compliant={"functionResponseTypes": ["ReportBatchItemFailures"], "batchSize": 10},
        violating={"batchSize": 10},
)  # fmt: skip
def queue_partial_failures(mapping: Resource, context: Context) -> str | None:
    """Batches report which of their items failed."""
    if any(mapping.get(key) is not None for key in ("queues", "topics", "documentDbEventSourceConfig")):
        raise NotApplicable("brokers, Kafka and DocumentDB know no partial failures")
    if mapping.get("batchSize", 0) == 1:
        raise NotApplicable("takes one at a time")
    if "ReportBatchItemFailures" in as_list(mapping.get("functionResponseTypes", [])):
        return None
    return f"functionResponseTypes of '{mapping.name}' has no ReportBatchItemFailures"


@rule(
    "lambda-queue-batched", EVENT_SOURCE_MAPPING,
    practices="SUS02-BP06 COST09-BP02 PERF02-BP04", checklist="CHK-SUS-3", spec="SUS-2b COST-2a", severity="low", level="advisory",
    why="One invocation for a hundred messages does the work of a hundred invocations.",
    fix="Set maximumBatchingWindowInSeconds (and batchSize)",
    reads="maximumBatchingWindowInSeconds", compliant={"batchSize": 100, "maximumBatchingWindowInSeconds": 10}, violating={"batchSize": 1},
)  # fmt: skip
def queue_batched(mapping: Resource, context: Context) -> str | None:
    """Messages are processed in batches."""
    if mapping.get("maximumBatchingWindowInSeconds", 0) > 0:
        return None
    return f"maximumBatchingWindowInSeconds of '{mapping.name}' is 0"


@rule(
    "lambda-queue-visibility", EVENT_SOURCE_MAPPING, scope="stack",
    practices="REL04-BP04", checklist="CHK-REL-4", spec="REL-1a", severity="medium",
    why="A message that becomes visible while it is processed is processed twice; AWS asks for six times the function's timeout.",
    fix="Set visibilityTimeoutSeconds of the queue to at least six times the timeout of the function",
    reads=None,
    compliant=(
        Example(QUEUE, "queue", {"visibilityTimeoutSeconds": 180}), Example(FUNCTION, "store", {"timeout": 30}),
        Example(EVENT_SOURCE_MAPPING, "mapping", links={"eventSourceArn": "queue", "functionName": "store"}),
    ),
    violating=(
        Example(QUEUE, "queue", {"visibilityTimeoutSeconds": 30}), Example(FUNCTION, "store", {"timeout": 30}),
        Example(EVENT_SOURCE_MAPPING, "mapping", links={"eventSourceArn": "queue", "functionName": "store"}),
    ),
)  # fmt: skip
def queue_visibility(mapping: Resource, context: Context) -> str | None:
    """A queue waits long enough before it delivers a message again."""
    queues, functions = (
        context.graph.linked(mapping, "eventSourceArn", QUEUE),
        context.graph.behind(mapping, "functionName", FUNCTION, LAMBDA_ALIAS, "functionName"),
    )
    if not queues or not functions:
        raise NotApplicable("queue or function are not of this stack")
    visible, limit = queues[0].get("visibilityTimeoutSeconds", 30), functions[0].get("timeout", 3)
    return (
        f"visibilityTimeoutSeconds of '{queues[0].name}' is {visible:.0f}, timeout of '{functions[0].name}' is {limit:.0f}"
        if visible < 6 * limit
        else None
    )


def _from_stream(mapping: Resource) -> None:
    """Nothing, or `NotApplicable` for a mapping that does not read a Kinesis or DynamoDB stream. A stream needs a starting position."""
    if mapping.get("startingPosition") is None or mapping.get("topics") is not None:
        raise NotApplicable("does not read a stream of Kinesis or DynamoDB")


@rule(
    "lambda-stream-failures-kept", EVENT_SOURCE_MAPPING, scope="stack",
    practices="REL05-BP04 REL04-BP02", checklist="CHK-REL-3", severity="high", level="advisory",
    why="A batch that fails until it expires is lost, and nothing says which records it had.",
    fix="Set destinationConfig.onFailure.destinationArn to a queue, topic or bucket",
    reads="destinationConfig.onFailure.destinationArn",
    compliant={"startingPosition": "LATEST", "destinationConfig": {"onFailure": {"destinationArn": "arn:aws:sqs:eu-west-1:1:q"}}},
    violating={"startingPosition": "LATEST"},
)  # fmt: skip
def stream_failures_kept(mapping: Resource, context: Context) -> str | None:
    """Functions that read streams keep what they could not process."""
    _from_stream(mapping)
    return not_given(mapping, context, "destinationConfig.onFailure.destinationArn")


@rule(
    "lambda-stream-retries-bounded", EVENT_SOURCE_MAPPING,
    practices="REL05-BP03", checklist="CHK-REL-4", severity="high", level="advisory",
    why="By default a record that cannot be processed is tried again until it expires, and everything behind it waits.",
    fix="Set maximumRetryAttempts or maximumRecordAgeInSeconds (and bisectBatchOnFunctionError to find the record)",
    reads="maximumRetryAttempts",
    compliant={"startingPosition": "LATEST", "maximumRetryAttempts": 5}, violating={"startingPosition": "LATEST"},
)  # fmt: skip
def stream_retries_bounded(mapping: Resource, context: Context) -> str | None:
    """Functions that read streams give up on a record in the end."""
    _from_stream(mapping)
    if mapping.get("maximumRetryAttempts", -1) >= 0 or mapping.get("maximumRecordAgeInSeconds", -1) >= 0:
        return None
    return f"maximumRetryAttempts of '{mapping.name}' is without limit"


@rule(
    "lambda-stream-batched", EVENT_SOURCE_MAPPING,
    practices="PERF03-BP04 COST06-BP02 SUS03-BP01", checklist="CHK-COST-4", severity="low", level="advisory",
    why="An invocation for each record costs a start for each record.",
    fix="Remove batchSize: 1 (the default is 100)",
    reads="batchSize", missing="pass",
    compliant={"startingPosition": "LATEST", "batchSize": 100}, violating={"startingPosition": "LATEST", "batchSize": 1},
)  # fmt: skip
def stream_batched(mapping: Resource, context: Context) -> str | None:
    """Functions read streams in batches."""
    _from_stream(mapping)
    size = mapping.get("batchSize", 100)
    return f"batchSize of '{mapping.name}' is {size:g}" if size <= 1 else None
