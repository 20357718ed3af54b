"""The Python process of one Glue job run. Started in advance, it imports what every job needs and then waits for its job on standard input.

The job is one JSON line: script, arguments, environment, search_path (--extra-py-files), kind (glueetl | pythonshell),
directory, encryption (arguments of PutObject). An exception of
the script is written to `failure.json` in that directory and ends the process with exit code 1.
"""

from __future__ import annotations

import json
import linecache
import os
import runpy
import sys
import traceback
from pathlib import Path
from typing import Any

import boto3  # noqa: F401  (imported in advance: it takes a third of a second)
import pyspark.sql  # noqa: F401
import staging


def failing_line(error: BaseException, script: str) -> int | None:
    """The script's own line nearest to the error."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == script]
    return lines[-1] if lines else None


def describe(error: BaseException, script: str) -> dict[str, Any]:
    """What AWS Glue puts into ErrorMessage: category, line, error."""
    # A Java error's text carries the JVM's whole stack, which is in the error log anyway.
    reason = str(error).split("\n\tat ", 1)[0].strip()
    text = f"{type(error).__name__}: {reason}" if reason else type(error).__name__
    line = failing_line(error, script)
    place = f"Failed Line Number: {line}; " if line else ""
    return {
        "message": f"Error Category: UNCLASSIFIED_ERROR; {place}{text}"[:4000],
        "line": line,
        "source": linecache.getline(script, line or 0).strip(),
    }


def run(job: dict[str, Any]) -> None:
    """Run the script as `__main__`, as Glue does."""
    os.environ.update(job["environment"])
    directory = Path(job["directory"])
    os.chdir(directory)
    sys.path[1:1] = job["search_path"]
    sys.argv = [job["script"], *job["arguments"]]
    if job["kind"] == "glueetl":
        staging.install(directory / "s3", job["encryption"])
    # The script must not find this runner's own modules, only the awsglue package beside them.
    sys.modules.pop("staging", None)
    runpy.run_path(job["script"], run_name="__main__")


def main() -> int:
    line = sys.stdin.readline()
    if not line:
        return 0
    job = json.loads(line)
    try:
        run(job)
    except SystemExit as error:
        if error.code in (None, 0):
            return 0
        failure = {"message": f"Error Category: UNCLASSIFIED_ERROR; SystemExit: {error.code}", "line": None, "source": ""}
    except BaseException as error:  # noqa: BLE001  (whatever ends the script is the run's error)
        traceback.print_exc()
        failure = describe(error, job["script"])
    else:
        return 0
    (Path(job["directory"]) / "failure.json").write_text(json.dumps(failure))
    return 1


if __name__ == "__main__":
    sys.exit(main())
