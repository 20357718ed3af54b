"""How much of an alias's traffic a new version gets, and when. Source: "AWS Lambda deploy action reference" of CodePipeline."""

from __future__ import annotations

import re
from dataclasses import dataclass

_CANARY = re.compile(r"Canary(\d{1,2})Percent(\d+)Minutes?")
_LINEAR = re.compile(r"Linear(\d{1,2})PercentEvery(\d+)Minutes?")
LONGEST_MINUTES = 2 * 24 * 60


@dataclass(frozen=True)
class Step:
    """The new version's share in percent, and the minutes it stays so before the next step."""

    percent: int
    minutes: int


def steps(strategy: str) -> list[Step]:
    """The steps of a strategy, the last of them 100 percent; ValueError says what is allowed."""
    if strategy == "AllAtOnce":
        return [Step(100, 0)]
    canary, linear = _CANARY.fullmatch(strategy), _LINEAR.fullmatch(strategy)
    match = canary or linear
    if match is None or not 0 < int(match[1]) < 100 or int(match[2]) < 1:
        raise ValueError(
            f"DeployStrategy: expected AllAtOnce, Canary<percent>Percent<minutes>Minutes or Linear<percent>PercentEvery<minutes>Minutes,"
            f" got {strategy!r}"
        )
    percent, minutes = int(match[1]), int(match[2])
    shares = [percent] if canary else list(range(percent, 100, percent))
    if len(shares) * minutes > LONGEST_MINUTES:
        raise ValueError(f"DeployStrategy: {strategy} takes {len(shares) * minutes} minutes, at most {LONGEST_MINUTES} are allowed")
    return [*(Step(share, minutes) for share in shares), Step(100, 0)]
