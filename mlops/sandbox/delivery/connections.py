"""Connections to git hosts: kept, and always pending or available as on AWS; what they stand for is a git folder of this machine.

`executors.connections` of the sandbox's options maps a repository ("owner/name", or "*" for any) to such a folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from mlops.sandbox.delivery.dispatcher import Operation, Tags, page
from mlops.sandbox.http import ServiceError

if TYPE_CHECKING:
    from mlops.sandbox.context import Sandbox


def of(sandbox: Sandbox) -> Connections:
    """The connections of a sandbox."""
    if "connections" not in sandbox.services:
        sandbox.services["connections"] = Connections(sandbox)
    return sandbox.services["connections"]


def operations(sandbox: Sandbox) -> Mapping[str, Operation]:
    """The API, the same under both of its names."""
    service = of(sandbox)
    return {
        "CreateConnection": service.create_connection,
        "GetConnection": service.get_connection,
        "ListConnections": service.list_connections,
        "DeleteConnection": service.delete_connection,
        "TagResource": service.tag_resource,
        "UntagResource": service.untag_resource,
        "ListTagsForResource": service.list_tags_for_resource,
    }


class Connections:
    """All connections of the account."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.folders: Mapping[str, str] = sandbox.options.executors.get("connections", {})
        self.connections: dict[str, dict[str, Any]] = {}
        self._tags = Tags()

    def create_connection(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        arn = f"arn:aws:codeconnections:{self.sandbox.region}:{self.sandbox.account}:connection/{uuid4()}"
        self.connections[arn] = {
            "ConnectionName": request["ConnectionName"],
            "ConnectionArn": arn,
            "ProviderType": request.get("ProviderType", "GitHub"),
            "OwnerAccountId": self.sandbox.account,
            # On AWS somebody completes the handshake in the console; here a registered folder is what completes it.
            "ConnectionStatus": "AVAILABLE" if self.folders else "PENDING",
            "HostArn": request.get("HostArn"),
        }
        self._tags.set(arn, {each["Key"]: each["Value"] for each in request.get("Tags") or ()})
        return {"ConnectionArn": arn, "Tags": self._tags.listed(arn, "Key", "Value")}

    def get_connection(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        return {"Connection": self.connection(request["ConnectionArn"])}

    def list_connections(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        wanted = request.get("ProviderTypeFilter")
        found, token = page([each for each in self.connections.values() if wanted in (None, each["ProviderType"])], request)
        return {"Connections": found, "NextToken": token}

    def delete_connection(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        arn = self.connection(request["ConnectionArn"])["ConnectionArn"]
        del self.connections[arn]
        self._tags.forget(arn)
        return {}

    def tag_resource(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        self._tags.set(request["ResourceArn"], {each["Key"]: each["Value"] for each in request["Tags"]})
        return {}

    def untag_resource(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        self._tags.remove(request["ResourceArn"], request["TagKeys"])
        return {}

    def list_tags_for_resource(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        return {"Tags": self._tags.listed(request["ResourceArn"], "Key", "Value")}

    def connection(self, arn: str) -> dict[str, Any]:
        """A connection by its ARN, under either of the service's names."""
        found = self.connections.get(arn.replace(":codestar-connections:", ":codeconnections:"))
        if found is None:
            raise ServiceError("ResourceNotFoundException", f"Connection not found: {arn}")
        return found

    def folder(self, repository: str) -> Path:
        """The git folder that stands for a repository; ServiceError with what to do when none is registered."""
        found = self.folders.get(repository) or self.folders.get("*")
        if not found:
            raise ServiceError(
                "ConnectionNotAvailable",
                f"no folder is registered for {repository}: the sandbox cannot reach a git host. Start it with the option "
                f'executors.connections = {{"{repository}": "<path of a git folder>"}}',
            )
        if not (Path(found) / ".git").exists() and not (Path(found) / "HEAD").is_file():
            raise ServiceError("ConnectionNotAvailable", f"{found}, registered for {repository}, is no git folder: run `git init` in it")
        return Path(found)
