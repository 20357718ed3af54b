"""What a build sees: this machine's Python in place of the image, its role's keys, CodeBuild's variables, and nothing of the developer's."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops.sandbox.delivery.build_failure import BuildFailure
from mlops.sandbox.ml.jobs import ONE_THREAD

if TYPE_CHECKING:
    from mlops.sandbox.delivery.build import Build
    from mlops.sandbox.delivery.buildspec import Buildspec

# Settings of this machine's network that a build needs like every other process of it; they carry no rights.
_NETWORK = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT")

_WRAPPER = """#!{python}
import re, sys
from {module} import {name}
sys.argv[0] = re.sub(r"(-script\\.pyw|\\.exe)?$", "", sys.argv[0])
sys.exit({attribute}())
"""


def make_python(folder: Path) -> Path:
    """A virtual environment of the build's own in which the sandbox's packages are there already; its `bin`.

    `pip install` of what is there is satisfied, and of anything else changes this environment only.
    """
    venv.EnvBuilder(symlinks=True, with_pip=False).create(folder)
    binaries = folder / "bin"
    python = binaries / "python"
    paths = sysconfig.get_paths(vars={"base": str(folder), "platbase": str(folder)}, scheme="posix_prefix")
    Path(paths["purelib"], "image.pth").write_text("\n".join(path for path in sys.path if path and "site-packages" in path) + "\n")
    for entry in metadata.entry_points(group="console_scripts"):
        attribute = entry.attr
        script = binaries / entry.name
        if not script.exists() and entry.module and attribute:
            script.write_text(_WRAPPER.format(python=python, module=entry.module, name=attribute.split(".")[0], attribute=attribute))
            script.chmod(0o755)
    return binaries


def variables(build: Build, binaries: Path, passed: tuple[str, ...]) -> dict[str, str]:
    """The variables of a build before its own: CodeBuild's, the role's keys, this sandbox's address."""
    sandbox, settings = build.sandbox, build.settings
    found = {name: os.environ[name] for name in (*_NETWORK, *passed) if name in os.environ}
    bypass = ",".join(filter(None, (os.environ.get("NO_PROXY") or os.environ.get("no_proxy"), "127.0.0.1")))
    return {
        **found,
        **ONE_THREAD,
        "NO_PROXY": bypass,
        "no_proxy": bypass,
        "PATH": f"{binaries}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(build.home),
        "TMPDIR": str(build.temporary),
        "LANG": "C.UTF-8",
        "VIRTUAL_ENV": str(binaries.parent),
        "PYTHONUNBUFFERED": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": sandbox.endpoint,
        "AWS_REGION": sandbox.region,
        "AWS_DEFAULT_REGION": sandbox.region,
        **build.credentials.environment(),
        "CI": "true",
        "CODEBUILD_CI": "true",
        "CODEBUILD_BUILD_ARN": build.arn,
        "CODEBUILD_BUILD_ID": build.id,
        "CODEBUILD_BUILD_IMAGE": settings["environment"]["image"],
        "CODEBUILD_BUILD_NUMBER": str(build.number),
        "CODEBUILD_BUILD_SUCCEEDING": "1",
        "CODEBUILD_INITIATOR": build.initiator,
        "CODEBUILD_KMS_KEY_ID": settings["encryptionKey"],
        "CODEBUILD_LOG_PATH": build.id.split(":")[1],
        "CODEBUILD_PROJECT_ARN": settings["arn"],
        "CODEBUILD_RESOLVED_SOURCE_VERSION": build.resolved_version,
        "CODEBUILD_SOURCE_REPO_URL": settings["source"].get("location", ""),
        "CODEBUILD_SOURCE_VERSION": build.source_version,
        "CODEBUILD_SRC_DIR": str(build.source),
        "CODEBUILD_START_TIME": str(int(build.started.timestamp() * 1000)),
        **{f"CODEBUILD_SRC_DIR_{name}": str(folder) for name, folder in build.secondary_sources.items()},
    }


def own_variables(build: Build, spec: Buildspec) -> dict[str, str]:
    """The buildspec's and then the project's variables, stored parameters and secrets read with the build's role."""
    found = dict(spec.variables)
    for name, parameter in spec.parameter_store.items():
        found[name] = _parameter(build, parameter)
    for name, secret in spec.secrets_manager.items():
        found[name] = _secret(build, secret)
    for each in build.settings["environment"].get("environmentVariables") or ():
        read = {"PARAMETER_STORE": _parameter, "SECRETS_MANAGER": _secret}.get(each.get("type", "PLAINTEXT"))
        found[each["name"]] = read(build, each["value"]) if read else each["value"]
    for name in found:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise BuildFailure("CLIENT_ERROR", f"the environment variable {name!r} has no name that a shell takes")
    return found


def _parameter(build: Build, name: str) -> str:
    return build.call("ssm", "get_parameter", Name=name, WithDecryption=True)["Parameter"]["Value"]


def _secret(build: Build, reference: str) -> str:
    """`secret-id:json-key:version-stage:version-id`, of which all but the first may be missing."""
    import json

    head, rest = reference, ""
    if reference.startswith("arn:"):
        parts = reference.split(":")
        head, rest = ":".join(parts[:7]), ":".join(parts[7:])
    elif ":" in reference:
        head, _, rest = reference.partition(":")
    key, stage, version, *_ = [*rest.split(":"), "", "", ""]
    more = {name: value for name, value in (("VersionStage", stage), ("VersionId", version)) if value}
    text = build.call("secretsmanager", "get_secret_value", SecretId=head, **more)["SecretString"]
    if not key:
        return text
    content: Mapping[str, Any] = json.loads(text)
    if key not in content:
        raise BuildFailure("CLIENT_ERROR", f"the secret {head} has no key {key}")
    return str(content[key])


def runtimes(wanted: Mapping[str, str], path: str) -> Iterator[str]:
    """What the log says of `runtime-versions`: this machine has one version of each, whatever is asked for."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    for name, version in wanted.items():
        if name == "python":
            found = python
        else:
            program = shutil.which({"nodejs": "node", "golang": "go"}.get(name, name), path=path)
            answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=False) if program else None
            number = re.search(r"\d+(\.\d+)*", answer.stdout) if answer else None
            found = number[0] if number else ""
        if found and (version == "latest" or _fits(found, version)):
            yield f"Selecting '{name}' runtime version '{version}': this machine's {found}"
        else:
            yield f"MISMATCH: runtime version '{version}' of '{name}' is asked for, this machine has {found or 'none'}; the build goes on with that"


def _fits(found: str, wanted: str) -> bool:
    parts = [part for part in wanted.split(".") if part not in ("x", "*")]
    return found.split(".")[: len(parts)] == parts
