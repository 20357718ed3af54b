"""Settings of performance: transfer acceleration, archive tiers, the API's cache, and the functions' concurrency."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from components.settings.platform import Strict

# Lambda lets nobody reserve the last 100 of an account's concurrency.
UNRESERVED = 100
# Functions made once a model; all others are made once a stack.
PER_MODEL = frozenset(
    {"predict", "batch_predict", "store_predictions", "detect_drift", "plan_deployment", "select_model", "training_trigger"}
)
Handler = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,40}$")]


class ArchiveSettings(Strict):
    """Intelligent-Tiering's archive tiers, for rows that a run has validated and no later run reads; they need a restore before they can be read.

    S3 admits 90 to 730 days without a read for the archive tier and 180 to 730 for the deep one.
    """

    archive_days: Annotated[int, Field(ge=90, le=730)] = 180
    deep_archive_days: Annotated[int, Field(ge=180, le=730)] | None = None

    @model_validator(mode="after")
    def _deep_comes_later(self) -> ArchiveSettings:
        if self.deep_archive_days is not None and self.deep_archive_days <= self.archive_days:
            raise ValueError(f"deep_archive_days: {self.deep_archive_days} is not after archive_days {self.archive_days}; allowed: more")
        return self


class CacheSettings(Strict):
    """The stage's cache, billed by the hour. It holds answers of GET only: the body is no part of a cache key."""

    size_gb: Literal["0.5", "1.6", "6.1", "13.5", "28.4", "58.2", "118", "237"] = "0.5"
    ttl_seconds: Annotated[int, Field(ge=1, le=3600, description="How old an answer may be: so long a new version goes unmentioned.")] = 60


class ProvisionedSettings(Strict):
    """Environments of `predict` that are kept ready, and how many there may be when more than `utilization` of them are busy."""

    minimum: Annotated[int, Field(ge=1, le=1000)] = 1
    maximum: Annotated[int, Field(ge=2, le=1000)] = 5
    utilization: Annotated[float, Field(ge=0.1, le=0.9)] = 0.7

    @model_validator(mode="after")
    def _range_is_a_range(self) -> ProvisionedSettings:
        if self.maximum <= self.minimum:
            raise ValueError(f"maximum: {self.maximum} must be above minimum {self.minimum}")
        return self


class ConcurrencySettings(Strict):
    """`reserved`: by the function's folder under lambdas/, what each such function has for itself, and its limit. `account` is the account's quota in the region."""

    reserved: Annotated[dict[Handler, Annotated[int, Field(ge=1, le=10000)]], Field(max_length=40)] = {}
    account: Annotated[int, Field(ge=10, le=1_000_000)] = 1000
    provisioned: ProvisionedSettings | None = None

    @model_validator(mode="after")
    def _provisioned_fits_reserved(self) -> ConcurrencySettings:
        limit = self.reserved.get("predict")
        if limit is not None and self.provisioned and self.provisioned.maximum > limit:
            raise ValueError(f"provisioned.maximum: {self.provisioned.maximum} is above reserved.predict {limit}; allowed: {limit} or less")
        return self

    def total(self, models: int) -> int:
        """What a stack with so many models reserves."""
        return sum(count * (models if handler in PER_MODEL else 1) for handler, count in self.reserved.items())


class EfficiencySettings(Strict):
    """The report of how well what was billed was used, of the last `days`; `target` is the share of billed seconds that should be useful.

    With `alarm` a report below the target rings, until the next one that is not.
    """

    enabled: bool = True
    schedule: Annotated[str, Field(pattern=r"^(rate|cron)\(.+\)$", description="An EventBridge Scheduler expression in UTC.")] = (
        "cron(0 5 ? * MON *)"
    )
    days: Annotated[int, Field(ge=1, le=30)] = 7
    target: Annotated[float, Field(gt=0.0, le=1.0)] = 0.8
    alarm: bool = True


class PerformanceSettings(Strict):
    """What makes a stack faster and costs something is off unless set; the report of its efficiency is on."""

    transfer_acceleration: Annotated[bool, Field(description="Uploads into the raw bucket go through CloudFront's edge locations.")] = False
    archive: ArchiveSettings | None = None
    api_cache: CacheSettings | None = None
    concurrency: ConcurrencySettings = ConcurrencySettings()
    efficiency: EfficiencySettings = EfficiencySettings()
