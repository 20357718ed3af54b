"""Which version a rollback goes back to."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from mlops.errors import UserError
from mlops.operations import models

MODEL = {"endpoint": "mlops-test-flights"}


class Answers:
    """SageMaker and the ledger: version 4 is in service, and the configuration before it served `before`."""

    stack = "test"
    outputs = {"ledger_table": "ledger"}

    def __init__(self, before: str | None, configuration: str = "flights-v3") -> None:
        self.before, self.configuration = before, configuration

    def client(self, _service: str) -> Any:
        return self

    def get_item(self, **_: Any) -> dict[str, Any]:
        return {"Item": {"version": {"S": "4"}, "previous_endpoint_config": {"S": self.configuration}}}

    def describe_endpoint_config(self, **_: Any) -> dict[str, Any]:
        if self.before is None:
            raise ClientError({"Error": {"Code": "ValidationException", "Message": "no such configuration"}}, "DescribeEndpointConfig")
        return {"ProductionVariants": [{"ModelName": "flights-v3"}]}

    def describe_model(self, **_: Any) -> dict[str, Any]:
        return {"PrimaryContainer": {"Environment": {"MODEL_VERSION": self.before}}}


def test_it_is_the_version_of_the_configuration_before() -> None:
    assert models.previous(Answers("3"), MODEL) == 3  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "answers",
    [Answers("4"), Answers(None), Answers("3", configuration="none")],
    ids=["the same version", "cleaned up", "first deployment"],
)
def test_without_another_version_before_it_is_refused_with_what_to_do(answers: Answers) -> None:
    with pytest.raises(UserError) as caught:
        models.previous(answers, MODEL)  # type: ignore[arg-type]
    assert caught.value.code == "nothing-to-roll-back-to"
    assert "mlops deploy" in caught.value.hint
