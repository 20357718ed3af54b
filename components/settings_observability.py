"""Settings of observability."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from components.settings_platform import Strict

Seconds = Annotated[int, Field(ge=1, le=86_400)]


class ObservabilitySettings(Strict):
    """What is watched beyond alarms and dashboards of the pipelines, which every stack has."""

    cause_seconds: Annotated[Seconds, Field(description="So long failed work waits for its pipeline's alarm before it is told itself.")] = (
        180
    )
    remind_seconds: Annotated[Seconds, Field(description="Failed work that its pipeline's alarm has outlived so long is told.")] = 3600
