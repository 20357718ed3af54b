"""Settings of the health checks."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from components.settings.platform import Strict

Minutes = Annotated[str, Field(pattern=r"^rate\((1 minute|([2-9]|[1-5][0-9]|60) minutes)\)$")]


class CanarySettings(Strict):
    """A CloudWatch Synthetics canary, for stacks whose models are in service: without one its alarm rings, as it should."""

    inputs: Annotated[
        dict[str, dict[str, str | int | float | None]],
        Field(min_length=1, description="Model → one instance by its contract, which every hour is asked for and stored once."),
    ]
    schedule: Annotated[Minutes, Field(description="How often; an alarm's period is as long.")] = "rate(10 minutes)"
    runtime: Annotated[str, Field(pattern=r"^syn-python-selenium-\d+\.\d+$", description="Deprecated ones cannot be deployed.")] = (
        "syn-python-selenium-14.0"
    )

    @property
    def period_seconds(self) -> int:
        """The schedule's interval."""
        return _seconds(self.schedule)


class HealthSettings(Strict):
    """A function looks at endpoint, API and dependencies; `route53` adds a check of the API from outside AWS's regions."""

    enabled: bool = True
    schedule: Annotated[Minutes, Field(description="How often; an alarm's period is as long.")] = "rate(5 minutes)"
    route53: Annotated[bool, Field(description="A public HTTPS health check of the API by Route 53.")] = False
    canary: Annotated[CanarySettings | None, Field(description="Signed predictions of known inputs from outside.")] = None

    @property
    def period_seconds(self) -> int:
        """The schedule's interval."""
        return _seconds(self.schedule)


def _seconds(schedule: str) -> int:
    (minutes,) = re.findall(r"\d+", schedule)
    return int(minutes) * 60
