"""The shape of `difference` in a preview's document. Keys are stable; more may be added."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from mlops.estimate.model import Figures


class Resource(TypedDict):
    """A declared resource."""

    urn: str
    type: str
    name: str
    parent: str
    file: str | None
    line: int | None
    aliases: NotRequired[list[str]]


class Problem(TypedDict):
    """Why there is no base: an error as `--json` prints it."""

    code: str
    message: str
    where: str
    hint: str


class Base(TypedDict):
    """What a preview is compared with: as it was given, and of a revision the commit and its date, of a file its date."""

    kind: Literal["revision", "file", "deployment"]
    name: str
    commit: str | None
    date: str | None
    problem: NotRequired[Problem]
    judged_by: NotRequired[Literal["this configuration"]]


class PropertyChange(TypedDict):
    """A property of a resource. Without `before` it is new, without `after` it is gone; a secret is `[secret]`. `replaces`: the change
    deletes the resource and creates it anew; absent where it does not, or where the type is not among those that the provider's data covers.

    The path is that of Pulumi, into the JSON documents that properties hold: `policy.Statement[Read].Action[0]`. An item of a list is told
    by its Sid, name, id or key where all have one of these, otherwise by its position (now; of one that is gone, then).
    """

    path: str
    before: NotRequired[Any]
    after: NotRequired[Any]
    replaces: NotRequired[Literal[True]]


class ChangedResource(Resource):
    """A resource of both previews; `moved_from` is its former URN, where an alias says so."""

    moved_from: NotRequired[str]
    properties: list[PropertyChange]
    options: list[PropertyChange]


class ResourceChanges(TypedDict):
    """The resources of both previews, by URN and alias."""

    added: list[Resource]
    changed: list[ChangedResource]
    removed: list[Resource]
    unchanged: int
    secrets_not_compared: int
    unknowns_not_compared: int


class FiguresChange(TypedDict):
    """An estimate of both previews (null: there is none), and the second minus the first."""

    before: Figures | None
    after: Figures | None
    difference: Figures


class ServiceChange(FiguresChange):
    """The estimate of a service that differs."""

    service: str


class TypeNotEstimated(TypedDict):
    """A type that is not, or not wholly, in an estimate and differs: how many of its resources are added, changed (more than their tags) or
    removed; of what a state machine starts, how many there are."""

    type: str
    count: int


class EstimateChange(TypedDict):
    """What a change makes of an estimate, as far as that knows."""

    services: list[ServiceChange]
    not_estimated: NotRequired[list[TypeNotEstimated]]


class CostChange(EstimateChange):
    """What a month costs, more or less."""

    monthly_usd: FiguresChange


class CarbonChange(EstimateChange):
    """What a month emits, more or less. `services_not_estimated`: those of which other things than before have no coefficient."""

    kg_co2e_month: FiguresChange
    services_not_estimated: NotRequired[list[str]]


class Difference(TypedDict):
    """What a change makes of a base; that of the findings is the key `since` of the document.

    Without a base (`problem`) `resources` is null; an estimate that the base has not is null.
    """

    base: Base
    resources: ResourceChanges | None
    cost: NotRequired[CostChange | None]
    carbon: NotRequired[CarbonChange | None]
