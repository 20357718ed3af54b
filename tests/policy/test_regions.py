"""Events of global services are in us-east-1: what serves a rule there may be there too, and nothing else."""

from __future__ import annotations

import pytest
from wellarchitected import RULES, Example

from .examples import judge_stack

(RULE,) = [rule for rule in RULES if rule.id == "one-region"]
PROVIDER = Example("pulumi:providers:aws", "default", {"region": "eu-west-1"})
THERE = {"region": "us-east-1"}
FORWARDS = Example("aws:cloudwatch/eventRule:EventRule", "forwards", THERE)
QUEUE = Example("aws:sqs/queue:Queue", "failures", THERE)
TABLE = Example("aws:dynamodb/table:Table", "rows", THERE)
LOGS = Example("aws:cloudwatch/logDeliverySource:LogDeliverySource", "access", THERE)
ELSEWHERE = Example("aws:sqs/queue:Queue", "failures", {"region": "eu-north-1"})


@pytest.mark.parametrize(
    ("stack", "failed"),
    [((FORWARDS, QUEUE), 0), ((LOGS,), 0), ((QUEUE,), 1), ((FORWARDS, TABLE), 1), ((FORWARDS, ELSEWHERE), 1)],
    ids=["beside its rule", "logs of a distribution", "without a rule", "a store beside a rule", "in a third region"],
)
def test_only_what_serves_a_rule_may_be_in_us_east_1(stack, failed) -> None:
    assert judge_stack(RULE, (PROVIDER, *stack)).outcomes(RULE.id)["fail"] == failed
