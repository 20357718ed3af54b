"""Glue jobs run their script in Spark with the job's role; states, errors, logs and limits are those of the real process."""

from __future__ import annotations

import json
import time

import pytest
from botocore.exceptions import ClientError

from mlops.sandbox import lifecycle

pytestmark = [pytest.mark.sandbox, pytest.mark.spark]

HEAD = """
import sys
from awsglue.context import GlueContext
from awsglue.job import Job
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from pyspark.sql import functions as F

args = getResolvedOptions(sys.argv, ["JOB_NAME", "source", "target"])
context = GlueContext(SparkContext.getOrCreate())
spark = context.spark_session
job = Job(context)
job.init(args["JOB_NAME"], args)
"""
COPY = (
    HEAD
    + """
frame = spark.read.option("header", "true").option("recursiveFileLookup", "true").csv(args["source"]).withColumn("_file", F.input_file_name())
print("files", sorted(row[0] for row in frame.select("_file").distinct().collect()))
frame.drop("_file").write.mode("overwrite").partitionBy("day").parquet(args["target"])
print("rows", spark.read.parquet(args["target"]).count())
job.commit()
"""
)


def define(world, script, **fields):
    name = world.name("glue-job")
    location = world.put(f"scripts/{name}.py", script)
    target = f"s3://{world.bucket}/glue/{name}"
    request = {
        "Role": world.glue_role,
        "Command": {"Name": "glueetl", "ScriptLocation": location, "PythonVersion": "3"},
        "DefaultArguments": {"--source": f"s3://{world.bucket}/table/", "--target": target},
        "GlueVersion": "5.0",
        "WorkerType": "G.1X",
        "NumberOfWorkers": 2,
        **fields,
    }
    world.client("glue").create_job(Name=name, **request)
    return name


def finished(world, name, run, timeout=120):
    def ended():
        state = world.client("glue").get_job_run(JobName=name, RunId=run)["JobRun"]
        return state if state["JobRunState"] not in ("STARTING", "RUNNING", "STOPPING") else None

    return world.eventually(ended, timeout)


def run(world, script, arguments=None, **fields):
    name = define(world, script, **fields)
    return name, finished(world, name, world.client("glue").start_job_run(JobName=name, Arguments=arguments or {})["JobRunId"])


@pytest.fixture(scope="module", autouse=True)
def table(world):
    world.put("table/a.csv", "day,n\n2013-01-01,1\n2013-01-02,2\n")
    world.put("table/deep/b.csv", "day,n\n2013-01-02,3\n")


@pytest.mark.spec("PERF-1b", "PERF-3c")
def test_job_reads_and_writes_s3_with_its_role(world):
    events = world.events("aws.glue")
    name, state = run(world, COPY)
    assert state["JobRunState"] == "SUCCEEDED", state.get("ErrorMessage")
    written = [key.removeprefix(f"glue/{name}/") for key in world.keys(f"glue/{name}/")]
    assert {key.split("/")[0] for key in written} == {"_SUCCESS", "day=2013-01-01", "day=2013-01-02"}
    log = world.log("/aws-glue/jobs/output", state["Id"]).splitlines()
    assert log == [f"files ['s3://{world.bucket}/table/a.csv', 's3://{world.bucket}/table/deep/b.csv']", "rows 3"]
    assert state["ExecutionTime"] >= 1
    assert state["CompletedOn"] > state["StartedOn"]
    event = world.eventually(lambda: [e for e in events() if e["detail"]["jobRunId"] == state["Id"]])[0]
    assert (event["detail-type"], event["detail"]["state"], event["detail"]["jobName"]) == ("Glue Job State Change", "SUCCEEDED", name)


def test_save_modes_mean_what_they_mean_on_s3(world):
    script = (
        HEAD
        + """
from pyspark.errors import AnalysisException
target = args["target"]
spark.range(3).write.json(target)
try:
    spark.range(3).write.json(target)
    print("not refused")
except AnalysisException as error:
    print("refused", "PATH_ALREADY_EXISTS" in str(error))
spark.range(2).write.mode("append").json(target)
print("appended", spark.read.json(target).count())
spark.range(9).write.json(target, mode="ignore")
print("ignored", spark.read.json(target).count())
spark.range(1).coalesce(1).write.format("json").save(target, mode="overwrite")
print("overwritten", spark.read.load(target, format="json").count())
days = target + "-days"
spark.createDataFrame([("a", 1), ("b", 2)], ["day", "n"]).write.partitionBy("day").parquet(days)
spark.createDataFrame([("b", 5)], ["day", "n"]).write.partitionBy("day").mode("overwrite").option("partitionOverwriteMode", "dynamic").parquet(days)
print("dynamic", sorted((row.day, row.n) for row in spark.read.parquet(days).collect()))
print("text", sorted(spark.sparkContext.textFile(args["source"] + "a.csv").collect())[0])
try:
    spark.read.csv(args["source"] + "missing/")
except AnalysisException as error:
    print("missing", "PATH_NOT_FOUND" in str(error))
"""
    )
    _, state = run(world, script)
    assert state["JobRunState"] == "SUCCEEDED", state.get("ErrorMessage")
    lines = world.log("/aws-glue/jobs/output", state["Id"]).splitlines()
    assert lines == [
        "refused True",
        "appended 5",
        "ignored 5",
        "overwritten 1",
        "dynamic [('a', 1), ('b', 5)]",
        "text 2013-01-01,1",
        "missing True",
    ]


def test_raised_error_is_the_run_s_error_message(world):
    _, state = run(world, "rows = 0\nraise ValueError(f'no rows: {rows}')\n")
    assert state["JobRunState"] == "FAILED"
    assert state["ErrorMessage"] == "Error Category: UNCLASSIFIED_ERROR; Failed Line Number: 2; ValueError: no rows: 0"
    assert "ValueError: no rows: 0" in world.log("/aws-glue/jobs/error", state["Id"])


def test_error_inside_spark_names_the_script_s_line(world):
    _, state = run(world, HEAD + "spark.sql('select nothing')\n")
    assert state["JobRunState"] == "FAILED"
    assert "UNRESOLVED_COLUMN" in state["ErrorMessage"]
    assert "Failed Line Number: 14" in state["ErrorMessage"]


def test_next_job_works_after_one_that_was_killed(world):
    name = define(world, HEAD + "import time\ntime.sleep(60)\n", Timeout=1)
    killed = finished(world, name, world.client("glue").start_job_run(JobName=name)["JobRunId"])
    assert killed["JobRunState"] == "TIMEOUT"
    assert "1 minutes" in killed["ErrorMessage"]
    _, state = run(world, COPY)
    assert state["JobRunState"] == "SUCCEEDED", state.get("ErrorMessage")


def test_settings_and_views_of_one_job_are_unknown_to_the_next(world):
    first = HEAD + "spark.range(1).createOrReplaceTempView('left')\nprint(spark.conf.get('spark.sql.shuffle.partitions'))\n"
    _, state = run(world, first, {"--conf": "spark.sql.shuffle.partitions=7"})
    assert world.log("/aws-glue/jobs/output", state["Id"]) == "7"
    _, state = run(world, HEAD + "print(spark.conf.get('spark.sql.shuffle.partitions'), spark.catalog.listTables())\n")
    assert world.log("/aws-glue/jobs/output", state["Id"]) == "2 []"


def test_role_without_access_cannot_read_its_script_or_data(world):
    role = world.role("glue.amazonaws.com", "logs:*")
    _, state = run(world, COPY, Role=role)
    assert state["JobRunState"] == "FAILED"
    assert "AccessDenied" in state["ErrorMessage"] or "403" in state["ErrorMessage"]
    _, state = run(world, COPY, Role=world.sagemaker_role)
    assert "cannot assume the role" in state["ErrorMessage"]


def test_second_run_beyond_the_maximum_is_refused(world):
    name = define(world, "import time\ntime.sleep(20)\n", ExecutionProperty={"MaxConcurrentRuns": 1})
    glue = world.client("glue")
    run_id = glue.start_job_run(JobName=name)["JobRunId"]
    with pytest.raises(ClientError) as error:
        glue.start_job_run(JobName=name)
    assert error.value.response["Error"]["Code"] == "ConcurrentRunsExceededException"
    answer = glue.batch_stop_job_run(JobName=name, JobRunIds=[run_id, "jr_none"])
    assert [entry["JobRunId"] for entry in answer["SuccessfulSubmissions"]] == [run_id]
    assert answer["Errors"][0]["ErrorDetail"]["ErrorCode"] == "EntityNotFoundException"
    assert finished(world, name, run_id)["JobRunState"] == "STOPPED"


def test_jobs_wait_for_each_other(world):
    names = [define(world, "import time\nprint(time.time())\ntime.sleep(1)\nprint(time.time())\n") for _ in range(2)]
    runs = [world.client("glue").start_job_run(JobName=name)["JobRunId"] for name in names]
    spans = []
    for name, run_id in zip(names, runs, strict=True):
        assert finished(world, name, run_id)["JobRunState"] == "SUCCEEDED"
        spans.append([float(line) for line in world.log("/aws-glue/jobs/output", run_id).split()])
    first, second = sorted(spans)
    assert second[0] >= first[1]


def test_arguments_and_extra_files_reach_the_script(world):
    files = world.put("scripts/shared.py", "VALUE = 42\n")
    script = "import sys, json, shared, boto3\nprint(json.dumps([sys.argv[1:], shared.VALUE, boto3.client('sts').get_caller_identity()['Arn']]))\n"
    name, state = run(
        world, script, {"--extra-py-files": files, "--model": "flights", "--flag": ""}, DefaultArguments={"--run": "r1", "--model": "x"}
    )
    arguments, value, principal = json.loads(world.log("/aws-glue/jobs/output", state["Id"]))
    assert value == 42
    assert arguments[:2] == ["--JOB_NAME", name]
    assert arguments[6:] == ["--run", "r1", "--model", "flights", "--flag"]
    assert f"assumed-role/{world.glue_role.split('/')[-1]}/GlueJobRunnerSession" in principal


def test_security_configuration_encrypts_what_spark_writes(world):
    key = world.client("kms").create_key()["KeyMetadata"]["Arn"]
    name = world.name("security")
    encryption = {"S3Encryption": [{"S3EncryptionMode": "SSE-KMS", "KmsKeyArn": key}]}
    world.client("glue").create_security_configuration(Name=name, EncryptionConfiguration=encryption)
    role = world.role("glue.amazonaws.com", "s3:*", "logs:*", "kms:*")
    group = {"--enable-continuous-cloudwatch-log": "true", "--continuous-log-logGroup": "/aws-glue/mine"}
    job, state = run(world, COPY + "print('to the driver log', file=sys.stderr)\n", group, SecurityConfiguration=name, Role=role)
    assert state["JobRunState"] == "SUCCEEDED", state.get("ErrorMessage")
    written = world.client("s3").head_object(Bucket=world.bucket, Key=f"glue/{job}/_SUCCESS")
    assert (written["ServerSideEncryption"], written["SSEKMSKeyId"]) == ("aws:kms", key)
    assert "to the driver log" in world.log("/aws-glue/mine", f"{state['Id']}-driver")


def test_python_shell_job_runs_without_spark(world):
    location = world.put("scripts/shell.py", "print('shell')\n")
    name, state = run(world, "", Command={"Name": "pythonshell", "ScriptLocation": location})
    assert state["JobRunState"] == "SUCCEEDED", state.get("ErrorMessage")
    assert world.log("/aws-glue/jobs/output", state["Id"]) == "shell"


@pytest.mark.parametrize(
    ("script", "arguments", "message"),
    [
        ("", {"--extra-jars": "s3://x/y.jar"}, "does not carry out the job argument --extra-jars"),
        ("", {"--additional-python-modules": "no-such-module==1"}, "no-such-module is not in its environment"),
        (HEAD + "context.create_dynamic_frame", {}, "does not carry out GlueContext.create_dynamic_frame"),
        (HEAD + "spark.range(1).write.option('path', 's3://ml-data/x').saveAsTable('t')", {}, "does not stage .option('path'"),
        (
            "from awsglue.utils import getResolvedOptions\nimport sys\ngetResolvedOptions(sys.argv, ['day'])",
            {},
            "GlueArgumentError: the following arguments are required: --day",
        ),
    ],
)
def test_what_is_not_carried_out_is_refused_by_name(world, script, arguments, message):
    _, state = run(world, script, arguments)
    assert state["JobRunState"] == "FAILED"
    assert message in state["ErrorMessage"]


def test_failed_run_is_tried_again_as_often_as_the_job_says(world):
    name, _ = run(world, "raise SystemExit(3)", MaxRetries=1)
    glue = world.client("glue")
    runs = world.eventually(
        lambda: [r for r in glue.get_job_runs(JobName=name)["JobRuns"] if r["Attempt"] == 1 and r["JobRunState"] == "FAILED"], 60
    )
    assert runs[0]["ErrorMessage"].endswith("SystemExit: 3")


def test_warm_job_is_quick_enough_to_be_used(world):
    run(world, COPY)
    began = time.monotonic()
    _, state = run(world, COPY)
    seconds = time.monotonic() - began
    assert state["JobRunState"] == "SUCCEEDED"
    print(f"warm Glue job: {seconds:.1f} s")


def test_cold_jobs_have_a_jvm_of_their_own(tmp_path, world):
    project = tmp_path / "cold"
    running = lifecycle.start(project, options={"executors": {"glue": {"cold": True}}}, attached=True)
    try:
        cold = type(world)(running)
        cold.put("table/a.csv", "day,n\n2013-01-01,1\n")
        for _ in range(2):
            _, state = run(cold, HEAD + "print(spark.range(5).count())\n")
            assert state["JobRunState"] == "SUCCEEDED", state.get("ErrorMessage")
            assert cold.log("/aws-glue/jobs/output", state["Id"]) == "5"
        assert len(list(project.glob(".mlops/sandbox/spark/jvm-*.log"))) == 2
    finally:
        lifecycle.stop(project)
