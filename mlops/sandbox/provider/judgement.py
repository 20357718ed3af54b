"""The judgement of a resource before anything is created: its creation, carried out without sending a request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mlops.engine.values import contains_unknown
from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.difference import property_of
from mlops.sandbox.provider.errors import Problem, ProviderError, Refused, refusal
from mlops.sandbox.provider.handler import Handler


def judge(handler: Handler, call: Call, name: str, inputs: Mapping[str, Any]) -> None:
    """Refuse the resource for everything that is wrong with its known properties. `call` is a dry one."""
    try:
        handler.create(call, call.properties)
        call.finish()
    except Refused as error:
        _raise_known(handler.type_, name, error.problems, inputs)
    except ProviderError:
        if not call.answered:
            raise
    except (KeyError, TypeError, ValueError, AttributeError):
        # A handler stumbled over what is unknown, or over what an earlier problem explains; without one it is the handler's own bug.
        if not call.properties.problems and not contains_unknown(inputs) and not call.answered:
            raise
        _raise_known(handler.type_, name, call.properties.finish(), inputs)


def _raise_known(type_: str, name: str, problems: Iterable[Problem], inputs: Mapping[str, Any]) -> None:
    """Unknown properties are judged in the update."""
    known = [problem for problem in problems if not contains_unknown(inputs.get(property_of(problem.path)))]
    if known:
        raise refusal(type_, name, known)
