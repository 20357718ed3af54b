"""Requests made on behalf of one resource."""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from mlops.sandbox.provider.dry_run import Answer
from mlops.sandbox.provider.errors import AwsError, Problem, ProviderError, refusal
from mlops.sandbox.provider.locate import located
from mlops.sandbox.provider.properties import Properties
from mlops.sandbox.provider.translate import translated
from mlops.sandbox.provider.validation import violations

_CONFIG = Config(
    retries={"total_max_attempts": 1},
    max_pool_connections=32,
    connect_timeout=60,
    read_timeout=60,
    parameter_validation=False,
    s3={"addressing_style": "path"},
    request_checksum_calculation="when_required",
)


class Clients:
    """One boto3 client a service, made on first use and shared by all threads."""

    def __init__(self, endpoint: str, region: str, credentials: Any) -> None:
        self._endpoint = endpoint
        self._session = boto3.Session(
            aws_access_key_id=credentials.access_key_id,
            aws_secret_access_key=credentials.secret_access_key,
            aws_session_token=credentials.session_token or None,
            region_name=region,
        )
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    def __getitem__(self, service: str) -> Any:
        client = self._clients.get(service)
        if client is None:
            with self._lock:
                client = self._clients.get(service)
                if client is None:
                    client = self._session.client(service, endpoint_url=self._endpoint, config=_CONFIG)
                    if service == "s3control":
                        client.meta.events.register("before-sign.s3-control", self._without_account_in_host)
                    self._clients[service] = client
        return client

    def _without_account_in_host(self, request: Any, **_: Any) -> None:
        # S3's control plane puts the account in front of the host's name, which a loopback address cannot have.
        scheme, host = self._endpoint.split("://")
        request.url = re.sub(rf"^{scheme}://\d{{12}}\.{re.escape(host)}", self._endpoint, request.url)


class Call:
    """What a handler works with: the resource's identity and `call("create_queue", QueueName=…)`.

    Parameters that are None are left out. Before the first request of a creation every property must have been read; each request is
    judged by the service's model. In a dry run none is sent: `answered` tells that a handler went on with an `Answer` nobody gave.
    """

    def __init__(
        self,
        *,
        clients: Clients,
        service: str,
        type_: str,
        name: str,
        properties: Properties,
        account: str,
        region: str,
        api_url: str = "",
        dry: bool = False,
    ) -> None:
        self.clients, self.service, self.type, self.name, self.properties = clients, service, type_, name, properties
        self.account, self.region, self.partition = account, region, "aws"
        self._api_url = api_url
        self.tags: dict[str, str] = {}
        self.complete = True
        self.id: str | None = None
        self.made: dict[str, Any] | None = None
        self._dry, self.answered = dry, False

    def __call__(self, operation: str, **parameters: Any) -> dict[str, Any]:
        client = self.clients[self.service]
        sent = {key: value for key, value in parameters.items() if value is not None}
        if self.complete:
            self.finish()
        model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation])
        found = list(violations(model.input_shape, sent))
        if found:
            raise refusal(self.type, self.name, [located(self.type, self.properties.values, violation) for violation in found])
        if self._dry:
            self.answered = True
            return Answer()  # type: ignore[return-value]
        try:
            return getattr(client, operation)(**sent)
        except ClientError as error:
            answer = error.response.get("Error", {})
            code, message = answer.get("Code", "Unknown"), answer.get("Message", "")
            raise AwsError(f"{self.type} {self.name!r}: {self.service}:{model.name} answered {code}: {message}", code) from error
        except BotoCoreError as error:
            raise ProviderError(f"{self.type} {self.name!r}: {self.service}:{model.name}: {error}") from error

    def finish(self) -> None:
        """Refuse the resource if a property is wrong or nobody read it."""
        problems = self.properties.finish()
        if problems:
            raise refusal(self.type, self.name, problems)

    def input_of(self, operation: str) -> Any:
        """The shape of an operation's input in the service's model."""
        client = self.clients[self.service]
        return client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation]).input_shape

    def parameters(
        self, operation: str, properties: Properties, names: Mapping[str, str] | None = None, *, member: str | None = None
    ) -> dict[str, Any]:
        """Everything in `properties` not read so far, in the names of the operation's input (or of a structure `member.member` in it)."""
        shape = self.input_of(operation)
        for part in member.split(".") if member else ():
            shape = shape.members[part]
            shape = shape.member if shape.type_name == "list" else shape
        values = dict(properties.rest())

        def problem(path: str, message: str) -> None:
            properties.problems.append(Problem(path, message))

        prefixed = translated(shape, values, properties.path, names or {}, problem)
        return prefixed if isinstance(prefixed, dict) else {}

    def arn(self, resource: str, *, service: str | None = None, region: bool = True) -> str:
        """An ARN of this account; `region=False` for global services."""
        return f"arn:{self.partition}:{service or self.service}:{self.region if region else ''}:{self.account}:{resource}"

    def invoke_url(self, api: str, stage: str) -> str:
        """Where a stage is called: the sandbox's API host, or AWS's name for it when that host is not known."""
        if self._api_url:
            return f"{self._api_url}/{api}/{stage}"
        return f"https://{api}.execute-api.{self.region}.amazonaws.com/{stage}"

    def stamp(self) -> str:
        """Something new each time, for requests that AWS carries out once for the same token."""
        return secrets.token_hex(6)

    def tag_list(self, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
        """The tags as AWS lists them."""
        return [{key: name, value: text} for name, text in self.tags.items()]
