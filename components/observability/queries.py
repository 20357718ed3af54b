"""The text of saved Logs Insights queries; plain data."""

from __future__ import annotations

# Stands in a saved query for what is looked for: a request id, a data run or a training run.
LOOKED_FOR = "CORRELATION_ID"

SLOWEST_PREDICTIONS = """fields @timestamp, correlation_id, milliseconds, model_version, predictions
| filter message = "predicted"
| sort milliseconds desc
| limit 25"""

ERRORS = """fields @timestamp, @log, service, correlation_id, message, errorMessage
| filter level in ["ERROR", "CRITICAL"] or log_level = "ERROR"
| sort @timestamp desc
| limit 100"""

ERROR_COUNTS = """filter level in ["ERROR", "CRITICAL"] or log_level = "ERROR"
| stats count(*) as errors by service, message
| sort errors desc"""

# `caused_by` leads from a prediction to its training run and from there to data runs: look for that next.
ONE_CORRELATION_ID = f"""fields @timestamp, service, level, message, model_version, caused_by.0, @log
| filter correlation_id = "{LOOKED_FOR}"
| sort @timestamp asc
| limit 1000"""

COLD_STARTS = """filter type = "platform.report" and ispresent(record.metrics.initDurationMs)
| stats count(*) as cold_starts, avg(record.metrics.initDurationMs) as mean_ms, max(record.metrics.initDurationMs) as slowest_ms by @log
| sort cold_starts desc"""
