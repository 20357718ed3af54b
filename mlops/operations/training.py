"""Training runs: request one, wait for it, compare its models."""

from __future__ import annotations

import json
import time
from typing import Any

from mlops.errors import UserError
from mlops.operations import failures
from mlops.operations.ingest import FINAL, POLL_SECONDS, wait_for
from mlops.operations.target import Target


def request_training(target: Target, model: dict[str, Any]) -> dict[str, Any]:
    """Asks the trigger for a training on request; its answer says whether one was started and why (not)."""
    return target.invoke(model["training_trigger"], {"reason": "request"})


def wait_for_training(target: Target, execution: str) -> dict[str, Any]:
    """The end of a training execution: status, seconds, what was registered and how the algorithms compare."""
    description = wait_for(target, execution)
    output = json.loads(description.get("output") or "{}")
    status = FINAL[description["status"]]
    return {
        "status": status,
        "execution": execution,
        "seconds": round((description["stopDate"] - description["startDate"]).total_seconds(), 2),
        "detail": failures.text(description.get("error", ""), description.get("cause", ""))
        or (output.get("detail", "") if isinstance(output, dict) else ""),
        "output": output,
    }


def next_execution(target: Target, model: dict[str, Any], since: float, timeout: float = 120) -> str:
    """The ARN of the first training execution that started after `since` (seconds since the epoch)."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        executions = target.client("stepfunctions").list_executions(stateMachineArn=model["training_state_machine"])["executions"]
        later = [execution for execution in executions if execution["startDate"].timestamp() >= since - 1]
        if later:
            return min(later, key=lambda execution: execution["startDate"])["executionArn"]
        time.sleep(POLL_SECONDS)
    raise UserError(
        "no-training",
        f"expected a training to start within {timeout:.0f} s, none did",
        model["training_state_machine"],
        f"read the log of function {model['training_trigger']}",
        exit_code=1,
    )
