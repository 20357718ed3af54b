"""The estimate: every resource is measured, free, or named as not estimated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from wellarchitected import Resource
from wellarchitected.values import Malformed, NotEvaluable

from mlops.estimate.free import why_free
from mlops.estimate.meters import METERS, NotEstimated, Stack
from mlops.estimate.usage import Usage
from mlops.estimate.use import Use

PROVIDER = "pulumi:providers:aws"


@dataclass(frozen=True)
class Measured:
    """What a resource is billed by, `use.region` set.

    Of a thing that a state machine starts, `urn` is the state machine's, `type` its own, and `name` has the state that starts it.
    """

    urn: str
    type: str
    name: str
    use: Use


@dataclass(frozen=True)
class Unmeasured:
    """A resource of which nothing, or not everything, is estimated, and why."""

    urn: str
    type: str
    reason: str


@dataclass(frozen=True)
class Measurement:
    """A stack's uses. `free` counts resources by type, of a type with prices those that are billed for nothing; `region` is the stack's own."""

    region: str
    uses: Sequence[Measured]
    unmeasured: Sequence[Unmeasured]
    free: dict[str, int]


def measure(resources: Sequence[Resource], usage: Usage, left_out: frozenset[str] = frozenset()) -> Measurement:
    """From a stack's resources, as the policy pack sees them, and its usage.

    `left_out` has the URNs of components, which only hold others, and of what the program merely reads, which another stack pays for.
    """
    stack = Stack(resources)
    regions = {provider.urn: _region(provider) for provider in stack.of(PROVIDER)}
    home = next((region for region in regions.values() if region), "")
    uses: list[Measured] = []
    unmeasured: list[Unmeasured] = []
    free: dict[str, int] = {}
    for resource in _everything(stack):
        if resource.urn in left_out or resource.type.startswith("pulumi:"):
            continue
        meter = METERS.get(resource.type)
        if meter is None:
            if why_free(resource.type):
                free[resource.type] = free.get(resource.type, 0) + 1
            else:
                unmeasured.append(Unmeasured(resource.urn, resource.type, unknown_type(resource.type)))
            continue
        try:
            region = resource.get("region") or regions.get(resource.provider.rpartition("::")[0]) or regions.get(resource.provider) or home
            found = list(meter(resource, usage.of(resource.type, resource.name), stack))
        except (NotEstimated, Malformed) as error:
            unmeasured.append(Unmeasured(resource.urn, resource.type, str(error)))
            continue
        except NotEvaluable as error:
            unmeasured.append(Unmeasured(resource.urn, resource.type, f"{error.path} {error.reason}"))
            continue
        except Exception as error:  # noqa: BLE001 - anybody's program may give shapes that no meter knows; that is told, and no preview fails by it
            unmeasured.append(Unmeasured(resource.urn, resource.type, f"its meter failed: {type(error).__name__}: {error}"))
            continue
        if not found:
            free[resource.type] = free.get(resource.type, 0) + 1
        name = f"{resource.name} {resource.state}" if resource.state else resource.name
        uses += [Measured(resource.urn, resource.type, name, replace(use, region=use.region or region)) for use in found]
    return Measurement(home, uses, unmeasured, dict(sorted(free.items())))


def unknown_type(type_: str) -> str:
    """Why a type has no estimate."""
    return "its use is not measured here" if type_.startswith("aws:") else "another provider's"


def _everything(stack: Stack) -> Iterable[Resource]:
    for resource in stack.resources:
        yield resource
        yield from stack.started.get(resource.urn, ())


def _region(provider: Resource) -> str:
    try:
        return provider.get("region") or ""
    except NotEvaluable:
        return ""
