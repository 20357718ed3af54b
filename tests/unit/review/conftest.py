"""Reviews of small stacks: a bucket with a key, without one, or with an exemption."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import wellarchitected

from mlops.review.answers import Answer, Answers
from mlops.review.document import review
from mlops.review.drills import MarkedTest, Results
from mlops.review.states import Evidence, Program

TODAY = date(2027, 3, 1)
STACK = "urn:pulumi:dev::app::pulumi:pulumi:Stack::app-dev"
QUEUE = "urn:pulumi:dev::app::aws:sqs/queue:Queue::work"
ENCRYPTED = "SEC08-BP02"  # judged by sqs-encrypted among others
ANSWERED: dict[str, Any] = {
    "answer": "yes",
    "owner": "ml-platform",
    "because": "the users are asked every quarter",
    "date": date(2027, 1, 5),
}


def program(properties: dict[str, Any], config: dict[str, Any] | None = None) -> Program:
    """A stack with one queue."""
    resources = [
        wellarchitected.Resource(STACK, "pulumi:pulumi:Stack", "app-dev", {}),
        wellarchitected.Resource(QUEUE, "aws:sqs/queue:Queue", "work", properties),
    ]
    return Program("app/dev", wellarchitected.evaluate(resources, stack="dev", config=config, today=TODAY))


@pytest.fixture
def reviewed() -> Callable[..., dict[str, Any]]:
    """Reviews a stack with an encrypted queue, unless told otherwise."""

    def make(
        properties: dict[str, Any] | None = None,
        *,
        config: dict[str, Any] | None = None,
        answers: dict[str, dict[str, Any]] | None = None,
        shown: dict[str, list[str]] | None = None,
        tests: list[MarkedTest] | None = None,
        results: Results | None = None,
    ) -> dict[str, Any]:
        marked: dict[str, list[MarkedTest]] = {}
        for test in tests or []:
            marked.setdefault(test.spec, []).append(test)
        given = Answers(shown=shown or {}, answers={id_: Answer(**values) for id_, values in (answers or {}).items()})
        programs = [program({"kmsMasterKeyId": "alias/work"} if properties is None else properties, config)]
        return review("dev", Evidence(programs, given, marked, results or Results(), TODAY))

    return make


def row(document: dict[str, Any], practice: str) -> dict[str, Any]:
    (found,) = [each for each in document["practices"] if each["id"] == practice]
    return found
