"""State machines (Amazon States Language): their states, and the things they start.

Most of machine learning never appears as a declared resource: training jobs, models, endpoint configurations and transform jobs are started
by state machines and pipelines. `started_resources` turns the parameters of such a task into a `Resource` of the type a program would
have declared, so that the same rules judge both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .inline import ROLE, ROLE_POLICY, inline_policies
from .model import Resource
from .values import Malformed, NotEvaluable, Unreadable, as_list

STATE_MACHINE = "aws:sfn/stateMachine:StateMachine"
PIPELINE = "aws:sagemaker/pipeline:Pipeline"
# What holds resources that no program declares by themselves.
STARTERS = (STATE_MACHINE, PIPELINE, ROLE)

TRAINING_JOB = "aws:sagemaker/trainingJob:TrainingJob"
MODEL = "aws:sagemaker/model:Model"
ENDPOINT_CONFIGURATION = "aws:sagemaker/endpointConfiguration:EndpointConfiguration"
ENDPOINT = "aws:sagemaker/endpoint:Endpoint"
# No such type exists in pulumi_aws; state machines and pipelines start them all the same.
TRANSFORM_JOB = "aws:sagemaker/transformJob:TransformJob"
PROCESSING_JOB = "aws:sagemaker/processingJob:ProcessingJob"
SCALABLE_TARGET = "aws:appautoscaling/target:Target"

_STARTED = {
    "sagemaker:createtrainingjob": TRAINING_JOB,
    "sagemaker:createmodel": MODEL,
    "sagemaker:createendpointconfig": ENDPOINT_CONFIGURATION,
    "sagemaker:updateendpoint": ENDPOINT,  # creating one has nothing to fall back to: only updates are judged
    "sagemaker:createtransformjob": TRANSFORM_JOB,
    "sagemaker:createprocessingjob": PROCESSING_JOB,
    "applicationautoscaling:registerscalabletarget": SCALABLE_TARGET,
}
_PIPELINE_STEPS = {"Training": TRAINING_JOB, "Model": MODEL, "Transform": TRANSFORM_JOB, "Processing": PROCESSING_JOB}

# Where pulumi_aws names a property otherwise than the API does.
_RENAMED = {
    TRAINING_JOB: {"inputDataConfig": "inputDataConfigs"},
    ENDPOINT_CONFIGURATION: {"kmsKeyId": "kmsKeyArn", "endpointConfigName": "name"},
    MODEL: {"modelName": "name"},
}
# Maps whose keys are the user's own words, not names of the API.
_FREE_MAPS = frozenset({"hyperParameters", "environment", "tags"})

_SERVICE_INTEGRATION = re.compile(r"^arn:[\w-]+:states:[^:]*:[^:]*:(?:aws-sdk:)?(.+?)(?:\.(sync(?::2)?|waitForTaskToken))?$", re.IGNORECASE)


@dataclass(frozen=True)
class State:
    """A state of a state machine, wherever it is nested."""

    name: str
    path: str
    body: dict[str, Any]
    siblings: dict[str, Any]

    @property
    def type(self) -> str:
        """Task, Choice, Parallel, Map, …"""
        return self.body.get("Type", "")

    @property
    def integration(self) -> tuple[str, str]:
        """Of a task: (`service:action` in lower case, integration pattern: `sync`, `waitForTaskToken` or "")."""
        resource = self.body.get("Resource", "")
        if not isinstance(resource, str):
            return "", ""
        match = _SERVICE_INTEGRATION.match(resource)
        if match:
            return match[1].lower(), match[2] or ""
        return ("lambda:invoke", "") if ":lambda:" in resource else (resource.lower(), "")


def definition(machine: Resource) -> dict[str, Any]:
    """The definition of a state machine as an object.

    Raises `NotEvaluable` where it is unknown, `Malformed` where it is no state machine.
    """
    parsed = machine.document("definition")
    if not isinstance(parsed, dict) or not isinstance(parsed.get("States"), dict):
        raise Malformed(f"definition of '{machine.name}' has no States")
    return parsed


def states(machine: Resource) -> list[State]:
    """All states of a state machine, those inside Parallel and Map included, parsed once."""
    cache = machine.__dict__
    if "_states" not in cache:
        cache["_states"] = list(_walk(definition(machine)["States"], ""))
    return cache["_states"]


def _walk(level: dict[str, Any], path: str) -> Iterator[State]:
    for name, body in level.items():
        if not isinstance(body, dict):
            continue
        here = f"{path}{name}"
        yield State(name, here, body, level)
        for index, branch in enumerate(as_list(body.get("Branches"))):
            yield from _walk(_states_of(branch), f"{here}[{index}] > ")
        for key in ("ItemProcessor", "Iterator"):
            if isinstance(nested := body.get(key), dict):
                yield from _walk(_states_of(nested), f"{here} > ")


def _states_of(machine: Any) -> dict[str, Any]:
    states_ = machine.get("States") if isinstance(machine, dict) else None
    return states_ if isinstance(states_, dict) else {}


def tasks(machine: Resource) -> list[State]:
    """The Task states of a state machine."""
    return [state for state in states(machine) if state.type == "Task"]


def parameters(state: State) -> dict[str, Any] | Unreadable:
    """The parameters a task is called with; what arrives at run time (`"Key.$"`, `{% … %}`) is given but unreadable."""
    given = state.body.get("Parameters", state.body.get("Arguments"))
    if given is None:
        return Unreadable(f"state '{state.path}'", "takes its whole input as parameters at run time")
    return _at_run_time(given, f"state '{state.path}'")


def _at_run_time(value: Any, path: str) -> Any:
    if isinstance(value, dict):
        result = {}
        for key, item in value.items():
            name = key.removesuffix(".$")
            here = f"{path}.{name}"
            result[name] = Unreadable(here, "is supplied at run time", present=True) if name != key else _at_run_time(item, here)
        return result
    if isinstance(value, list):
        return [_at_run_time(item, f"{path}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, str) and value.startswith("{%"):
        return Unreadable(path, "is supplied at run time", present=True)
    return value


def may_start(type_: str, types: Sequence[str]) -> bool:
    """Whether a resource of a type may hold one of the types that a rule judges."""
    return ROLE_POLICY in types if type_ == ROLE else type_ in STARTERS


def started_resources(resource: Resource) -> list[Resource]:
    """What a state machine or a SageMaker pipeline starts, as resources of the type a program would declare.

    They carry the URN of the state machine, so that a finding points to what the program declares; `state` says which state it is. A role
    starts nothing, but the policies inside of it are judged in the same way.
    An unknown definition yields nothing: the rules about the state machine itself say that it could not be read.
    """
    if resource.type == ROLE:
        return inline_policies(resource)
    started: list[Resource] = []
    for type_, name, given in _starting(resource):
        try:
            started.append(_started(resource, type_, name, given))
        except (NotEvaluable, Malformed):
            continue  # the rules about the state machine itself report it
    return started


def _starting(resource: Resource) -> list[tuple[str, str, Any]]:
    """What a resource starts: the type it would have, the state or step, the parameters."""
    try:
        if resource.type == STATE_MACHINE:
            return [
                (_STARTED[task.integration[0]], task.path, parameters(task)) for task in tasks(resource) if task.integration[0] in _STARTED
            ]
        if resource.type == PIPELINE:
            document = resource.document("pipelineDefinition")
            steps = [step for step in as_list(document.get("Steps")) if isinstance(step, dict)] if isinstance(document, dict) else []
            named = [(_PIPELINE_STEPS.get(str(step.get("Type"))), step) for step in steps]
            return [(type_, str(step.get("Name", "?")), step.get("Arguments", {})) for type_, step in named if type_ is not None]
    except (NotEvaluable, Malformed):
        return []  # the rules about the state machine itself report it
    return []


def _started(owner: Resource, type_: str, state: str, given: Any) -> Resource:
    property_ = "definition" if owner.type == STATE_MACHINE else "pipelineDefinition"
    started = Resource(
        owner.urn, type_, owner.name, {}, owner.parent, owner.provider, owner.dependencies,
        {"definition": owner.property_dependencies.get(property_, ())}, owner.protect, owner.file, owner.line, state,
    )  # fmt: skip
    if isinstance(given, Unreadable):
        values: Any = _AllUnreadable(given)
    elif not isinstance(given, dict):
        raise Malformed(f"parameters of state '{state}' are {type(given).__name__}; expected an object")
    else:
        values = _camel(given)
        for api_name, name in _RENAMED.get(type_, {}).items():
            if api_name in values:
                values[name] = values.pop(api_name)
    started.__dict__["values"] = values
    started.__dict__["secrets"] = owner.secrets
    return started


class _AllUnreadable(dict[str, Any]):
    """Properties of which every one is supplied at run time."""

    def __init__(self, reason: Unreadable) -> None:
        super().__init__()
        self._reason = reason

    def get(self, key: str, default: Any = None) -> Any:
        return Unreadable(f"{self._reason.path}.{key}", "is supplied at run time")

    def __getitem__(self, key: str) -> Any:
        return self.get(key)


def _camel(value: Any) -> Any:
    if isinstance(value, dict):
        result = {}
        for key, item in value.items():
            name = key[:1].lower() + key[1:]
            result[name] = dict(item) if name in _FREE_MAPS and isinstance(item, dict) else _camel(item)
        return result
    if isinstance(value, list):
        return [_camel(item) for item in value]
    return value
