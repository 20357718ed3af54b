"""Components that their own provider builds: those built offline, and what becomes of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlops.engine import awsx_vpc
from mlops.engine.awsx_arguments import TYPE
from mlops.engine.awsx_vpc import Constructed
from mlops.engine.errors import EngineError
from mlops.engine.record import RecordedResource
from mlops.engine.registry import Registration, Registry
from mlops.engine.values import UNKNOWN

if TYPE_CHECKING:
    from mlops.engine.transformed import TransformedRegistry

_BUILT = {TYPE: awsx_vpc.construct}
_ELSEWHERE = frozenset(
    [
        "kubernetes",
        "docker",
        "docker-build",
        "command",
        "random",
        "tls",
        "time",
        "archive",
        "null",
        "local",
        "std",
        "github",
        "gitlab",
        "cloudflare",
        "datadog",
        "newrelic",
        "pagerduty",
        "auth0",
        "okta",
        "vault",
        "azure",
        "azure-native",
        "azuread",
        "gcp",
        "google-native",
        "digitalocean",
        "linode",
        "hcloud",
        "snowflake",
        "confluentcloud",
        "mongodbatlas",
        "pulumiservice",
        "postgresql",
        "mysql",
        "grafana",
        "fastly",
        "netlify",
        "vercel",
    ]
)
"""Packages whose components create nothing on AWS. Of any other, one written for this program included, that is not known."""


def construct(registry: Registry | TransformedRegistry, goal: Registration) -> Constructed:
    """Register the component with its children where they are known; else alone, with unknown outputs: nobody can judge what it creates."""
    build = _BUILT.get(goal.type)
    if build is not None:
        constructed = build(registry, goal)
        if goal.version and goal.version.split(".")[:2] != awsx_vpc.VERSION.split(".")[:2]:
            constructed.warnings.append(
                f"{goal.type} '{goal.name}' was built as awsx {awsx_vpc.VERSION} builds it; the program uses awsx {goal.version}"
            )
        return constructed
    if not registry.steps.dry_run:
        raise EngineError(
            "unsupported-component",
            f"the component {goal.type} is built by its provider plugin, which offline there is none of",
            f"{goal.file}:{goal.line}",
            f"Use a component written in the program, or the Pulumi CLI. Built offline: {', '.join(sorted(_BUILT))}.",
        )
    component = registry.register(Registration(**{**vars(goal), "custom": False}))
    return Constructed(component.urn, {name: UNKNOWN for name, _ in registry.class_outputs.get(goal.type, [])}, {})


def is_opaque(resource: RecordedResource) -> bool:
    """Whether a resource is a component whose children could not be built."""
    return resource.remote and resource.type not in _BUILT


def may_create_aws(resource: RecordedResource) -> bool:
    """Whether an opaque component may create something on AWS."""
    return resource.type.split(":")[0] not in _ELSEWHERE
