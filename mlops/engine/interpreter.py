"""Which Python runs a program: the one its Pulumi.yaml names, else an environment that has what it requires, else ours."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from mlops.engine.errors import EngineError

_TOOLCHAINS = ("pip", "uv", "poetry")
_OURS = "that of mlops, for the program has none of its own"
_SDKS = re.compile(r"pulumi(-.*)?")


@dataclass(frozen=True)
class Interpreter:
    """A Python, why it was taken, and what it lacks of what the program requires."""

    python: Path
    why: str
    packages: Mapping[str, str]
    """Name to version of what is installed there."""
    required_in: str = ""
    """The file that says what the program requires; empty where none does."""
    missing: Sequence[str] = ()
    """Requirements of which no version is installed."""
    different: Sequence[str] = ()
    """Requirements that another version is installed of, as `pulumi-aws<7 (7.51.1 is installed)`."""
    install: str = ""
    """The command that installs what is required."""

    @property
    def sdks(self) -> dict[str, str]:
        """The Pulumi packages and their versions."""
        return {name: version for name, version in sorted(self.packages.items()) if _SDKS.fullmatch(name)}

    def to_dict(self) -> dict[str, Any]:
        """For a document: what ran the program."""
        return {
            "python": str(self.python),
            "why": self.why,
            "packages": self.sdks,
            "missing": list(self.missing),
            "different": list(self.different),
        }


def choose(root: Path, options: Mapping[str, Any], file: Path) -> Interpreter:
    """The interpreter for the project in `root` with the `runtime.options` of its `Pulumi.yaml` (`file`)."""
    toolchain = options.get("toolchain") or "pip"
    if toolchain not in _TOOLCHAINS:
        raise EngineError(
            "bad-project", f"expected a toolchain of {', '.join(_TOOLCHAINS)}, got {toolchain!r}", str(file), "Correct `runtime`."
        )
    requirements, required_in = _requirements(root)
    named = _named(root, toolchain, options.get("virtualenv"))
    if named is not None and (python := python_of(named[0])):
        return _described(python, named[1], requirements, required_in, root)
    candidates = [
        _described(python, why, requirements, required_in, root)
        for folder, why in _others(root)
        if (python := python_of(folder)) is not None
    ]
    candidates.append(_described(Path(sys.executable), _OURS, requirements, required_in, root))
    if named is not None:
        candidates = [_with_install(candidate, root, toolchain, named[0], required_in) for candidate in candidates]
    # The one that lacks least; of equals the project's own goes first and ours last.
    return min(candidates, key=lambda each: ("pulumi" not in each.packages, len(each.missing), len(each.different)))


def python_of(environment: Path) -> Path | None:
    """The interpreter of a virtual environment; None when it is none."""
    return next((path for path in (environment / "bin" / "python", environment / "Scripts" / "python.exe") if path.is_file()), None)


def _named(root: Path, toolchain: str, virtualenv: Any) -> tuple[Path, str] | None:
    """The environment that Pulumi.yaml names, whether or not it is there."""
    if virtualenv:
        return root / virtualenv, f"that of `virtualenv: {virtualenv}` in Pulumi.yaml"
    if toolchain == "uv":
        folder = os.environ.get("UV_PROJECT_ENVIRONMENT") or ".venv"
        workspace = next((above for above in (root, *root.parents) if (above / "uv.lock").is_file()), root)
        return workspace / folder, "that of `toolchain: uv` in Pulumi.yaml"
    if toolchain == "poetry":
        return _poetry(root) or root / ".venv", "that of `toolchain: poetry` in Pulumi.yaml"
    return None


def _poetry(root: Path) -> Path | None:
    """The environment that poetry keeps for the project elsewhere, where poetry is installed."""
    if not shutil.which("poetry"):
        return None
    told = subprocess.run(["poetry", "env", "info", "--path"], cwd=root, capture_output=True, text=True, timeout=30, check=False)
    return Path(told.stdout.strip()) if told.returncode == 0 and told.stdout.strip() else None


def _others(root: Path) -> Iterator[tuple[Path, str]]:
    for name in (".venv", "venv"):
        yield root / name, f"that of the project's {name}"
    if activated := os.environ.get("VIRTUAL_ENV"):
        yield Path(activated), "that of the activated environment"


def _described(python: Path, why: str, requirements: Sequence[Requirement], required_in: str, root: Path) -> Interpreter:
    packages = installed(python)
    missing = [str(each) for each in requirements if canonicalize_name(each.name) not in packages]
    different = [
        f"{each} ({packages[name]} is installed)"
        for each in requirements
        if (name := canonicalize_name(each.name)) in packages and not each.specifier.contains(packages[name], prereleases=True)
    ]
    return Interpreter(python, why, packages, required_in, missing, different, _install(python, required_in, missing, root))


def installed(python: Path) -> dict[str, str]:
    """Canonical names and versions of the distributions in an interpreter's environment: its folders say both (PEP 376, PEP 427)."""
    ours = python == Path(sys.executable)
    folders = (
        map(Path, sys.path) if ours else (*python.parents[1].glob("lib*/python*/*-packages"), python.parents[1] / "Lib" / "site-packages")
    )
    found = (entry.name.removesuffix(".dist-info").rpartition("-") for folder in folders for entry in folder.glob("*.dist-info"))
    return {canonicalize_name(name): version for name, _, version in found}


def _install(python: Path, required_in: str, missing: Sequence[str], root: Path) -> str:
    target = f"-r {root / required_in}" if required_in == "requirements.txt" else " ".join(f"'{each}'" for each in missing)
    return f"{python} -m pip install {target}" if target else ""


def _with_install(candidate: Interpreter, root: Path, toolchain: str, environment: Path, required_in: str) -> Interpreter:
    """The environment that Pulumi.yaml names is not there: the command to mend that makes it."""
    commands = {"uv": f"uv sync --project {root}", "poetry": f"poetry --directory {root} install"}
    what = f"-r {root / required_in}" if required_in == "requirements.txt" else str(root)
    pip = f"python3 -m venv {environment} && {environment}/bin/python -m pip install {what}"
    why = f"{candidate.why}; {environment.name} of Pulumi.yaml does not exist"
    fields = {**vars(candidate), "why": why, "install": commands.get(toolchain, pip)}
    return Interpreter(**fields)


def _requirements(root: Path) -> tuple[list[Requirement], str]:
    """What the program requires, and the file that says so; options, addresses and what does not apply here are left out."""
    if (file := root / "requirements.txt").is_file():
        return [each for each in map(_requirement, _lines(file)) if each is not None], file.name
    if (file := root / "pyproject.toml").is_file():
        try:
            document = tomllib.loads(file.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise EngineError("bad-requirements", f"not valid TOML: {error}", str(file), "Correct the file.") from None
        texts = document.get("project", {}).get("dependencies", [])
        poetry = [name for name in document.get("tool", {}).get("poetry", {}).get("dependencies", {}) if name != "python"]
        return [each for each in map(_requirement, [*texts, *poetry]) if each is not None], file.name
    return [], ""


def _lines(file: Path) -> Iterator[str]:
    for line in file.read_text(encoding="utf-8").splitlines():
        text = line.split(" #")[0].strip()
        if (other := re.match(r"(?:-r|--requirement)[ =]\s*(.+)", text)) and (file.parent / other[1]).is_file():
            yield from _lines(file.parent / other[1])
        elif text and text[0] not in "#-":
            yield text.split(" --hash")[0].rstrip("\\ ")


def _requirement(text: str) -> Requirement | None:
    try:
        found = Requirement(text)
    except InvalidRequirement:
        return None
    return None if found.url or (found.marker and not found.marker.evaluate()) else found
