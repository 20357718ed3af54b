"""A moto server in this process: enough of an endpoint for the provider's requests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import boto3
import pytest
from moto.server import ThreadedMotoServer

from mlops.sandbox import stores
from mlops.sandbox.provider import AwsProvider, moto_gaps

REGION = "eu-west-1"


@dataclass(frozen=True)
class Keys:
    """Credentials as the provider takes them; moto without authorisation admits any."""

    access_key_id: str = "AKIAIOSFODNN7EXAMPLE"
    secret_access_key: str = "example"
    session_token: str | None = None


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    moto_gaps.install()
    stores.install()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def provider(endpoint: str) -> AwsProvider:
    return AwsProvider(endpoint, REGION, Keys())


@pytest.fixture(scope="session")
def session() -> boto3.Session:
    return boto3.Session(aws_access_key_id=Keys.access_key_id, aws_secret_access_key=Keys.secret_access_key, region_name=REGION)


@pytest.fixture
def client(session: boto3.Session, endpoint: str):
    return lambda service: session.client(service, endpoint_url=endpoint)
