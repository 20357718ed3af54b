"""The steps of a preview: nothing is created, so what a provider would compute is unknown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mlops.engine import invokes, unanswered
from mlops.engine.answers import Answers, FunctionOutputs
from mlops.engine.errors import EngineError
from mlops.engine.functions.call import NoRegion
from mlops.engine.functions.typed import typed
from mlops.engine.program_errors import missing_config
from mlops.engine.provider_settings import all_tags
from mlops.engine.record import Log, Record, RecordedResource
from mlops.engine.registry import ClassOutputs
from mlops.engine.unanswered import Missing
from mlops.engine.values import UNKNOWN, contains_unknown, without_secrets


class PreviewSteps:
    """Outputs are the inputs, plus UNKNOWN for every output that the resource's class says is always present."""

    dry_run = True

    def __init__(self, answers: Answers | None = None) -> None:
        self._answers = answers or Answers()
        self._sources: dict[str, str] = {}
        self._missing: list[Missing] = []
        self._missing_stacks: list[str] = []
        self._missing_config: list[tuple[str, str, bool]] = []

    def apply(self, resource: RecordedResource, provider: RecordedResource, outputs: ClassOutputs) -> None:
        """Record a creation that did not happen."""
        # The engine does not call a provider whose settings are unknown: nothing is added to the inputs, and no outputs are known at all.
        if contains_unknown(provider.inputs):
            return
        tags = all_tags(resource, provider, outputs)
        if tags is not None:
            resource.inputs["tagsAll"] = tags
        resource.outputs = {**{name: UNKNOWN for name, always in outputs if always}, **resource.inputs}
        if resource.options.get("importId"):
            resource.id = resource.options["importId"]

    def read(self, resource: RecordedResource, provider: RecordedResource, outputs: ClassOutputs, id: Any) -> None:
        """Something that exists already: its id is known, its properties are not."""
        resource.outputs = {**{name: UNKNOWN for name, always in outputs if always}, **resource.inputs}
        resource.id = id

    def invoke(self, token: str, args: dict[str, Any], provider: RecordedResource, outputs: FunctionOutputs = ()) -> dict[str, Any]:
        """The file's answer, else one that is computed or an example. Without any, the run goes on with a stand-in and ends in `finish`."""
        given = self._answers.function(token, args, outputs)
        if given is not None:
            self._sources[token] = "file"
            return dict(given)
        missing = Missing(token, without_secrets(args), outputs)
        try:
            result = invokes.answer(token, args, provider)
        except invokes.Unanswered as reason:
            self._missing.append(replace(missing, why=str(reason)))
            return missing.stand_in()
        except NoRegion:
            if not outputs:
                raise  # asked by a component: there is no class to make a stand-in of
            self._missing_config.append(("aws:region", "text", False))
            return missing.stand_in()
        self._sources[token] = invokes.kind(token)
        return typed(result, outputs)

    def stack_outputs(self, name: str) -> Any:
        """The outputs of another stack, as the file gives them; UNKNOWN when it does not, and `finish` ends the run."""
        outputs = self._answers.stacks.get(name)
        if outputs is None:
            self._missing_stacks.append(name)
            return UNKNOWN
        return outputs

    def finish(self, record: Record, failure: EngineError | None) -> None:
        """Note where answers came from; raise what was missing, all of it at once, whatever became of the program, else its `failure`."""
        record.answers, record.accepted = self._sources, list(self._answers.accepted)
        config = list(dict.fromkeys([*record.missing_config, *self._missing_config]))
        stacks = {name: record.stack_outputs_read.get(name, []) for name in self._missing_stacks}
        errors = []
        if config:
            errors.append(missing_config(record.stack, config, failure.where if failure else ""))
        if self._missing or stacks:
            errors.append(unanswered.error(self._missing, stacks, self._answers.file, failure))
        if errors:
            error = unanswered.together(errors)
            error.record = failure.record if failure else record
            raise error from failure
        if failure is not None:
            raise failure
        for function in self._answers.unused():
            record.logs.append(Log("warning", f"{self._answers.file}: no call needed the entry for {function}"))
