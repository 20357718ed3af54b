"""The resource provider that an update talks to, in plain Python values (no unknowns, secrets in clear)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

Properties = dict[str, Any]


class ProviderError(Exception):
    """A provider refuses a resource or a call; the message names the property paths or the service's own error."""


class Provider(Protocol):
    """Check, diff, create, read, update, delete and invoke, as in the Pulumi provider protocol."""

    def check(self, type_: str, name: str, inputs: Properties, old_inputs: Properties | None = None, /) -> Properties:
        """Validated inputs with defaults and auto-names; ProviderError lists the property paths that are wrong."""
        ...

    def create(self, type_: str, name: str, inputs: Properties, /) -> tuple[str, Properties]:
        """Create the resource: its id and outputs."""
        ...

    def read(self, type_: str, id: str, inputs: Properties, /) -> tuple[str, Properties]:
        """The id and outputs of an existing resource; ProviderError when it does not exist."""
        ...

    def diff(self, type_: str, id: str, old_inputs: Properties, inputs: Properties, /) -> Iterable[str]:
        """Names of the changed properties. The answer may carry `replaces` (names that force a replacement) and `delete_before_replace`."""
        ...

    def update(self, type_: str, id: str, old_inputs: Properties, inputs: Properties, /) -> Properties:
        """Change the resource in place: its new outputs."""
        ...

    def delete(self, type_: str, id: str, outputs: Properties, /) -> None:
        """Delete the resource; deleting what is already gone is not an error."""
        ...

    def invoke(self, token: str, args: Properties, /) -> Properties:
        """Answer a data source."""
        ...
