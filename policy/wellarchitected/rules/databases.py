"""Databases: RDS and Aurora, DocumentDB, Neptune, Redshift, DMS."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..changes import put
from ..model import Context, Example, Parameter, Resource, rule
from ..values import NotApplicable, as_list
from ._checks import below, both, is_true, not_given, not_set, not_true, setting
from ._types import KEY_ARN

INSTANCE = "aws:rds/instance:Instance"
CLUSTER = "aws:rds/cluster:Cluster"
CLUSTER_INSTANCE = "aws:rds/clusterInstance:ClusterInstance"
PARAMETER_GROUP = "aws:rds/parameterGroup:ParameterGroup"
CLUSTER_PARAMETER_GROUP = "aws:rds/clusterParameterGroup:ClusterParameterGroup"
PROXY = "aws:rds/proxy:Proxy"
DOCUMENTS = "aws:docdb/cluster:Cluster"
DOCUMENTS_PARAMETER_GROUP = "aws:docdb/clusterParameterGroup:ClusterParameterGroup"
NEPTUNE = "aws:neptune/cluster:Cluster"
REDSHIFT = "aws:redshift/cluster:Cluster"
REDSHIFT_PARAMETER_GROUP = "aws:redshift/parameterGroup:ParameterGroup"
REDSHIFT_LOGGING = "aws:redshift/logging:Logging"
REDSHIFT_WORKGROUP = "aws:redshiftserverless/workgroup:Workgroup"
REDSHIFT_NAMESPACE = "aws:redshiftserverless/namespace:Namespace"
REPLICATION = "aws:dms/replicationInstance:ReplicationInstance"
BROKER = "aws:mq/broker:Broker"

CLUSTERS = f"{CLUSTER} {DOCUMENTS} {NEPTUNE}"
OPEN_SOURCE = ("mysql", "postgres", "mariadb", "aurora")
LICENSED = ("oracle", "sqlserver", "db2", "custom-")


def engine(resource: Resource) -> str:
    """The engine of a database, in lower case."""
    return str(resource.get("engine", "aurora" if resource.type == CLUSTER else "")).lower()


def own_settings(database: Resource) -> None:
    """A replica takes this from its source: nothing to judge."""
    if database.get("replicateSourceDb") is not None or database.get("replicationSourceIdentifier") is not None:
        raise NotApplicable("a replica, which takes this from its source")


@rule(
    "database-encrypted", f"{INSTANCE} {CLUSTERS}",
    practices="SEC08-BP02", checklist="CHK-SEC-2", severity="high", level="advisory",
    sources="cdk-nag:AwsSolutions-RDS2 checkov:CKV_AWS_16 checkov:CKV_AWS_96 checkov:CKV_AWS_74 checkov:CKV_AWS_44 securityhub:RDS.3 "
        "securityhub:RDS.27 securityhub:DocumentDB.1 securityhub:Neptune.1",
    why="Storage, snapshots, logs and replicas take over what is chosen at creation; afterwards only a new database helps.",
    fix="Set storageEncrypted to true before the database is created",
    reads="storageEncrypted", **both({"storageEncrypted": True}, {"storageEncrypted": False}, INSTANCE, CLUSTER, DOCUMENTS, NEPTUNE),
)  # fmt: skip
def database_encrypted(database: Resource, context: Context) -> str | None:
    """Databases are encrypted."""
    own_settings(database)
    if database.get("snapshotIdentifier") is not None and database.get("storageEncrypted") is None:
        raise NotApplicable("restored from a snapshot, whose encryption it keeps")
    return not_true(database, "storageEncrypted", database.get("engineMode") == "serverless")


@rule(
    "database-customer-key", f"{INSTANCE} {CLUSTER} {DOCUMENTS} {NEPTUNE} {REDSHIFT} {REDSHIFT_NAMESPACE}", scope="stack",
    practices="SEC08-BP01", checklist="CHK-SEC-2", severity="medium", level="advisory",
    sources="checkov:CKV_AWS_142 checkov:CKV_AWS_182 checkov:CKV_AWS_347 checkov:CKV_AWS_327",
    why="A snapshot under the key that AWS manages can be shared with no other account, so it cannot be kept out of an attacker's reach.",
    fix="Set kmsKeyId (kmsKeyArn of Neptune) to a key of the program",
    reads="kmsKeyId",
    compliant=(Example(INSTANCE, "i", {"kmsKeyId": KEY_ARN}), Example(NEPTUNE, "n", {"kmsKeyArn": KEY_ARN})),
    violating=(Example(INSTANCE, "i"), Example(NEPTUNE, "n")),
)  # fmt: skip
def database_customer_key(database: Resource, context: Context) -> str | None:
    """Databases are encrypted with a customer key."""
    own_settings(database)
    return not_given(database, context, "kmsKeyArn" if database.type == NEPTUNE else "kmsKeyId")


@rule(
    "database-not-public", f"{INSTANCE} {CLUSTER_INSTANCE} {CLUSTER} {REDSHIFT} {REDSHIFT_WORKGROUP} {REPLICATION} {BROKER}",
    practices="SEC05-BP01 SEC03-BP07", checklist="CHK-SEC-6", severity="critical",
    sources="checkov:CKV_AWS_17 checkov:CKV_AWS_87 checkov:CKV_AWS_89 checkov:CKV_AWS_69 securityhub:RDS.2 securityhub:Redshift.1 "
        "securityhub:DMS.1",
    why="A database with a public address is one leaked password away from being copied.",
    fix="Set publiclyAccessible to false and reach it from inside the VPC",
    reads="publiclyAccessible", missing="pass",
    **both({"publiclyAccessible": False}, {"publiclyAccessible": True}, INSTANCE, CLUSTER_INSTANCE, CLUSTER, REDSHIFT, REDSHIFT_WORKGROUP,
        REPLICATION, BROKER),
    remediation=put({"publiclyAccessible": False}, INSTANCE, CLUSTER_INSTANCE, REDSHIFT, REDSHIFT_WORKGROUP),
)  # fmt: skip
def database_not_public(database: Resource, context: Context) -> str | None:
    """No database, warehouse or broker has a public address."""
    return is_true(database, "publiclyAccessible")


@rule(
    "database-backups", f"{INSTANCE} {CLUSTERS}",
    practices="REL09-BP03", checklist="CHK-REL-2", severity="high", level="advisory",
    sources="checkov:CKV_AWS_133 checkov:CKV_AWS_360 checkov:CKV_AWS_361 securityhub:RDS.11 securityhub:DocumentDB.2 securityhub:Neptune.5",
    why="Automated backups are what point-in-time recovery reads; damage is often noticed only days later.",
    fix="Set backupRetentionPeriod to the rule's minimum of days or more",
    reads="backupRetentionPeriod",
    **both({"backupRetentionPeriod": 14}, {"backupRetentionPeriod": 1}, INSTANCE, CLUSTER, DOCUMENTS, NEPTUNE),
    parameters={"minimum_days": Parameter(7, "Days backups are kept", {"type": "integer", "minimum": 1, "maximum": 35})},
)  # fmt: skip
def database_backups(database: Resource, context: Context) -> str | None:
    """Databases keep backups for a week."""
    own_settings(database)
    return below(database, "backupRetentionPeriod", context.parameters["minimum_days"], 0 if database.type == INSTANCE else 1)


@rule(
    "database-deletion-protection", f"{INSTANCE} {CLUSTERS}",
    practices="SEC08-BP04 REL09-BP01", checklist="CHK-REL-6", severity="high", level={"dev": "disabled", "prod": "advisory"},
    sources="cdk-nag:AwsSolutions-RDS10 checkov:CKV_AWS_293 checkov:CKV_AWS_139 securityhub:RDS.7 securityhub:RDS.8 "
        "securityhub:DocumentDB.5 securityhub:Neptune.4",
    why="A property that needs a replacement, or a wrong stack name, deletes the database with its automated backups.",
    fix="Set deletionProtection to true",
    reads="deletionProtection",
    **both({"deletionProtection": True}, {"deletionProtection": False}, INSTANCE, CLUSTER, DOCUMENTS, NEPTUNE),
    remediation=put({"deletionProtection": True}),
)  # fmt: skip
def database_deletion_protection(database: Resource, context: Context) -> str | None:
    """Production databases cannot be deleted by accident."""
    return None if database.protect else not_true(database, "deletionProtection")


@rule(
    "database-final-snapshot", f"{INSTANCE} {CLUSTERS} {REDSHIFT}",
    practices="REL09-BP01 SEC08-BP04", checklist="CHK-REL-2", severity="medium", level={"dev": "disabled", "prod": "advisory"},
    why="The final snapshot is the last chance to undo a deletion.",
    fix="Remove skipFinalSnapshot and set finalSnapshotIdentifier",
    reads="skipFinalSnapshot", missing="pass",
    **both({"skipFinalSnapshot": False}, {"skipFinalSnapshot": True}, INSTANCE, CLUSTER, DOCUMENTS, NEPTUNE, REDSHIFT),
)  # fmt: skip
def database_final_snapshot(database: Resource, context: Context) -> str | None:
    """Production databases leave a snapshot behind."""
    own_settings(database)
    return is_true(database, "skipFinalSnapshot")


@rule(
    "database-final-snapshot-named", f"{INSTANCE} {CLUSTERS} {REDSHIFT}",
    practices="OPS06-BP01 COST04-BP03", checklist="CHK-COST-5", severity="low", level="advisory",
    why="Without a name for the final snapshot the provider refuses to delete the database, so destroying the stack stops half-way.",
    fix="Set finalSnapshotIdentifier, or skipFinalSnapshot where the data may go",
    reads="finalSnapshotIdentifier",
    **both({"finalSnapshotIdentifier": "last"}, {"skipFinalSnapshot": False}, INSTANCE, CLUSTER, DOCUMENTS, NEPTUNE, REDSHIFT),
)  # fmt: skip
def database_final_snapshot_named(database: Resource, context: Context) -> str | None:
    """A database that leaves a snapshot says its name, so that it can be deleted at all."""
    own_settings(database)
    if database.get("skipFinalSnapshot", False):
        raise NotApplicable("leaves no snapshot")
    return not_set(database, "finalSnapshotIdentifier")


@rule(
    "database-minor-upgrades", f"{INSTANCE} {CLUSTER_INSTANCE} aws:elasticache/replicationGroup:ReplicationGroup "
        f"aws:elasticache/cluster:Cluster aws:memorydb/cluster:Cluster {REPLICATION} {BROKER}",
    practices="SEC06-BP01 OPS05-BP05", checklist="CHK-SUS-4", severity="medium", level="advisory",
    sources="checkov:CKV_AWS_226 checkov:CKV_AWS_207 securityhub:RDS.13 securityhub:ElastiCache.2 securityhub:DMS.6",
    why="Minor versions carry the fixes of published vulnerabilities; AWS installs them in the maintenance window.",
    fix="Set autoMinorVersionUpgrade to true",
    reads="autoMinorVersionUpgrade", missing="pass",
    **both({"autoMinorVersionUpgrade": True}, {"autoMinorVersionUpgrade": False}, INSTANCE, CLUSTER_INSTANCE,
        "aws:elasticache/replicationGroup:ReplicationGroup", "aws:elasticache/cluster:Cluster", "aws:memorydb/cluster:Cluster",
        REPLICATION, BROKER),
    remediation=put({"autoMinorVersionUpgrade": True}, INSTANCE, CLUSTER_INSTANCE, "aws:elasticache/replicationGroup:ReplicationGroup",
        "aws:elasticache/cluster:Cluster", REPLICATION, BROKER),
)  # fmt: skip
def database_minor_upgrades(database: Resource, context: Context) -> str | None:
    """Databases, caches and brokers install minor versions themselves."""
    return not_true(database, "autoMinorVersionUpgrade", database.type not in (REPLICATION, BROKER))


@rule(
    "database-logs-exported", f"{INSTANCE} {CLUSTERS}",
    practices="OPS04-BP02 SEC04-BP01", checklist="CHK-OPS-4", severity="medium", level="advisory",
    sources="checkov:CKV_AWS_129 checkov:CKV_AWS_324 checkov:CKV_AWS_85 checkov:CKV_AWS_101 securityhub:RDS.9 securityhub:DocumentDB.4 "
        "securityhub:Neptune.2",
    why="Logs that stay on the instance are gone with it, and nobody can raise an alarm on them.",
    fix="Set enabledCloudwatchLogsExports (enableCloudwatchLogsExports of Neptune) to the engine's logs",
    reads="enabledCloudwatchLogsExports",
    compliant=(Example(INSTANCE, "i", {"enabledCloudwatchLogsExports": ["postgresql"]}), Example(NEPTUNE, "n",
        {"enableCloudwatchLogsExports": ["audit"]})),
    violating=(Example(INSTANCE, "i"), Example(NEPTUNE, "n"), Example(CLUSTER, "c"), Example(DOCUMENTS, "d")),
)  # fmt: skip
def database_logs_exported(database: Resource, context: Context) -> str | None:
    """Databases send their logs to CloudWatch."""
    return not_set(database, "enableCloudwatchLogsExports" if database.type == NEPTUNE else "enabledCloudwatchLogsExports")


MANAGED_PASSWORD = {
    INSTANCE: ("manageMasterUserPassword", "password"),
    CLUSTER: ("manageMasterUserPassword", "masterPassword"),
    DOCUMENTS: ("manageMasterUserPassword", "masterPassword"),
    REDSHIFT: ("manageMasterPassword", "masterPassword"),
    REDSHIFT_NAMESPACE: ("manageAdminPassword", "adminUserPassword"),
}


@rule(
    "database-password-managed", " ".join(MANAGED_PASSWORD),
    practices="SEC02-BP03 SEC02-BP05", checklist="CHK-SEC-1", severity="high", level="advisory",
    why="A password in a program ends up in its state and is rotated by nobody; Secrets Manager makes, keeps and rotates one.",
    fix="Set manageMasterUserPassword (manageMasterPassword or manageAdminPassword of Redshift) to true instead of a password",
    reads="manageMasterUserPassword", missing="not_applicable",
    compliant=tuple(Example(type_, f"good-{i}", {managed: True}) for i, (type_, (managed, _)) in enumerate(MANAGED_PASSWORD.items())),
    violating=tuple(Example(type_, f"bad-{i}", {given: "in-the-program"}) for i, (type_, (_, given)) in
        enumerate(MANAGED_PASSWORD.items())),
)  # fmt: skip
def database_password_managed(database: Resource, context: Context) -> str | None:
    """Secrets Manager keeps the passwords of databases."""
    managed, given = MANAGED_PASSWORD[database.type]
    if database.get(managed, False):
        return None
    password = database.get(given)
    if password is None:
        raise NotApplicable("is given no password that ends up in the state")
    return f"{given} of '{database.name}' is set by the program"


@rule(
    "rds-multi-az", INSTANCE,
    practices="REL10-BP01 REL11-BP02", checklist="CHK-REL-1", severity="high", level={"dev": "disabled", "prod": "advisory"},
    sources="cdk-nag:AwsSolutions-RDS3 checkov:CKV_AWS_157 securityhub:RDS.5",
    why="With a standby in another zone a failure costs a minute; without one, a restore from a backup.",
    fix="Set multiAz to true",
    reads="multiAz", compliant={"multiAz": True}, violating={"multiAz": False},
)  # fmt: skip
def rds_multi_az(database: Resource, context: Context) -> str | None:
    """Production databases have a standby in another zone."""
    own_settings(database)
    return not_true(database, "multiAz")


@rule(
    "aurora-two-instances", CLUSTER, scope="stack",
    practices="REL10-BP01 REL11-BP02", checklist="CHK-REL-1", severity="high", level={"dev": "disabled", "prod": "advisory"},
    sources="securityhub:RDS.15",
    why="An Aurora cluster with one instance has nothing to fail over to: its storage survives a zone, its service does not.",
    fix="Add a second aws.rds.ClusterInstance in another zone",
    reads="clusterIdentifier", reads_of=CLUSTER_INSTANCE,
    compliant=(Example(CLUSTER, "c"), Example(CLUSTER_INSTANCE, "a", links={"clusterIdentifier": "c"}), Example(CLUSTER_INSTANCE, "b",
        links={"clusterIdentifier": "c"})),
    violating=(Example(CLUSTER, "c"), Example(CLUSTER_INSTANCE, "a", links={"clusterIdentifier": "c"})),
)  # fmt: skip
def aurora_two_instances(cluster: Resource, context: Context) -> str | None:
    """Production Aurora clusters have two instances or more."""
    if cluster.get("dbClusterInstanceClass") is not None:
        raise NotApplicable("a Multi-AZ cluster, which always has three instances")
    if cluster.get("engineMode") == "serverless":
        raise NotApplicable("Aurora Serverless v1 has no instances")
    count = len(context.graph.referring(cluster, CLUSTER_INSTANCE, "clusterIdentifier"))
    return f"cluster '{cluster.name}' has {count} instance(s)" if count < 2 else None


@rule(
    "database-iam-authentication", f"{INSTANCE} {CLUSTER} {NEPTUNE}",
    practices="SEC02-BP02", checklist="CHK-SEC-1", severity="medium", level="advisory",
    sources="checkov:CKV_AWS_161 checkov:CKV_AWS_162 checkov:CKV_AWS_359 securityhub:RDS.10 securityhub:RDS.12 securityhub:Neptune.7",
    why="A token of fifteen minutes cannot leak the way a password does.",
    fix="Set iamDatabaseAuthenticationEnabled to true",
    reads="iamDatabaseAuthenticationEnabled",
    **both({"engine": "aurora-postgresql", "iamDatabaseAuthenticationEnabled": True}, {"engine": "aurora-postgresql"}, INSTANCE, CLUSTER),
    remediation=put({"iamDatabaseAuthenticationEnabled": True}),
)  # fmt: skip
def database_iam_authentication(database: Resource, context: Context) -> str | None:
    """Programs log in to databases with their role."""
    if database.type != NEPTUNE and engine(database) and not engine(database).startswith(OPEN_SOURCE):
        raise NotApplicable(f"{engine(database)} knows no IAM authentication")
    return not_true(database, "iamDatabaseAuthenticationEnabled")


@rule(
    "rds-enhanced-monitoring", f"{INSTANCE} {CLUSTER_INSTANCE}",
    practices="PERF03-BP03 OPS08-BP01", checklist="CHK-PERF-5", severity="low", level="advisory",
    sources="checkov:CKV_AWS_118 securityhub:RDS.6",
    why="The hypervisor's CPU figure hides which process of the database uses it.",
    fix="Set monitoringInterval to 60 (or less) and monitoringRoleArn",
    reads="monitoringInterval", **both({"monitoringInterval": 60}, {"monitoringInterval": 0}, INSTANCE, CLUSTER_INSTANCE),
)  # fmt: skip
def rds_enhanced_monitoring(database: Resource, context: Context) -> str | None:
    """Databases report metrics of their operating system."""
    return below(database, "monitoringInterval", 1)


@rule(
    "rds-performance-insights", f"{INSTANCE} {CLUSTER_INSTANCE}", scope="stack",
    practices="PERF03-BP03 PERF05-BP02", checklist="CHK-PERF-5", severity="medium", level="advisory", sources="checkov:CKV_AWS_353",
    why="A slow statement is found by its waits in a minute, if they were recorded; seven days are free.",
    fix="Set performanceInsightsEnabled to true (of the instance or its cluster)",
    reads="performanceInsightsEnabled",
    **both({"performanceInsightsEnabled": True}, {"performanceInsightsEnabled": False}, INSTANCE, CLUSTER_INSTANCE),
)  # fmt: skip
def rds_performance_insights(database: Resource, context: Context) -> str | None:
    """Databases record what their sessions wait for."""
    if database.type == CLUSTER_INSTANCE and any(
        cluster.get("performanceInsightsEnabled", False) for cluster in context.graph.linked(database, "clusterIdentifier", CLUSTER)
    ):
        return None
    return not_true(database, "performanceInsightsEnabled")


@rule(
    "rds-insights-encrypted", f"{INSTANCE} {CLUSTER_INSTANCE} {CLUSTER}", scope="stack",
    practices="SEC08-BP02", checklist="CHK-SEC-2", severity="low", level="advisory", sources="checkov:CKV_AWS_354",
    why="Performance Insights stores the text of statements, values in them included.",
    fix="Set performanceInsightsKmsKeyId; it cannot be changed later",
    reads="performanceInsightsKmsKeyId",
    **both({"performanceInsightsEnabled": True, "performanceInsightsKmsKeyId": KEY_ARN}, {"performanceInsightsEnabled": True}, INSTANCE,
        CLUSTER_INSTANCE, CLUSTER),
)  # fmt: skip
def rds_insights_encrypted(database: Resource, context: Context) -> str | None:
    """Recorded statements are encrypted with a customer key."""
    if not database.get("performanceInsightsEnabled", False):
        raise NotApplicable("records no statements")
    return not_given(database, context, "performanceInsightsKmsKeyId")


@rule(
    "rds-storage-grows", INSTANCE,
    practices="SUS04-BP04 REL07-BP03", checklist="CHK-SUS-1", severity="medium", level="advisory",
    why="A full disk stops the database; one large enough for ever is paid for and powered from the first day.",
    fix="Start small and set maxAllocatedStorage above allocatedStorage",
    reads="maxAllocatedStorage", compliant={"allocatedStorage": 20, "maxAllocatedStorage": 200}, violating={"allocatedStorage": 500},
)  # fmt: skip
def rds_storage_grows(database: Resource, context: Context) -> str | None:
    """The storage of databases grows with the data."""
    own_settings(database)
    if engine(database).startswith("aurora"):
        raise NotApplicable("Aurora's storage grows by itself")
    least, most = database.get("allocatedStorage", 0), database.get("maxAllocatedStorage", 0)
    return None if most > least else f"maxAllocatedStorage of '{database.name}' does not exceed allocatedStorage"


@rule(
    "rds-storage-type", INSTANCE,
    practices="COST06-BP02 PERF03-BP02", checklist="CHK-PERF-4", severity="low", level="advisory",
    why="gp3 has a baseline of 3,000 operations a second at any size; gp2 earns them by the gigabyte and runs out of credits.",
    fix="Set storageType to gp3",
    reads="storageType", compliant={"storageType": "gp3"}, violating={"storageType": "gp2"},
)  # fmt: skip
def rds_storage_type(database: Resource, context: Context) -> str | None:
    """Databases use current storage."""
    if engine(database).startswith("aurora"):
        raise NotApplicable("Aurora has storage of its own")
    kind = database.get("storageType", "io1" if database.get("iops") is not None else "gp2")
    return f"storageType of '{database.name}' is {kind}" if kind in ("standard", "gp2", "io1") else None


GRAVITON = re.compile(r"^(?:db|cache)\.[a-z]+\d+g[a-z]*\.")
OLD = re.compile(r"^(?:db|cache)\.(?:t[12]|m[1-4]|r[34]|x1e?|z1d)\.|^d[cs][12]\.")
CLASSES = {
    INSTANCE: "instanceClass",
    CLUSTER_INSTANCE: "instanceClass",
    "aws:elasticache/replicationGroup:ReplicationGroup": "nodeType",
    "aws:elasticache/cluster:Cluster": "nodeType",
    "aws:docdb/clusterInstance:ClusterInstance": "instanceClass",
    "aws:neptune/clusterInstance:ClusterInstance": "instanceClass",
    REDSHIFT: "nodeType",
}


@rule(
    "database-graviton", " ".join(type_ for type_ in CLASSES if type_ != REDSHIFT),
    practices="SUS05-BP02 COST06-BP02", checklist="CHK-SUS-2", severity="low", level="advisory",
    why="Graviton does the same work with less energy, for about a tenth less money; open-source engines run on it unchanged.",
    fix="Choose a class with g after the generation, such as db.r7g.large or cache.m7g.large",
    reads="instanceClass",
    compliant=(Example(INSTANCE, "i", {"engine": "postgres", "instanceClass": "db.r7g.large"}),),
    violating=(Example(INSTANCE, "i", {"engine": "postgres", "instanceClass": "db.m6i.large"}),
        Example("aws:elasticache/replicationGroup:ReplicationGroup", "g", {"nodeType": "cache.m5.large"})),
    missing="not_applicable",
)  # fmt: skip
def database_graviton(database: Resource, context: Context) -> str | None:
    """Databases and caches run on Graviton."""
    if engine(database).startswith(LICENSED):
        raise NotApplicable(f"{engine(database)} does not run on Graviton")
    path = CLASSES[database.type]
    chosen = database.get(path)
    if chosen is None:
        raise NotApplicable("names no class")
    if chosen == "db.serverless" or GRAVITON.match(chosen):
        return None
    return f"{path} of '{database.name}' is {chosen}"


@rule(
    "database-generation", " ".join(CLASSES),
    practices="PERF02-BP02 SUS06-BP03", checklist="CHK-PERF-4", severity="medium", level="advisory",
    why="Old generations do less for the same money and energy, and are withdrawn one after the other.",
    fix="Choose a class of a current generation",
    reads="instanceClass", missing="not_applicable",
    compliant=(Example(INSTANCE, "i", {"instanceClass": "db.r7g.large"}), Example(REDSHIFT, "w", {"nodeType": "ra3.large"})),
    violating=(Example(INSTANCE, "i", {"instanceClass": "db.m4.large"}), Example(REDSHIFT, "w", {"nodeType": "dc2.large"})),
)  # fmt: skip
def database_generation(database: Resource, context: Context) -> str | None:
    """Databases, caches and warehouses run on current instance generations."""
    path = CLASSES[database.type]
    chosen = database.get(path)
    if chosen is None:
        raise NotApplicable("names no class")
    return f"{path} of '{database.name}' is {chosen}" if OLD.match(str(chosen)) else None


@rule(
    "database-small-outside-production", f"{INSTANCE} {CLUSTER_INSTANCE}",
    practices="COST06-BP02 SUS05-BP01", checklist="CHK-PERF-4 CHK-COST-5", severity="low",
    level={"dev": "advisory", "prod": "disabled"}, example_environment="dev",
    why="A copy of production's database for a few developers idles at production's price.",
    fix="Choose a class no larger than the rule's maximum outside production",
    reads="instanceClass", missing="not_applicable",
    **both({"instanceClass": "db.t4g.medium"}, {"instanceClass": "db.r7g.4xlarge"}, INSTANCE, CLUSTER_INSTANCE),
    parameters={"sizes": Parameter(["micro", "small", "medium", "large"], "Sizes allowed outside production", {"type": "array",
        "items": {"type": "string"}})},
)  # fmt: skip
def database_small_outside_production(database: Resource, context: Context) -> str | None:
    """Databases outside production are small."""
    chosen = database.get("instanceClass")
    if chosen is None or chosen == "db.serverless":
        raise NotApplicable("has no fixed size")
    return None if chosen.rsplit(".", 1)[-1] in context.parameters["sizes"] else f"instanceClass of '{database.name}' is {chosen}"


@rule(
    "database-single-zone-outside-production", INSTANCE,
    practices="COST05-BP05 SUS02-BP02", checklist="CHK-COST-5", severity="low",
    level={"dev": "advisory", "prod": "disabled"}, example_environment="dev",
    why="A standby doubles the price; development can wait for a restore.",
    fix="Set multiAz to false outside production",
    reads="multiAz", missing="pass", compliant={"multiAz": False}, violating={"multiAz": True},
)  # fmt: skip
def database_single_zone_outside_production(database: Resource, context: Context) -> str | None:
    """Databases outside production have no standby."""
    return is_true(database, "multiAz")


@rule(
    "aurora-pauses-outside-production", CLUSTER,
    practices="COST09-BP03 SUS02-BP01", checklist="CHK-SUS-1", severity="low",
    level={"dev": "advisory", "prod": "disabled"}, example_environment="dev",
    why="Aurora Serverless v2 with a minimum of zero stops when nobody is connected, and costs only its storage.",
    fix="Set serverlessv2ScalingConfiguration.minCapacity to 0",
    reads="serverlessv2ScalingConfiguration.minCapacity", missing="fail",
    compliant={"serverlessv2ScalingConfiguration": {"minCapacity": 0, "maxCapacity": 4}},
    violating={"serverlessv2ScalingConfiguration": {"minCapacity": 2, "maxCapacity": 4}},
)  # fmt: skip
def aurora_pauses_outside_production(cluster: Resource, context: Context) -> str | None:
    """Serverless clusters outside production pause when nobody uses them."""
    if cluster.get("serverlessv2ScalingConfiguration") is None:
        raise NotApplicable("is not serverless")
    least = cluster.get("serverlessv2ScalingConfiguration.minCapacity", 0.5)
    return f"serverlessv2ScalingConfiguration.minCapacity of '{cluster.name}' is {least:g}" if least > 0 else None


@rule(
    "aurora-serverless-range", f"{CLUSTER} {DOCUMENTS} {NEPTUNE}",
    practices="PERF02-BP05 REL07-BP01", checklist="CHK-PERF-2", severity="medium", level="advisory",
    why="A serverless cluster whose minimum is its maximum is a fixed one at a higher price.",
    fix="Set maxCapacity of the serverless scaling configuration above minCapacity",
    reads="serverlessv2ScalingConfiguration", missing="not_applicable",
    compliant={"serverlessv2ScalingConfiguration": {"minCapacity": 0.5, "maxCapacity": 8}},
    violating={"serverlessv2ScalingConfiguration": {"minCapacity": 8, "maxCapacity": 8}},
)  # fmt: skip
def aurora_serverless_range(cluster: Resource, context: Context) -> str | None:
    """Serverless clusters have room to scale."""
    path = "serverlessv2ScalingConfiguration" if cluster.type == CLUSTER else "serverlessV2ScalingConfiguration"
    if cluster.get(path) is None:
        raise NotApplicable("is not serverless")
    least, most = cluster.get(f"{path}.minCapacity", 0.5), cluster.get(f"{path}.maxCapacity", 0)
    return None if most > least else f"{path}.maxCapacity of '{cluster.name}' is not above minCapacity"


@rule(
    "database-copies-tags", f"{INSTANCE} {CLUSTER} {NEPTUNE}",
    practices="COST03-BP02 COST04-BP01", checklist="CHK-COST-1", severity="low", level="advisory",
    sources="checkov:CKV2_AWS_60 checkov:CKV_AWS_313 checkov:CKV_AWS_362 securityhub:RDS.16 securityhub:RDS.17 securityhub:Neptune.8",
    why="A snapshot without tags belongs to nobody and is paid for by everybody.",
    fix="Set copyTagsToSnapshot to true",
    reads="copyTagsToSnapshot", **both({"copyTagsToSnapshot": True}, {"copyTagsToSnapshot": False}, INSTANCE, CLUSTER, NEPTUNE),
    remediation=put({"copyTagsToSnapshot": True}),
)  # fmt: skip
def database_copies_tags(database: Resource, context: Context) -> str | None:
    """Snapshots carry the tags of their database."""
    return not_true(database, "copyTagsToSnapshot")


ADMIN_NAMES = ("admin", "administrator", "postgres", "root", "sa", "awsuser", "master")
USERS = {INSTANCE: "username", CLUSTER: "masterUsername", DOCUMENTS: "masterUsername", REDSHIFT: "masterUsername",
    REDSHIFT_NAMESPACE: "adminUsername"}  # fmt: skip


@rule(
    "database-admin-named", " ".join(USERS),
    practices="SEC02-BP01", checklist="CHK-SEC-1", severity="low", level="advisory",
    sources="securityhub:RDS.24 securityhub:RDS.25 securityhub:Redshift.8",
    why="Half of a login is known to everybody when the administrator has the name of the manual.",
    fix="Choose another name for the administrator; it cannot be changed later",
    reads="username", missing="not_applicable",
    compliant=tuple(Example(type_, f"good-{i}", {path: "platform_owner"}) for i, (type_, path) in enumerate(USERS.items())),
    violating=tuple(Example(type_, f"bad-{i}", {path: "admin"}) for i, (type_, path) in enumerate(USERS.items())),
)  # fmt: skip
def database_admin_named(database: Resource, context: Context) -> str | None:
    """The administrator of a database has no standard name."""
    path = USERS[database.type]
    name = database.get(path)
    if name is None:
        raise NotApplicable("names no administrator")
    return f"{path} of '{database.name}' is a standard name" if name.lower() in ADMIN_NAMES else None


def parameters(*pairs: tuple[str, str]) -> dict[str, object]:
    """The parameters of a parameter group, for examples."""
    return {"family": "postgres16", "parameters": [{"name": name, "value": value} for name, value in pairs]}


@rule(
    "database-tls-required", f"{PARAMETER_GROUP} {CLUSTER_PARAMETER_GROUP} {DOCUMENTS_PARAMETER_GROUP}",
    practices="SEC09-BP02", checklist="CHK-SEC-3", severity="high", level="advisory", sources="checkov:CKV_AWS_90",
    why="A client that may speak in clear one day does, password first.",
    fix="Remove the parameter that switches TLS off (rds.force_ssl 0, require_secure_transport OFF, tls disabled), or switch it on",
    reads="parameters", missing="pass",
    compliant=(Example(PARAMETER_GROUP, "p", parameters(("rds.force_ssl", "1"))), Example(DOCUMENTS_PARAMETER_GROUP, "d",
        {"family": "docdb5.0", "parameters": [{"name": "tls", "value": "enabled"}]})),
    violating=(Example(PARAMETER_GROUP, "p", parameters(("rds.force_ssl", "0"))), Example(CLUSTER_PARAMETER_GROUP, "c",
        parameters(("require_secure_transport", "OFF"))), Example(DOCUMENTS_PARAMETER_GROUP, "d", {"family": "docdb5.0",
            "parameters": [{"name": "tls", "value": "disabled"}]})),
)  # fmt: skip
def database_tls_required(group: Resource, context: Context) -> Iterator[str]:
    """No parameter group lets clients connect without TLS."""
    entries = as_list(group.get("parameters"))
    for name in ("rds.force_ssl", "require_secure_transport", "tls"):
        value = setting(entries, name)
        if value is not None and value.lower() in ("0", "off", "disabled", "false"):
            yield f"parameter {name} of '{group.name}' is {value}"


@rule(
    "rds-proxy-tls", PROXY,
    practices="SEC09-BP02", checklist="CHK-SEC-3", severity="high", level="advisory",
    why="Without it the proxy accepts clients in clear, whatever the database behind it demands.",
    fix="Set requireTls to true",
    reads="requireTls", compliant={"requireTls": True}, violating={"requireTls": False},
    remediation=put({"requireTls": True}),
)  # fmt: skip
def rds_proxy_tls(proxy: Resource, context: Context) -> str | None:
    """Database proxies demand TLS."""
    return not_true(proxy, "requireTls")


@rule(
    "rds-certificate-current", f"{INSTANCE} {CLUSTER_INSTANCE}",
    practices="SEC09-BP01 REL12-BP01", checklist="CHK-SEC-3", severity="high", level="advisory",
    why="The authorities of 2015 and 2019 have expired: AWS refuses them, and clients that verify certificates no longer connect.",
    fix="Set caCertIdentifier to rds-ca-rsa2048-g1, or remove it",
    reads="caCertIdentifier", missing="pass",
    **both({"caCertIdentifier": "rds-ca-rsa2048-g1"}, {"caCertIdentifier": "rds-ca-2019"}, INSTANCE, CLUSTER_INSTANCE),
    remediation=put({"caCertIdentifier": "rds-ca-rsa2048-g1"}),
)  # fmt: skip
def rds_certificate_current(database: Resource, context: Context) -> str | None:
    """Databases use a certificate authority that has not expired."""
    authority = database.get("caCertIdentifier", "rds-ca-rsa2048-g1")
    return f"caCertIdentifier of '{database.name}' is {authority}" if authority in ("rds-ca-2015", "rds-ca-2019") else None


@rule(
    "database-no-extended-support", f"{INSTANCE} {CLUSTER}",
    practices="COST05-BP04 PERF05-BP06", checklist="CHK-COST-5", severity="medium", level="advisory",
    why="When an engine version ends, AWS goes on patching it for a fee per core and hour, unless the database is upgraded instead.",
    fix="Set engineLifecycleSupport to open-source-rds-extended-support-disabled",
    reads="engineLifecycleSupport",
    **both({"engine": "postgres", "engineLifecycleSupport": "open-source-rds-extended-support-disabled"}, {"engine": "postgres"}, INSTANCE,
        CLUSTER),
)  # fmt: skip
def database_no_extended_support(database: Resource, context: Context) -> str | None:
    """No database slips into paid extended support."""
    if not engine(database).startswith(("mysql", "postgres", "aurora")):
        raise NotApplicable("has no extended support")
    chosen = database.get("engineLifecycleSupport", "open-source-rds-extended-support")
    return None if chosen.endswith("-disabled") else f"engineLifecycleSupport of '{database.name}' is {chosen}"


def _minutes(window: str) -> tuple[int, int] | None:
    """The minutes of the day a window lasts from and to: `03:00-04:00` or `sun:03:00-sun:04:00`."""
    found = re.findall(r"(\d{1,2}):(\d{2})", window)
    if len(found) != 2:
        return None
    begin, end = (int(hour) * 60 + int(minute) for hour, minute in found)
    return begin, end if end > begin else end + 24 * 60


WINDOWS = {
    INSTANCE: ("backupWindow", "maintenanceWindow"),
    CLUSTER: ("preferredBackupWindow", "preferredMaintenanceWindow"),
    DOCUMENTS: ("preferredBackupWindow", "preferredMaintenanceWindow"),
    NEPTUNE: ("preferredBackupWindow", "preferredMaintenanceWindow"),
}


@rule(
    "database-windows-apart", " ".join(WINDOWS),
    practices="OPS06-BP02 REL09-BP03", checklist="CHK-REL-2", severity="high", level="advisory",
    why="AWS refuses a database whose daily backup and weekly maintenance could run at the same time.",
    fix="Move the backup window so that it ends before maintenance begins",
    reads="backupWindow", missing="not_applicable",
    compliant={"backupWindow": "01:00-02:00", "maintenanceWindow": "sun:03:00-sun:04:00"},
    violating={"backupWindow": "03:30-04:30", "maintenanceWindow": "sun:03:00-sun:04:00"},
)  # fmt: skip
def database_windows_apart(database: Resource, context: Context) -> str | None:
    """Backup and maintenance windows do not overlap."""
    backup, maintenance = WINDOWS[database.type]
    given = database.get(backup), database.get(maintenance)
    if given[0] is None or given[1] is None:
        raise NotApplicable("AWS chooses one of the windows")
    windows = [_minutes(str(text)) for text in given]
    if windows[0] is None or windows[1] is None:
        return f"{backup} or {maintenance} of '{database.name}' is no window"
    (begin, end), (start, stop) = windows[0], windows[1]
    day = 24 * 60
    overlap = any(begin + shift < stop and start < end + shift for shift in (-day, 0, day))
    return f"{backup} and {maintenance} of '{database.name}' overlap" if overlap else None


@rule(
    "database-dev-keeps-few-backups", f"{INSTANCE} {CLUSTERS}",
    practices="SUS04-BP08 COST04-BP05", checklist="CHK-COST-3", severity="low",
    level={"dev": "advisory", "prod": "disabled"}, example_environment="dev",
    why="Five weeks of backups of test data are stored for nobody.",
    fix="Set backupRetentionPeriod to the rule's maximum of days or fewer outside production",
    reads="backupRetentionPeriod", missing="pass",
    **both({"backupRetentionPeriod": 1}, {"backupRetentionPeriod": 35}, INSTANCE, CLUSTER, DOCUMENTS, NEPTUNE),
    parameters={"maximum_days": Parameter(7, "Days of backups outside production", {"type": "integer", "minimum": 0})},
)  # fmt: skip
def database_dev_keeps_few_backups(database: Resource, context: Context) -> str | None:
    """Databases outside production keep backups for a week at most."""
    days = database.get("backupRetentionPeriod", 0)
    most = context.parameters["maximum_days"]
    return f"backupRetentionPeriod of '{database.name}' is {days:g} days" if days > most else None


@rule(
    "redshift-encrypted", REDSHIFT,
    practices="SEC08-BP02", checklist="CHK-SEC-2", severity="high", level="advisory",
    sources="cdk-nag:AwsSolutions-RS6 checkov:CKV_AWS_64 securityhub:Redshift.10",
    why="A warehouse gathers what was kept apart: its disks and snapshots hold everything.",
    fix="Remove encrypted: false",
    reads="encrypted", missing="pass", compliant={"encrypted": True}, violating={"encrypted": False},
)  # fmt: skip
def redshift_encrypted(cluster: Resource, context: Context) -> str | None:
    """Warehouses are encrypted."""
    return not_true(cluster, "encrypted", True)


@rule(
    "redshift-tls-required", REDSHIFT_PARAMETER_GROUP,
    practices="SEC09-BP02", checklist="CHK-SEC-3", severity="high", level="advisory",
    sources="cdk-nag:AwsSolutions-RS1 checkov:CKV_AWS_105 securityhub:Redshift.2",
    why="Without the parameter Redshift accepts connections in clear.",
    fix="Set the parameter require_ssl to true",
    reads="parameters", compliant={"family": "redshift-1.0", "parameters": [{"name": "require_ssl", "value": "true"}]},
        violating={"family": "redshift-1.0", "parameters": [{"name": "require_ssl", "value": "false"}]},
)  # fmt: skip
def redshift_tls_required(group: Resource, context: Context) -> str | None:
    """Warehouses demand TLS."""
    default = "true" if group.get("family") == "redshift-2.0" else None  # the newer family demands it by itself
    value = setting(as_list(group.get("parameters")), "require_ssl") or default
    return None if value is not None and value.lower() == "true" else f"parameter require_ssl of '{group.name}' is not true"


@rule(
    "redshift-audit-logged", REDSHIFT, scope="stack",
    practices="SEC04-BP01", checklist="CHK-OPS-4", severity="medium", level="advisory",
    sources="cdk-nag:AwsSolutions-RS5 checkov:CKV_AWS_71 securityhub:Redshift.4",
    why="Who connected and what was asked is nowhere else to be found.",
    fix="Attach an aws.redshift.Logging",
    reads="clusterIdentifier", reads_of=REDSHIFT_LOGGING,
    compliant=(Example(REDSHIFT, "w"), Example(REDSHIFT_LOGGING, "l", {"logDestinationType": "cloudwatch"}, links={"clusterIdentifier":
        "w"})),
    violating=(Example(REDSHIFT, "w"),),
)  # fmt: skip
def redshift_audit_logged(cluster: Resource, context: Context) -> str | None:
    """Warehouses log connections and statements."""
    found = context.graph.referring(cluster, REDSHIFT_LOGGING, "clusterIdentifier")
    return None if found else f"warehouse '{cluster.name}' has no audit logging"


@rule(
    "redshift-snapshots", REDSHIFT,
    practices="REL09-BP03", checklist="CHK-REL-2", severity="medium", level="advisory",
    sources="cdk-nag:AwsSolutions-RS10 checkov:CKV_AWS_343 securityhub:Redshift.3",
    why="The default keeps automatic snapshots for one day.",
    fix="Set automatedSnapshotRetentionPeriod to 7 or more",
    reads="automatedSnapshotRetentionPeriod", compliant={"automatedSnapshotRetentionPeriod": 7},
        violating={"automatedSnapshotRetentionPeriod": 1},
)  # fmt: skip
def redshift_snapshots(cluster: Resource, context: Context) -> str | None:
    """Warehouses keep snapshots for a week."""
    return below(cluster, "automatedSnapshotRetentionPeriod", 7, 1)


@rule(
    "redshift-version-upgrades", REDSHIFT,
    practices="SUS06-BP03 OPS05-BP05", checklist="CHK-SUS-4", severity="medium", level="advisory",
    sources="cdk-nag:AwsSolutions-RS9 checkov:CKV_AWS_141 securityhub:Redshift.6",
    why="A managed warehouse is only managed while AWS may install new versions.",
    fix="Remove allowVersionUpgrade: false",
    reads="allowVersionUpgrade", missing="pass", compliant={"allowVersionUpgrade": True}, violating={"allowVersionUpgrade": False},
    remediation=put({"allowVersionUpgrade": True}),
)  # fmt: skip
def redshift_version_upgrades(cluster: Resource, context: Context) -> str | None:
    """Warehouses install new versions."""
    return not_true(cluster, "allowVersionUpgrade", True)


@rule(
    "redshift-vpc-routing", f"{REDSHIFT} {REDSHIFT_WORKGROUP}",
    practices="SEC05-BP02 SUS04-BP07", checklist="CHK-SEC-6", severity="medium", level="advisory",
    sources="checkov:CKV_AWS_321 securityhub:Redshift.7",
    why="Loads and unloads otherwise leave the VPC: endpoint policies, security groups and flow logs do not see them.",
    fix="Set enhancedVpcRouting to true",
    reads="enhancedVpcRouting", **both({"enhancedVpcRouting": True}, {"enhancedVpcRouting": False}, REDSHIFT, REDSHIFT_WORKGROUP),
)  # fmt: skip
def redshift_vpc_routing(warehouse: Resource, context: Context) -> str | None:
    """Warehouses load and unload through the VPC."""
    return not_true(warehouse, "enhancedVpcRouting")


@rule(
    "redshift-serverless-bounded", REDSHIFT_WORKGROUP,
    practices="COST02-BP05", checklist="CHK-COST-4", severity="medium", level="advisory",
    why="One bad join may otherwise scale the workgroup as far as AWS lets it.",
    fix="Set maxCapacity",
    reads="maxCapacity", compliant={"maxCapacity": 64}, violating={"baseCapacity": 32},
)  # fmt: skip
def redshift_serverless_bounded(workgroup: Resource, context: Context) -> str | None:
    """Serverless warehouses have a largest size."""
    return not_set(workgroup, "maxCapacity")


@rule(
    "dms-multi-az", REPLICATION,
    practices="REL10-BP01", checklist="CHK-REL-1", severity="medium", level={"dev": "disabled", "prod": "advisory"},
    why="A replication that stops with its zone has to start again from a full load.",
    fix="Set multiAz to true",
    reads="multiAz", compliant={"multiAz": True}, violating={"multiAz": False},
)  # fmt: skip
def dms_multi_az(replication: Resource, context: Context) -> str | None:
    """Production replication instances have a standby."""
    return not_true(replication, "multiAz")
