"""Whether the resources of a file can be those of one stack: nothing twice, nothing without its parent, nobody his own ancestor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from wellarchitected import Resource

from mlops.errors import UserError

_SHOWN = 3
_MEND = "`pulumi state repair` mends a state; export it again then"


def require_one_stack(resources: Sequence[Resource], elsewhere: Iterable[str], file: str) -> None:
    """UserError for what no engine writes. `elsewhere` are the URNs of resources that are in the file but are not judged."""
    by_urn: dict[str, Resource] = {}
    for resource in resources:
        if resource.urn in by_urn:
            raise UserError("broken-state", "expected every resource once, got one twice", f"{file}: {resource.urn}", _MEND)
        by_urn[resource.urn] = resource
    stacks = {resource.urn.split("::", 1)[0].removeprefix("urn:pulumi:") for resource in resources}
    if len(stacks) > 1:
        raise UserError(
            "broken-state", f"expected resources of one stack, got {', '.join(sorted(stacks)[:_SHOWN])}", file, "give one export"
        )
    _require_known(resources, {*by_urn, *elsewhere}, file)
    _require_trees(by_urn, file)


def _require_known(resources: Sequence[Resource], known: set[str], file: str) -> None:
    missing = [
        f"{resource.urn} names {urn}"
        for resource in resources
        for urn in (resource.parent, *resource.dependencies, *(urn for urns in resource.property_dependencies.values() for urn in urns))
        if urn and urn not in known
    ]
    if missing:
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        what = "expected every parent and dependency in the file, got one that is missing" if len(missing) == 1 else (
            f"expected every parent and dependency in the file, got {len(missing)} that are missing"
        )  # fmt: skip
        raise UserError("broken-state", what, f"{file}: {'; '.join(missing[:_SHOWN])}{more}", _MEND)


def _require_trees(by_urn: dict[str, Resource], file: str) -> None:
    rooted: set[str] = set()
    for urn in by_urn:
        path: dict[str, None] = {}
        while urn in by_urn and urn not in rooted:
            if urn in path:
                raise UserError("broken-state", "expected parents up to the stack, got a circle of parents", f"{file}: {urn}", _MEND)
            path[urn] = None
            urn = by_urn[urn].parent  # noqa: PLW2901 - climbing
        rooted.update(path)
