"""Functions, state machines, Glue, queues and schedules."""

from __future__ import annotations

from collections.abc import Iterable

from wellarchitected import Resource

from mlops.estimate.amount import NONE, Amount
from mlops.estimate.meters.registry import NotEstimated, Stack, meter, number
from mlops.estimate.usage import Given
from mlops.estimate.use import HOURS, Use

FUNCTION = "aws:lambda/function:Function"
SCALABLE_TARGET = "aws:appautoscaling/target:Target"
FREE_EPHEMERAL_MB = 512.0
# Data processing units of a worker: https://docs.aws.amazon.com/glue/latest/dg/worker-types.html
DPU = {"Standard": 1.0, "G.025X": 0.25, "G.1X": 1.0, "G.2X": 2.0, "G.4X": 4.0, "G.8X": 8.0, "G.12X": 12.0, "G.16X": 16.0}
PYTHON_SHELL_DPU = 0.0625
DEFAULT_SPARK_DPU = 10.0


def architecture(function: Resource) -> str:
    """arm64 or x86_64."""
    return (function.get("architectures") or ["x86_64"])[0]


@meter(FUNCTION)
def function(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """Requests, and gigabyte-seconds of the memory it has."""
    requests = usage["requests"]
    seconds = requests * usage["duration_ms"] * 0.001
    memory = number(resource, "memorySize", 128.0) / 1024
    kind = architecture(resource)
    yield Use("Lambda", "lambda.request", "requests", "request", requests)
    yield Use("Lambda", f"lambda.gb_second.{kind}", f"compute, {kind}", "GB-second", seconds * memory)
    extra = number(resource, "ephemeralStorage.size", FREE_EPHEMERAL_MB) - FREE_EPHEMERAL_MB
    if extra > 0:
        yield Use("Lambda", "lambda.ephemeral_gb_second", "temporary storage above 512 MB", "GB-second", seconds * (extra / 1024))
    if resource.get("tracingConfig.mode") == "Active":
        yield Use("X-Ray", "xray.trace", "traces recorded", "trace", requests * usage["traced_share"])


@meter("aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig")
def provisioned(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """Environments that are kept warm; where they scale, from the target's minimum to its maximum."""
    name, count = resource.get("functionName"), number(resource, "provisionedConcurrentExecutions")
    found = [each for each in stack.of(FUNCTION) if name in (each.get("name"), each.urn)] or stack.linked(
        resource, "functionName", FUNCTION
    )
    if not found:
        raise NotEstimated(f"the memory of function {name} is not known here")
    warm = Amount.of(count)
    for target in stack.of(SCALABLE_TARGET):
        if target.get("resourceId") == f"function:{name}:{resource.get('qualifier')}":
            low, high = number(target, "minCapacity"), number(target, "maxCapacity")
            warm = Amount(min(low, count), count, max(high, count))
    quantity = warm * (number(found[0], "memorySize", 128.0) / 1024 * HOURS * 3600)
    yield Use("Lambda", f"lambda.provisioned_gb_second.{architecture(found[0])}", "provisioned concurrency", "GB-second", quantity)


@meter("aws:sfn/stateMachine:StateMachine")
def state_machine(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """State transitions of standard machines, requests of express ones; what it starts has meters of its own."""
    if resource.get("type", "STANDARD") == "EXPRESS":
        yield Use("Step Functions", "states.express_request", "express requests", "request", usage["executions"])
        gb_seconds = usage["executions"] * usage["express_seconds"] * usage["express_memory_gb"]
        yield Use("Step Functions", "states.express_gb_second", "express duration", "GB-second", gb_seconds)
    else:
        transitions = usage["executions"] * usage["transitions"]
        yield Use("Step Functions", "states.transition", "state transitions", "transition", transitions)


@meter("aws:glue/job:Job")
def glue_job(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """DPU hours: the hours its runs take together, with all its workers."""
    shell = resource.get("command.name") == "pythonshell"
    worker = resource.get("workerType")
    if worker is not None:
        if worker not in DPU:
            raise NotEstimated(f"worker type {worker} is not known here")
        units = DPU[worker] * number(resource, "numberOfWorkers")
    else:
        units = number(resource, "maxCapacity", PYTHON_SHELL_DPU if shell else DEFAULT_SPARK_DPU)
    flex = resource.get("executionClass") == "FLEX"
    item = "glue.flex_dpu_hour" if flex else "glue.dpu_hour"
    yield Use("Glue", item, f"jobs{', flexible' if flex else ''}", "DPU-hour", usage["hours"] * units)


@meter("aws:glue/crawler:Crawler")
def crawler(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """DPU hours of crawls."""
    yield Use("Glue", "glue.crawler_dpu_hour", "crawlers", "DPU-hour", usage["dpu_hours"])


@meter("aws:sqs/queue:Queue")
def queue(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """Requests: sending, receiving and deleting."""
    fifo = bool(resource.get("fifoQueue"))
    yield Use("SQS", "sqs.fifo_request" if fifo else "sqs.request", "requests", "request", usage["requests"])


@meter("aws:sns/topic:Topic")
def topic(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """Publications; what is delivered is billed to the subscription."""
    yield Use("SNS", "sns.publish", "publications", "request", usage["publications"])


@meter("aws:sns/topicSubscription:TopicSubscription")
def subscription(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """Deliveries by e-mail and HTTP; to queues and functions they are free."""
    protocol = resource.get("protocol")
    if protocol in ("email", "email-json", "http", "https"):
        kind = "email" if protocol.startswith("email") else "http"
        yield Use("SNS", f"sns.{kind}_delivery", f"deliveries by {kind}", "delivery", usage["deliveries"])
    elif protocol not in ("sqs", "lambda"):
        raise NotEstimated(f"deliveries by {protocol} have no price here")


@meter("aws:scheduler/schedule:Schedule")
def schedule(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """Invocations."""
    resting = resource.get("state") == "DISABLED"
    yield Use("EventBridge", "scheduler.invocation", "scheduled invocations", "invocation", NONE if resting else usage["invocations"])
