"""The sandbox's endpoint in this process without identity and executors: enough for the provider's requests."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import boto3
import pytest

from mlops.sandbox import daemon, stores
from mlops.sandbox.context import Sandbox, SandboxOptions
from mlops.sandbox.delivery.dispatcher import Dispatcher
from mlops.sandbox.http import Front
from mlops.sandbox.processes import Processes
from mlops.sandbox.provider import AwsProvider, moto_costs, moto_gaps

REGION = "eu-west-1"


@dataclass(frozen=True)
class Keys:
    """Credentials as the provider takes them; moto without authorisation admits any."""

    access_key_id: str = "AKIAIOSFODNN7EXAMPLE"
    secret_access_key: str = "example"
    session_token: str | None = None


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    moto_gaps.install()
    moto_costs.install()
    stores.install()
    front = Front(daemon.moto_application())
    server = daemon.listen(front)
    address = f"http://127.0.0.1:{server.server_port}"
    sandbox = Sandbox(REGION, tmp_path_factory.mktemp("sandbox"), address, SandboxOptions(), Processes())
    front.moto = Dispatcher(front.moto, sandbox)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield address
    server.shutdown()
    sandbox.stop()


@pytest.fixture(scope="session")
def provider(endpoint: str) -> AwsProvider:
    return AwsProvider(endpoint, REGION, Keys())


@pytest.fixture(scope="session")
def session() -> boto3.Session:
    return boto3.Session(aws_access_key_id=Keys.access_key_id, aws_secret_access_key=Keys.secret_access_key, region_name=REGION)


@pytest.fixture
def client(session: boto3.Session, endpoint: str):
    return lambda service: session.client(service, endpoint_url=endpoint)
