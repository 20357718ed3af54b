"""Pulumi's provider operations over the table of handlers."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from mlops.engine.values import UNKNOWN
from mlops.sandbox.provider import invokes
from mlops.sandbox.provider.call import Call, Clients
from mlops.sandbox.provider.difference import Diff, changes, property_of
from mlops.sandbox.provider.errors import AwsError, Missing, Problem, ProviderError
from mlops.sandbox.provider.handler import Handler
from mlops.sandbox.provider.handlers import handler_of
from mlops.sandbox.provider.judgement import judge
from mlops.sandbox.provider.properties import Properties, normalised

_TAGS = ("tags", "tagsAll")
# Properties of any type that hold a JSON document as text.
_DOCUMENTS = (
    "assumeRolePolicy",
    "dashboardBody",
    "definition",
    "eventPattern",
    "filterPolicy",
    "policy",
    "policyDocument",
    "redriveAllowPolicy",
    "redrivePolicy",
    "schema",
)


class AwsProvider:
    """The resource provider of one sandbox: account and region behind `endpoint`, used as the principal of `credentials`.

    Every operation raises `ProviderError`, whose message names type, resource, property, what came and what is allowed.
    """

    def __init__(
        self,
        endpoint: str,
        region: str,
        credentials: Any,
        *,
        account: str = "123456789012",
        api_url: str = "",
        default_tags: Mapping[str, str] | None = None,
    ) -> None:
        self.region, self.account, self._api_url = region, account, api_url.rstrip("/")
        self._clients = Clients(endpoint, region, credentials)
        self._default_tags = dict(default_tags or {})

    def check(self, type_: str, name: str, inputs: Mapping[str, Any], old_inputs: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The inputs with automatic name and defaults. All of them are judged, and the requests of the creation, which are not sent.

        In a preview inputs may be, or hold, `UNKNOWN`: what is known is judged.
        """
        handler = handler_of(type_)
        checked = self._completed(handler, name, normalised(inputs), normalised(old_inputs or {}))
        self._judge(handler, name, checked)
        return checked

    def create(self, type_: str, name: str, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Create a resource: its id and all outputs. What a failed creation has made by then is deleted again."""
        handler = handler_of(type_)
        checked = self._completed(handler, name, normalised(inputs), {})
        call = self._call(handler, name, checked)
        try:
            id_ = handler.create(call, call.properties)
            call.finish()
            call.id = id_
            return id_, self._outputs(handler, call, id_, checked)
        except ProviderError as error:
            self._undo(handler, call, checked, error)
            raise

    def read(self, type_: str, id_: str, inputs: Mapping[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """The outputs of an existing resource; its inputs are looked up when they are not known. `Missing` when there is none."""
        handler = handler_of(type_)
        try:
            known = normalised(inputs) if inputs else self.inputs_of(type_, id_)
            return id_, self._outputs(handler, self._lookup(handler, id_), id_, known)
        except AwsError as error:
            if error.missing:
                raise Missing(str(error)) from error
            raise

    def inputs_of(self, type_: str, id_: str) -> dict[str, Any]:
        """The inputs of an existing resource that is known by its id only."""
        handler = handler_of(type_)
        return handler.inputs_of(self._lookup(handler, id_), id_)

    def planned(
        self,
        type_: str,
        inputs: Mapping[str, Any],
        old_inputs: Mapping[str, Any] | None = None,
        old_outputs: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The outputs that a creation, or an update of what has `old_outputs`, will give; `UNKNOWN` for what only AWS can tell."""
        handler, new, before = handler_of(type_), normalised(inputs), normalised(old_inputs or {})
        changed = {key for key in {*before, *new} if before.get(key) != new.get(key)}
        kept = {key: value for key, value in (old_outputs or {}).items() if key not in before}
        renewed = handler.renewed(changed - set(_TAGS) if handler.tagged else changed, new)
        return {**kept, **{key: UNKNOWN for key in renewed if key in kept}, **new}

    def diff(self, type_: str, id_: str, old_inputs: Mapping[str, Any], inputs: Mapping[str, Any]) -> Diff:
        """Which inputs changed, and which of these changes need a replacement."""
        handler = handler_of(type_)
        old, new = _comparable(normalised(old_inputs)), _comparable(normalised(inputs))
        details = tuple(changes(old, new, handler.replaced_by))
        changed = tuple(dict.fromkeys(property_of(change.path) for change in details))
        replaces = tuple(dict.fromkeys(property_of(change.path) for change in details if change.replaces))
        same_name = handler.name_property is None or handler.name_property not in changed
        first = bool(replaces) and same_name and not handler.own_id
        return Diff(changed, replaces, first, details, handler.name_property)

    def update(self, type_: str, id_: str, old_inputs: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Bring a resource to new inputs and return its outputs."""
        handler = handler_of(type_)
        difference = self.diff(type_, id_, old_inputs, inputs)
        if difference.replaces:
            raise ProviderError(f"{type_} {id_!r}: a change of {', '.join(difference.replaces)} needs a replacement, not an update")
        old, new = normalised(old_inputs), normalised(inputs)
        self._judge(handler, id_, new)
        call = self._call(handler, id_, new)
        call.complete = False
        changed = [key for key in difference.changes if not (handler.tagged and key in _TAGS)]
        if changed:
            handler.update(call, id_, call.properties, changed)
        outputs = self._outputs(handler, call, id_, new)
        before, after = self._tags(old), self._tags(new)
        if handler.tagged and before != after:
            add = {key: value for key, value in after.items() if before.get(key) != value}
            handler.retag(call, id_, str(outputs.get("arn", "")), add, sorted(set(before) - set(after)))
        return outputs

    def delete(self, type_: str, id_: str, outputs: Mapping[str, Any]) -> None:
        """Delete a resource; one that is gone already is fine."""
        handler = handler_of(type_)
        try:
            handler.delete(self._lookup(handler, id_), id_, normalised(outputs))
        except AwsError as error:
            if not error.missing:
                raise

    def invoke(self, token: str, args: Mapping[str, Any]) -> dict[str, Any]:
        """The result of a provider function."""
        return invokes.invoke(self._clients, token, normalised(args), account=self.account, region=self.region)

    def _completed(self, handler: Handler, name: str, inputs: dict[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
        result = {**inputs, **{key: value for key, value in handler.defaults(name, inputs).items() if key not in inputs}}
        key = handler.name_property
        if key and key not in result and result.get(f"{key}Prefix") is not UNKNOWN:
            prefix = result.get(f"{key}Prefix")
            stem, suffix = (prefix, secrets.token_hex(13)) if prefix else (name, f"-{secrets.token_hex(4)[:7]}")
            result[key] = old.get(key) or handler.automatic_name(stem, suffix, result)
        if handler.tagged and self._tags(result):
            result["tagsAll"] = self._tags(result)
        return result

    def _tags(self, inputs: Mapping[str, Any]) -> Any:
        # The engine has already merged the stack's default tags when it sends `tagsAll`.
        given = inputs.get("tagsAll") or inputs.get("tags", {})
        if given is UNKNOWN:
            return UNKNOWN
        return dict(inputs.get("tagsAll") or {**self._default_tags, **given})

    def _lookup(self, handler: Handler, id_: str) -> Call:
        """A call for what exists: there are no properties to judge."""
        call = self._call(handler, id_, {})
        call.complete = False
        return call

    def _call(self, handler: Handler, name: str, inputs: Mapping[str, Any], *, dry: bool = False) -> Call:
        properties = Properties(inputs)
        call = Call(
            clients=self._clients,
            service=handler.service,
            type_=handler.type_,
            name=name,
            properties=properties,
            account=self.account,
            region=self.region,
            api_url=self._api_url,
            dry=dry,
        )
        properties.only("region", self.region, because="it has one region")
        for key in _DOCUMENTS:
            if key not in handler.objects:
                properties.document(key)
        if handler.name_property:
            properties.take(f"{handler.name_property}Prefix")
        if handler.tagged:
            properties.take("tags")
            properties.take("tagsAll")
            tags = self._tags(inputs)
            call.tags = {} if tags is UNKNOWN else tags
            for key, value in call.tags.items():
                if value is not UNKNOWN and not isinstance(value, str):
                    properties.problems.append(Problem(f"tags.{key}", f"is {value!r}; expected a string"))
        return call

    def _judge(self, handler: Handler, name: str, inputs: Mapping[str, Any]) -> None:
        judge(handler, self._call(handler, name, inputs, dry=True), name, inputs)

    def _outputs(self, handler: Handler, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        outputs = {**inputs, **{key: value for key, value in handler.computed(call, id_, inputs).items() if value is not None}}
        if handler.tagged:
            outputs["tagsAll"] = self._tags(inputs)
        return outputs

    def _undo(self, handler: Handler, call: Call, inputs: Mapping[str, Any], error: ProviderError) -> None:
        if call.id is None:
            return
        try:
            self.delete(handler.type_, call.id, inputs)
        except ProviderError as second:
            raise ProviderError(f"{error} (and what was created could not be deleted again: {second})") from error


def _comparable(value: Any) -> Any:
    """Assets and archives by their content: the same files at another path are no change."""
    if isinstance(value, dict):
        return {key: _comparable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_comparable(item) for item in value]
    return getattr(value, "hash", None) or value
