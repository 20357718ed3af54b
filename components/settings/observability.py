"""Settings of observability: alarms, log filters, saved queries, dashboards, traces and the log groups that AWS makes unasked."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from components.settings.platform import Strict

Seconds = Annotated[int, Field(ge=1, le=86_400)]


class TracingSettings(Strict):
    """X-Ray: a group of the stack's traces, and how many of the API's requests are traced. Tracing itself is always on."""

    group: bool = True
    sampling: Annotated[bool, Field(description="A sampling rule of the API in the place of the account's default rule.")] = True
    requests_a_second: Annotated[int, Field(ge=0, le=1000, description="Traced whatever the rate.")] = 1
    rate: Annotated[float, Field(ge=0.0, le=1.0, description="The share of the requests beyond that.")] = 0.05


class VolumeSettings(Strict):
    """An alarm a model when its predictions are unusually few or many. With `expected` no predictions at all are unusual, too."""

    enabled: bool = True
    expected: Annotated[bool, Field(description="Requests come around the clock: silence rings. Not where nobody asks at night.")] = False
    period_minutes: Literal[5, 15, 30, 60] = 60


class ObservabilitySettings(Strict):
    """What is watched beyond alarms and dashboards of the pipelines, which every stack has.

    `service_log_groups`: groups that AWS services of an account share and would make without retention and key. One stack of an account
    creates them, the others say `existing`; `off` leaves them to AWS.
    """

    error_filters: Annotated[bool, Field(description="Error lines of functions and endpoints become a metric and an alarm a pipeline.")] = (
        True
    )
    trail_alarms: Annotated[bool, Field(description="Alarms on the trail's events (CIS benchmark); with a trail of the stack only.")] = True
    denied_calls: Annotated[int, Field(ge=1, le=10_000, description="Refused calls in 5 minutes that ring.")] = 10
    queries: Annotated[bool, Field(description="Saved Logs Insights queries.")] = True
    cost_dashboard: bool = True
    sustainability_dashboard: bool = True
    volume: VolumeSettings = VolumeSettings()
    tracing: TracingSettings = TracingSettings()
    service_log_groups: Literal["create", "existing", "off"] = "create"
    cause_seconds: Annotated[Seconds, Field(description="So long failed work waits for its pipeline's alarm before it is told itself.")] = (
        180
    )
    remind_seconds: Annotated[Seconds, Field(description="Failed work that its pipeline's alarm has outlived so long is told.")] = 3600
