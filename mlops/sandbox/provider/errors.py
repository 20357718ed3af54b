"""The provider's errors: what was wrong with which property, and what AWS answered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mlops.engine.provider import ProviderError

__all__ = ["AwsError", "Missing", "Problem", "ProviderError", "Refused", "refusal"]

_MISSING_CODES = frozenset(
    {
        "404",
        "NoSuchBucket",
        "NoSuchDistribution",
        "NoSuchEntity",
        "NoSuchKey",
        "NoSuchLifecycleConfiguration",
        "NoSuchTagSet",
        "NoSuchPublicAccessBlockConfiguration",
        "OwnershipControlsNotFoundError",
        "AWS.SimpleQueueService.NonExistentQueue",
        "QueueDoesNotExist",
        "UnknownMonitorException",
        "UnknownSubscriptionException",
    }
)


@dataclass(frozen=True)
class Problem:
    """One property that cannot be accepted: its path and what is wrong with it."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path} {self.message}"


class Refused(ProviderError):
    """The properties of a resource that cannot be accepted, all together."""

    def __init__(self, message: str, problems: tuple[Problem, ...]) -> None:
        super().__init__(message)
        self.problems = problems


class Missing(ProviderError):
    """What should be read does not exist."""


class AwsError(ProviderError):
    """An error answer of the endpoint, with AWS's own error code."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code

    @property
    def missing(self) -> bool:
        """Whether the answer says that the thing does not exist."""
        return self.code in _MISSING_CODES or self.code.removesuffix("Exception").endswith(("NotFound", "NotFoundError", "DoesNotExist"))


def refusal(type_: str, name: str, problems: Iterable[Problem]) -> Refused:
    """One error for all problems of a resource."""
    found = tuple(dict.fromkeys(problems))
    return Refused(f"{type_} {name!r}: " + "; ".join(map(str, found)), found)
