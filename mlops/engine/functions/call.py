"""One call of a provider function, and what keeps it from being answered."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mlops.engine.errors import EngineError
from mlops.engine.provider_settings import default_tags, provider_setting
from mlops.engine.record import RecordedResource
from mlops.engine.values import contains_unknown, without_secrets

ACCOUNT = "123456789012"
"""The account of every offline preview: AWS's own example account."""


class Unanswered(Exception):
    """Nothing but AWS, or the user, knows the answer; the message says why."""


class Wrong(Exception):
    """The provider would refuse these arguments; the message is what is wrong with them."""


class NoRegion(EngineError):
    """No region is configured."""


@dataclass(frozen=True)
class Call:
    """The arguments of a call, in clear, and the provider it goes to."""

    arguments: Mapping[str, Any]
    provider: RecordedResource

    @classmethod
    def of(cls, arguments: Mapping[str, Any], provider: RecordedResource) -> Call:
        """A call whose arguments may be secret; one left out and one that is null are the same."""
        return cls({name: value for name, value in without_secrets(dict(arguments)).items() if value is not None}, provider)

    @property
    def region(self) -> str:
        """The region asked for, the provider's or the environment's, as the real provider takes it; NoRegion where there is none."""
        region = self.arguments.get("region") or provider_setting(self.provider, "region")
        region = region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        if not region or contains_unknown(region):
            raise NoRegion(
                "no-region",
                "the region is not known offline",
                self.provider.urn,
                "Give it with `--config-value aws:region=<region>`, or keep it in the stack's file: `pulumi config set aws:region <region>`.",
            )
        return str(region)

    @property
    def partition(self) -> str:
        """`aws`, `aws-cn` or `aws-us-gov`."""
        return partition_of(self.region)

    def arn(self, service: str, resource: str, *, region: bool = True, account: bool = True) -> str:
        """An ARN of the example account in the call's region."""
        return f"arn:{self.partition}:{service}:{self.region if region else ''}:{ACCOUNT if account else ''}:{resource}"

    def filters(self, *understood: str) -> dict[str, list[str]]:
        """The `filters` argument by name; Unanswered when there is one that is not `understood`."""
        found = {item["name"]: [str(value) for value in item["values"]] for item in self.arguments.get("filters") or ()}
        self._only("the filter", found, understood)
        return found

    def only(self, *understood: str) -> None:
        """Unanswered when there are other arguments than those `understood` (a region may always be given)."""
        self._only("the argument", self.arguments, (*understood, "region"))

    def identifier(self, prefix: str, digits: int = 17) -> str:
        """An id as AWS makes them, of its own for every set of arguments: `ami-0` and hexadecimal digits."""
        text = json.dumps(self.arguments, sort_keys=True, default=repr)
        return f"{prefix}-0{hashlib.sha256(text.encode()).hexdigest()[: digits - 1]}"

    def echoed(self, *names: str) -> dict[str, Any]:
        """Those of the arguments that were given: a provider repeats them in its result."""
        return {name: self.arguments[name] for name in names if name in self.arguments}

    def default_tags(self) -> dict[str, Any]:
        """The provider's default tags."""
        return default_tags(self.provider)

    @staticmethod
    def _only(what: str, given: Mapping[str, Any], understood: tuple[str, ...]) -> None:
        other = sorted(set(given) - set(understood))
        if other:
            raise Unanswered(f"{what} '{other[0]}' chooses among what exists in the account")


Handler = Callable[[Call], dict[str, Any]]


def partition_of(region: str) -> str:
    """The partition a region belongs to."""
    for prefix, partition in (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov")):
        if region.startswith(prefix):
            return partition
    return "aws"


def dns_suffix(partition: str) -> str:
    """The domain of a partition's endpoints."""
    return "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
