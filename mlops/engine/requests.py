"""Registrations on the wire: what the SDK asks of the monitor, in plain values and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pulumi.runtime.proto import alias_pb2, resource_pb2

from mlops.engine.durations import seconds
from mlops.engine.errors import EngineError
from mlops.engine.registry import Registration
from mlops.engine.values import from_struct, to_struct

_LISTS = ("ignoreChanges", "additionalSecretOutputs", "replaceOnChanges", "hideDiffs")
_TEXTS = ("version", "pluginDownloadURL", "deletedWith", "importId")
_TIMEOUTS = ("create", "update", "delete", "read")


def goal_of(request: Any, package: tuple[str, str], root: Path, position: tuple[str, int]) -> Registration:
    """What a request asks for: `package` is name and version of the provider's package, `position` file and line in the program.

    EngineError for options that the CLI refuses.
    """
    file, line = position
    where = f"{file}:{line}" if file else request.name
    _check(request, where)
    return Registration(
        type=request.type,
        name=request.name,
        custom=request.custom,
        remote=request.remote,
        parent=request.parent,
        inputs=from_struct(request.object, root),
        provider=request.provider,
        providers={name: reference.rpartition("::")[0] for name, reference in request.providers.items()},
        package=package[0],
        version=package[1],
        url=request.pluginDownloadURL,
        dependencies=list(request.dependencies),
        property_dependencies={key: list(value.urns) for key, value in request.propertyDependencies.items()},
        protect=request.protect if request.HasField("protect") else None,
        retain_on_delete=request.retainOnDelete if request.HasField("retainOnDelete") else None,
        options=_options(request, where),
        file=file,
        line=line,
    )


def request_of(goal: Registration) -> Any:
    """The request that asks for a registration; `providers` go without ids, which nothing but an update's provider has."""
    options = goal.options
    request = resource_pb2.RegisterResourceRequest(
        type=goal.type,
        name=goal.name,
        custom=goal.custom,
        remote=goal.remote,
        parent=goal.parent,
        object=to_struct(goal.inputs),
        provider=goal.provider,
        providers={package: f"{urn}::" for package, urn in goal.providers.items()},
        version=goal.version,
        pluginDownloadURL=goal.url,
        dependencies=goal.dependencies,
        protect=goal.protect,
        retainOnDelete=goal.retain_on_delete,
        deleteBeforeReplaceDefined="deleteBeforeReplace" in options,
        deleteBeforeReplace=options.get("deleteBeforeReplace", False),
        replace_with=options.get("replaceWith"),
        aliases=[alias_pb2.Alias(urn=it["urn"]) if "urn" in it else alias_pb2.Alias(spec=alias_pb2.Alias.Spec(**it)) for it in options.get("aliases", [])],
        **{name: options[name] for name in (*_LISTS, "deletedWith", "importId") if name in options},
    )  # fmt: skip
    for name, given in options.get("customTimeouts", {}).items():
        setattr(request.customTimeouts, name, f"{given}s")
    for key, urns in goal.property_dependencies.items():
        request.propertyDependencies[key].urns.extend(urns)
    return request


def _check(request: Any, where: str) -> None:
    """What the CLI refuses before it looks at the resource itself."""
    name = f"{request.type} '{request.name}'"
    if (request.custom or request.remote) and request.type.count(":") < 2:
        raise EngineError("bad-type", f"{name}: the type is not of the form package:module:Type", where, "Correct the type.")
    aliases = [*request.aliasURNs, *(alias.urn for alias in request.aliases if alias.urn)]
    for what, urns in (("an alias", aliases), ("a dependency", request.dependencies), ("the parent", filter(None, [request.parent]))):
        for urn in urns:
            if not urn.startswith("urn:pulumi:") or urn.count("::") < 3:
                raise EngineError("bad-urn", f"{name}: {what} is no URN, but '{urn}'", where, "Correct it, or name the resource itself.")


def _options(request: Any, where: str) -> dict[str, Any]:
    """The options that were set, under their names in the protocol."""
    options: dict[str, Any] = {}
    for name in _LISTS:
        if getattr(request, name):
            options[name] = list(getattr(request, name))
    for name in _TEXTS:
        if getattr(request, name):
            options[name] = getattr(request, name)
    if request.replace_with:
        options["replaceWith"] = list(request.replace_with)
    if request.deleteBeforeReplaceDefined or request.deleteBeforeReplace:
        options["deleteBeforeReplace"] = request.deleteBeforeReplace
    timeouts = _timeouts(request, where)
    if timeouts:
        options["customTimeouts"] = timeouts
    aliases = [_alias(alias) for alias in request.aliases] + [{"urn": urn} for urn in request.aliasURNs]
    if aliases:
        options["aliases"] = aliases
    return options


def _timeouts(request: Any, where: str) -> dict[str, float]:
    """The custom timeouts in seconds."""
    given = {name: getattr(request.customTimeouts, name) for name in _TIMEOUTS if getattr(request.customTimeouts, name)}
    try:
        return {name: seconds(text) for name, text in given.items()}
    except ValueError as error:
        raise EngineError(
            "bad-option", f"{request.type} '{request.name}', custom_timeouts: {error}", where, "Write a number with its unit."
        ) from error


def _alias(alias: Any) -> dict[str, Any]:
    if alias.urn:
        return {"urn": alias.urn}
    spec = alias.spec
    return {key: getattr(spec, key) for key in ("name", "type", "stack", "project", "parentUrn", "noParent") if getattr(spec, key)}


def refuse_in_update(request: Any, where: str) -> None:
    """Refuse options that only matter once something is changed: a preview from nothing is the same without them."""
    unsupported = [
        ("state_migrations", request.state_migrations),
        ("env_var_mappings", request.envVarMappings),
        ("replacement_trigger", request.HasField("replacement_trigger")),
        ("hooks", request.HasField("hooks") and request.hooks.ByteSize()),
    ]
    names = [name for name, used in unsupported if used]
    if names:
        raise EngineError(
            "unsupported-option",
            f"{request.type} '{request.name}' uses {', '.join(names)}, not supported in an update",
            where,
            "Leave the option out, or use the Pulumi CLI.",
        )
