"""What connects the parts: stages of APIs, endpoints, connections, queues read by functions, schedules, tables."""

from __future__ import annotations

from collections.abc import Iterator

from ..changes import put
from ..graph import Graph
from ..model import Context, Example, Resource, rule
from ..values import NotApplicable, NotEvaluable, Unreadable, as_list, dig
from ._checks import not_given
from ._types import (
    ADVISORY,
    ALARM,
    API_INTEGRATION,
    API_METHOD_SETTINGS,
    API_STAGE,
    BUCKET_REPLICATION,
    EVENT_SOURCE_MAPPING,
    FUNCTION,
    GLUE_TABLE,
    KEY_ARN,
    QUEUE,
    SCHEDULE,
    TABLE,
    VPC_ENDPOINT,
)
from .compute import WEB_ACL_ASSOCIATION

CONNECTION = "aws:glue/connection:Connection"
# What has an address inside a VPC only; a function outside never reaches it.
INSIDE = (
    "aws:rds/instance:Instance", "aws:rds/cluster:Cluster", "aws:rds/proxy:Proxy", "aws:docdb/cluster:Cluster",
    "aws:elasticache/replicationGroup:ReplicationGroup", "aws:elasticache/serverlessCache:ServerlessCache", "aws:memorydb/cluster:Cluster",
)  # fmt: skip


@rule(
    "api-execution-logged", API_METHOD_SETTINGS,
    practices="OPS04-BP02 SEC04-BP01", checklist="CHK-OPS-4", severity="medium", level=ADVISORY,
    sources="cdk-nag:AwsSolutions-APIG6 checkov:CKV2_AWS_4 securityhub:APIGateway.1",
    why="Why API Gateway itself refused a call, or could not reach what is behind it, is in no other log.",
    fix="Set settings.loggingLevel to ERROR (or INFO)",
    reads="settings.loggingLevel", compliant={"methodPath": "*/*", "settings": {"loggingLevel": "ERROR"}},
    violating={"methodPath": "*/*", "settings": {"loggingLevel": "OFF"}},
    remediation=put({"settings.loggingLevel": "ERROR"}),
)  # fmt: skip
def api_execution_logged(settings: Resource, context: Context) -> str | None:
    """Methods of APIs log their errors."""
    level = settings.get("settings.loggingLevel", "OFF")
    return None if level in ("ERROR", "INFO") else f"settings.loggingLevel of '{settings.name}' is {level}"


@rule(
    "api-firewall", API_STAGE, scope="stack",
    practices="SEC05-BP03", checklist="CHK-SEC-5", severity="medium", level=ADVISORY,
    sources="cdk-nag:AwsSolutions-APIG3 checkov:CKV2_AWS_29 securityhub:APIGateway.4",
    why="A firewall keeps known attacks and floods from the functions behind an API, which are billed by the call.",
    fix="Attach a web ACL with aws.wafv2.WebAclAssociation",
    reads="resourceArn", reads_of=WEB_ACL_ASSOCIATION,
    compliant=(Example(API_STAGE, "v1", {"stageName": "v1"}), Example(WEB_ACL_ASSOCIATION, "a", {"webAclArn": "arn"},
        links={"resourceArn": "v1"})),
    violating=(Example(API_STAGE, "v1", {"stageName": "v1"}),),
)  # fmt: skip
def api_firewall(stage: Resource, context: Context) -> str | None:
    """Stages of APIs stand behind a firewall."""
    return None if context.graph.referring(stage, WEB_ACL_ASSOCIATION, "resourceArn") else f"no web ACL is attached to '{stage.name}'"


@rule(
    "vpc-endpoint-policy", VPC_ENDPOINT, scope="stack",
    practices="SEC05-BP02 SEC03-BP02", checklist="CHK-SEC-6", severity="medium", level=ADVISORY,
    why="The default policy lets everything inside use every resource of the service, a stranger's bucket included: a way out for data.",
    fix="Set policy to the principals, actions and resources of the organisation",
    reads="policy", compliant={"vpcEndpointType": "Gateway", "policy": {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*",
        "Resource": "*", "Condition": {"StringEquals": {"aws:ResourceAccount": "123456789012"}}}]}},
    violating={"vpcEndpointType": "Gateway"},
)  # fmt: skip
def vpc_endpoint_policy(endpoint: Resource, context: Context) -> str | None:
    """Endpoints say what may pass them."""
    if endpoint.get("vpcEndpointType", "Gateway") not in ("Gateway", "Interface"):
        raise NotApplicable("has no policy")
    return not_given(endpoint, context, "policy")


@rule(
    "glue-connection-in-vpc", CONNECTION,
    practices="SEC05-BP01", lens="MLSEC03-BP02", checklist="CHK-SEC-6", severity="medium", level=ADVISORY,
    why="Without a subnet the job talks to the database over the internet, which therefore has to be open.",
    fix="Set physicalConnectionRequirements with subnetId, securityGroupIdLists and availabilityZone",
    reads="physicalConnectionRequirements.subnetId",
    compliant={"connectionType": "JDBC", "physicalConnectionRequirements": {"subnetId": "subnet-1", "securityGroupIdLists": ["sg-1"]}},
    violating={"connectionType": "JDBC"},
)  # fmt: skip
def glue_connection_in_vpc(connection: Resource, context: Context) -> str | None:
    """Connections to databases and brokers run inside the VPC."""
    if connection.get("connectionType", "JDBC") not in ("JDBC", "KAFKA", "MONGODB", "NETWORK"):
        raise NotApplicable("connects to a service")
    inside = connection.get("physicalConnectionRequirements.subnetId")
    if isinstance(inside, Unreadable):
        raise NotEvaluable(inside.path, inside.reason)
    return None if inside else f"physicalConnectionRequirements of '{connection.name}' names no subnetId"


@rule(
    "lambda-queue-concurrency-bounded", EVENT_SOURCE_MAPPING, scope="stack",
    practices="REL05-BP02", checklist="CHK-REL-3", severity="low", level=ADVISORY,
    why="A full queue otherwise takes all the concurrency of the account, and functions that people wait for are throttled.",
    fix="Set scalingConfig.maximumConcurrency",
    reads="scalingConfig.maximumConcurrency",
    compliant=(Example(QUEUE, "jobs"), Example(EVENT_SOURCE_MAPPING, "work", {"scalingConfig": {"maximumConcurrency": 5}},
        links={"eventSourceArn": "jobs"})),
    violating=(Example(QUEUE, "jobs"), Example(EVENT_SOURCE_MAPPING, "work", links={"eventSourceArn": "jobs"})),
)  # fmt: skip
def lambda_queue_concurrency_bounded(mapping: Resource, context: Context) -> str | None:
    """A queue does not take all the concurrency there is."""
    source = mapping.get("eventSourceArn")
    by_name = isinstance(source, str) and source.startswith("arn:") and source.split(":")[2] == "sqs"
    if not by_name and not context.graph.linked(mapping, "eventSourceArn", QUEUE):
        raise NotApplicable("reads no queue")
    bounded = mapping.get("scalingConfig.maximumConcurrency", 0)
    return None if bounded > 0 else f"scalingConfig.maximumConcurrency of '{mapping.name}' is not set"


@rule(
    "lambda-reaches-its-database", FUNCTION, scope="stack",
    practices="OPS06-BP02 SEC05-BP01", checklist="CHK-OPS-3", severity="high", level=ADVISORY,
    why="Databases and caches have addresses inside the VPC; a function outside waits for them until its time is over.",
    fix="Set vpcConfig with private subnets and a security group that the database lets in",
    reads="vpcConfig",
    compliant=(Example("aws:rds/proxy:Proxy", "db"), Example(FUNCTION, "read", {"vpcConfig": {"subnetIds": ["subnet-1"]}},
        links={"environment": "db"})),
    violating=(Example("aws:rds/proxy:Proxy", "db"), Example(FUNCTION, "read", links={"environment": "db"})),
)  # fmt: skip
def lambda_reaches_its_database(function: Resource, context: Context) -> str | None:
    """Functions that are told the address of a database or cache are in a VPC."""
    told = context.graph.linked(function, "environment", *INSIDE)
    if not told:
        raise NotApplicable("is told no address inside a VPC")
    return None if context.graph.given(function, "vpcConfig") else f"'{function.name}' uses '{told[0].name}' and has no vpcConfig"


@rule(
    "lambda-code-signed", FUNCTION, scope="stack",
    practices="SEC11-BP06 SEC06-BP04", severity="medium", level="disabled", sources="checkov:CKV_AWS_272",
    why="Only code that the pipeline signed runs, whoever may upload it.",
    fix="Set codeSigningConfigArn to an aws.lambda_.CodeSigningConfig",
    reads="codeSigningConfigArn", compliant={"codeSigningConfigArn": "arn:aws:lambda:eu-west-1:123456789012:code-signing-config:csc-1"},
    violating={"runtime": "python3.13"},
)  # fmt: skip
def lambda_code_signed(function: Resource, context: Context) -> str | None:
    """Functions run signed code."""
    if function.get("packageType", "Zip") == "Image":
        raise NotApplicable("images are signed in the registry")
    return not_given(function, context, "codeSigningConfigArn")


@rule(
    "scheduler-customer-key", SCHEDULE, scope="stack",
    practices="SEC08-BP02", checklist="CHK-SEC-2", severity="low", level=ADVISORY, sources="checkov:CKV_AWS_297",
    why="The input of a schedule is stored; under a customer key reading it needs a right that is audited.",
    fix="Set kmsKeyArn",
    reads="kmsKeyArn", compliant={"kmsKeyArn": KEY_ARN}, violating={"scheduleExpression": "rate(1 day)"},
)  # fmt: skip
def scheduler_customer_key(schedule: Resource, context: Context) -> str | None:
    """Schedules are encrypted with a customer key."""
    return not_given(schedule, context, "kmsKeyArn")


@rule(
    "glue-table-partitioned", GLUE_TABLE,
    practices="SUS04-BP02 PERF03-BP04", lens="MLPERF03-BP01", checklist="CHK-SUS-2", severity="low", level=ADVISORY,
    why="A query for one day otherwise reads all days.",
    fix="Set partitionKeys, or parameters with projection.enabled true",
    reads="partitionKeys", compliant={"tableType": "EXTERNAL_TABLE", "partitionKeys": [{"name": "day", "type": "date"}]},
    violating={"tableType": "EXTERNAL_TABLE"},
)  # fmt: skip
def glue_table_partitioned(table: Resource, context: Context) -> str | None:
    """Declared tables are partitioned."""
    if table.get("tableType", "EXTERNAL_TABLE") != "EXTERNAL_TABLE" or table.get("openTableFormatInput") is not None:
        raise NotApplicable("a view, or a format that knows its partitions")
    projected = str(table.get("parameters", {}).get("projection.enabled", "false")).lower() == "true"
    return None if projected or as_list(table.get("partitionKeys")) else f"partitionKeys of '{table.name}' is not set"


@rule(
    "table-throttles-alarmed", TABLE, scope="stack",
    practices="REL06-BP03 PERF05-BP01", checklist="CHK-PERF-5", severity="low", level="disabled",
    why="Throttled requests are tried again and seem slow; nothing else tells of them.",
    fix="Make an alarm of namespace AWS/DynamoDB on ThrottledRequests, ReadThrottleEvents or WriteThrottleEvents with the table's TableName",
    reads="metricName", reads_of=ALARM,
    compliant=(Example(TABLE, "runs"), Example(ALARM, "throttled", {"namespace": "AWS/DynamoDB", "metricName": "ThrottledRequests"},
        links={"dimensions": "runs"})),
    violating=(Example(TABLE, "runs"),),
)  # fmt: skip
def table_throttles_alarmed(table: Resource, context: Context) -> str | None:
    """Throttled requests of tables raise an alarm."""
    watched, name = context.graph.once(_watched), table.get("name")
    if table.urn in watched or (isinstance(name, str) and name in watched):
        return None
    return f"no alarm tells of throttled requests of '{table.name}'"


def _watched(graph: Graph) -> frozenset[str]:
    """The tables, by URN or name, of which an alarm watches throttled requests."""
    found: set[str] = set()
    for alarm in graph.of(ALARM):
        if alarm.get("namespace") == "AWS/DynamoDB" and "Throttle" in alarm.get("metricName", ""):
            dimensions = alarm.get("dimensions", {})
            found |= {table.urn for table in graph.linked(alarm, "dimensions", TABLE)}
            if isinstance(dimensions, dict) and isinstance(name := dimensions.get("TableName"), str):
                found.add(name)
    return frozenset(found)


@rule(
    "api-backend-certificate", API_STAGE, scope="stack", when_types=API_INTEGRATION,
    practices="SEC09-BP03", checklist="CHK-SEC-3", severity="low", level=ADVISORY, sources="securityhub:APIGateway.2",
    why="A server behind the API cannot otherwise tell calls that came through it from calls of anybody.",
    fix="Set clientCertificateId to an aws.apigateway.ClientCertificate, and have the server check it",
    reads="clientCertificateId",
    compliant=(Example(API_STAGE, "v1", {"clientCertificateId": "abc123"}), Example(API_INTEGRATION, "call", {"type": "HTTP_PROXY"})),
    violating=(Example(API_STAGE, "v1", {"stageName": "v1"}), Example(API_INTEGRATION, "call", {"type": "HTTP_PROXY"})),
)  # fmt: skip
def api_backend_certificate(stage: Resource, context: Context) -> str | None:
    """Stages in front of servers show a certificate to them."""
    if not context.graph.once(_calls_servers):
        raise NotApplicable("calls services of AWS only")
    return not_given(stage, context, "clientCertificateId")


def _calls_servers(graph: Graph) -> bool:
    """Whether an integration of the stack is a server's address."""
    return any(integration.get("type", "") in ("HTTP", "HTTP_PROXY") for integration in graph.of(API_INTEGRATION))


@rule(
    "table-demand-capped", TABLE,
    practices="COST02-BP05", checklist="CHK-COST-4", severity="low", level="disabled",
    why="A loop that writes without end is billed without end; outside production a ceiling costs nothing.",
    fix="Set onDemandThroughput.maxReadRequestUnits and maxWriteRequestUnits",
    reads="onDemandThroughput", example_environment="dev",
    compliant={"billingMode": "PAY_PER_REQUEST", "onDemandThroughput": {"maxReadRequestUnits": 1000, "maxWriteRequestUnits": 500}},
    violating={"billingMode": "PAY_PER_REQUEST"},
)  # fmt: skip
def table_demand_capped(table: Resource, context: Context) -> str | None:
    """Tables on demand have a ceiling outside production."""
    if context.production or table.get("billingMode", "PROVISIONED") != "PAY_PER_REQUEST":
        raise NotApplicable("in production, or of a fixed capacity")
    ceilings = [table.get(f"onDemandThroughput.{name}", 0) for name in ("maxReadRequestUnits", "maxWriteRequestUnits")]
    return None if all(ceiling > 0 for ceiling in ceilings) else f"onDemandThroughput of '{table.name}' has no ceiling"


@rule(
    "s3-replication-timed", BUCKET_REPLICATION,
    practices="REL13-BP02", checklist="CHK-REL-6", severity="low", level="disabled",
    why="Without replication time control S3 promises no time at all, whatever the recovery point objective says.",
    fix="Set destination.replicationTime and destination.metrics of each rule to Enabled with 15 minutes",
    reads="rules",
    compliant={"rules": [{"status": "Enabled", "destination": {"bucket": "arn:aws:s3:::copy", "replicationTime": {"status": "Enabled"}}}]},
    violating={"rules": [{"status": "Enabled", "destination": {"bucket": "arn:aws:s3:::copy"}}]},
)  # fmt: skip
def s3_replication_timed(replication: Resource, context: Context) -> Iterator[str]:
    """Replicated objects arrive within a promised time."""
    rules = as_list(replication.get("rules"))
    if not rules:
        yield f"rules of '{replication.name}' is not set"
    for index, item in enumerate(rules):
        if dig(item, "status", "Enabled") == "Enabled" and dig(item, "destination.replicationTime.status", "Disabled") != "Enabled":
            yield f"rules[{index}].destination.replicationTime of '{replication.name}' is not Enabled"
