"""The steps of a preview: nothing is created, so what a provider would compute is unknown."""

from __future__ import annotations

from typing import Any

from mlops.engine import invokes
from mlops.engine.record import RecordedResource
from mlops.engine.registry import ClassOutputs, all_tags
from mlops.engine.values import UNKNOWN, contains_unknown


class PreviewSteps:
    """Outputs are the inputs, plus UNKNOWN for every output that the resource's class says is always present."""

    dry_run = True

    def apply(self, resource: RecordedResource, provider: RecordedResource, outputs: ClassOutputs) -> None:
        """Record a creation that did not happen."""
        tags = all_tags(resource, provider, outputs)
        if tags is not None:
            resource.inputs["tagsAll"] = tags
        # The engine does not call a provider whose settings are unknown: it knows no outputs at all.
        if contains_unknown(provider.inputs):
            return
        resource.outputs = {**{name: UNKNOWN for name, always in outputs if always}, **resource.inputs}
        if resource.options.get("importId"):
            resource.id = resource.options["importId"]

    def read(self, resource: RecordedResource, provider: RecordedResource, outputs: ClassOutputs, id: Any) -> None:
        """Something that exists already: its id is known, its properties are not."""
        resource.outputs = {**{name: UNKNOWN for name, always in outputs if always}, **resource.inputs}
        resource.id = id

    def invoke(self, token: str, args: dict[str, Any], provider: RecordedResource) -> dict[str, Any]:
        """Answer from the provider's settings alone."""
        return invokes.answer(token, args, provider)
