"""In an export with known faults exactly those are found, whatever language the program was written in."""

from __future__ import annotations

import json
from copy import deepcopy
from functools import cache
from typing import Any

import pytest

from mlops import engine
from mlops.policy import CONFIG_FILE, load_config
from tests.previews import ROOT, preview

from .states import BUCKET, deployment, failing, state

CONFIG = load_config(ROOT / CONFIG_FILE)


@cache
def healthy() -> str:
    """The platform of prod as an export: nothing fails in it."""
    return json.dumps(engine.deployment(preview("prod")))


def first(resources: list[dict[str, Any]], type_: str, **inputs: Any) -> dict[str, Any]:
    return next(item for item in resources if item["type"] == type_ and all(item["inputs"].get(k) == v for k, v in inputs.items()))


def faulty() -> tuple[dict[str, Any], set[tuple[str, str]]]:
    """The platform with faults, and which they are."""
    document = json.loads(healthy())
    resources = document["deployment"]["resources"]
    faults: set[tuple[str, str]] = set()

    def plant(rule: str, type_: str, change: dict[str, Any], **inputs: Any) -> None:
        found = first(resources, type_, **inputs)
        found["inputs"] = {**found["inputs"], **change}
        faults.add((rule, found["urn"].rsplit("::", 1)[-1]))

    plant("kms-rotation", "aws:kms/key:Key", {"enableKeyRotation": False})
    plant("lambda-supported-runtime", "aws:lambda/function:Function", {"runtime": "python3.7"})
    plant("lambda-tracing", "aws:lambda/function:Function", {"tracingConfig": {"mode": "PassThrough"}})
    plant("dynamodb-recovery", "aws:dynamodb/table:Table", {"pointInTimeRecovery": {"enabled": False}})
    plant("sfn-tracing", "aws:sfn/stateMachine:StateMachine", {"tracingConfiguration": {"enabled": False}})
    plant("logs-retention", "aws:cloudwatch/logGroup:LogGroup", {"retentionInDays": 0})
    return document, faults


@pytest.mark.spec("SEC-4d")
def test_faults_planted_in_the_platform_are_found_and_nothing_else() -> None:
    document, faults = faulty()
    assert failing(json.loads(healthy()), CONFIG) == set()
    assert failing(document, CONFIG) == faults


# What another language changes in a state: the project's name and where the program says it. Types, inputs and URNs' types are the engine's.
LANGUAGES = {"typescript": "index.ts", "go": "main.go", "yaml": "Pulumi.yaml", "csharp": "Program.cs", "java": "src/main/java/App.java"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_language_of_the_program_changes_nothing_but_the_project_of_the_urn(language: str) -> None:
    resources = [
        state(inputs={"acl": "public-read"}),
        state("aws:lambda/function:Function", "handler", {"runtime": "python3.7", "memorySize": 10240}),
        state("aws:ec2/securityGroup:SecurityGroup", "open", {"ingress": [{"fromPort": 22, "toPort": 22, "cidrBlocks": ["0.0.0.0/0"]}]}),
    ]
    python = deployment(*resources)
    written = deepcopy(python)
    for item in written["deployment"]["resources"]:
        item["sourcePosition"] = f"project:///{LANGUAGES[language]}#3,1"
    other = json.loads(json.dumps(written).replace("::shop::", f"::shop-{language}::"))
    assert failing(other) == failing(python)
    assert {("s3-no-public-acl", "data"), ("lambda-supported-runtime", "handler"), ("sg-no-world-ingress", "open")} <= failing(other)


def test_order_of_the_resources_changes_nothing() -> None:
    document, faults = faulty()
    document["deployment"]["resources"].reverse()
    assert failing(document, CONFIG) == faults


def test_bucket_that_is_being_deleted_and_one_of_others_are_nobodys_fault() -> None:
    faults = {"acl": "public-read", "forceDestroy": True}
    clean = failing(deployment())
    assert failing(deployment(state(BUCKET, "old", faults, delete=True), state(BUCKET, "theirs", faults, external=True))) == clean
