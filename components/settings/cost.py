"""Settings of cost: budgets, anomalies, the report, the clean-up and the hours in which dev answers."""

from __future__ import annotations

from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from components.settings.platform import Strict

Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Schedule = Annotated[str, Field(pattern=r"^(rate|cron)\(.+\)$", description="An EventBridge Scheduler expression in UTC.")]
Percent = Annotated[float, Field(gt=0.0, le=1000.0)]


class BudgetSettings(Strict):
    """Monthly budgets in US dollars, of the stack and of its models by name. They cover what carries the stack's (and the model's) tags.

    `action` applies a policy that forbids new training jobs and endpoints when `action_percent` of the budget is spent: `manual` waits for
    a person's approval, `automatic` does not. AWS takes it back at the start of the next month.
    """

    monthly_usd: Annotated[float, Field(gt=0.0, le=10_000_000.0)] | None = None
    models_monthly_usd: dict[str, Annotated[float, Field(gt=0.0, le=10_000_000.0)]] = {}
    alert_actual_percent: Annotated[list[Percent], Field(min_length=1, max_length=3)] = [80.0, 100.0]
    alert_forecast_percent: Annotated[list[Percent], Field(max_length=2)] = [100.0]
    action: Literal["none", "manual", "automatic"] = "none"
    action_percent: Percent = 100.0

    @model_validator(mode="after")
    def _action_needs_a_budget(self) -> BudgetSettings:
        if self.action != "none" and self.monthly_usd is None:
            raise ValueError("action: there is no budget to act on; set monthly_usd, or action to none")
        return self


class AnomalySettings(Strict):
    """Cost Anomaly Detection. An account has one monitor of all its services; a monitor of one stack's tag costs nothing and may be made by each."""

    mode: Literal["create", "existing", "off"] = "off"
    scope: Literal["stack", "services"] = "stack"
    monitor_arn: Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:ce::\d{12}:anomalymonitor/.+$")] | None = None
    minimum_usd: Annotated[float, Field(gt=0.0)] = 10.0

    @model_validator(mode="after")
    def _existing_monitor_is_named(self) -> AnomalySettings:
        if (self.mode == "existing") != (self.monitor_arn is not None):
            raise ValueError("monitor_arn: required with mode existing, not allowed otherwise")
        return self


class ReportSettings(Strict):
    """The cost report: what AWS billed by model and environment, and what a prediction cost."""

    enabled: bool = True
    schedule: Schedule = "cron(0 6 2 * ? *)"
    savings_plans: bool = False


class CleanUpSettings(Strict):
    """What nobody uses any more. `apply` off only reports; whatever is in service is never touched."""

    enabled: bool = True
    schedule: Schedule = "cron(0 4 ? * SUN *)"
    apply: bool = False
    idle_hours: Annotated[int, Field(ge=1, le=336)] = 24
    keep_versions: Annotated[int, Field(ge=1, le=1000)] = 10
    unused_days: Annotated[int, Field(ge=0, le=3650)] = 30


class OfficeHours(Strict):
    """The hours in which endpoints answer, by the wall clock of `time_zone`. `enabled` off keeps the function and rests its schedules."""

    # Not `on` and `off`: in YAML these are truth values.
    opens: Clock = "07:00"
    closes: Clock = "19:00"
    days: Annotated[str, Field(pattern=r"^[A-Z]{3}([-,][A-Z]{3})*$", description="As in cron: MON-FRI, or MON,WED.")] = "MON-FRI"
    time_zone: str = "UTC"
    enabled: bool = True

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"time_zone: {name!r} is no IANA time zone; for example Europe/Dublin") from error
        return name

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> OfficeHours:
        if self.opens >= self.closes:
            raise ValueError(f"closes: {self.closes} is not after opens {self.opens}; the hours lie within one day")
        return self

    def cron(self, clock: str) -> str:
        """The schedule expression of a time of day, for example `cron(0 7 ? * MON-FRI *)`."""
        hour, minute = clock.split(":")
        return f"cron({int(minute)} {int(hour)} ? * {self.days} *)"

    def again(self) -> str:
        """When the endpoint is back, as a client is told."""
        return f"{self.opens} {self.time_zone} ({self.days})"


class CostSettings(Strict):
    """Cost controls of a stack."""

    budget: BudgetSettings = BudgetSettings()
    anomalies: AnomalySettings = AnomalySettings()
    report: ReportSettings = ReportSettings()
    clean_up: CleanUpSettings = CleanUpSettings()
    office_hours: OfficeHours | None = None


class SustainabilitySettings(Strict):
    """A region whose grid emits more than `maximum_grams_per_kwh` (g CO2e) is warned of at every preview."""

    maximum_grams_per_kwh: Annotated[float, Field(gt=0.0, le=2000.0)] = 300.0
