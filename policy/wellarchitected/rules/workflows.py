"""Step Functions state machines: errors, retries, time limits, logs, and what they test and start."""

from __future__ import annotations

from collections.abc import Iterator

from ..asl import State, definition, states, tasks
from ..model import Context, Example, Resource, rule
from ..values import NotApplicable, as_list
from ._secrets import secret_like
from ._types import ALARM, EVENT_RULE, STATE_MACHINE

RETRY = {"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 2, "BackoffRate": 2, "MaxAttempts": 3, "JitterStrategy": "FULL"}
CATCH = {"ErrorEquals": ["States.ALL"], "Next": "Failed"}
LAMBDA = "arn:aws:states:::lambda:invoke"


def machine(**overrides: object) -> dict:
    """The definition of a compliant state machine with one task; `None` takes a field of the task away."""
    task = {
        "Type": "Task", "Resource": LAMBDA, "Parameters": {"FunctionName": "judge", "Payload.$": "$"}, "TimeoutSeconds": 60,
        "Retry": [RETRY],
        "Catch": [CATCH], "End": True,
    } | overrides  # fmt: skip
    task = {key: value for key, value in task.items() if value is not None}
    return {"definition": {"StartAt": "Judge", "States": {"Judge": task, "Failed": {"Type": "Fail"}}}}


def pipeline(*names_and_tasks: tuple[str, str]) -> dict:
    """The definition of a chain of tasks."""
    chain = {}
    for index, (name, resource) in enumerate(names_and_tasks):
        following = {"Next": names_and_tasks[index + 1][0]} if index + 1 < len(names_and_tasks) else {"End": True}
        chain[name] = {"Type": "Task", "Resource": resource, "Parameters": {"Name.$": "$.name"}, **following}
    return {"definition": {"StartAt": names_and_tasks[0][0], "States": chain}}


def working_tasks(machine_: Resource) -> list[State]:
    """The tasks of a state machine; not applicable to one that has none."""
    found = tasks(machine_)
    if not found:
        raise NotApplicable("has no tasks")
    return found


@rule(
    "sfn-definition-valid", STATE_MACHINE,
    practices="OPS05-BP02", checklist="CHK-OPS-1", spec="OPS-1d", severity="high",
    why="A definition that is no state machine fails only when it is deployed, and no rule can judge what it starts.",
    fix="Make definition a JSON object with StartAt and States, where every Next names a state",
    reads="definition", compliant=machine(), violating=machine(Next="Nowhere", End=None),
)  # fmt: skip
def definition_valid(machine_: Resource, context: Context) -> Iterator[str]:
    """A state machine's definition is complete: every transition leads to a state."""
    top = definition(machine_)
    if top.get("StartAt") not in top["States"]:
        yield f"definition.StartAt of '{machine_.name}' names no state"
    for state in states(machine_):
        following = [state.body.get("Next"), state.body.get("Default")]
        following += [item.get("Next") for key in ("Choices", "Catch") for item in as_list(state.body.get(key))]
        for name in following:
            if name is not None and name not in state.siblings:
                yield f"state '{state.path}' of '{machine_.name}' leads to '{name}', which does not exist"


@rule(
    "sfn-task-catch", STATE_MACHINE,
    practices="REL11-BP03 REL05-BP01", lens="MLREL02-BP02", checklist="CHK-REL-3", spec="OPS-4b REL-1b", severity="high",
    why="An error nobody catches ends the execution with no notification and no record in the ledger.",
    fix="Add Catch with ErrorEquals States.ALL that leads to a state which records and notifies (a task inside Parallel or Map may leave "
        "it to that state)",
    reads="definition", compliant=machine(), violating=machine(Catch=None),
)  # fmt: skip
def task_catch(machine_: Resource, context: Context) -> Iterator[str]:
    """Every task's errors are caught, by itself or by the Parallel or Map around it."""
    caught = {state.path for state in states(machine_) if state.type in ("Parallel", "Map") and state.body.get("Catch")}
    handlers = _reachable_from_catch(machine_)
    for state in working_tasks(machine_):
        inside_caught = any(state.path.startswith((f"{path}[", f"{path} > ")) for path in caught)
        if not state.body.get("Catch") and not inside_caught and state.path not in handlers:
            yield f"state '{state.path}' of '{machine_.name}' has no Catch"


def _reachable_from_catch(machine_: Resource) -> set[str]:
    """The states that handle a failure: catching their own failure would go round in circles."""
    reached: set[str] = set()
    for state in states(machine_):
        waiting = [item.get("Next") for item in as_list(state.body.get("Catch"))]
        prefix = state.path[: len(state.path) - len(state.name)]
        while waiting:
            name = waiting.pop()
            if name is None or prefix + name in reached or name not in state.siblings:
                continue
            reached.add(prefix + name)
            body = state.siblings[name]
            waiting += [body.get("Next"), body.get("Default"), *[item.get("Next") for item in as_list(body.get("Choices"))]]
    return reached


@rule(
    "sfn-task-retry", STATE_MACHINE,
    practices="REL05-BP03", lens="MLREL02-BP02", checklist="CHK-REL-4", spec="OPS-4a REL-6e", severity="high",
    why="Throttling and short outages are normal on AWS; without a retry each of them fails the whole run.",
    fix="Add Retry for the errors that pass by themselves (throttling, States.TaskFailed), or Retry with MaxAttempts 0 where a repetition "
        "would do harm",
    reads="definition", compliant=machine(), violating=machine(Retry=None),
)  # fmt: skip
def task_retry(machine_: Resource, context: Context) -> Iterator[str]:
    """Every task says how it is retried."""
    for state in working_tasks(machine_):
        if not state.body.get("Retry"):
            yield f"state '{state.path}' of '{machine_.name}' has no Retry"


@rule(
    "sfn-retry-backoff", STATE_MACHINE,
    practices="REL05-BP03", checklist="CHK-REL-4", spec="OPS-4a REL-6e", severity="medium", level="advisory",
    why="Retries at a constant pace arrive together and keep an overloaded service down.",
    fix="Set BackoffRate above 1, MaxAttempts to at most 10 and JitterStrategy to FULL",
    reads="definition", compliant=machine(), violating=machine(Retry=[RETRY | {"BackoffRate": 1}]),
)  # fmt: skip
def retry_backoff(machine_: Resource, context: Context) -> Iterator[str]:
    """Retries back off, with jitter, and end."""
    retriers = [(state, item) for state in working_tasks(machine_) for item in as_list(state.body.get("Retry"))]
    if not retriers:
        raise NotApplicable("retries nothing")
    for state, retrier in retriers:
        attempts = retrier.get("MaxAttempts", 3)
        if attempts == 0:
            continue
        wrong = [
            text
            for text, bad in (
                (f"BackoffRate {retrier.get('BackoffRate', 2)}", retrier.get("BackoffRate", 2) <= 1),
                (f"MaxAttempts {attempts}", attempts > 10),
                ("no JitterStrategy", retrier.get("JitterStrategy") != "FULL"),
            )
            if bad
        ]
        if wrong:
            yield f"Retry of state '{state.path}' of '{machine_.name}' has {', '.join(wrong)}"


@rule(
    "sfn-task-timeout", STATE_MACHINE,
    practices="REL05-BP05 COST02-BP05", checklist="CHK-REL-3", spec="REL-1b", severity="high",
    why="A task without a time limit waits for a year for an answer that never comes.",
    fix="Set TimeoutSeconds (or TimeoutSecondsPath), a little more than the task ever takes",
    reads="definition", compliant=machine(), violating=machine(TimeoutSeconds=None),
)  # fmt: skip
def task_timeout(machine_: Resource, context: Context) -> Iterator[str]:
    """Every task has a time limit."""
    for state in working_tasks(machine_):
        if not any(state.body.get(key) is not None for key in ("TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds")):
            yield f"state '{state.path}' of '{machine_.name}' has no TimeoutSeconds"


@rule(
    "sfn-map-concurrency", STATE_MACHINE,
    practices="REL05-BP02", checklist="CHK-REL-3", spec="REL-1b", severity="medium", level="advisory",
    why="A Map without MaxConcurrency starts everything at once and runs into the quotas of Glue, SageMaker and Lambda.",
    fix="Set MaxConcurrency",
    reads="definition",
    compliant={"definition": {"StartAt": "Each", "States": {"Each": {"Type": "Map", "MaxConcurrency": 4, "ItemProcessor": {"StartAt": "A",
        "States": {"A": {"Type": "Pass", "End": True}}}, "End": True}}}},
    violating={"definition": {"StartAt": "Each", "States": {"Each": {"Type": "Map", "ItemProcessor": {"StartAt": "A",
        "States": {"A": {"Type": "Pass", "End": True}}}, "End": True}}}},
)  # fmt: skip
def map_concurrency(machine_: Resource, context: Context) -> Iterator[str]:
    """Map states limit how much runs at once."""
    maps = [state for state in states(machine_) if state.type == "Map"]
    if not maps:
        raise NotApplicable("has no Map")
    for state in maps:
        if not state.body.get("MaxConcurrency") and state.body.get("MaxConcurrencyPath") is None:
            yield f"Map '{state.path}' of '{machine_.name}' has no MaxConcurrency"


# Jobs that Step Functions can wait for by itself, and the call that would poll them.
_WAITABLE = {"glue:startjobrun": "glue:getjobrun", "sagemaker:createtrainingjob": "sagemaker:describetrainingjob",
    "sagemaker:createtransformjob": "sagemaker:describetransformjob"}  # fmt: skip


@rule(
    "sfn-wait-not-poll", STATE_MACHINE,
    practices="SUS03-BP01 PERF02-BP01", lens="MLSUS03-BP01", checklist="CHK-SUS-2", spec="SUS-4c", severity="low",
    why="A loop that asks every few seconds does work, and costs transitions, to learn nothing; .sync waits for free.",
    fix="Use the .sync integration of the task and take the polling loop out",
    reads="definition",
    compliant=pipeline(("Train", "arn:aws:states:::sagemaker:createTrainingJob.sync"), ("Judge", LAMBDA)),
    violating=pipeline(("Train", "arn:aws:states:::sagemaker:createTrainingJob"), ("Poll",
        "arn:aws:states:::aws-sdk:sagemaker:describeTrainingJob")),
)  # fmt: skip
def wait_not_poll(machine_: Resource, context: Context) -> Iterator[str]:
    """Jobs are waited for, not polled."""
    integrations = [(state, *state.integration) for state in tasks(machine_)]
    called = {name for _, name, _ in integrations}
    starting = [(state, name, pattern) for state, name, pattern in integrations if name in _WAITABLE]
    if not starting:
        raise NotApplicable("starts no job that Step Functions can wait for")
    for state, name, pattern in starting:
        if not pattern and _WAITABLE[name] in called:
            yield f"state '{state.path}' of '{machine_.name}' starts a job that a loop polls"


@rule(
    "sfn-model-evaluated", STATE_MACHINE,
    practices="OPS05-BP02 REL08-BP02", lens="MLREL03-BP03 MLPERF04-BP03", checklist="CHK-OPS-3", spec="P3b P3e", severity="high",
    why="A model that nothing tests after training reaches production untested.",
    fix="Put a task (Lambda or processing job) after training that compares the model on held-out data, before registration or deployment",
    reads="definition",
    compliant=pipeline(("Train", "arn:aws:states:::sagemaker:createTrainingJob.sync"), ("Judge", LAMBDA)),
    violating=pipeline(("Train", "arn:aws:states:::sagemaker:createTrainingJob.sync"), ("Register",
        "arn:aws:states:::aws-sdk:sagemaker:createModelPackage")),
)  # fmt: skip
def model_evaluated(machine_: Resource, context: Context) -> Iterator[str]:
    """A trained model is evaluated by a step of its own before anything uses it."""
    training = [state for state in tasks(machine_) if state.integration[0] == "sagemaker:createtrainingjob"]
    if not training:
        raise NotApplicable("trains no model")
    evaluating = ("lambda:invoke", "sagemaker:createprocessingjob", "sagemaker:createtransformjob")
    using = ("sagemaker:createmodelpackage", "sagemaker:createmodel", "sagemaker:createendpointconfig", "sagemaker:updateendpoint")
    for state in training:
        services = [task.integration[0] for task in _tasks_after(machine_, state)]
        first = next((service for service in services if service in (*evaluating, *using)), None)
        if first not in evaluating:
            yield f"state '{state.path}' of '{machine_.name}' trains a model that no step evaluates before it is used"


def _tasks_after(machine_: Resource, start: State) -> list[State]:
    """The tasks that follow a state in the order they run, on the way of success, out of the Parallel and Map around it too."""
    by_path = {state.path: state for state in states(machine_)}
    found: list[State] = []
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        state = waiting.pop(0)
        prefix = state.path[: len(state.path) - len(state.name)]
        names = [state.body.get("Next"), state.body.get("Default"), *[item.get("Next") for item in as_list(state.body.get("Choices"))]]
        followers = [by_path[prefix + name] for name in names if name is not None and prefix + name in by_path]
        if not followers and prefix:
            around = prefix.removesuffix(" > ")
            around = around[: around.rindex("[")] if around.endswith("]") else around
            followers = _followers_of(by_path, around)
        for follower in followers:
            if follower.path not in seen:
                seen.add(follower.path)
                if follower.type == "Task":
                    found.append(follower)
                waiting.append(follower)
    return found


def _followers_of(by_path: dict[str, State], path: str) -> list[State]:
    state = by_path.get(path)
    if state is None:
        return []
    prefix = path[: len(path) - len(state.name)]
    name = state.body.get("Next")
    return [by_path[prefix + name]] if name is not None and prefix + name in by_path else []


@rule(
    "sfn-logging", STATE_MACHINE, scope="stack",
    practices="OPS04-BP02 SEC04-BP01", checklist="CHK-OPS-4", spec="OPS-5a SEC-2b", severity="medium",
    sources="cdk-nag:AwsSolutions-SF1 checkov:CKV_AWS_285 securityhub:StepFunctions.1",
    why="Without logs nobody can say afterwards what a run did; the console forgets it after 90 days.",
    fix="Set loggingConfiguration with level ALL (ERROR at least) and a logDestination",
    reads="loggingConfiguration.level", missing="fail",
    compliant={"loggingConfiguration": {"level": "ALL",
        "logDestination": "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/vendedlogs/states/x:*"}},
    violating={"loggingConfiguration": {"level": "OFF"}},
)  # fmt: skip
def logging(machine_: Resource, context: Context) -> str | None:
    """State machines write execution logs."""
    level = machine_.get("loggingConfiguration.level", "OFF")
    if level == "OFF":
        return f"loggingConfiguration.level of '{machine_.name}' is OFF"
    if not context.graph.given(machine_, "loggingConfiguration.logDestination"):
        return f"loggingConfiguration.logDestination of '{machine_.name}' is not set"
    return None


@rule(
    "sfn-tracing", STATE_MACHINE,
    practices="OPS04-BP05 REL06-BP07", checklist="CHK-PERF-5", spec="OPS-3b", severity="low", level="advisory",
    sources="cdk-nag:AwsSolutions-SF2 checkov:CKV_AWS_284",
    why="A trace shows which step of a run was slow, without reading logs.",
    fix="Set tracingConfiguration.enabled to true",
    reads="tracingConfiguration.enabled", compliant={"tracingConfiguration": {"enabled": True}},
        violating={"tracingConfiguration": {"enabled": False}},
)  # fmt: skip
def tracing(machine_: Resource, context: Context) -> str | None:
    """State machines are traced."""
    return None if machine_.get("tracingConfiguration.enabled", False) else f"tracingConfiguration.enabled of '{machine_.name}' is not true"


@rule(
    "sfn-failure-noticed", STATE_MACHINE, scope="stack",
    practices="OPS08-BP04 REL06-BP03", checklist="CHK-OPS-5 CHK-REL-5", spec="OPS-4c OPS-4d P1e", severity="high",
    why="A pipeline that fails at night and tells nobody is found out by its users.",
    fix="Add an alarm on AWS/States ExecutionsFailed for this state machine, an EventBridge rule for its failures, or a task in its Catch "
        "path that publishes to SNS",
    reads=None,
    compliant=(
        Example(STATE_MACHINE, "train", machine() | {"name": "train"}),
        Example(ALARM, "failed", {"namespace": "AWS/States", "metricName": "ExecutionsFailed", "dimensions": {"StateMachineArn": "arn"}},
            links={"dimensions": "train"}),
    ),
    violating=(Example(STATE_MACHINE, "train", machine()),),
)  # fmt: skip
def failure_noticed(machine_: Resource, context: Context) -> str | None:
    """Somebody is told when a state machine fails."""
    graph = context.graph
    watching = graph.referring(machine_, ALARM, "dimensions") or graph.with_value(ALARM, "dimensions.StateMachineArn", machine_.get("name"))
    if any(alarm.get("namespace") == "AWS/States" for alarm in watching) or graph.referring(machine_, EVENT_RULE, "eventPattern"):
        return None
    handlers = _reachable_from_catch(machine_)
    if any(state.path in handlers and state.integration[0] in ("sns:publish", "events:putevents") for state in tasks(machine_)):
        return None
    return f"nothing watches state machine '{machine_.name}' for failed executions"


@rule(
    "sfn-event-start-deduplicated", STATE_MACHINE, scope="stack",
    practices="REL04-BP04", checklist="CHK-REL-3", spec="P1a", severity="high",
    why="EventBridge delivers at least once and cannot name the execution, so the same event starts a second run.",
    fix="Begin with a claim: a conditional dynamodb:putItem (ConditionExpression) or an idempotent Lambda",
    reads=None,
    compliant=(
        Example(STATE_MACHINE, "data", machine(Resource="arn:aws:states:::dynamodb:putItem", Parameters={"TableName": "ledger",
            "ConditionExpression": "attribute_not_exists(id)"})),
        Example("aws:cloudwatch/eventTarget:EventTarget", "start", links={"arn": "data"}),
    ),
    violating=(
        Example(STATE_MACHINE, "data", machine(Resource="arn:aws:states:::glue:startJobRun.sync", Parameters={"JobName": "validate"})),
        Example("aws:cloudwatch/eventTarget:EventTarget", "start", links={"arn": "data"}),
    ),
)  # fmt: skip
def event_start_deduplicated(machine_: Resource, context: Context) -> str | None:
    """A state machine started by events begins with a claim, so that a repeated event has no effect."""
    if not context.graph.referring(machine_, "aws:cloudwatch/eventTarget:EventTarget", "arn"):
        raise NotApplicable("no event starts it")
    for state in _first_tasks(machine_):
        service = state.integration[0]
        writing = service in ("dynamodb:putitem", "dynamodb:updateitem", "dynamodb:transactwriteitems")
        if service != "lambda:invoke" and not (writing and as_conditional(state)):
            return f"state '{state.path}' of '{machine_.name}' works at once instead of claiming the event"
    return None


def _first_tasks(machine_: Resource) -> list[State]:
    """The tasks an execution can come to first, on whatever way."""
    top = definition(machine_)
    found, seen, waiting = [], set(), [top.get("StartAt")]
    while waiting:
        name = waiting.pop()
        if name is None or name in seen or name not in top["States"]:
            continue
        seen.add(name)
        body = top["States"][name]
        if body.get("Type") == "Task":
            found.append(State(name, name, body, top["States"]))
        elif body.get("Type") in ("Parallel", "Map"):
            found += [state for state in states(machine_) if state.type == "Task" and state.path.startswith((f"{name}[", f"{name} > "))]
        else:
            waiting += [body.get("Next"), body.get("Default"), *[item.get("Next") for item in as_list(body.get("Choices"))]]
    return found


def as_conditional(state: State) -> bool:
    """Whether a DynamoDB task writes only under a condition."""
    given = state.body.get("Parameters", state.body.get("Arguments")) or {}
    return any("ConditionExpression" in key for key in given) or "TransactItems" in given


@rule(
    "sfn-customer-key", STATE_MACHINE,
    practices="SEC08-BP02", checklist="CHK-SEC-2", spec="SEC-8f", severity="low", level="advisory",
    why="Inputs and outputs of every state are stored for 90 days; with a customer key, reading them needs a second permission.",
    fix="Set encryptionConfiguration.type to CUSTOMER_MANAGED_KMS_KEY with kmsKeyId",
    reads="encryptionConfiguration.type",
    compliant={"encryptionConfiguration": {"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": "arn:aws:kms:eu-west-1:123456789012:key/k"}},
    violating={"encryptionConfiguration": {"type": "AWS_OWNED_KEY"}},
)  # fmt: skip
def customer_key(machine_: Resource, context: Context) -> str | None:
    """State machines encrypt execution data with a customer key."""
    kind = machine_.get("encryptionConfiguration.type", "AWS_OWNED_KEY")
    return None if kind == "CUSTOMER_MANAGED_KMS_KEY" else f"encryptionConfiguration.type of '{machine_.name}' is {kind}"


@rule(
    "sfn-no-secrets", STATE_MACHINE,
    practices="SEC02-BP03", lens="MLSEC03-BP02", checklist="CHK-SEC-1", severity="critical",
    why="The definition of a state machine is shown in the console and in every execution.",
    fix="Pass the name of a secret and let the task read it",
    reads="definition", compliant=machine(), violating=machine(Parameters={"FunctionName": "judge", "Payload": {"api_key": "hunter2"}}),
)  # fmt: skip
def sfn_no_secrets(machine_: Resource, context: Context) -> Iterator[str]:
    """Definitions of state machines hold no credentials."""
    for state in states(machine_):
        for part in ("Parameters", "Arguments", "Result", "Assign"):
            for name in _credentials(state.body.get(part)):
                yield f"state '{state.path}' of '{machine_.name}' gives {name} in clear"


def _credentials(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        # A path and an expression are supplied at run time.
        yield from secret_like(
            {key: item for key, item in value.items() if not (isinstance(item, str) and item.startswith(("$", "{%", "States.")))}
        )
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _credentials(item)
