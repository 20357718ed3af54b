"""A buildspec as CodeBuild reads it. Source: "Build specification reference" in the CodeBuild user guide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

PHASES = ("install", "pre_build", "build", "post_build")
SHELLS = {"sh": "sh", "/bin/sh": "sh", "bash": "bash"}
FORMATS = {
    "JUNITXML": "TEST",
    "COBERTURAXML": "CODE_COVERAGE",
}
# Formats that AWS knows and the sandbox does not read.
_OTHER_FORMATS = ("CUCUMBERJSON", "NUNITXML", "NUNIT3XML", "TESTNGXML", "VISUALSTUDIOTRX", "CLOVERXML", "SIMPLECOV", "JACOCOXML")


class BuildspecError(Exception):
    """The buildspec cannot be used; CodeBuild reports it as YAML_FILE_ERROR in DOWNLOAD_SOURCE."""


@dataclass(frozen=True)
class Phase:
    """The commands of a phase. `on_failure` is ABORT, CONTINUE or None (CodeBuild's own transitions)."""

    commands: tuple[str, ...] = ()
    finally_: tuple[str, ...] = ()
    on_failure: str | None = None
    runtimes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Artifacts:
    """Files to take out of a build. `base_directory` may hold wildcards; `name` may hold shell expressions."""

    files: tuple[str, ...]
    base_directory: str = ""
    discard_paths: bool = False
    exclude_paths: tuple[str, ...] = ()
    name: str = ""


@dataclass(frozen=True)
class Report:
    """Result files of one report group, given by name or ARN."""

    group: str
    files: tuple[str, ...]
    base_directory: str = ""
    format: str = "JUNITXML"
    discard_paths: bool = False


@dataclass(frozen=True)
class Buildspec:
    """One buildspec; `artifacts` has the primary ones under ""."""

    shell: str = "sh"
    variables: Mapping[str, str] = field(default_factory=dict)
    parameter_store: Mapping[str, str] = field(default_factory=dict)
    secrets_manager: Mapping[str, str] = field(default_factory=dict)
    exported: tuple[str, ...] = ()
    phases: Mapping[str, Phase] = field(default_factory=dict)
    artifacts: Mapping[str, Artifacts] = field(default_factory=dict)
    reports: tuple[Report, ...] = ()
    cache_paths: tuple[str, ...] = ()


def parse(text: str) -> Buildspec:
    """The buildspec of a YAML (or JSON) document; BuildspecError names the key that is wrong."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BuildspecError(f"the buildspec is no YAML: {' '.join(str(error).split())}") from error
    top = _mapping(document, "buildspec")
    _only(top, "buildspec", ("version", "run-as", "env", "proxy", "batch", "phases", "reports", "artifacts", "cache"))
    if str(top.get("version")) != "0.2":
        raise BuildspecError(f"version: expected 0.2 (the only one the sandbox runs), got {top.get('version')!r}")
    for key in ("run-as", "proxy", "batch"):
        if key in top:
            raise BuildspecError(f"{key}: the sandbox does not carry this out")
    env = _mapping(top.get("env") or {}, "env")
    _only(env, "env", ("shell", "variables", "parameter-store", "secrets-manager", "exported-variables", "git-credential-helper"))
    shell = str(env.get("shell", "sh"))
    if shell not in SHELLS:
        raise BuildspecError(f"env.shell: expected one of {', '.join(SHELLS)}, got {shell!r}")
    return Buildspec(
        shell=SHELLS[shell],
        variables=_texts(env.get("variables"), "env.variables"),
        parameter_store=_texts(env.get("parameter-store"), "env.parameter-store"),
        secrets_manager=_texts(env.get("secrets-manager"), "env.secrets-manager"),
        exported=_list(env.get("exported-variables"), "env.exported-variables"),
        phases=_phases(top.get("phases")),
        artifacts=_artifacts(top.get("artifacts")),
        reports=tuple(_report(name, value) for name, value in _mapping(top.get("reports") or {}, "reports").items()),
        cache_paths=_list(_mapping(top.get("cache") or {}, "cache").get("paths"), "cache.paths"),
    )


def _phases(value: Any) -> dict[str, Phase]:
    phases = _mapping(value, "phases")
    _only(phases, "phases", PHASES)
    if not phases:
        raise BuildspecError("phases: expected at least one phase")
    return {name: _phase(name, phases[name]) for name in PHASES if name in phases}


def _phase(name: str, value: Any) -> Phase:
    where = f"phases.{name}"
    block = _mapping(value or {}, where)
    _only(block, where, ("commands", "finally", "on-failure", "run-as", "runtime-versions", "steps"))
    for key in ("run-as", "steps"):
        if key in block:
            raise BuildspecError(f"{where}.{key}: the sandbox does not carry this out")
    on_failure = block.get("on-failure")
    if on_failure not in (None, "ABORT", "CONTINUE"):
        raise BuildspecError(f"{where}.on-failure: expected ABORT or CONTINUE, got {on_failure!r}")
    if "runtime-versions" in block and name != "install":
        raise BuildspecError(f"{where}.runtime-versions: only the install phase has runtime versions")
    return Phase(
        commands=_list(block.get("commands"), f"{where}.commands"),
        finally_=_list(block.get("finally"), f"{where}.finally"),
        on_failure=on_failure,
        runtimes=_texts(block.get("runtime-versions"), f"{where}.runtime-versions"),
    )


def _artifacts(value: Any) -> dict[str, Artifacts]:
    block = _mapping(value or {}, "artifacts")
    found: dict[str, Artifacts] = {}
    for name, inner in _mapping(block.get("secondary-artifacts") or {}, "artifacts.secondary-artifacts").items():
        found[str(name)] = _artifact(inner, f"artifacts.secondary-artifacts.{name}")
    if "files" in block:
        found[""] = _artifact({key: item for key, item in block.items() if key != "secondary-artifacts"}, "artifacts")
    elif set(block) - {"secondary-artifacts"}:
        raise BuildspecError("artifacts.files: is required")
    return found


def _artifact(value: Any, where: str) -> Artifacts:
    block = _mapping(value, where)
    _only(block, where, ("files", "name", "discard-paths", "base-directory", "exclude-paths", "enable-symlinks", "s3-prefix"))
    for key in ("enable-symlinks", "s3-prefix"):
        if key in block:
            raise BuildspecError(f"{where}.{key}: the sandbox does not carry this out")
    files = _list(block.get("files"), f"{where}.files")
    if not files:
        raise BuildspecError(f"{where}.files: is required")
    return Artifacts(
        files=files,
        base_directory=str(block.get("base-directory") or ""),
        discard_paths=_flag(block.get("discard-paths"), f"{where}.discard-paths"),
        exclude_paths=_list(block.get("exclude-paths"), f"{where}.exclude-paths"),
        name=str(block.get("name") or ""),
    )


def _report(group: str, value: Any) -> Report:
    where = f"reports.{group}"
    block = _mapping(value, where)
    _only(block, where, ("files", "base-directory", "discard-paths", "file-format"))
    format_ = str(block.get("file-format") or "JUNITXML").upper()
    if format_ not in FORMATS:
        known = "AWS reads it, the sandbox does not" if format_ in _OTHER_FORMATS else "no such format"
        raise BuildspecError(f"{where}.file-format: {format_}: {known}; expected {' or '.join(FORMATS)}")
    files = _list(block.get("files"), f"{where}.files")
    if not files:
        raise BuildspecError(f"{where}.files: is required")
    discard = _flag(block.get("discard-paths"), f"{where}.discard-paths")
    return Report(str(group), files, str(block.get("base-directory") or ""), format_, discard)


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise BuildspecError(f"{where}: expected a mapping, got {value!r}")
    return value


def _only(block: Mapping[str, Any], where: str, allowed: tuple[str, ...]) -> None:
    unknown = [str(key) for key in block if key not in allowed]
    if unknown:
        raise BuildspecError(f"{where}.{unknown[0]}: unknown key; allowed: {', '.join(allowed)}")


def _list(value: Any, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list) or any(not isinstance(item, str | int | float) for item in value):
        hint = "; a command with a colon and a space must be quoted" if isinstance(value, list) else ""
        raise BuildspecError(f"{where}: expected a list of texts, got {value!r}{hint}")
    return tuple(str(item) for item in value)


def _texts(value: Any, where: str) -> dict[str, str]:
    return {str(key): _text(item) for key, item in _mapping(value or {}, where).items()}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _flag(value: Any, where: str) -> bool:
    if value in (None, False, "no", "false"):
        return False
    if value in (True, "yes", "true"):
        return True
    raise BuildspecError(f"{where}: expected yes or no, got {value!r}")
