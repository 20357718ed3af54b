"""`awsglue.job.Job`: init and commit. Bookmarks are refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Job:
    """Marks a job's beginning and end. Without bookmarks AWS does nothing more either."""

    def __init__(self, glue_context: Any):
        self._glue_context = glue_context
        self._name: str | None = None

    def init(self, job_name: str, args: Mapping[str, str] | None = None) -> None:
        """Begin; `args` as getResolvedOptions returned them."""
        option = (args or {}).get("job_bookmark_option", "job-bookmark-disable")
        if option != "job-bookmark-disable":
            raise NotImplementedError(
                f"the sandbox does not keep Glue job bookmarks (--job-bookmark-option {option}): use job-bookmark-disable"
            )
        self._name = job_name

    def isInitialized(self) -> bool:  # noqa: N802  (AWS's name)
        """Whether init() was called."""
        return self._name is not None

    def commit(self) -> None:
        """End; RuntimeError before init(), as on AWS."""
        if self._name is None:
            raise RuntimeError("Job.commit() was called before Job.init()")
