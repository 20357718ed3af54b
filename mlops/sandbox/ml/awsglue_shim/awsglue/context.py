"""`awsglue.context.GlueContext`: the Spark session. DynamicFrame operations are refused by name."""

from __future__ import annotations

import logging
from typing import Any

from pyspark import SparkContext
from pyspark.sql import SparkSession, SQLContext


class GlueContext(SQLContext):
    """A Spark SQL context with `spark_session` and `get_logger()`."""

    def __init__(self, sparkContext: SparkContext, **_: Any):  # noqa: N803  (AWS's name)
        session = SparkSession(sparkContext)
        super().__init__(sparkContext, sparkSession=session)
        self.spark_session = session

    def get_logger(self) -> logging.Logger:
        """A logger that writes to the job's error stream."""
        return logging.getLogger("GlueLogger")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise NotImplementedError(
            f"the sandbox does not carry out GlueContext.{name}: use spark_session (DataFrames) instead of DynamicFrames"
        )
