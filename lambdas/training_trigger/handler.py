"""The only door to training: new data, the drift alarm, a schedule or a person, each with a reason.

Claims the training run in the ledger, writes SageMaker manifest files and starts the training state machine. The run's id is the hash
of its inputs and the execution's name is the run's id: the same event again starts nothing. A run that failed may be tried again.
"""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError
from decide import (
    PARTS,
    Declined,
    Plan,
    cause_of,
    data_runs,
    decide,
    in_bucket,
    input_data_config,
    keys_of,
    reason_of,
    sagemaker_manifest,
    training_run,
)
from platform_common.in_service import InService, switched_off, version_in_service
from platform_common.objects import read_json, write_json

logger = Logger()
s3, sagemaker, stepfunctions = boto3.client("s3"), boto3.client("sagemaker"), boto3.client("stepfunctions")
ledger = boto3.client("dynamodb")
CLAIMED, MAXIMUM_ATTEMPTS = "claimed", 20


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Input: {"reason": "data" | "schedule" | "request" | "drift"} or a CloudWatch alarm event. Output: started, status, detail, training_run, execution."""
    reason = reason_of(event)
    logger.set_correlation_id(cause_of(event) or getattr(context, "aws_request_id", ""))
    endpoint = os.environ["ENDPOINT"]
    serving = version_in_service(sagemaker, endpoint, switched_off(ledger, os.environ["LEDGER_TABLE"], endpoint))
    decision = decide(
        manifests(os.environ["PROCESSED_BUCKET"], os.environ["MODEL"]),
        reason=reason,
        train_on_data=os.environ["TRAIN_ON_DATA"],
        minimum_rows=int(os.environ["MINIMUM_ROWS"]),
        in_service=serving is not None,
        contract=os.environ.get("CONTRACT_URI"),
    )
    if isinstance(decision, Declined):
        answer = {
            "started": False,
            "status": decision.status,
            "reason": reason,
            "detail": decision.detail,
            "training_run": "",
            "execution": "",
        }
    else:
        answer = claim_and_start(decision, reason, serving)
    logger.info("training " + answer["status"], extra=answer)
    return answer


def manifests(bucket: str, model: str) -> dict[str, dict[str, Any]]:
    """URI → document of every run of the data pipeline."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{model}/manifests/")
    uris = [f"s3://{bucket}/{item['Key']}" for page in pages for item in page.get("Contents", []) if item["Key"].endswith(".json")]
    with ThreadPoolExecutor(8) as pool:
        found = dict(zip(uris, pool.map(lambda uri: read_json(s3, uri), uris), strict=True))
    return {uri: here for uri, document in found.items() if (here := complete(document, bucket, model))}


def complete(document: dict[str, Any], bucket: str, model: str) -> dict[str, Any] | None:
    """The manifest with its files in this bucket; None for a replicated one whose files have not all arrived (replication knows no order)."""
    here = in_bucket(document, bucket)
    if here == document:
        return here
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{model}/features/run={document['run']}/")
    missing = keys_of(here) - {item["Key"] for page in pages for item in page.get("Contents", [])}
    if missing:
        logger.warning(
            "replicated data left out: not all of its files are here yet",
            extra={"run": document["run"], "missing": len(missing), "first": min(missing)},
        )
        return None
    return here


def claim_and_start(plan: Plan, reason: str, serving: InService | None) -> dict[str, Any]:
    model = os.environ["MODEL"]
    for attempt in range(MAXIMUM_ATTEMPTS):
        run = training_run(plan, reason, attempt)
        item = claim(f"training#{model}#{run}", model, run, reason, plan)
        # From here on the training run is what the lines are about; this one names the data runs that it came from.
        logger.set_correlation_id(run)
        logger.info("training run named", extra={"caused_by": data_runs(plan.manifest_uris), "reason": reason, "attempt": attempt})
        if item is None or item["status"]["S"] == CLAIMED:  # ours, or of a call that ended before its execution started
            execution = start(plan, run, reason, serving)
            return {
                "started": True,
                "status": "started",
                "reason": reason,
                "detail": describe(plan),
                "training_run": run,
                "execution": execution,
            }
        if item["status"]["S"] != "failed":
            detail = f"this data has been trained on for the same reason: run {run}, {item['status']['S']}"
            execution = item.get("execution", {}).get("S", "")
            return {
                "started": False,
                "status": "duplicate",
                "reason": reason,
                "detail": detail,
                "training_run": run,
                "execution": execution,
            }
    detail = (
        f"the training on this data failed {MAXIMUM_ATTEMPTS} times; look at the training jobs' logs before trying again with other data"
    )
    return {"started": False, "status": "declined", "reason": reason, "detail": detail, "training_run": "", "execution": ""}


def describe(plan: Plan) -> str:
    days = f"{plan.split.train[0]} to {plan.split.test[-1]}"
    return f"{', '.join(f'{plan.rows[part]} {part}' for part in PARTS)} rows of {days}"


def claim(identifier: str, model: str, run: str, reason: str, plan: Plan) -> dict[str, Any] | None:
    """Puts the run's ledger item; the item that is there already when another call was first."""
    item = {
        "id": {"S": identifier},
        "kind": {"S": "training"},
        "model": {"S": model},
        "training_run": {"S": run},
        "run": {"S": run},
        "reason": {"S": reason},
        "status": {"S": CLAIMED},
        "started_at": {"S": datetime.now(UTC).isoformat(timespec="seconds")},
        "manifest_uris": {"S": json.dumps(plan.manifest_uris)},
        "rows": {"S": json.dumps(dict(plan.rows))},
    }
    try:
        ledger.put_item(TableName=os.environ["LEDGER_TABLE"], Item=item, ConditionExpression="attribute_not_exists(id)")
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return ledger.get_item(TableName=os.environ["LEDGER_TABLE"], Key={"id": {"S": identifier}}, ConsistentRead=True)["Item"]
    return None


def start(plan: Plan, run: str, reason: str, serving: InService | None) -> str:
    """Writes the sets' manifests and starts the execution; its ARN, also when it had been started before."""
    model = os.environ["MODEL"]
    folder = f"s3://{os.environ['PROCESSED_BUCKET']}/{model}/training/{run}"
    channels = {part: f"{folder}/{part}.manifest" for part in PARTS} | {
        "contract": plan.contract,
        "code": os.environ["TRAINING_SOURCE_URI"],
    }
    if serving is not None:
        channels["incumbent"] = serving.model_data_url
    for part in PARTS:
        write_json(s3, channels[part], sagemaker_manifest(plan.files[part]))
    request = {
        "training_run": run,
        "model": model,
        "reason": reason,
        "channels": channels,
        "input_data_config": input_data_config(channels),
        "manifest_uris": list(plan.manifest_uris),
    }
    split = {part: list(getattr(plan.split, part)) for part in PARTS}
    record = {"rows": dict(plan.rows), "split": split, "sources": [dict(source) for source in plan.sources]}
    write_json(s3, f"{folder}/training.json", {**request, **record, "schema": 1, "incumbent_version": serving.version if serving else None})
    machine = os.environ["TRAINING_STATE_MACHINE_ARN"]
    try:
        execution = stepfunctions.start_execution(stateMachineArn=machine, name=run, input=json.dumps(request, sort_keys=True))[
            "executionArn"
        ]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
            raise
        execution = machine.replace(":stateMachine:", ":execution:") + f":{run}"
    mark_running(f"training#{model}#{run}", execution)
    return execution


def mark_running(identifier: str, execution: str) -> None:
    """The execution may have ended already: its status is not overwritten."""
    try:
        ledger.update_item(
            TableName=os.environ["LEDGER_TABLE"],
            Key={"id": {"S": identifier}},
            UpdateExpression="SET #status = :running, execution = :execution",
            ConditionExpression="#status = :claimed",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":running": {"S": "running"}, ":claimed": {"S": CLAIMED}, ":execution": {"S": execution}},
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        logger.info("execution ended before its start was recorded", extra={"execution": execution})
