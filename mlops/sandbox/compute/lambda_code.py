"""What an execution environment sees: code, layers, the runtime's own libraries, environment variables."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import shutil
import sys
import threading
import zipfile
from pathlib import Path
from typing import Any

from mlops.sandbox.context import Sandbox

# The libraries that AWS's Python runtime brings along; everything else must be in the package or a layer.
RUNTIME_LIBRARIES = ("boto3", "botocore", "s3transfer", "jmespath", "urllib3", "dateutil", "six")

_unpacking = threading.Lock()


def runtime_libraries(sandbox: Sandbox) -> Path:
    """A folder with nothing but the runtime's own libraries."""
    folder = sandbox.directory / "lambda" / "runtime"
    with _unpacking:
        folder.mkdir(parents=True, exist_ok=True)
        for name in RUNTIME_LIBRARIES:
            found = importlib.util.find_spec(name)
            if found is None or found.origin is None:
                raise RuntimeError(f"the sandbox's Lambda runtime needs {name}, which is not installed next to it")
            source = Path(found.origin)
            source = source.parent if source.name == "__init__.py" else source
            link = folder / source.name
            if not link.exists():
                link.unlink(missing_ok=True)
                link.symlink_to(source)
    return folder


def unpack(sandbox: Sandbox, archive: bytes) -> Path:
    """The folder with the archive's files; unpacked once for each content."""
    folder = sandbox.directory / "lambda" / "code" / hashlib.sha256(archive).hexdigest()[:24]
    with _unpacking:
        if not folder.exists():
            draft = folder.with_suffix(".new")
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(parents=True)
            with zipfile.ZipFile(io.BytesIO(archive)) as file:
                file.extractall(draft)
            draft.rename(folder)
    return folder


def search_path(sandbox: Sandbox, function: Any) -> list[Path]:
    """What AWS has in front of the standard library: the package, the layers, the runtime's libraries."""
    backend = sandbox.backend("lambda")
    layers = []
    for layer in function.layers:
        version = backend.layers_versions_by_arn(layer["Arn"])
        if version is None:
            raise LookupError(f"layer version {layer['Arn']} of function {function.function_name} does not exist")
        layers.append(unpack(sandbox, version.code_bytes))
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    paths = [unpack(sandbox, function.code_bytes)]
    for layer in layers:
        paths += [layer / "python" / "lib" / python / "site-packages", layer / "python"]
    return [*(path for path in paths if path.is_dir()), runtime_libraries(sandbox)]


def environment(sandbox: Sandbox, function: Any, stream: str, scratch: Path) -> dict[str, str]:
    """The variables of an execution environment: the function's own, AWS's, and the keys of the function's role."""
    credentials = sandbox.principals.issue(function.role, service="lambda.amazonaws.com", session_name=function.function_name)
    logging_config = function.__dict__.get("logging_config") or {}
    variables = {
        **{name: str(value) for name, value in (function.environment_vars or {}).items()},
        "_HANDLER": function.handler,
        "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
        "AWS_LAMBDA_FUNCTION_VERSION": str(function.version),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
        "AWS_LAMBDA_LOG_GROUP_NAME": function.logs_group_name,
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.run_time}",
        "AWS_REGION": sandbox.region,
        "AWS_DEFAULT_REGION": sandbox.region,
        "AWS_ENDPOINT_URL": sandbox.endpoint,
        "LAMBDA_TASK_ROOT": str(unpack(sandbox, function.code_bytes)),
        "TMPDIR": str(scratch),
        "HOME": str(scratch),
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        # The endpoint is this machine: a proxy meant for the outside must not be asked.
        "NO_PROXY": "127.0.0.1",
        **credentials.environment(),
    }
    if logging_config.get("LogFormat") == "JSON":
        variables.update(AWS_LAMBDA_LOG_FORMAT="JSON", AWS_LAMBDA_LOG_LEVEL=logging_config.get("ApplicationLogLevel", "INFO"))
    return variables
