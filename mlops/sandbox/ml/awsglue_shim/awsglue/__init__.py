"""The part of AWS Glue's Python library that the sandbox carries out: getResolvedOptions, Job and GlueContext.spark_session."""
