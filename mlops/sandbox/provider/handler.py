"""What every resource type's handler is."""

from __future__ import annotations

import functools
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, ClassVar

from mlops.sandbox.provider import retagging
from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.errors import ProviderError
from mlops.sandbox.provider.properties import Properties

HANDLERS: dict[str, Handler] = {}


@functools.cache
def replacements() -> dict[str, list[str]]:
    """The inputs whose change replaces a resource, by type; where they are from is said in the file."""
    return json.loads(Path(__file__).with_name("replacements.json").read_text())["replaces"]


EXECUTED = "executed"
KEPT = "kept"


class Handler:
    """One resource type. Subclasses with a `type_` register themselves.

    `type_` is Pulumi's type, `service` boto3's service, `level` whether the resource has its effect in the sandbox or is only stored.
    `name_property` gets an automatic name when neither it nor `<name_property>Prefix` is set. Which changes replace a resource says
    `replacements.json`; `replaced_here` are properties that the real provider updates and the sandbox cannot. `own_id` says that each creation
    gets an id of its own, so both can exist for a while.
    `objects` are properties that are objects here, though other types have JSON text under that name. `renews` tells which outputs an update
    gives a new value, and the inputs because of which it does ("*": any).
    """

    type_: ClassVar[str] = ""
    service: ClassVar[str] = ""
    level: ClassVar[str] = KEPT
    name_property: ClassVar[str | None] = None
    name_length: ClassVar[int] = 255
    replaced_here: ClassVar[Collection[str]] = ()
    own_id: ClassVar[bool] = False
    tagged: ClassVar[bool] = False
    objects: ClassVar[Collection[str]] = ()
    renews: ClassVar[Mapping[str, Collection[str]]] = {}

    def __init_subclass__(cls) -> None:
        if cls.__dict__.get("type_"):
            HANDLERS[cls.type_] = cls()

    def replaced_by(self, path: str) -> bool:
        """Whether a change at a path (without indices, as in `rules.status`) needs a replacement."""
        return any(path == fixed or path.startswith(f"{fixed}.") for fixed in (*replacements().get(self.type_, ()), *self.replaced_here))

    def renewed(self, changed: Collection[str], inputs: Mapping[str, Any]) -> set[str]:
        """The outputs that an update with these changes (tags are none of them) gives a new value."""
        return {output for output, because in self.renews.items() if changed and ("*" in because or set(changed) & set(because))}

    def defaults(self, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Inputs that the real provider fills in by itself and that later requests rely on."""
        return {}

    def automatic_name(self, stem: str, suffix: str, inputs: Mapping[str, Any]) -> str:
        """The automatic name: the stem cut so that the suffix fits into `name_length`."""
        return f"{stem[: self.name_length - len(suffix)]}{suffix}"

    def create(self, call: Call, p: Properties) -> str:
        """Create the resource and return its id; set `call.id` before a second request, so that a failure can be cleaned up.

        What the creation answered may be left in `call.made`, for `computed` to use in place of a request of its own.
        """
        raise NotImplementedError

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The outputs that are not inputs. A missing resource raises an `AwsError`."""
        return {}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        """Bring an existing resource to the new inputs; `changed` never holds tags or properties that replace."""
        raise ProviderError(f"{self.type_} {call.name!r}: the sandbox cannot update {', '.join(sorted(changed))}")

    def retag(self, call: Call, id_: str, arn: str, add: dict[str, str], remove: list[str]) -> None:
        """Change the tags of an existing resource, which has an id or an ARN in most services' TagResource and UntagResource."""
        if add:
            call("tag_resource", **retagging.parameters(call.input_of("tag_resource"), id_, arn, add))
        if remove:
            call("untag_resource", **retagging.parameters(call.input_of("untag_resource"), id_, arn, remove))

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        """Delete the resource. That it is gone already is no error: the caller sees to it."""
        raise NotImplementedError

    def inputs_of(self, call: Call, id_: str) -> dict[str, Any]:
        """The inputs of an existing resource that is known by its id only."""
        raise ProviderError(f"{self.type_}: the sandbox cannot look up this type by id ({id_})")


class Put(Handler):
    """A type whose creation request also overwrites: an update is the same request."""

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        self.create(call, p)
