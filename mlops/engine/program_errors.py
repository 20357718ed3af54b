"""Failures of a program that have a remedy of their own: a package that is not installed, a configuration value that is missing."""

from __future__ import annotations

from typing import Any

from packaging.utils import canonicalize_name

from mlops.engine.config import Project
from mlops.engine.errors import EngineError

_DISTRIBUTIONS = {"yaml": "PyYAML", "dotenv": "python-dotenv", "jose": "python-jose", "OpenSSL": "pyOpenSSL", "Crypto": "pycryptodome"}
"""Modules whose distribution has another name."""


def explained(project: Project, outcome: dict[str, Any], where: str) -> EngineError | None:
    """The error that says what to do, for the failures that have one."""
    if outcome.get("missing_module"):
        return _missing_module(project, outcome["missing_module"], where)
    if outcome.get("missing_config"):
        return _missing_config(project, outcome["missing_config"], where)
    return None


def _missing_module(project: Project, module: str, where: str) -> EngineError:
    interpreter, top = project.interpreter, module.split(".")[0]
    package = _DISTRIBUTIONS.get(top, top.replace("_", "-"))
    required = [each for each in interpreter.missing if canonicalize_name(each).startswith(canonicalize_name(package))]
    lacking = f"; it requires {', '.join(interpreter.missing)} ({interpreter.required_in}), which are not there" if required else ""
    command = interpreter.install if required else f"{interpreter.python} -m pip install {package}"
    return EngineError(
        "missing-package",
        f"the program imports '{module}', of the package {package}, which {interpreter.python} does not have{lacking}",
        where,
        f"Install it: {command}\nThe interpreter is {interpreter.why}.",
    )


def _missing_config(project: Project, missing: list[Any], where: str) -> EngineError:
    key, secret = missing
    flag = "--secret " if secret else ""
    return EngineError(
        "missing-config",
        f"the program requires the configuration value '{key}', which stack {project.stack} does not have",
        where,
        f"Give it for this preview with `--config-value {key}=<value>`, "
        f"or keep it in Pulumi.{project.stack}.yaml: `pulumi config set {flag}{key} <value> --stack {project.stack}`.",
    )
