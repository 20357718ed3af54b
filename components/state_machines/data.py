"""The data pipeline: claim → crawl → validate → preprocess → start training → complete."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from components.state_machines.common import ANY_TASK_FAILURE, GLUE_TRANSIENT, Common, State

CRAWLER_RUNNING = ["Glue.CrawlerRunningException"]
# Waiting for a free job run is the normal case when many files arrive at once.
JOB_START_ATTEMPTS = 10


@dataclass(frozen=True, kw_only=True)
class DataMachine:
    """Names and numbers that the definition holds; without `training_trigger_arn` a run ends with its manifest."""

    common: Common
    crawler: str
    validate_job: str
    preprocess_job: str
    job_timeout_seconds: int
    contract_uri: str
    processed_bucket: str
    quarantine_bucket: str
    maximum_rejected_fraction: float
    training_trigger_arn: Any | None
    function_timeout_seconds: int


def data_definition(args: DataMachine) -> State:
    """Input: EventBridge's Object Created event of the raw bucket."""
    common = args.common
    states = {
        "Identify": _identify(),
        "NameRun": _name_run(args),
        "Claim": common.claim(then="StartCrawler", duplicate="Duplicate", on_error="NotifyFailure", attributes=_object_attributes()),
        "Duplicate": {"Type": "Pass", "Parameters": {"status": "duplicate", "claim.$": "$.claim"}, "Next": "AlreadyDone"},
        "AlreadyDone": {"Type": "Succeed"},
        **_crawl(args),
        "Validate": _job(args, args.validate_job, _validate_arguments(args), "$.validate", "Preprocess"),
        **_preprocess_and_train(args),
        "Completed": {"Type": "Succeed"},
        **common.failure_states("data"),
    }
    return common.machine(f"Data pipeline of {common.model}", "Identify", states)


def _preprocess_and_train(args: DataMachine) -> dict[str, State]:
    common = args.common
    results: State = {"manifest": {"S.$": "$.manifest"}}
    training: dict[str, State] = {}
    if args.training_trigger_arn is not None:
        results["training"] = {"S.$": "States.JsonToString($.training.answer)"}
        training["StartTraining"] = common.invoke(
            args.training_trigger_arn,
            {"reason": "data", "manifest.$": "$.manifest"},
            then="Complete",
            on_error="RecordFailure",
            result_path="$.training",
            timeout_seconds=args.function_timeout_seconds,
        )
    following = next(iter(training), "Complete")
    return {
        "Preprocess": _job(args, args.preprocess_job, _preprocess_arguments(args), "$.preprocess", following),
        **training,
        "Complete": common.finish("succeeded", then="Completed", on_error="RecordFailure", values=results),
    }


def _identify() -> State:
    return {
        "Type": "Pass",
        "Parameters": {
            "bucket.$": "$.detail.bucket.name",
            "key.$": "$.detail.object.key",
            "version.$": "$.detail.object['version-id']",
        },
        "Next": "NameRun",
    }


def _name_run(args: DataMachine) -> State:
    # `run` is a hash of the object version, so a second try writes to the same place.
    place = "$.bucket, $.key, $.version"
    run = f"States.Hash(States.Format('{{}}#{{}}#{{}}', {place}), 'SHA-256')"
    model = args.common.model
    return {
        "Type": "Pass",
        "Parameters": {
            "bucket.$": "$.bucket",
            "key.$": "$.key",
            "version.$": "$.version",
            "claim.$": f"States.Format('object#{{}}#{{}}#{{}}', {place})",
            "source.$": "States.Format('s3://{}/{}', $.bucket, $.key)",
            "run.$": run,
            "validated.$": f"States.Format('s3://{args.processed_bucket}/{model}/validated/run={{}}/', {run})",
            "manifest.$": f"States.Format('s3://{args.processed_bucket}/{model}/manifests/{{}}.json', {run})",
        },
        "Next": "Claim",
    }


def _object_attributes() -> State:
    return {
        "kind": {"S": "object"},
        "run": {"S.$": "$.run"},
        "bucket": {"S.$": "$.bucket"},
        "key": {"S.$": "$.key"},
        "version": {"S.$": "$.version"},
    }


def _crawl(args: DataMachine) -> dict[str, State]:
    common = args.common
    get = common.task(
        "aws-sdk:glue:getCrawler",
        {"Name": args.crawler},
        then="CrawlerFinished",
        on_error="RecordFailure",
        retry=[common.retry(ANY_TASK_FAILURE)],
        result={"state.$": "$.Crawler.State"},
        result_path="$.crawler",
    )
    return {
        # A crawler runs once at a time: while it is busy, wait for our turn.
        "StartCrawler": common.task(
            "aws-sdk:glue:startCrawler",
            {"Name": args.crawler},
            then="WaitForCrawler",
            on_error="RecordFailure",
            retry=[common.retry(CRAWLER_RUNNING, 0), common.retry(ANY_TASK_FAILURE)],
            catch=[{"ErrorEquals": CRAWLER_RUNNING, "ResultPath": "$.crawler", "Next": "WaitForTurn"}],
        ),
        "WaitForTurn": {"Type": "Wait", "Seconds": common.poll_seconds, "Next": "StartCrawler"},
        "WaitForCrawler": {"Type": "Wait", "Seconds": common.poll_seconds, "Next": "GetCrawler"},
        "GetCrawler": get,
        "CrawlerFinished": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.crawler.state", "StringEquals": "READY", "Next": "GetCrawl"}],
            "Default": "WaitForCrawler",
        },
        "GetCrawl": {
            **get,
            "ResultSelector": {"status.$": "$.Crawler.LastCrawl.Status", "last.$": "$.Crawler.LastCrawl"},
            "ResultPath": "$.crawl",
            "Next": "CrawlSucceeded",
        },
        "CrawlSucceeded": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.crawl.status", "StringEquals": "SUCCEEDED", "Next": "Validate"}],
            "Default": "CrawlFailed",
        },
        "CrawlFailed": {
            "Type": "Pass",
            "Parameters": {
                "Error": "CrawlFailed",
                "Cause.$": f"States.Format('The crawler {args.crawler} ended with {{}}', States.JsonToString($.crawl.last))",
            },
            "ResultPath": "$.error",
            "Next": "RecordFailure",
        },
    }


def _job(args: DataMachine, job: str, arguments: State, result_path: str, then: str) -> State:
    common = args.common
    return common.task(
        "glue:startJobRun.sync",
        {"JobName": job, "Arguments": arguments},
        then=then,
        on_error="RecordFailure",
        retry=[common.retry(GLUE_TRANSIENT, JOB_START_ATTEMPTS)],
        timeout_seconds=args.job_timeout_seconds,
        result={"id.$": "$.Id", "state.$": "$.JobRunState"},
        result_path=result_path,
    )


def _validate_arguments(args: DataMachine) -> State:
    return {
        "--model": args.common.model,
        "--run.$": "$.run",
        "--input.$": "$.source",
        "--version_id.$": "$.version",
        "--contract": args.contract_uri,
        "--processed_bucket": args.processed_bucket,
        "--quarantine_bucket": args.quarantine_bucket,
        "--maximum_rejected_fraction": str(args.maximum_rejected_fraction),
    }


def _preprocess_arguments(args: DataMachine) -> State:
    return {
        "--model": args.common.model,
        "--run.$": "$.run",
        "--contract": args.contract_uri,
        "--processed_bucket": args.processed_bucket,
        "--input.$": "$.validated",
        "--source.$": "$.source",
    }
