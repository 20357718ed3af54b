"""Every setting of a stack, as frozen models: what may be set, its range, and which combinations real AWS accepts.

The values come from `Pulumi.<stack>.yaml` (see `settings_source.py`); nothing else in the program reads configuration.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from components.cost.cost_tags import COST_ALLOCATION_TAGS
from components.settings import reachability
from components.settings.cdn import CdnSettings
from components.settings.cicd import CicdSettings
from components.settings.cost import CostSettings, SustainabilitySettings
from components.settings.health import HealthSettings
from components.settings.models import ModelSettings
from components.settings.observability import ObservabilitySettings
from components.settings.performance import UNRESERVED, PerformanceSettings
from components.settings.platform import (
    ApiSettings,
    AuditSettings,
    FunctionSettings,
    GlueSettings,
    ImageSettings,
    KeySettings,
    LakeSettings,
    LogSettings,
    NetworkSettings,
    NotificationSettings,
    PipelineSettings,
    Strict,
)
from components.settings.recovery import RecoverySettings
from components.settings.security import IdentitySettings, SecuritySettings

Part = Literal["data", "models", "cicd"]
TagKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9+=._:/@ -]{1,128}$")]
TagValue = Annotated[str, Field(pattern=r"^[A-Za-z0-9+=._:/@ -]{0,256}$")]


class StackSettings(Strict):
    """What the stack is and who answers for it."""

    environment: Literal["dev", "prod", "local"]
    parts: Annotated[
        list[Part],
        Field(description="What the stack has beside its base (network, keys, buckets, tables, notifications, audit trail)."),
    ] = ["data", "models", "cicd"]
    protected: Annotated[bool, Field(description="Stores keep their data: no destroy, no forced emptying, deletion protection.")] = False
    owner: Annotated[str, Field(min_length=1, description="Who answers for the stack; a tag on everything.")]
    cost_center: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,32}$", description="Cost allocation tag; quote digits.")]
    extra_tags: Annotated[
        dict[TagKey, TagValue],
        # S3 takes ten tags of an object, and six are there already.
        Field(max_length=4, description="Further tags of everything; aws:defaultTags must hold them too."),
    ] = {}

    @field_validator("extra_tags")
    @classmethod
    def _tags_are_no_others(cls, tags: dict[str, str]) -> dict[str, str]:
        taken = sorted({*COST_ALLOCATION_TAGS, "ManagedBy", "DataClassification", "Name"} & set(tags))
        if taken:
            raise ValueError(f"extra_tags: {taken[0]} has a meaning of its own here; choose another key")
        reserved = sorted(key for key in tags if key.lower().startswith("aws:"))
        if reserved:
            raise ValueError(f"extra_tags: {reserved[0]} begins with aws:, which AWS keeps for itself; choose another key")
        return tags


# What the longest names of models leave room for; tests/unit/components/test_many_models.py previews as many.
MAXIMUM_MODELS = 20


class Settings(Strict):
    """One stack: an object for each key of the project in `Pulumi.<stack>.yaml`."""

    stack: StackSettings
    network: NetworkSettings = NetworkSettings()
    keys: KeySettings = KeySettings()
    identity: IdentitySettings = IdentitySettings()
    security: SecuritySettings = SecuritySettings()
    audit: AuditSettings = AuditSettings()
    lake: LakeSettings = LakeSettings()
    logs: LogSettings = LogSettings()
    notifications: NotificationSettings
    functions: FunctionSettings = FunctionSettings()
    glue: GlueSettings = GlueSettings()
    images: ImageSettings = ImageSettings()
    pipelines: PipelineSettings = PipelineSettings()
    api: ApiSettings = ApiSettings()
    cdn: CdnSettings = CdnSettings()
    cicd: CicdSettings = CicdSettings()
    recovery: RecoverySettings = RecoverySettings()
    health: HealthSettings = HealthSettings()
    observability: ObservabilitySettings = ObservabilitySettings()
    cost: CostSettings = CostSettings()
    sustainability: SustainabilitySettings = SustainabilitySettings()
    performance: PerformanceSettings = PerformanceSettings()
    models: Annotated[list[ModelSettings], Field(max_length=MAXIMUM_MODELS)] = []

    @model_validator(mode="before")
    @classmethod
    def _models_fit(cls, values: Any) -> Any:
        models = values.get("models") if isinstance(values, dict) else None
        if isinstance(models, list) and len(models) > MAXIMUM_MODELS:
            raise ValueError(
                f"models: {len(models)} models, and a stack takes {MAXIMUM_MODELS}: more do not surely fit into what AWS takes of a role's inline "
                f"policies (10,240 characters) and a function's environment (4 KB); put the others into a stack of their own"
            )
        return values

    @model_validator(mode="after")
    def _model_names_differ(self) -> Settings:
        names = [model.name for model in self.models]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"models: the name {twice[0]!r} is used twice; every model needs a name of its own")
        return self

    @model_validator(mode="after")
    def _parts_have_what_they_need(self) -> Settings:
        parts = self.stack.parts
        if len(parts) != len(set(parts)):
            raise ValueError("stack.parts: a part is listed twice")
        if "models" in parts and "data" not in parts:
            raise ValueError("stack.parts: models are trained on what the data part prepares; add data, or leave models out")
        if "data" in parts and not self.models:
            raise ValueError("models: the parts data and models need at least one; name a model with its contract, or leave both parts out")
        return self

    @model_validator(mode="after")
    def _production_is_protected_and_spans_zones(self) -> Settings:
        if self.stack.environment != "prod":
            return self
        if not self.stack.protected:
            raise ValueError("stack.protected: prod must be protected; set it to true")
        network = self.network
        if network.mode == "create" and network.availability_zones < 2:
            raise ValueError("network.availability_zones: prod must span at least 2 zones")
        if network.mode == "existing" and len(network.private_subnet_ids) < 2:
            raise ValueError("network.private_subnet_ids: prod needs private subnets in at least 2 zones")
        if network.mode == "create" and network.nat == "single":
            raise ValueError("network.nat: one NAT gateway is a single point of failure in prod; allowed: per-az, none (with endpoints)")
        return self

    @model_validator(mode="after")
    def _code_has_one_owner(self) -> Settings:
        cicd = self.cicd
        if "cicd" not in self.stack.parts:
            if cicd.code_owner == "pipeline":
                raise ValueError("cicd.code_owner: the stack has no pipeline; add the part cicd or set code_owner to pulumi")
            return self
        if self.stack.environment == "prod" and cicd.code_owner == "pipeline" and not cicd.approval:
            raise ValueError("cicd.approval: a person approves what goes to prod; set it to true")
        if self.stack.environment == "local" and cicd.images:
            raise ValueError("cicd.images: the sandbox has no Docker engine to build images with; set it to false")
        if cicd.images and len({model.serving_architecture() for model in self.models}) > 1:
            raise ValueError(
                "cicd.images: the endpoints' instance types have different processors and share one serving image; use types of one processor"
            )
        if cicd.in_vpc and self.network.mode == "create" and self.network.nat == "none":
            raise ValueError("cicd.in_vpc: builds reach the package registry through NAT and network.nat is none; set in_vpc to false")
        return self

    @model_validator(mode="after")
    def _images_have_a_registry(self) -> Settings:
        if "cicd" in self.stack.parts and self.cicd.images and "models" not in self.stack.parts:
            raise ValueError("cicd.images: the images' repositories belong to the part models; add it, or set images to false")
        return self

    @model_validator(mode="after")
    def _a_distribution_has_an_api_behind_it(self) -> Settings:
        if self.cdn.enabled and "models" not in self.stack.parts:
            raise ValueError("cdn.enabled: the API belongs to the part models; add it, or set enabled to false")
        return self

    @model_validator(mode="after")
    def _who_deploys_is_no_intruder(self) -> Settings:
        security, environment = self.security, self.stack.environment
        acts = security.response and not (environment == "dev" if security.dry_run is None else security.dry_run)
        if acts and environment != "local" and not security.deployers:
            raise ValueError(
                "security.deployers: the responses act and would quarantine the roles that a deployment changes; "
                "name the roles that deploy, or set dry_run to true"
            )
        both = sorted({arn.rsplit("/", 1)[1] for arn in self.keys.administrators} & set(security.deployers))
        if both:
            raise ValueError(
                f"keys.administrators: {both[0]} deploys (security.deployers), and administrators may never use the keys; name another role"
            )
        return self

    @model_validator(mode="after")
    def _forwarded_events_have_a_key_where_they_fail(self) -> Settings:
        security, keys = self.security, self.keys
        if keys.mode == "existing" and security.response and security.forward_global_events and keys.global_operations is None:
            raise ValueError(
                "keys.global_operations: events are forwarded from us-east-1, and those that fail wait in a queue there; "
                "name an existing key of us-east-1, or set security.forward_global_events to false"
            )
        return self

    @model_validator(mode="after")
    def _the_sandbox_has_one_region_and_no_dax(self) -> Settings:
        if self.stack.environment != "local":
            return self
        if self.recovery.accelerator:
            raise ValueError("recovery.accelerator: the sandbox has no DAX; leave it out")
        if self.recovery.peer:
            raise ValueError("recovery.peer: the sandbox has one region, so no replicas of tables, buckets or backups; leave it out")
        return self

    @model_validator(mode="after")
    def _a_replica_has_its_owners_code(self) -> Settings:
        if self.recovery.replica and "cicd" in self.stack.parts:
            raise ValueError("stack.parts: a replica is deployed with its owner's code; leave cicd out")
        return self

    @model_validator(mode="after")
    def _a_canary_has_something_to_ask(self) -> Settings:
        canary = self.health.canary
        if canary is None:
            return self
        if self.stack.environment == "local":
            raise ValueError("health.canary: the sandbox runs no Synthetics canaries; leave it out (tests/end_to_end runs its script)")
        if "models" not in self.stack.parts:
            raise ValueError("health.canary: there is no API to ask; add the part models, or leave it out")
        unknown = sorted(set(canary.inputs) - {model.name for model in self.models})
        if unknown:
            names = ", ".join(model.name for model in self.models)
            raise ValueError(f"health.canary: inputs has {unknown[0]!r}, which is no model of the stack; it has {names}")
        return self

    @model_validator(mode="after")
    def _public_health_checks_have_something_to_ask(self) -> Settings:
        if not self.health.route53:
            return self
        if "models" not in self.stack.parts:
            raise ValueError("health.route53: there is no API to ask; add the part models, or set it to false")
        if self.stack.environment == "local":
            raise ValueError("health.route53: its metric is in us-east-1 and the sandbox has one region; set it to false")
        return self

    @model_validator(mode="after")
    def _cost_controls_fit_the_stack(self) -> Settings:
        hours, budget = self.cost.office_hours, self.cost.budget
        if self.stack.environment == "prod":
            if hours:
                raise ValueError("cost.office_hours: prod answers at night too; allowed in dev and local")
            if budget.action != "none":
                raise ValueError("cost.budget.action: stopping prod for its cost is a person's decision; allowed: none")
        models = {model.name for model in self.models}
        unknown = sorted(set(self.cost.budget.models_monthly_usd) - models)
        if unknown:
            raise ValueError(f"cost.budget.models_monthly_usd: {unknown[0]!r} is no model of the stack; it has {', '.join(sorted(models))}")
        return self

    @model_validator(mode="after")
    def _what_makes_it_faster_fits_the_stack(self) -> Settings:
        performance, parts = self.performance, self.stack.parts
        if self.stack.environment == "local":
            refused = {
                "transfer_acceleration": (performance.transfer_acceleration, "edge locations"),
                "concurrency.provisioned": (performance.concurrency.provisioned, "function environments by the hour"),
            }
            for key, (value, what) in refused.items():
                if value:
                    raise ValueError(f"performance.{key}: the sandbox has no {what}; allowed in dev and prod")
        if performance.transfer_acceleration and self.lake.raw_bucket:
            raise ValueError("performance.transfer_acceleration: an existing raw bucket is never changed; set it to false")
        if performance.archive and "data" not in parts:
            raise ValueError("performance.archive: validated rows come from the part data; add it, or leave archive out")
        if (performance.api_cache or performance.concurrency.provisioned) and "models" not in parts:
            key = "api_cache" if performance.api_cache else "concurrency.provisioned"
            raise ValueError(f"performance.{key}: the API and its functions belong to the part models; add it, or leave {key} out")
        return self

    @model_validator(mode="after")
    def _reserved_concurrency_is_there(self) -> Settings:
        concurrency = self.performance.concurrency
        total, most = concurrency.total(len(self.models)), concurrency.account - UNRESERVED
        if concurrency.reserved and total > most:
            raise ValueError(
                f"performance.concurrency.reserved: {total} in all, and of the account's {concurrency.account} Lambda keeps {UNRESERVED} unreserved; "
                f"allowed: {max(0, most)} in all, or raise the quota and concurrency.account"
            )
        return self

    @model_validator(mode="after")
    def _only_the_sandbox_runs_on_this_machine(self) -> Settings:
        if self.stack.environment == "local":
            return self
        for name in ("runtime", "architecture"):
            if getattr(self.functions, name) == "host":
                raise ValueError(f"functions.{name}: 'host' is for the local environment; AWS needs a fixed value")
        return self

    @model_validator(mode="after")
    def _functions_reach_their_services(self) -> Settings:
        reachability.check(self)
        return self
