"""The arguments of a Glue job run: which of them Glue reads itself, which the script gets, what the sandbox refuses."""

from __future__ import annotations

import importlib.util
import shlex
from typing import TYPE_CHECKING

from mlops.sandbox.ml.jobs import JobError

if TYPE_CHECKING:
    from mlops.sandbox.context import Sandbox

# Arguments that Glue itself reads; the script does not get them.
_GLUE_ARGUMENTS = (
    "--conf",
    "--extra-py-files",
    "--additional-python-modules",
    "--enable-metrics",
    "--enable-continuous-cloudwatch-log",
    "--enable-observability-metrics",
    "--enable-spark-ui",
    "--spark-event-logs-path",
    "--continuous-log-logGroup",
    "--continuous-log-logStreamPrefix",
    "--custom-logGroup-prefix",
    "--enable-auto-scaling",
    "--enable-job-insights",
    "--enable-glue-datacatalog",
    "--job-language",
)
REFUSED_ARGUMENTS = ("--extra-jars", "--extra-files", "--user-jars-first", "--datalake-formats", "--class")


def s3_encryption(sandbox: Sandbox, name: str | None) -> dict[str, str]:
    """How a job with this security configuration encrypts what Spark writes to S3, as arguments of PutObject."""
    if not name:
        return {}
    configuration = sandbox.backend("glue").get_security_configuration(name).configuration
    for entry in configuration.get("S3Encryption", []):
        if entry.get("S3EncryptionMode") == "SSE-KMS":
            return {"ServerSideEncryption": "aws:kms", **({"SSEKMSKeyId": entry["KmsKeyArn"]} if entry.get("KmsKeyArn") else {})}
        if entry.get("S3EncryptionMode") == "SSE-S3":
            return {"ServerSideEncryption": "AES256"}
    return {}


def check_modules(modules: str) -> None:
    """`--additional-python-modules` installs nothing here: what is not there already is an error by name."""
    names = [entry.split("==")[0].split(">")[0].split("<")[0].strip() for entry in modules.split(",") if entry.strip()]
    missing = [name for name in names if importlib.util.find_spec(name.replace("-", "_")) is None]
    if missing:
        raise JobError(f"the sandbox does not install --additional-python-modules, and {', '.join(missing)} is not in its environment")


def spark_settings(conf: str) -> dict[str, str]:
    """The value of Glue's `--conf`: `a=b --conf c=d`."""
    settings = {}
    for part in shlex.split(conf):
        if part == "--conf":
            continue
        name, separator, value = part.partition("=")
        if not separator or not name.startswith("spark."):
            raise JobError(f"expected --conf spark.name=value, got {part!r}")
        settings[name] = value
    return settings


def script_arguments(job_name: str, run_id: str, given: dict[str, str]) -> list[str]:
    """The command line that Glue gives the script."""
    arguments = ["--JOB_NAME", job_name, "--JOB_ID", f"j_{job_name}", "--JOB_RUN_ID", run_id]
    for name, value in given.items():
        if name not in _GLUE_ARGUMENTS:
            arguments += [name, value] if value not in (None, "") else [name]
    return arguments
