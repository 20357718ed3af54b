"""Glue jobs, crawlers and tables."""

from __future__ import annotations

from collections.abc import Iterator

from ..asl import tasks
from ..changes import put
from ..graph import Graph
from ..model import Context, Example, Parameter, Resource, rule
from ..values import Malformed, NotApplicable, NotEvaluable, as_number
from ._checks import not_true
from ._secrets import secret_like
from ._types import GLUE_CRAWLER, GLUE_JOB, GLUE_SECURITY, GLUE_TABLE, PRODUCTION, STATE_MACHINE


@rule(
    "glue-security-configuration", f"{GLUE_JOB} {GLUE_CRAWLER}", scope="stack",
    practices="SEC08-BP02", lens="MLSEC02-BP01", checklist="CHK-SEC-2", spec="SEC-5a", severity="high", level=PRODUCTION,
        sources="cdk-nag:AwsSolutions-GL1 checkov:CKV_AWS_195",
    why="It decides how Glue encrypts what it writes, its logs and its bookmarks.",
    fix="Set securityConfiguration",
    reads="securityConfiguration", compliant={"securityConfiguration": "encrypted"}, violating={"glueVersion": "5.0"},
)  # fmt: skip
def glue_security_configuration(resource: Resource, context: Context) -> str | None:
    """Glue jobs and crawlers encrypt what they write."""
    return None if context.graph.given(resource, "securityConfiguration") else f"securityConfiguration of '{resource.name}' is not set"


@rule(
    "glue-security-complete", GLUE_SECURITY,
    practices="SEC08-BP02", lens="MLSEC02-BP01", checklist="CHK-SEC-2", spec="SEC-5a", severity="high", sources="checkov:CKV_AWS_99 cdk-nag:AwsSolutions-GL3",
    why="A security configuration with a mode DISABLED leaves that part in clear.",
    fix="Set SSE-KMS for S3 and CloudWatch, and CSE-KMS for bookmarks",
    reads="encryptionConfiguration",
    compliant={"encryptionConfiguration": {"cloudwatchEncryption": {"cloudwatchEncryptionMode": "SSE-KMS"},
        "jobBookmarksEncryption": {"jobBookmarksEncryptionMode": "CSE-KMS"}, "s3Encryption": {"s3EncryptionMode": "SSE-KMS"}}},
    violating={"encryptionConfiguration": {"cloudwatchEncryption": {"cloudwatchEncryptionMode": "DISABLED"},
        "jobBookmarksEncryption": {"jobBookmarksEncryptionMode": "CSE-KMS"}, "s3Encryption": {"s3EncryptionMode": "SSE-KMS"}}},
)  # fmt: skip
def glue_security_complete(configuration: Resource, context: Context) -> Iterator[str]:
    """Glue security configurations encrypt data, logs and bookmarks."""
    for part, mode in (
        ("cloudwatchEncryption", "cloudwatchEncryptionMode"),
        ("jobBookmarksEncryption", "jobBookmarksEncryptionMode"),
        ("s3Encryption", "s3EncryptionMode"),
    ):
        if configuration.get(f"encryptionConfiguration.{part}.{mode}", "DISABLED") == "DISABLED":
            yield f"encryptionConfiguration.{part}.{mode} of '{configuration.name}' is DISABLED"


@rule(
    "glue-version", GLUE_JOB,
    practices="SEC06-BP01 PERF02-BP02", checklist="CHK-SUS-2", spec="SUS-4c", severity="medium", sources="securityhub:Glue.4",
    why="Newer Glue versions start faster and run the same job in less time; old ones are no longer patched.",
    fix="Set glueVersion to 5.0 or newer (4.0 at least)",
    reads="glueVersion", compliant={"glueVersion": "5.0"}, violating={"glueVersion": "3.0"},
    parameters={"minimum": Parameter("4.0", "Oldest Glue version allowed", {"type": "string"})},
)  # fmt: skip
def glue_version(job: Resource, context: Context) -> str | None:
    """Glue jobs run on a current version."""
    version = job.get("glueVersion", "0.9")
    return f"glueVersion of '{job.name}' is {version}" if as_number(version, "glueVersion") < float(context.parameters["minimum"]) else None


@rule(
    "glue-right-sized", GLUE_JOB,
    practices="PERF02-BP04 COST06-BP02 SUS05-BP01", lens="MLCOST03-BP03", checklist="CHK-PERF-4", spec="PERF-5c", severity="medium",
    why="Workers are billed by the second whether there is work for them or not; the default is ten.",
    fix="Set workerType and numberOfWorkers, at most the rule's maximum_workers",
    reads="numberOfWorkers", compliant={"workerType": "G.1X", "numberOfWorkers": 2}, violating={"workerType": "G.1X",
        "numberOfWorkers": 100},
    parameters={"maximum_workers": Parameter(20, "Most workers a job may have", {"type": "integer", "minimum": 2})},
)  # fmt: skip
def glue_right_sized(job: Resource, context: Context) -> str | None:
    """Glue jobs have a considered number of workers."""
    if job.get("command.name") == "pythonshell":
        raise NotApplicable("has no workers")
    count, most = job.get("numberOfWorkers", 10), context.parameters["maximum_workers"]
    if count > most:
        return f"numberOfWorkers of '{job.name}' is {count:.0f}, over {most}"
    return (
        None
        if job.get("workerType") is not None and job.get("numberOfWorkers") is not None
        else f"workerType and numberOfWorkers of '{job.name}' are not both set"
    )


@rule(
    "glue-auto-scaling", GLUE_JOB,
    practices="PERF02-BP05 COST09-BP03 SUS02-BP01", lens="MLCOST03-BP03 MLSUS03-BP01", checklist="CHK-PERF-2", spec="PERF-5c SUS-3c", severity="low", level="advisory",
    why="Auto-scaling gives back workers that a stage does not need; numberOfWorkers is then the maximum.",
    fix="Set --enable-auto-scaling to true in defaultArguments",
    reads="defaultArguments", compliant={"numberOfWorkers": 4, "defaultArguments": {"--enable-auto-scaling": "true"}},
        violating={"numberOfWorkers": 4},
    remediation=put({"defaultArguments.--enable-auto-scaling": "true"}),
)  # fmt: skip
def glue_auto_scaling(job: Resource, context: Context) -> str | None:
    """Glue jobs with more than two workers scale."""
    if job.get("numberOfWorkers", 10) <= 2:
        raise NotApplicable("a driver and one executor: nothing to scale")
    scaling = str((job.get("defaultArguments") or {}).get("--enable-auto-scaling", "false")).lower()
    return None if scaling == "true" else f"defaultArguments of '{job.name}' has no --enable-auto-scaling true"


@rule(
    "glue-timeout", GLUE_JOB,
    practices="REL05-BP05 COST02-BP05", checklist="CHK-COST-5", spec="COST-7c", severity="medium",
    why="The default lets a job that hangs run for 8 hours (48 before Glue 5).",
    fix="Set timeout in minutes, at most the rule's maximum",
    reads="timeout", compliant={"timeout": 60}, violating={"timeout": 2880},
    parameters={"maximum": Parameter(240, "Longest timeout in minutes", {"type": "integer"})},
)  # fmt: skip
def glue_timeout(job: Resource, context: Context) -> str | None:
    """Glue jobs end after a set time."""
    minutes = job.get("timeout", 480)
    return f"timeout of '{job.name}' is {minutes:.0f} minutes" if minutes > context.parameters["maximum"] else None


@rule(
    "glue-logging", GLUE_JOB,
    practices="OPS04-BP02", checklist="CHK-OPS-4", spec="OPS-5a", severity="medium",
    why="Without continuous logs a job that failed says only that it failed. Glue 5 and later always log.",
    fix="Set --enable-continuous-cloudwatch-log to true in defaultArguments",
    reads="defaultArguments", missing="fail", compliant={"glueVersion": "4.0",
        "defaultArguments": {"--enable-continuous-cloudwatch-log": "true"}}, violating={"glueVersion": "4.0"},
    remediation=put({"defaultArguments.--enable-continuous-cloudwatch-log": "true"}),
)  # fmt: skip
def glue_logging(job: Resource, context: Context) -> str | None:
    """Glue jobs log while they run."""
    if as_number(job.get("glueVersion", "0.9"), "glueVersion") >= 5:
        return None
    enabled = str((job.get("defaultArguments") or {}).get("--enable-continuous-cloudwatch-log", "false")).lower()
    return None if enabled == "true" else f"defaultArguments of '{job.name}' has no --enable-continuous-cloudwatch-log true"


@rule(
    "glue-metrics", GLUE_JOB,
    practices="PERF02-BP03 OPS04-BP02", checklist="CHK-PERF-5", spec="OPS-3c COST-3a", severity="low", level="advisory",
    why="Metrics show whether a job had too many workers or too few.",
    fix="Set --enable-metrics or --enable-observability-metrics to true in defaultArguments",
    reads="defaultArguments", compliant={"defaultArguments": {"--enable-metrics": "true"}},
        violating={"defaultArguments": {"--job-language": "python"}},
    remediation=put({"defaultArguments.--enable-metrics": "true"}),
)  # fmt: skip
def glue_metrics(job: Resource, context: Context) -> str | None:
    """Glue jobs report their use of CPU and memory."""
    arguments = job.get("defaultArguments") or {}
    if any(str(arguments.get(key, "false")).lower() in ("true", "") for key in ("--enable-metrics", "--enable-observability-metrics")):
        return None
    return f"defaultArguments of '{job.name}' has no --enable-metrics true"


def job_machine(retry: bool) -> Example:
    """For examples: a state machine that runs a Glue job."""
    task = {"Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync", "Parameters": {"JobName": "clean"}, "End": True}
    retrying = {"Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 2}]} if retry else {}
    return Example(STATE_MACHINE, "machine", {"definition": {"StartAt": "Clean", "States": {"Clean": task | retrying}}})


def machine_retries_jobs(graph: Graph) -> bool:
    """Whether a state machine of the stack starts Glue jobs and retries them."""
    unreadable: NotEvaluable | None = None
    for machine in graph.of(STATE_MACHINE):
        try:
            if any(task.integration[0] == "glue:startjobrun" and task.body.get("Retry") for task in tasks(machine)):
                return True
        except NotEvaluable as error:
            unreadable = error
        except Malformed:
            continue  # a rule of its own says so
    if unreadable is not None:
        raise unreadable
    return False


@rule(
    "glue-no-double-retries", GLUE_JOB, scope="stack",
    practices="REL05-BP03", checklist="CHK-REL-4", spec="P1e", severity="medium", level="advisory",
    why="A retry inside Glue and one in the state machine that started the job multiply.",
    fix="Set maxRetries to 0 and let the state machine retry",
    reads="maxRetries", missing="pass", compliant=(Example(GLUE_JOB, "clean", {"maxRetries": 0}), job_machine(retry=True)),
    violating=(Example(GLUE_JOB, "clean", {"maxRetries": 3}), job_machine(retry=True)),
)  # fmt: skip
def glue_no_double_retries(job: Resource, context: Context) -> str | None:
    """One side owns the retries of a Glue job."""
    retries = job.get("maxRetries", 0)
    if retries <= 0:
        return None
    if not context.graph.once(machine_retries_jobs):
        raise NotApplicable("no state machine retries it")
    return f"maxRetries of '{job.name}' is {retries:.0f}"


@rule(
    "glue-crawler-incremental", GLUE_CRAWLER,
    practices="SUS04-BP07 PERF03-BP04", checklist="CHK-SUS-3", spec="SUS-2c", severity="low", level="advisory",
    why="A crawler that reads everything again reads more every day to learn the same.",
    fix="Set recrawlPolicy.recrawlBehavior to CRAWL_NEW_FOLDERS_ONLY or CRAWL_EVENT_MODE (schemaChangePolicy then LOG)",
    reads="recrawlPolicy.recrawlBehavior", compliant={"recrawlPolicy": {"recrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"}},
        violating={"recrawlPolicy": {"recrawlBehavior": "CRAWL_EVERYTHING"}},
)  # fmt: skip
def glue_crawler_incremental(crawler: Resource, context: Context) -> str | None:
    """Crawlers read only what is new."""
    behavior = crawler.get("recrawlPolicy.recrawlBehavior", "CRAWL_EVERYTHING")
    return f"recrawlPolicy.recrawlBehavior of '{crawler.name}' is CRAWL_EVERYTHING" if behavior == "CRAWL_EVERYTHING" else None


@rule(
    "glue-crawler-keeps-tables", GLUE_CRAWLER,
    practices="SEC08-BP04", lens="MLREL02-BP01", checklist="CHK-REL-6", spec="P1b", severity="medium",
    why="A crawl while a prefix is empty deletes the table, its permissions and its statistics.",
    fix="Set schemaChangePolicy.deleteBehavior to LOG or DEPRECATE_IN_DATABASE",
    reads="schemaChangePolicy.deleteBehavior", missing="pass", compliant={"schemaChangePolicy": {"deleteBehavior": "LOG"}},
        violating={"schemaChangePolicy": {"deleteBehavior": "DELETE_FROM_DATABASE"}},
    remediation=put({"schemaChangePolicy.deleteBehavior": "LOG"}),
)  # fmt: skip
def glue_crawler_keeps_tables(crawler: Resource, context: Context) -> str | None:
    """Crawlers never delete tables."""
    behavior = crawler.get("schemaChangePolicy.deleteBehavior", "DEPRECATE_IN_DATABASE")
    return f"schemaChangePolicy.deleteBehavior of '{crawler.name}' is {behavior}" if behavior == "DELETE_FROM_DATABASE" else None


@rule(
    "glue-table-columnar", GLUE_TABLE,
    practices="SUS04-BP02 PERF03-BP04", lens="MLPERF03-BP01 MLSUS03-BP03", checklist="CHK-SUS-2", spec="PERF-5d SUS-3d", severity="low", level="advisory",
    why="Parquet and ORC are read by column and compressed: a fraction of the bytes of CSV or JSON.",
    fix="Write the table as Parquet",
    reads="storageDescriptor.serDeInfo.serializationLibrary", missing="not_applicable",
    compliant={"storageDescriptor": {"serDeInfo": {"serializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"}}},
    violating={"storageDescriptor": {"serDeInfo": {"serializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"}}},
)  # fmt: skip
def glue_table_columnar(table: Resource, context: Context) -> str | None:
    """Declared tables are columnar."""
    library = table.get("storageDescriptor.serDeInfo.serializationLibrary")
    if library is None:
        raise NotApplicable("says no format")
    return (
        None
        if "parquet" in library.lower() or "orc" in library.lower()
        else f"storageDescriptor.serDeInfo of '{table.name}' is {library.split('.')[-1]}"
    )


CONNECTION = "aws:glue/connection:Connection"
CATALOGUE_SETTINGS = "aws:glue/dataCatalogEncryptionSettings:DataCatalogEncryptionSettings"


@rule(
    "glue-connection-no-password", CONNECTION,
    practices="SEC02-BP03", lens="MLSEC03-BP02", checklist="CHK-SEC-1", severity="critical",
    why="Whoever may read the connection reads the password, and so does everybody who sees the program.",
    fix="Remove PASSWORD (and USERNAME); set SECRET_ID to a secret in Secrets Manager",
    reads="connectionProperties", missing="pass", compliant={"connectionProperties": {"SECRET_ID": "db"}},
        violating={"connectionProperties": {"USERNAME": "u", "PASSWORD": "hunter2"}},
)  # fmt: skip
def glue_connection_no_password(connection: Resource, context: Context) -> str | None:
    """Connections name a secret, not a password."""
    given = connection.get("connectionProperties", {}).get("PASSWORD") is not None
    return f"connectionProperties.PASSWORD of '{connection.name}' is set" if given else None


@rule(
    "glue-connection-tls", CONNECTION,
    practices="SEC09-BP02", lens="MLSEC02-BP01", checklist="CHK-SEC-3", severity="high", level="advisory",
    why="Otherwise rows and passwords go to the database in clear when it allows that.",
    fix="Set connectionProperties.JDBC_ENFORCE_SSL (KAFKA_SSL_ENABLED) to true",
    reads="connectionProperties", compliant={"connectionType": "JDBC", "connectionProperties": {"JDBC_ENFORCE_SSL": "true"}},
        violating={"connectionProperties": {"JDBC_CONNECTION_URL": "jdbc:postgresql://db/x"}},
)  # fmt: skip
def glue_connection_tls(connection: Resource, context: Context) -> str | None:
    """Connections to databases and brokers speak TLS."""
    name = {"JDBC": "JDBC_ENFORCE_SSL", "KAFKA": "KAFKA_SSL_ENABLED"}.get(connection.get("connectionType", "JDBC"))
    if name is None:
        raise NotApplicable("connects to no database or broker")
    value = connection.get("connectionProperties", {}).get(name, "true" if name.startswith("KAFKA") else "false")
    return None if str(value).lower() == "true" else f"connectionProperties.{name} of '{connection.name}' is not true"


@rule(
    "glue-no-secrets-in-arguments", GLUE_JOB,
    practices="SEC02-BP03", checklist="CHK-SEC-1", severity="critical",
    why="Arguments of a job are shown in the console, in every run and in its logs.",
    fix="Pass the name of a secret and let the job read it",
    reads="defaultArguments", missing="pass", compliant={"defaultArguments": {"--db_password_secret": "arn:aws:secretsmanager:x"}},
        violating={"defaultArguments": {"--db_password": "hunter2"}},
)  # fmt: skip
def glue_no_secrets_in_arguments(job: Resource, context: Context) -> Iterator[str]:
    """Arguments of jobs hold no credentials."""
    for path in ("defaultArguments", "nonOverridableArguments"):
        for name in secret_like(dict(job.get(path, {}))):
            yield f"{path}.{name} of '{job.name}' looks like a credential"


@rule(
    "glue-catalogue-encrypted", CATALOGUE_SETTINGS, scope="account",
    practices="SEC08-BP02", lens="MLSEC02-BP01 MLREL02-BP01", checklist="CHK-SEC-2", severity="medium", level="advisory", sources="checkov:CKV_AWS_94",
    why="The catalogue knows every table and column, and connections in it hold passwords.",
    fix="Set encryptionAtRest.catalogEncryptionMode to SSE-KMS and connectionPasswordEncryption.returnConnectionPasswordEncrypted to true",
    reads="dataCatalogEncryptionSettings.encryptionAtRest.catalogEncryptionMode",
    compliant={"dataCatalogEncryptionSettings": {"encryptionAtRest": {"catalogEncryptionMode": "SSE-KMS"},
        "connectionPasswordEncryption": {"returnConnectionPasswordEncrypted": True}}},
    violating={"dataCatalogEncryptionSettings": {"encryptionAtRest": {"catalogEncryptionMode": "DISABLED"},
        "connectionPasswordEncryption": {"returnConnectionPasswordEncrypted": False}}},
)  # fmt: skip
def glue_catalogue_encrypted(settings: Resource, context: Context) -> Iterator[str]:
    """The settings of the catalogue encrypt metadata and passwords."""
    path = "dataCatalogEncryptionSettings.encryptionAtRest.catalogEncryptionMode"
    if not str(settings.get(path, "DISABLED")).startswith("SSE-KMS"):
        yield f"{path} of '{settings.name}' is {settings.get(path, 'DISABLED')}"
    if problem := not_true(settings, "dataCatalogEncryptionSettings.connectionPasswordEncryption.returnConnectionPasswordEncrypted"):
        yield problem
