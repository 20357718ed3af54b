"""An empty account in a sandbox of its own, and examinations of the platform's stacks against it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest

from mlops import engine
from mlops.doctor.check import Examined, Finding
from mlops.doctor.context import Account, Context, State
from mlops.doctor.examination import all_checks, looked
from mlops.project import Project
from mlops.sandbox import lifecycle
from mlops.sandbox.context import Credentials
from mlops.sandbox.lifecycle import Running

ROOT = Path(__file__).parents[3]
REGION = "eu-west-1"
SPOT, ENDPOINT = "ml.m5.xlarge for spot training job usage", "ml.t2.medium for endpoint usage"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A new account: no quota for spot trainings, two endpoint instances."""
    folder = tmp_path_factory.mktemp("project")
    options = {"executors": {"glue": {"warm": False}, "quotas": {SPOT: 0, ENDPOINT: 2}}}
    yield lifecycle.start(folder, REGION, attached=True, options=options)
    lifecycle.stop(folder)


@cache
def preview(folder: Path, stack: str) -> engine.Record:
    return engine.preview(folder, stack)


@dataclass
class Doctor:
    """Examinations of a stack, by the checks that ask an account."""

    running: Running
    folder: Path = ROOT
    stack: str = "dev"

    def session(self, keys: Any = None) -> boto3.Session:
        keys = keys or self.running.administrator
        return boto3.Session(keys.access_key_id, keys.secret_access_key, keys.session_token, region_name=REGION)

    def client(self, service: str) -> Any:
        return self.session().client(service, endpoint_url=self.running.endpoint)

    def context(self, *, state: State | None = State(), keys: Any = None, settings: dict[str, str] | None = None) -> Context:  # noqa: B008
        """`state` None: nobody can tell whose things are. `settings` replace keys of the stack's file for the checks, not for the preview."""
        made = Context(Project(self.folder), self.stack)
        made._once["preview"] = (preview(self.folder, self.stack), None)
        made._once["account"] = (Account(self.session(keys), self.running.endpoint), None)
        if state is not None:
            made._once["state"] = (state, None)
        if settings:
            loaded = made.configuration
            made._once["configuration"] = (replace(loaded, config={**loaded.config, **settings}), None)
        return made

    def look(self, *ids: str, **how: Any) -> list[Finding]:
        """What these checks find."""
        context = self.context(**how)
        return [finding for check in all_checks() if check.id in ids for finding in looked(check, context)]

    def all(self, **how: Any) -> dict[str, list[Finding]]:
        """What is not ok, by check, of all that ask an account."""
        context = self.context(**how)
        examined = [Examined(check, tuple(looked(check, context))) for check in all_checks() if check.aws]
        wrong = {each.check.id: [finding for finding in each.findings if finding.status != "ok"] for each in examined}
        return {id_: findings for id_, findings in wrong.items() if findings}

    def role(self, name: str, *statements: dict[str, Any], boundary: str | None = None) -> Credentials:
        """Keys of a session of a new role with this policy."""
        import json

        trust = {"Effect": "Allow", "Principal": {"AWS": self.running.administrator.principal_arn}, "Action": "sts:AssumeRole"}
        iam = self.client("iam")
        extra = {"PermissionsBoundary": boundary} if boundary else {}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document, **extra)["Role"]["Arn"]
        iam.put_role_policy(
            RoleName=name, PolicyName="rights", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        )
        made = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        return Credentials(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"], arn)


@pytest.fixture(scope="module")
def doctor(running: Running) -> Doctor:
    return Doctor(running)


@pytest.fixture(scope="module")
def account_doctor(running: Running) -> Doctor:
    """Of the account's foundation, whose program makes what exists once."""
    return Doctor(running, ROOT / "foundations" / "account")


@pytest.fixture
def undo() -> Iterator[Callable[..., None]]:
    """Calls that take a fault back after the test."""
    steps: list[tuple[Callable[..., Any], dict[str, Any]]] = []
    yield lambda call, **parameters: steps.append((call, parameters))
    for call, parameters in reversed(steps):
        call(**parameters)
