"""DynamicFrame is not carried out in the sandbox: importing the class works, using it is refused."""

from __future__ import annotations

from typing import Any


class DynamicFrame:
    """Refuses by name; a job that converts DataFrames only for show can avoid it."""

    def __init__(self, *_: Any, **__: Any):
        raise NotImplementedError("the sandbox does not carry out awsglue.dynamicframe.DynamicFrame: use a Spark DataFrame")

    @classmethod
    def fromDF(cls, *_: Any, **__: Any) -> DynamicFrame:  # noqa: N802  (AWS's name)
        """Refused."""
        raise NotImplementedError("the sandbox does not carry out DynamicFrame.fromDF: use the Spark DataFrame itself")
