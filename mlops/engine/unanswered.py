"""What a preview needed and nobody answered: collected over the whole run, told at once with the entries to paste."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from mlops.engine.answers import FunctionOutputs
from mlops.engine.errors import EngineError

_STAND_INS: Mapping[str, Any] = {
    "text": "unanswered",
    "number": 0,
    "true or false": False,
    "list": ["unanswered"],
    "map": {},
}


@dataclass(frozen=True)
class Missing:
    """A call without an answer, and why there is none."""

    function: str
    arguments: Mapping[str, Any]
    outputs: FunctionOutputs
    why: str = ""

    def stand_in(self) -> dict[str, Any]:
        """A result with which the program can go on to what else it needs; a run that used one never counts as a preview."""
        return {
            name: _STAND_INS.get(kind, "unanswered") for name, kind, always in self.outputs if always and name not in self.arguments
        } | {name: self.arguments[name] for name, _, _ in self.outputs if name in self.arguments}

    def entry(self) -> dict[str, Any]:
        """What to write into the file: every output that is always there, to be filled in or deleted."""
        return {
            "function": self.function,
            **({"arguments": dict(self.arguments)} if self.arguments else {}),
            "result": {name: f"<{kind}>" for name, kind, always in self.outputs if always and name not in self.arguments} or "<map>",
        }


def error(missing: Sequence[Missing], stacks: Mapping[str, Sequence[str]], file: str, then: EngineError | None) -> EngineError:
    """The refusal that names all that is missing (`stacks`: names to outputs read); `then` is what became of the program on stand-ins."""
    distinct = list({json.dumps([each.function, each.arguments], sort_keys=True, default=repr): each for each in missing}.values())
    # A call with a stand-in among its arguments asks for something else once that is answered.
    later = [each for each in distinct if f'"{_STAND_INS["text"]}"' in json.dumps(each.arguments, default=repr)]
    distinct = [each for each in distinct if each not in later] or distinct
    told = [f"{each.function}{_shown(each.arguments)}: {each.why}" for each in distinct]
    told += [f"the outputs of the stack '{name}': offline there is no state of it" for name in stacks]
    document: dict[str, Any] = {}
    if distinct:
        document["functions"] = [each.entry() for each in distinct]
    if stacks:
        document["stacks"] = {name: dict.fromkeys(read or ("<output>",), "<value>") for name, read in stacks.items()}
    if later and later != distinct:
        told.append(f"what then follows from these: {', '.join(dict.fromkeys(each.function for each in later))}")
    lines = ["this preview needs answers that only AWS, or you, can give:", *(f"  - {line}" for line in told)]
    if then is not None and then.code == "program-failed":
        lines.append(f"(the program then ended: {then.message})")
    entry = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=140)
    hint = f"Fill in what the program reads, delete the other lines, and write it into {file}:\n\n{entry}"
    return EngineError("unanswered", "\n".join(lines), file, hint)


def together(errors: Sequence[EngineError]) -> EngineError:
    """Several refusals as one: the code and place of the first, the messages and hints of all."""
    messages, hints = (
        "\n".join(text for text in texts if text) for texts in zip(*((each.message, each.hint) for each in errors), strict=True)
    )
    return EngineError(errors[0].code, messages, errors[0].where, hints)


def _shown(arguments: Mapping[str, Any]) -> str:
    return "(" + ", ".join(f"{name}={json.dumps(value, default=repr)}" for name, value in arguments.items()) + ")"
