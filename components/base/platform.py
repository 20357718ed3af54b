"""What every component is given: the settings, the account it runs in, and the names of things."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pulumi
import pulumi_aws as aws

from components.base.arns import Arns
from components.base.contracts import Contract
from components.base.inventory import Inventory
from components.settings import green_regions
from components.settings.settings import Part, Settings
from components.settings.source import StackConfig


@dataclass(frozen=True)
class Platform:
    """`prefix` starts every name; ARNs are formed by `arns`; `inventory` holds what the blocks have made; every role carries the boundary."""

    settings: Settings
    project: str
    prefix: str
    region: str
    account: str
    arns: Arns
    contracts: dict[str, Contract]
    stack: str
    default_tags: dict[str, str]
    inventory: Inventory = field(default_factory=Inventory)
    boundary_arn: pulumi.Input[str] | None = None

    @staticmethod
    def of(config: StackConfig) -> Platform:
        """The platform of a stack, in the account and partition of its credentials."""
        green_regions.warn(config.region, config.settings.sustainability.maximum_grams_per_kwh)
        account = aws.get_caller_identity().account_id
        partition = aws.get_partition().partition
        prefix = f"{config.project}-{config.stack}"
        return Platform(
            settings=config.settings,
            prefix=prefix,
            region=config.region,
            account=account,
            arns=Arns(partition, config.region, account),
            contracts=config.contracts,
            project=config.project,
            stack=config.stack,
            default_tags=config.default_tags,
        )

    @property
    def protected(self) -> bool:
        return self.settings.stack.protected

    def has(self, part: Part) -> bool:
        """Whether the stack has this part of the platform."""
        return part in self.settings.stack.parts

    @property
    def standby(self) -> bool:
        """Whether the stack waits to take over: then nothing starts by itself."""
        return self.settings.recovery.standby

    @property
    def replica(self) -> bool:
        """Whether the tables are replicas of the peer's, whoever of both is working."""
        return self.settings.recovery.replica

    def peer(self) -> Platform | None:
        """The stack in the other region, as far as names and ARNs go."""
        peer = self.settings.recovery.peer
        if peer is None:
            return None
        prefix = f"{self.project}-{peer.stack}"
        return replace(self, prefix=prefix, region=peer.region, arns=self.arns.in_region(peer.region), inventory=Inventory())

    def name(self, thing: str, model: str | None = None) -> str:
        return f"{self.prefix}-{model}-{thing}" if model else f"{self.prefix}-{thing}"

    def of_every_model(self, name: str, model: str) -> str:
        """A model's name of something with `{model}` for the model: a function's settings hold 4 KB, so what every model has is told once."""
        return name.replace(f"{self.prefix}-{model}", f"{self.prefix}-{{model}}", 1)

    def bucket_name(self, purpose: str) -> str:
        # Bucket names are global, so the account is part of them.
        return f"{self.prefix}-{purpose}-{self.account}"

    def runtime_tags(self, made_by: str) -> dict[str, str]:
        """For what is made while the platform runs: the provider's default tags do not reach it."""
        return {**self.default_tags, "Stack": self.stack, "ManagedBy": made_by}

    def cost_filter(self) -> dict[str, str]:
        """The tags by which the stack's costs are told from others'."""
        keys = ("Project", "Stack" if "Stack" in self.default_tags else "Environment")
        return {key: self.default_tags[key] for key in keys}

    def tags(self, *, data: str | None = None, model: str | None = None) -> dict[str, str]:
        """Tags beyond the stack's default tags: `data` is the data classification of a store."""
        tags = {"DataClassification": data, "Model": model}
        return {name: value for name, value in tags.items() if value}
