"""The nouns of the pack: a resource, a rule with its metadata, an example, the context a rule is called with."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from .frameworks import frameworks
from .since import since
from .values import Secret, dig, parse_document, readable, secret_texts

if TYPE_CHECKING:
    from .graph import Graph

Outcome = Literal["pass", "fail", "exempt", "not_applicable", "not_evaluable", "error"]
Level = Literal["mandatory", "advisory", "disabled", "remediate"]
Severity = Literal["critical", "high", "medium", "low"]
Scope = Literal["resource", "stack", "account", "organisation"]

STACK = "pulumi:pulumi:Stack"
_SWITCHES = {"true": True, "false": False}
PILLARS = ("OPS", "SEC", "REL", "PERF", "COST", "SUS")

# pulumi_aws renamed these; programs written for older versions still use them, and a rename must not silence a rule.
_RENAMED = re.compile(r"^(aws:s3/bucket\w*)V2:(Bucket\w*)V2$")


_BALANCERS = ("aws:alb/", "aws:applicationloadbalancing/", "aws:elasticloadbalancingv2/")


def canonical_type(type_: str) -> str:
    """The current name of a resource type."""
    if type_.startswith(_BALANCERS):
        return f"aws:lb/{type_.split('/', 1)[1]}"
    return _RENAMED.sub(r"\1:\2", type_) if type_.endswith("V2") else type_


class Resource:
    """A declared resource as the rules see it. `properties` may hold `UNKNOWN` leaves and `Secret` wrappers.

    `property_dependencies` names, per top-level property, the URNs of the resources its value comes from.
    `state` names the state of a state machine that starts this thing, when no resource declares it (`asl.started_resources`), or the place of a
    policy inside of a role.
    `ignore_changes` names the properties whose differences an update leaves alone (the resource option `ignoreChanges`).
    """

    __slots__ = (
        "__dict__", "dependencies", "file", "ignore_changes", "line", "name", "parent", "properties", "property_dependencies", "protect", "provider", "state",
        "type", "urn",
    )  # fmt: skip

    def __init__(
        self,
        urn: str,
        type: str,  # noqa: A002 - the field's standard name
        name: str,
        properties: Mapping[str, Any],
        parent: str = "",
        provider: str = "",
        dependencies: Sequence[str] = (),
        property_dependencies: Mapping[str, Sequence[str]] | None = None,
        protect: bool = False,
        file: str | None = None,
        line: int | None = None,
        state: str | None = None,
        ignore_changes: Sequence[str] = (),
    ) -> None:
        self.urn = urn
        self.type = canonical_type(type)
        self.name = name
        self.properties = properties
        self.parent = parent
        self.provider = provider
        self.dependencies = dependencies
        self.property_dependencies = property_dependencies or {}
        self.protect = protect
        self.file = file
        self.line = line
        self.state = state
        self.ignore_changes = ignore_changes

    def __repr__(self) -> str:
        return f"Resource({self.type}, {self.name!r})"

    @cached_property
    def secrets(self) -> frozenset[str]:
        """The texts of the secret property values, and of what JSON documents among them hold: never shown."""
        return frozenset(secret_texts(self.properties))

    @cached_property
    def values(self) -> dict[str, Any]:
        """The properties, readable by rules (see `values`)."""
        return readable(self.properties if type(self.properties) is dict else dict(self.properties))

    def get(self, path: str, default: Any = None) -> Any:
        """The property at a dotted path; `default` where it is absent.

        With a default of true or false it is a switch, which Pulumi takes as text, too ("false"), and some types of AWS only as text.
        """
        value = dig(self.values, path) if "." in path else self.values.get(path)
        if value is None:
            return default
        return _SWITCHES.get(value, value) if type(value) is str and type(default) is bool else value

    def document(self, path: str) -> Any:
        """The JSON document in a property, parsed once; `None` where absent. Raises `Malformed` for invalid JSON."""
        cache = self.__dict__.setdefault("_documents", {})
        if path not in cache:
            cache[path] = parse_document(self.get(path), path)
        return cache[path]


@dataclass(frozen=True)
class Parameter:
    """A value an organisation may set for a rule."""

    default: Any
    description: str
    schema: Mapping[str, Any]


class Example:
    """A resource of an example stack. A link says that a property's value comes from the resource of that name.

    `Example("aws:s3/bucketPolicy:BucketPolicy", "policy", {"policy": {...}}, links={"bucket": "data"})`
    """

    def __init__(
        self,
        type_: str,
        name: str = "example",
        properties: Mapping[str, Any] | None = None,
        links: Mapping[str, str | Sequence[str]] | None = None,
        protect: bool = False,
        ignore_changes: Sequence[str] = (),
    ) -> None:
        self.type = type_
        self.name = name
        self.properties = dict(properties or {})
        self.links = {key: (value,) if isinstance(value, str) else tuple(value) for key, value in (links or {}).items()}
        self.protect = protect
        self.ignore_changes = ignore_changes


@dataclass(frozen=True)
class Exemption:
    """A reasoned, dated exception from a rule for the resources whose URN matches a glob."""

    rule: str
    urn: str
    reason: str = ""
    owner: str = ""
    expires: date | None = None

    def expired(self, today: date) -> bool:
        """Whether it no longer counts; the day of expiry is the last day it holds."""
        return self.expires is not None and self.expires < today

    def to_dict(self) -> dict[str, str]:
        """Where it holds, why, who answers for it and until when, as text."""
        expires = self.expires.isoformat() if self.expires else ""
        return {"urn": self.urn, "reason": self.reason, "owner": self.owner, "expires": expires}


@dataclass(frozen=True)
class Context:
    """What a rule is called with besides the resource."""

    environment: str
    stack: str
    today: date
    parameters: Mapping[str, Any] = field(default_factory=dict)
    _graph: Graph | None = None
    defaults: str = ""  # dev or prod, where the environment has another name

    @property
    def graph(self) -> Graph:
        """All resources of the stack; only rules that judge the whole stack may ask (the engine analyses resources one by one)."""
        if self._graph is None:
            raise RuntimeError("this rule reads other resources, so its scope must be 'stack'")
        return self._graph

    def hidden(self, resource: Resource) -> frozenset[str]:
        """The texts no message about a resource may show: its secrets, and the whole stack's where the rule sees the whole stack."""
        return resource.secrets if self._graph is None else self._graph.secrets

    @property
    def production(self) -> bool:
        """Whether the stack is a production environment, or one that takes production's defaults."""
        return (self.defaults or self.environment) == "prod"


Check = Callable[[Resource, Context], "str | Iterable[str] | None"]
Changes = Mapping[str, Any]
"""A path inside the properties (`rules[0].status`) to the value that shall stand there."""
Remedy = Callable[[Resource, Context], Changes]


@dataclass(frozen=True)
class Rule:
    """One requirement: a small pure function and everything that documentation, configuration and tests need to know about it.

    The function gets a resource of one of `types` and returns nothing (pass), a problem or several problems (fail), or raises
    `NotApplicable`. A problem names the property; the message adds `fix`. `missing` is the outcome when `reads` (a property path, of the
    resource of type `reads_of`) is taken out of the compliant example,
    `unknown` the outcome when it is not known; `reads` is `None` where the rule is about a resource's existence.
    `remediation` returns the changes of properties that make a violating resource keep the rule, where only one way is right
    (`remediation`); it sees one resource, so the rule is not about the whole stack. `lens` names practices of the Machine Learning Lens.

    `scope` says what the rule is about. A rule about the whole stack, account or organisation that judges no particular resource has the
    type of the stack; those of an account or organisation are judged only where a program sets one up (`scopes`).
    """

    id: str
    check: Check
    types: tuple[str, ...]
    practices: tuple[str, ...]
    severity: Severity
    why: str
    fix: str
    compliant: Sequence[Example]
    violating: Sequence[Example]
    scope: Scope = "resource"
    checklist: tuple[str, ...] = ()
    spec: tuple[str, ...] = ()
    level: Level | Mapping[str, Level] = "mandatory"
    sources: tuple[str, ...] = ()
    reads: str | None = None
    reads_of: str | None = None
    missing: Outcome = "fail"
    unknown: Outcome = "not_evaluable"
    example_environment: str = "prod"
    when_types: tuple[str, ...] = ()
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    remediation: Remedy | None = None
    lens: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.remediation is not None and self.whole_stack:
            raise ValueError(f"rule {self.id}: only a rule about single resources can have a remediation")

    @property
    def title(self) -> str:
        """The requirement as one sentence."""
        return (self.check.__doc__ or "").strip().splitlines()[0]

    @property
    def whole_stack(self) -> bool:
        """Whether it is judged with all resources at hand instead of one by one."""
        return self.scope == "stack" or STACK in self.types

    @property
    def pillar(self) -> str:
        """The pillar: that of the checklist item, else of the first best practice."""
        return self.checklist[0].split("-")[1] if self.checklist else re.split(r"\d", self.practices[0])[0]

    @property
    def frameworks(self) -> Mapping[str, tuple[str, ...]]:
        """The requirements of other frameworks it stands for (`frameworks`)."""
        return frameworks(self.sources)

    @property
    def since(self) -> str:
        """The version of the pack that brought it."""
        return since(self.id)

    def default_level(self, environment: str) -> Level:
        """The level where the configuration says nothing."""
        return self.level if isinstance(self.level, str) else self.level.get(environment, self.level["dev"])


def rule(
    id: str,  # noqa: A002
    types: str | Sequence[str],
    *,
    practices: str | Sequence[str],
    compliant: Mapping[str, Any] | Sequence[Example],
    violating: Mapping[str, Any] | Sequence[Example],
    checklist: str | Sequence[str] = (),
    spec: str | Sequence[str] = (),
    sources: str | Sequence[str] = (),
    when_types: str | Sequence[str] = (),
    lens: str | Sequence[str] = (),
    **metadata: Any,
) -> Callable[[Check], Rule]:
    """Make a `Rule` of a function. Lists may be given as text separated by spaces; an example of one resource as its properties."""
    types = _words(types)

    def example(given: Mapping[str, Any] | Sequence[Example]) -> Sequence[Example]:
        return (Example(types[0], "example", given),) if isinstance(given, Mapping) else tuple(given)

    def make(check: Check) -> Rule:
        return Rule(
            id=id, check=check, types=types, practices=_words(practices), checklist=_words(checklist), spec=_words(spec),
            sources=_words(sources), when_types=_words(when_types), lens=_words(lens), compliant=example(compliant), violating=example(violating), **metadata,
        )  # fmt: skip

    return make


def _words(given: str | Sequence[str]) -> tuple[str, ...]:
    return tuple(given.split()) if isinstance(given, str) else tuple(given)


__all__ = [
    "PILLARS",
    "STACK",
    "Changes",
    "Context",
    "Example",
    "Exemption",
    "Level",
    "Outcome",
    "Parameter",
    "Remedy",
    "Resource",
    "Rule",
    "Scope",
    "Secret",
    "Severity",
    "canonical_type",
    "rule",
]
