"""Streams and queries: Kinesis, Firehose, MSK, MQ, Athena, Lake Formation, Bedrock."""

from __future__ import annotations

from collections.abc import Iterator

from ..changes import put
from ..model import Context, Example, Resource, rule
from ..values import NotApplicable, as_list, dig
from ._checks import below, not_given, not_set, not_true
from ._types import KEY_ARN

STREAM = "aws:kinesis/stream:Stream"
FIREHOSE = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"
MSK = "aws:msk/cluster:Cluster"
BROKER = "aws:mq/broker:Broker"
WORKGROUP = "aws:athena/workgroup:Workgroup"
LAKE_SETTINGS = "aws:lakeformation/dataLakeSettings:DataLakeSettings"
AGENT = "aws:bedrock/agentAgent:AgentAgent"


@rule(
    "kinesis-encrypted", STREAM,
    practices="SEC08-BP02", checklist="CHK-SEC-2", severity="high", level="advisory",
    sources="cdk-nag:AwsSolutions-KDS1 checkov:CKV_AWS_43 securityhub:Kinesis.1",
    why="Records wait in a stream for a day at least, in clear unless it says otherwise.",
    fix="Set encryptionType to KMS with kmsKeyId",
    reads="encryptionType", compliant={"encryptionType": "KMS", "kmsKeyId": KEY_ARN}, violating={"encryptionType": "NONE"},
)  # fmt: skip
def kinesis_encrypted(stream: Resource, context: Context) -> str | None:
    """Streams are encrypted."""
    kind = stream.get("encryptionType", "NONE")
    return None if kind == "KMS" else f"encryptionType of '{stream.name}' is {kind}"


@rule(
    "kinesis-retention", STREAM,
    practices="REL04-BP02 REL09-BP01", checklist="CHK-REL-3", severity="medium", level="advisory", sources="securityhub:Kinesis.3",
    why="With the default of a day, what a consumer missed over a weekend is gone.",
    fix="Set retentionPeriod to 168 hours",
    reads="retentionPeriod", compliant={"retentionPeriod": 168}, violating={"retentionPeriod": 24},
)  # fmt: skip
def kinesis_retention(stream: Resource, context: Context) -> str | None:
    """Streams keep records for a week."""
    return below(stream, "retentionPeriod", 168, 24)


@rule(
    "kinesis-on-demand", STREAM,
    practices="COST09-BP03 PERF02-BP05 SUS02-BP01", checklist="CHK-COST-4", severity="low", level="advisory",
    why="Shards are paid for by the hour and throttle when there are too few of them.",
    fix="Set streamModeDetails.streamMode to ON_DEMAND (a steady load is cheaper on shards: exempt it)",
    reads="streamModeDetails.streamMode", compliant={"streamModeDetails": {"streamMode": "ON_DEMAND"}}, violating={"shardCount": 4},
)  # fmt: skip
def kinesis_on_demand(stream: Resource, context: Context) -> str | None:
    """Streams take whatever load comes."""
    mode = stream.get("streamModeDetails.streamMode", "PROVISIONED")
    return None if mode == "ON_DEMAND" else f"streamModeDetails.streamMode of '{stream.name}' is {mode}"


@rule(
    "firehose-encrypted", FIREHOSE,
    practices="SEC08-BP02", checklist="CHK-SEC-2", severity="medium", level="advisory",
    sources="cdk-nag:AwsSolutions-KDF1 checkov:CKV_AWS_240 checkov:CKV_AWS_241 securityhub:DataFirehose.1",
    why="Records lie in the delivery stream until a buffer is full.",
    fix="Set serverSideEncryption.enabled to true with keyType CUSTOMER_MANAGED_CMK and keyArn",
    reads="serverSideEncryption.enabled", compliant={"serverSideEncryption": {"enabled": True}}, violating={"destination": "extended_s3"},
)  # fmt: skip
def firehose_encrypted(stream: Resource, context: Context) -> str | None:
    """Delivery streams are encrypted."""
    if stream.get("kinesisSourceConfiguration") is not None or stream.get("mskSourceConfiguration") is not None:
        raise NotApplicable("reads from a stream that is encrypted itself")
    return not_true(stream, "serverSideEncryption.enabled")


@rule(
    "firehose-errors-logged", FIREHOSE,
    practices="OPS04-BP02 REL06-BP01", checklist="CHK-OPS-4", severity="medium", level="advisory",
    why="A delivery that fails says why in this log only.",
    fix="Set cloudwatchLoggingOptions.enabled of the destination to true",
    reads="extendedS3Configuration.cloudwatchLoggingOptions",
    compliant={"extendedS3Configuration": {"cloudwatchLoggingOptions": {"enabled": True, "logGroupName": "g", "logStreamName": "s"}}},
    violating={"extendedS3Configuration": {"bucketArn": "arn:aws:s3:::lake"}},
)  # fmt: skip
def firehose_errors_logged(stream: Resource, context: Context) -> str | None:
    """Delivery streams log their errors."""
    found = [key for key in ("extendedS3Configuration", "opensearchConfiguration", "httpEndpointConfiguration", "icebergConfiguration",
        "redshiftConfiguration", "splunkConfiguration", "snowflakeConfiguration") if stream.get(key) is not None]  # fmt: skip
    if not found:
        raise NotApplicable("delivers nowhere that the rule knows")
    return not_true(stream, f"{found[0]}.cloudwatchLoggingOptions.enabled")


@rule(
    "firehose-compresses", FIREHOSE,
    practices="SUS04-BP02 COST08-BP03 PERF03-BP04", checklist="CHK-SUS-3", severity="low", level="advisory",
    why="Columns or compressed text take a fifth of the space, and queries read a fraction of it.",
    fix="Set dataFormatConversionConfiguration (Parquet), or compressionFormat GZIP or ZIP",
    reads="extendedS3Configuration.compressionFormat",
    compliant={"extendedS3Configuration": {"compressionFormat": "GZIP"}}, violating={"extendedS3Configuration": {"bucketArn": "arn"}},
)  # fmt: skip
def firehose_compresses(stream: Resource, context: Context) -> str | None:
    """Delivery streams write compactly."""
    if stream.get("extendedS3Configuration") is None:
        raise NotApplicable("does not write to S3")
    conversion = stream.get("extendedS3Configuration.dataFormatConversionConfiguration")
    if conversion is not None and dig(conversion, "enabled", True):
        return None
    kind = stream.get("extendedS3Configuration.compressionFormat", "UNCOMPRESSED")
    return f"extendedS3Configuration.compressionFormat of '{stream.name}' is UNCOMPRESSED" if kind == "UNCOMPRESSED" else None


@rule(
    "kafka-tls", MSK,
    practices="SEC09-BP02", checklist="CHK-SEC-3", severity="high", level="advisory",
    sources="cdk-nag:AwsSolutions-MSK3 checkov:CKV_AWS_81 securityhub:MSK.1",
    why="Records and credentials between clients and brokers can be read on the way.",
    fix="Set encryptionInfo.encryptionInTransit.clientBroker to TLS and leave inCluster on",
    reads="encryptionInfo.encryptionInTransit.clientBroker", missing="pass",
    compliant={"encryptionInfo": {"encryptionInTransit": {"clientBroker": "TLS"}}},
    violating={"encryptionInfo": {"encryptionInTransit": {"clientBroker": "TLS_PLAINTEXT", "inCluster": False}}},
)  # fmt: skip
def kafka_tls(cluster: Resource, context: Context) -> Iterator[str]:
    """Kafka speaks TLS."""
    kind = cluster.get("encryptionInfo.encryptionInTransit.clientBroker", "TLS")
    if kind != "TLS":
        yield f"encryptionInfo.encryptionInTransit.clientBroker of '{cluster.name}' is {kind}"
    if not cluster.get("encryptionInfo.encryptionInTransit.inCluster", True):
        yield f"encryptionInfo.encryptionInTransit.inCluster of '{cluster.name}' is false"


@rule(
    "kafka-not-public", MSK,
    practices="SEC05-BP01", checklist="CHK-SEC-6", severity="critical", sources="securityhub:MSK.4",
    why="Brokers with public addresses are found and filled or emptied.",
    fix="Remove brokerNodeGroupInfo.connectivityInfo.publicAccess, or set its type to DISABLED",
    reads="brokerNodeGroupInfo", missing="pass",
    compliant={"brokerNodeGroupInfo": {"connectivityInfo": {"publicAccess": {"type": "DISABLED"}}}},
    violating={"brokerNodeGroupInfo": {"connectivityInfo": {"publicAccess": {"type": "SERVICE_PROVIDED_EIPS"}}}},
)  # fmt: skip
def kafka_not_public(cluster: Resource, context: Context) -> str | None:
    """Kafka has no public addresses."""
    path = "brokerNodeGroupInfo.connectivityInfo.publicAccess.type"
    kind = cluster.get(path, "DISABLED")
    return None if kind == "DISABLED" else f"{path} of '{cluster.name}' is {kind}"


@rule(
    "kafka-authenticated", MSK,
    practices="SEC03-BP01", checklist="CHK-SEC-1", severity="high", level="advisory", sources="securityhub:MSK.6",
    why="Whoever reaches a broker without authentication reads and writes every topic.",
    fix="Set clientAuthentication.sasl.iam to true and unauthenticated to false",
    reads="clientAuthentication", compliant={"clientAuthentication": {"sasl": {"iam": True}, "unauthenticated": False}},
        violating={"clientAuthentication": {"unauthenticated": True}},
)  # fmt: skip
def kafka_authenticated(cluster: Resource, context: Context) -> str | None:
    """Kafka asks who is calling."""
    if cluster.get("clientAuthentication.unauthenticated", False):
        return f"clientAuthentication.unauthenticated of '{cluster.name}' is true"
    ways = ("sasl.iam", "sasl.scram", "tls.certificateAuthorityArns")
    given = any(cluster.get(f"clientAuthentication.{way}", False) for way in ways)
    return None if given else f"clientAuthentication of '{cluster.name}' names no way to log in"


@rule(
    "kafka-logged", MSK,
    practices="OPS04-BP02", checklist="CHK-OPS-4", severity="medium", level="advisory",
    sources="cdk-nag:AwsSolutions-MSK6 checkov:CKV_AWS_80",
    why="Brokers say why they rebalance or refuse clients in their logs only.",
    fix="Set loggingInfo.brokerLogs to CloudWatch, Firehose or S3",
    reads="loggingInfo.brokerLogs", compliant={"loggingInfo": {"brokerLogs": {"cloudwatchLogs": {"enabled": True, "logGroup": "g"}}}},
        violating={"clusterName": "c"},
)  # fmt: skip
def kafka_logged(cluster: Resource, context: Context) -> str | None:
    """Kafka writes logs."""
    given = any(cluster.get(f"loggingInfo.brokerLogs.{kind}.enabled", False) for kind in ("cloudwatchLogs", "firehose", "s3"))
    return None if given else f"loggingInfo.brokerLogs of '{cluster.name}' is not enabled"


@rule(
    "kafka-monitored", MSK,
    practices="PERF03-BP03 OPS08-BP01", checklist="CHK-PERF-5", severity="low", level="advisory", sources="securityhub:MSK.2",
    why="The default shows a cluster, not the partition that falls behind.",
    fix="Set enhancedMonitoring to PER_TOPIC_PER_BROKER or PER_TOPIC_PER_PARTITION",
    reads="enhancedMonitoring", compliant={"enhancedMonitoring": "PER_TOPIC_PER_PARTITION"}, violating={"enhancedMonitoring": "DEFAULT"},
)  # fmt: skip
def kafka_monitored(cluster: Resource, context: Context) -> str | None:
    """Kafka is measured by topic."""
    level = cluster.get("enhancedMonitoring", "DEFAULT")
    return None if str(level).startswith("PER_TOPIC") else f"enhancedMonitoring of '{cluster.name}' is {level}"


@rule(
    "kafka-multi-az", MSK,
    practices="REL10-BP01", checklist="CHK-REL-1", severity="high", level={"dev": "disabled", "prod": "advisory"},
    why="With brokers in two zones, the loss of one leaves no majority of three copies.",
    fix="Set brokerNodeGroupInfo.clientSubnets to subnets of three zones",
    reads="brokerNodeGroupInfo.clientSubnets", compliant={"brokerNodeGroupInfo": {"clientSubnets": ["a", "b", "c"]}},
        violating={"brokerNodeGroupInfo": {"clientSubnets": ["a", "b"]}},
)  # fmt: skip
def kafka_multi_az(cluster: Resource, context: Context) -> str | None:
    """Production's Kafka spans three zones."""
    count = len(as_list(cluster.get("brokerNodeGroupInfo.clientSubnets")))
    return f"brokerNodeGroupInfo.clientSubnets of '{cluster.name}' has {count} subnet(s)" if count < 3 else None


@rule(
    "kafka-brokers-deployable", MSK,
    practices="OPS06-BP02 REL10-BP01", checklist="CHK-OPS-3", severity="high", level="advisory",
    why="AWS refuses a number of brokers that is no multiple of the number of zones.",
    fix="Set numberOfBrokerNodes to a multiple of the number of clientSubnets",
    reads="numberOfBrokerNodes", missing="not_applicable",
    compliant={"numberOfBrokerNodes": 3, "brokerNodeGroupInfo": {"clientSubnets": ["a", "b", "c"]}},
    violating={"numberOfBrokerNodes": 4, "brokerNodeGroupInfo": {"clientSubnets": ["a", "b", "c"]}},
)  # fmt: skip
def kafka_brokers_deployable(cluster: Resource, context: Context) -> str | None:
    """Every zone of a Kafka cluster has the same number of brokers."""
    count = cluster.get("numberOfBrokerNodes")
    zones = len(as_list(cluster.get("brokerNodeGroupInfo.clientSubnets")))
    if count is None or not zones:
        raise NotApplicable("says nothing of brokers or zones")
    return f"numberOfBrokerNodes of '{cluster.name}' is {count:g} for {zones} zones" if int(count) % zones else None


@rule(
    "broker-standby", BROKER,
    practices="REL10-BP01 REL11-BP02", checklist="CHK-REL-1", severity="medium", level={"dev": "disabled", "prod": "advisory"},
    sources="securityhub:MQ.5 securityhub:MQ.6",
    why="A single broker is down whenever it is patched.",
    fix="Set deploymentMode to ACTIVE_STANDBY_MULTI_AZ (CLUSTER_MULTI_AZ of RabbitMQ)",
    reads="deploymentMode", compliant={"deploymentMode": "ACTIVE_STANDBY_MULTI_AZ"}, violating={"deploymentMode": "SINGLE_INSTANCE"},
)  # fmt: skip
def broker_standby(broker: Resource, context: Context) -> str | None:
    """Production brokers have a standby in another zone."""
    mode = broker.get("deploymentMode", "SINGLE_INSTANCE")
    return f"deploymentMode of '{broker.name}' is {mode}" if mode == "SINGLE_INSTANCE" else None


@rule(
    "broker-logged", BROKER,
    practices="SEC04-BP01 OPS04-BP02", checklist="CHK-OPS-4", severity="medium", level="advisory",
    sources="checkov:CKV_AWS_48 securityhub:MQ.2",
    why="Who made or deleted a queue is in the audit log only.",
    fix="Set logs.general to true, and logs.audit of ActiveMQ",
    reads="logs.general", compliant={"logs": {"general": True, "audit": True}}, violating={"logs": {"general": False}},
)  # fmt: skip
def broker_logged(broker: Resource, context: Context) -> str | None:
    """Brokers write logs."""
    return not_true(broker, "logs.general")


@rule(
    "athena-encrypted", WORKGROUP,
    practices="SEC08-BP02", lens="MLSEC02-BP01", checklist="CHK-SEC-2", severity="medium", level="advisory",
    sources="checkov:CKV_AWS_159",
    why="Results of queries are copies of the data, in a place of their own.",
    fix="Set configuration.resultConfiguration.encryptionConfiguration to SSE_KMS with kmsKeyArn",
    reads="configuration.resultConfiguration.encryptionConfiguration.encryptionOption",
    compliant={"configuration": {"resultConfiguration": {"encryptionConfiguration": {"encryptionOption": "SSE_KMS", "kmsKeyArn": KEY_ARN}}}},
    violating={"configuration": {"resultConfiguration": {"outputLocation": "s3://results"}}},
)  # fmt: skip
def athena_encrypted(workgroup: Resource, context: Context) -> str | None:
    """Results of queries are encrypted with a customer key."""
    path = "configuration.resultConfiguration.encryptionConfiguration.encryptionOption"
    if workgroup.get("configuration.managedQueryResultsConfiguration.enabled", False):
        return not_set(workgroup, "configuration.managedQueryResultsConfiguration.encryptionConfiguration")
    kind = workgroup.get(path)
    return None if kind in ("SSE_KMS", "CSE_KMS") else f"{path} of '{workgroup.name}' is {kind or 'not set'}"


@rule(
    "athena-enforced", WORKGROUP,
    practices="SEC08-BP03 COST02-BP05", checklist="CHK-SEC-2", severity="medium", level="advisory", sources="checkov:CKV_AWS_82",
    why="Otherwise every client may choose another place and no encryption for its results.",
    fix="Remove configuration.enforceWorkgroupConfiguration: false",
    reads="configuration.enforceWorkgroupConfiguration", missing="pass",
    compliant={"configuration": {"enforceWorkgroupConfiguration": True}}, violating={"configuration": {"enforceWorkgroupConfiguration":
        False}},
    remediation=put({"configuration.enforceWorkgroupConfiguration": True}),
)  # fmt: skip
def athena_enforced(workgroup: Resource, context: Context) -> str | None:
    """Clients cannot choose other settings than their workgroup's."""
    return not_true(workgroup, "configuration.enforceWorkgroupConfiguration", True)


@rule(
    "athena-measured", WORKGROUP,
    practices="OPS04-BP02 PERF03-BP03", checklist="CHK-PERF-5", severity="low", level="advisory", sources="securityhub:Athena.4",
    why="Slow and failing queries are seen in metrics or not at all.",
    fix="Remove configuration.publishCloudwatchMetricsEnabled: false",
    reads="configuration.publishCloudwatchMetricsEnabled", missing="pass",
    compliant={"configuration": {"publishCloudwatchMetricsEnabled": True}}, violating={"configuration":
        {"publishCloudwatchMetricsEnabled": False}},
    remediation=put({"configuration.publishCloudwatchMetricsEnabled": True}),
)  # fmt: skip
def athena_measured(workgroup: Resource, context: Context) -> str | None:
    """Queries are measured."""
    return not_true(workgroup, "configuration.publishCloudwatchMetricsEnabled", True)


@rule(
    "athena-scan-limited", WORKGROUP,
    practices="COST02-BP05 SUS02-BP06", checklist="CHK-COST-4", severity="medium", level="advisory",
    why="A query without a filter on the partition reads the whole lake, at five dollars a terabyte.",
    fix="Set configuration.bytesScannedCutoffPerQuery",
    reads="configuration.bytesScannedCutoffPerQuery", compliant={"configuration": {"bytesScannedCutoffPerQuery": 107374182400}},
        violating={"configuration": {"enforceWorkgroupConfiguration": True}},
)  # fmt: skip
def athena_scan_limited(workgroup: Resource, context: Context) -> str | None:
    """A query cannot read without limit."""
    return not_set(workgroup, "configuration.bytesScannedCutoffPerQuery")


@rule(
    "lake-no-open-defaults", LAKE_SETTINGS,
    practices="SEC03-BP02", lens="MLSEC03-BP01", checklist="CHK-SEC-1", severity="high", level="advisory",
    why="With the default, every new table may be read by every role that IAM lets into the catalogue.",
    fix="Remove IAM_ALLOWED_PRINCIPALS from createDatabaseDefaultPermissions and createTableDefaultPermissions",
    reads="createTableDefaultPermissions", missing="pass",
    compliant={"createTableDefaultPermissions": []},
    violating={"createTableDefaultPermissions": [{"permissions": ["ALL"], "principal": "IAM_ALLOWED_PRINCIPALS"}]},
)  # fmt: skip
def lake_no_open_defaults(settings: Resource, context: Context) -> Iterator[str]:
    """New tables of a lake are closed until somebody is let in."""
    for path in ("createDatabaseDefaultPermissions", "createTableDefaultPermissions"):
        if any(dig(item, "principal") == "IAM_ALLOWED_PRINCIPALS" for item in as_list(settings.get(path))):
            yield f"{path} of '{settings.name}' admits IAM_ALLOWED_PRINCIPALS"


@rule(
    "agent-guarded", AGENT,
    practices="SEC05-BP03", lens="MLSEC05-BP01", checklist="CHK-SEC-5", severity="medium", level="advisory", sources="checkov:CKV_AWS_383",
    why="An agent acts on what users write; a guardrail refuses what it must never do or say.",
    fix="Set guardrailConfigurations",
    reads="guardrailConfigurations", compliant={"guardrailConfigurations": [{"guardrailIdentifier": "g", "guardrailVersion": "1"}]},
        violating={"agentName": "a"},
)  # fmt: skip
def agent_guarded(agent: Resource, context: Context) -> str | None:
    """Agents have guardrails."""
    return not_set(agent, "guardrailConfigurations")


@rule(
    "agent-encrypted", AGENT, scope="stack",
    practices="SEC08-BP02", checklist="CHK-SEC-2", severity="low", level="advisory", sources="checkov:CKV_AWS_373",
    why="Instructions and the memory of conversations are data of the organisation and of its users.",
    fix="Set customerEncryptionKeyArn",
    reads="customerEncryptionKeyArn",
    compliant=(Example(AGENT, "a", {"customerEncryptionKeyArn": KEY_ARN}),), violating=(Example(AGENT, "a"),),
)  # fmt: skip
def agent_encrypted(agent: Resource, context: Context) -> str | None:
    """Agents are encrypted with a customer key."""
    return not_given(agent, context, "customerEncryptionKeyArn")
