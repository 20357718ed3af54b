"""An AWS endpoint in this process: the authoriser in front of moto's server on a free port."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from moto.backends import get_backend
from moto.core.config import default_user_config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from mlops.sandbox.context import Credentials, Sandbox, SandboxOptions
from mlops.sandbox.http import Front, QuietHandler
from mlops.sandbox.identity import Authoriser, Identity
from mlops.sandbox.processes import Processes

REGION = "us-east-1"
ACCOUNT = "123456789012"
_STORES = (
    "iam",
    "sts",
    "s3",
    "sqs",
    "sns",
    "kms",
    "lambda",
    "dynamodb",
    "sagemaker",
    "glue",
    "stepfunctions",
    "logs",
    "events",
    "cloudwatch",
    "ecr",
    "cloudtrail",
    "organizations",
)


@pytest.fixture(scope="session")
def endpoint() -> Iterator[tuple[Front, str]]:
    """One server for all tests: moto makes an application of every service once, which takes longer than the calls."""
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    front = Front(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, front, threaded=True, request_handler=QuietHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield front, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def sandbox(endpoint: tuple[Front, str], tmp_path: Path) -> Iterator[Sandbox]:
    for name in _STORES:
        get_backend(name).reset()  # type: ignore[call-overload]
    front, url = endpoint
    moto = front.moto
    sandbox = Sandbox(region=REGION, directory=tmp_path, endpoint=url, options=SandboxOptions(), processes=Processes())
    sandbox.identity = Identity(sandbox)
    front.moto = Authoriser(moto, sandbox)
    yield sandbox
    front.moto = moto
    sandbox.identity.audit.close()
    sandbox.stop()
    for name in _STORES:
        get_backend(name).reset()  # type: ignore[call-overload]


@pytest.fixture
def administrator(sandbox: Sandbox) -> Callable[[str], Any]:
    """Clients of the administrator by service."""
    return lambda service: sandbox.client(service, sandbox.principals.administrator())


MakeRole = Callable[..., Credentials]


@pytest.fixture
def make_role(sandbox: Sandbox, administrator: Callable[[str], Any]) -> MakeRole:
    """A role with one inline policy, and credentials of a session of it."""

    def make(name: str, *statements: dict[str, Any], service: str = "lambda.amazonaws.com", **arguments: Any) -> Credentials:
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        iam = administrator("iam")
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust), **arguments)["Role"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="grants", PolicyDocument=policy(*statements))
        return sandbox.principals.issue(role["Arn"], service, "test")

    return make


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
