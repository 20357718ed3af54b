"""Failures of a program that have a remedy of their own: a package or a configuration value that is missing, calls of AWS by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from packaging.utils import canonicalize_name

from mlops.engine.config import Project
from mlops.engine.errors import EngineError

MISSING_CONFIG = "missing-config"
_DISTRIBUTIONS = {
    "yaml": "PyYAML",
    "dotenv": "python-dotenv",
    "jose": "python-jose",
    "OpenSSL": "pyOpenSSL",
    "Crypto": "pycryptodome",
    "pkg_resources": "'setuptools<81'",
}
"""Modules whose distribution has another name."""


def explained(project: Project, outcome: dict[str, Any], where: str) -> EngineError | None:
    """The error that says what to do, for the failures that have one."""
    if outcome.get("missing_module"):
        return _missing_module(project, outcome["missing_module"], where)
    if outcome.get("missing_config"):
        key, secret = outcome["missing_config"]
        return missing_config(project.stack, [(key, "value", secret)], where)
    if outcome.get("of_aws"):
        return EngineError(
            "program-calls-aws",
            f"the program itself calls AWS, through boto3, which a preview does not answer: {outcome['type']}: {outcome['message']}",
            where,
            "Give the program a region and credentials that may read (AWS_DEFAULT_REGION, AWS_PROFILE): its own calls then go to AWS, while what it "
            "registers is still previewed offline. Or let it take the value from its configuration, or ask a provider function for it.",
        )
    return None


def _missing_module(project: Project, module: str, where: str) -> EngineError:
    interpreter, top = project.interpreter, module.split(".")[0]
    package = _DISTRIBUTIONS.get(top, top.replace("_", "-"))
    required = [each for each in interpreter.missing if canonicalize_name(each).startswith(canonicalize_name(package))]
    lacking = f"; it requires {', '.join(interpreter.missing)} ({interpreter.required_in}), which are not there" if required else ""
    command = interpreter.install if required else f"{interpreter.python} -m pip install {package}"
    own = "" if required or top.startswith("pulumi") else " (or add the file, if the module is the program's own)"
    return EngineError(
        "missing-package",
        f"the program imports '{module}', of the package {package}, which {interpreter.python} does not have{lacking}",
        where,
        f"Install it: {command}{own}\nThe interpreter is {interpreter.why}.",
    )


def missing_config(stack: str, missing: Sequence[tuple[str, str, bool]], where: str) -> EngineError:
    """The error that names the values (key, kind, secret) which the program requires, with both ways to give them."""
    told = ", ".join(f"'{key}'" for key, _, _ in missing)
    given = " ".join(f"--config-value {key}='<{kind}>'" for key, kind, _ in missing)
    kept = "\n".join(
        f"    pulumi config set {'--secret ' if secret else ''}{key} '<{kind}>' --stack {stack}" for key, kind, secret in missing
    )
    return EngineError(
        MISSING_CONFIG,
        f"the program requires configuration that stack {stack} does not have: {told}",
        where,
        f"Give it for this preview:\n    {given}\nor keep it in Pulumi.{stack}.yaml:\n{kept}",
    )
