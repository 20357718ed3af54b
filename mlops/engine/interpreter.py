"""Which Python runs a program: the one its Pulumi.yaml names, else an environment that has what it requires, else ours."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from mlops.engine.errors import EngineError
from mlops.engine.requirements import required

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
    requirements, required_in = required(root)
    virtualenv = options.get("virtualenv")
    if virtualenv is not None and not isinstance(virtualenv, str):
        raise EngineError("bad-project", f"expected a folder as `virtualenv`, got {virtualenv!r}", str(file), "Correct `runtime`.")
    named = _named(root, toolchain, virtualenv)
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


def _named(root: Path, toolchain: str, virtualenv: str | None) -> tuple[Path, str] | None:
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
