"""Gives moto's services operations that it lacks or only pretends to carry out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import camelcase_to_underscores

Operation = Callable[[dict[str, Any]], dict[str, Any] | None]


def implement(response_class: type, name: str, operation: Operation) -> None:
    """`operation` answers the API operation `name` (as AWS spells it): request parameters in, response members out."""

    def answer(self: Any) -> ActionResult:
        result = operation(json.loads(self.body or "{}"))
        return EmptyResult() if result is None else ActionResult(result)

    setattr(response_class, camelcase_to_underscores(name), answer)
