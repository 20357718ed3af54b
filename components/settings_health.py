"""Settings of the health checks."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from components.settings_platform import Strict

Minutes = Annotated[str, Field(pattern=r"^rate\((1 minute|([2-9]|[1-5][0-9]|60) minutes)\)$")]


class HealthSettings(Strict):
    """A function looks at endpoint, API and dependencies; `route53` adds a check of the API from outside AWS's regions."""

    enabled: bool = True
    schedule: Annotated[Minutes, Field(description="How often; an alarm's period is as long.")] = "rate(5 minutes)"
    route53: Annotated[bool, Field(description="A public HTTPS health check of the API by Route 53.")] = False

    @property
    def period_seconds(self) -> int:
        """The schedule's interval."""
        (minutes,) = re.findall(r"\d+", self.schedule)
        return int(minutes) * 60
