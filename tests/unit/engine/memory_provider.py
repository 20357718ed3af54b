"""A provider that keeps resources in memory: a normal implementation of the narrow interface."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from mlops.engine.provider import Properties, ProviderError


@dataclass(frozen=True)
class Difference:
    changes: tuple[str, ...]
    replaces: tuple[str, ...]
    delete_before_replace: bool

    def __iter__(self) -> Any:
        return iter(self.changes)


class MemoryProvider:
    """Names everything, counts ids, refuses what `refuse` names, replaces on a change of `name`."""

    def __init__(self, refuse: str = "", delete_before_replace: bool = True) -> None:
        self.refuse, self.delete_before_replace = refuse, delete_before_replace
        self.resources: dict[str, Properties] = {}
        self.calls: list[tuple[str, str]] = []
        self._lock = threading.Lock()

    def check(self, type_: str, name: str, inputs: Properties, old_inputs: Properties | None = None) -> Properties:
        if name == self.refuse:
            raise ProviderError(f"properties.size: expected a number, got {inputs.get('size')!r}")
        automatic = (old_inputs or {}).get("name", f"{name}-1a2b3c")
        return {"name": automatic, **inputs}

    def create(self, type_: str, name: str, inputs: Properties) -> tuple[str, Properties]:
        with self._lock:
            id_ = f"{name}-{len(self.calls)}"
            self.calls.append(("create", name))
            self.resources[id_] = inputs
        return id_, self._outputs(id_, inputs)

    def read(self, type_: str, id: str, inputs: Properties) -> tuple[str, Properties]:
        if id.startswith("missing"):
            raise ProviderError(f"{type_} {id} does not exist")
        self.calls.append(("read", id))
        return id, {**inputs, "arn": f"arn:aws:test:::{id}"}

    def diff(self, type_: str, id: str, old_inputs: Properties, inputs: Properties) -> Difference:
        changes = tuple(sorted(key for key in {*old_inputs, *inputs} if old_inputs.get(key) != inputs.get(key)))
        return Difference(changes, tuple(key for key in changes if key == "name"), self.delete_before_replace)

    def planned(
        self, type_: str, inputs: Properties, old_inputs: Properties | None = None, old_outputs: Properties | None = None
    ) -> Properties:
        return {**(old_outputs or {}), **inputs}

    def update(self, type_: str, id: str, old_inputs: Properties, inputs: Properties) -> Properties:
        self.calls.append(("update", id))
        self.resources[id] = inputs
        return self._outputs(id, inputs)

    def delete(self, type_: str, id: str, outputs: Properties) -> None:
        self.calls.append(("delete", id))
        del self.resources[id]

    def invoke(self, token: str, args: Properties) -> Properties:
        self.calls.append(("invoke", token))
        if token == "aws:index/getCallerIdentity:getCallerIdentity":
            return {"accountId": "123456789012", "arn": "arn:aws:iam::123456789012:user/me", "id": "123456789012", "userId": "me"}
        raise ProviderError(f"{token} is not supported")

    @staticmethod
    def _outputs(id_: str, inputs: Properties) -> Properties:
        return {**inputs, "arn": f"arn:aws:test:::{id_}"}
