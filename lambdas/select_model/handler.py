"""Chooses the best model of a training run, judges it by the gate and registers it: pending approval, or rejected with the reason."""

from __future__ import annotations

import io
import json
import os
import tarfile
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from choose import REJECTED, Candidate, gate, model_package, properties, ranked
from platform_common import embedded_metrics
from platform_common.objects import split_uri

logger = Logger()
s3, sagemaker = boto3.client("s3"), boto3.client("sagemaker")
DOCUMENTS = ("evaluation", "statistics", "constraints")
LOOK_BACK = 20


class IncompleteJob(Exception):
    """A training job that left out what a model needs."""


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Input: {"training_run", "reason", "jobs": names of completed jobs, "manifest_uris"}. Output: what was registered, and how the jobs compare."""
    run, group = event["training_run"], os.environ["MODEL_PACKAGE_GROUP"]
    metric = os.environ["METRIC"]
    logger.set_correlation_id(run)
    archives = {job: read_job(job) for job in event["jobs"]}
    order = ranked([candidate for candidate, _ in archives.values()], metric)
    best = order[0]
    verdict = gate(best, metric, float(os.environ["MINIMUM_METRIC"]), float(os.environ["MINIMUM_IMPROVEMENT"]))
    arn = registered(group, run)
    if arn is None:  # a retry of this function must not register the run a second time
        documents = write_documents(best, archives[best.job][1])
        customer = properties(best, training_run=run, reason=event["reason"], detail=verdict.detail, model=os.environ["MODEL"])
        parameters = model_package(best, verdict, group=group, image=os.environ["SERVING_IMAGE"], documents=documents, customer=customer)
        count_seconds(order)
        arn = sagemaker.create_model_package(**parameters, ClientToken=f"training-{run}")["ModelPackageArn"]
    package = sagemaker.describe_model_package(ModelPackageName=arn)
    if package["ModelApprovalStatus"] == REJECTED and not package.get("ApprovalDescription"):
        # CreateModelPackage takes no reason; the registry shows the one of the last change of status.
        sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus=REJECTED, ApprovalDescription=verdict.detail[:1024])
    answer = {
        "model_package_arn": arn,
        "version": package["ModelPackageVersion"],
        "status": package["ModelApprovalStatus"],
        "algorithm": best.algorithm,
        "detail": verdict.detail,
        "training_run": run,
        "reason": event["reason"],
        "comparison": [candidate.row() for candidate in order],
    }
    logger.info("model registered", extra={key: answer[key] for key in ("version", "status", "algorithm", "detail", "training_run")})
    return answer


def count_seconds(candidates: list[Candidate]) -> None:
    """Seconds of the run's jobs together: trained, billed, and the difference, which spot instances saved."""
    known = [(each.seconds, each.billable_seconds) for each in candidates if each.billable_seconds is not None]
    if not known:
        return
    trained, billed = (sum(values) for values in zip(*known, strict=True))
    values = {"TrainingSeconds": trained, "BillableSeconds": billed, "SpotSavedSeconds": trained - billed}
    embedded_metrics.put(os.environ["METRIC_NAMESPACE"], values, [{"Model": os.environ["MODEL"]}], unit="Seconds")


def read_job(name: str) -> tuple[Candidate, dict[str, bytes]]:
    """A completed job as a candidate, and the documents of its archive."""
    job = sagemaker.describe_training_job(TrainingJobName=name)
    url = job.get("ModelArtifacts", {}).get("S3ModelArtifacts")
    if job["TrainingJobStatus"] != "Completed" or not url:
        raise IncompleteJob(f"training job {name}: expected it to be Completed with a model, it is {job['TrainingJobStatus']}")
    bucket, key = split_uri(url)
    documents = read_documents(s3.get_object(Bucket=bucket, Key=key)["Body"].read(), url)
    evaluation = json.loads(documents["evaluation"])
    candidate = Candidate(
        job=name,
        algorithm=job["HyperParameters"]["algorithm"],
        # The job's own metrics where SageMaker has them, in the archive's full precision.
        metrics={metric["MetricName"]: float(metric["Value"]) for metric in job.get("FinalMetricDataList", [])} | evaluation["metrics"],
        seconds=float(job.get("TrainingTimeInSeconds") or evaluation["seconds"]),
        billable_seconds=float(job["BillableTimeInSeconds"]) if "BillableTimeInSeconds" in job else None,
        model_data_url=url,
        evaluation=evaluation,
    )
    return candidate, documents


def read_documents(archive: bytes, url: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        for member in tar:
            name = member.name.removeprefix("./").removesuffix(".json")
            file = tar.extractfile(member) if name in DOCUMENTS else None
            if file is not None:
                found[name] = file.read()
    missing = [f"{name}.json" for name in DOCUMENTS if name not in found]
    if missing:
        raise IncompleteJob(f"{url}: expected {', '.join(missing)} in the archive; train.py writes them")
    return found


def write_documents(best: Candidate, documents: dict[str, bytes]) -> dict[str, str]:
    """Evaluation and baseline as objects of their own, where the registry and monitoring tools find them."""
    bucket = os.environ["MODELS_BUCKET"]
    keys = {name: f"{os.environ['MODEL']}/training/{best.job}/baseline/{name}.json" for name in DOCUMENTS}
    for name, key in keys.items():
        s3.put_object(Bucket=bucket, Key=key, Body=documents[name], ContentType="application/json")
    return {name: f"s3://{bucket}/{key}" for name, key in keys.items()}


def registered(group: str, run: str) -> str | None:
    """The package that an earlier try of this run registered."""
    listed = sagemaker.list_model_packages(ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending", MaxResults=LOOK_BACK)
    for summary in listed["ModelPackageSummaryList"]:
        package = sagemaker.describe_model_package(ModelPackageName=summary["ModelPackageArn"])
        if package.get("CustomerMetadataProperties", {}).get("training_run") == run:
            return summary["ModelPackageArn"]
    return None
