"""Caches and search: ElastiCache, MemoryDB, DAX, OpenSearch."""

from __future__ import annotations

from collections.abc import Iterator

from ..changes import put
from ..model import Changes, Context, Example, Resource, rule
from ..policies import is_public, statements
from ..values import NotApplicable, as_list, dig
from ._checks import below, not_given, not_set, not_true
from ._types import KEY_ARN

CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
CACHE_CLUSTER = "aws:elasticache/cluster:Cluster"
SERVERLESS_CACHE = "aws:elasticache/serverlessCache:ServerlessCache"
MEMORY = "aws:memorydb/cluster:Cluster"
DAX = "aws:dax/cluster:Cluster"
SEARCH = "aws:opensearch/domain:Domain"


@rule(
    "cache-encrypted", f"{CACHE} {DAX}",
    practices="SEC08-BP02", checklist="CHK-SEC-2", severity="high", level="advisory",
    sources="checkov:CKV_AWS_29 checkov:CKV_AWS_47 securityhub:ElastiCache.4 securityhub:DynamoDB.3",
    why="What is cached is the hottest data there is; snapshots and swap write it to disk.",
    fix="Set atRestEncryptionEnabled (serverSideEncryption.enabled of DAX) to true",
    reads="atRestEncryptionEnabled",
    compliant=(Example(CACHE, "c", {"atRestEncryptionEnabled": True}), Example(DAX, "d", {"serverSideEncryption": {"enabled": True}})),
    violating=(Example(CACHE, "c", {"engine": "redis"}), Example(DAX, "d")),
)  # fmt: skip
def cache_encrypted(cache: Resource, context: Context) -> str | None:
    """Caches are encrypted."""
    if cache.type == DAX:
        return not_true(cache, "serverSideEncryption.enabled")
    return not_true(cache, "atRestEncryptionEnabled", cache.get("engine", "redis") == "valkey")


@rule(
    "cache-customer-key", f"{CACHE} {SERVERLESS_CACHE} {MEMORY}", scope="stack",
    practices="SEC08-BP01", checklist="CHK-SEC-2", severity="low", level="advisory", sources="checkov:CKV_AWS_191 checkov:CKV_AWS_201",
    why="With a customer key, access to cached data can be seen in CloudTrail and taken away.",
    fix="Set kmsKeyId (kmsKeyArn of MemoryDB)",
    reads="kmsKeyId",
    compliant=(Example(CACHE, "c", {"kmsKeyId": KEY_ARN}), Example(MEMORY, "m", {"kmsKeyArn": KEY_ARN})),
    violating=(Example(CACHE, "c"), Example(SERVERLESS_CACHE, "s"), Example(MEMORY, "m")),
)  # fmt: skip
def cache_customer_key(cache: Resource, context: Context) -> str | None:
    """Caches are encrypted with a customer key."""
    return not_given(cache, context, "kmsKeyArn" if cache.type == MEMORY else "kmsKeyId")


@rule(
    "cache-tls", f"{CACHE} {MEMORY} {DAX}",
    practices="SEC09-BP02", checklist="CHK-SEC-3", severity="high", level="advisory",
    sources="checkov:CKV_AWS_30 checkov:CKV_AWS_202 checkov:CKV_AWS_239 securityhub:ElastiCache.5 securityhub:DynamoDB.7",
    why="A cache without TLS answers in clear, and knows no passwords either.",
    fix="Set transitEncryptionEnabled (tlsEnabled of MemoryDB) to true, clusterEndpointEncryptionType of DAX to TLS",
    reads="transitEncryptionEnabled",
    compliant=(Example(CACHE, "c", {"transitEncryptionEnabled": True}), Example(DAX, "d", {"clusterEndpointEncryptionType": "TLS"})),
    violating=(Example(CACHE, "c"), Example(MEMORY, "m", {"tlsEnabled": False}), Example(DAX, "d")),
)  # fmt: skip
def cache_tls(cache: Resource, context: Context) -> str | None:
    """Caches speak TLS."""
    if cache.type == DAX:
        kind = cache.get("clusterEndpointEncryptionType", "NONE")
        return None if kind == "TLS" else f"clusterEndpointEncryptionType of '{cache.name}' is {kind}"
    if cache.type == MEMORY:
        return not_true(cache, "tlsEnabled", True)
    return not_true(cache, "transitEncryptionEnabled", cache.get("engine", "redis") == "valkey")


@rule(
    "cache-authenticated", f"{CACHE} {MEMORY} {SERVERLESS_CACHE}", scope="stack",
    practices="SEC03-BP01 SEC05-BP02", checklist="CHK-SEC-1", severity="high", level="advisory",
    sources="cdk-nag:AwsSolutions-AEC6 checkov:CKV_AWS_31 securityhub:ElastiCache.6",
    why="Otherwise everything in the same network may read and flush the cache.",
    fix="Set userGroupIds (userGroupId of a serverless cache, an aclName other than open-access of MemoryDB) or an authToken",
    reads="userGroupIds",
    compliant=(Example(CACHE, "c", {"userGroupIds": "readers"}), Example(MEMORY, "m", {"aclName": "readers"})),
    violating=(Example(CACHE, "c"), Example(MEMORY, "m", {"aclName": "open-access"}), Example(SERVERLESS_CACHE, "s")),
)  # fmt: skip
def cache_authenticated(cache: Resource, context: Context) -> str | None:
    """Caches ask who is calling."""
    if cache.type == MEMORY:
        return f"aclName of '{cache.name}' is open-access" if cache.get("aclName", "open-access") == "open-access" else None
    if cache.type == SERVERLESS_CACHE:
        if cache.get("engine") == "memcached":
            raise NotApplicable("memcached knows no users here")
        return not_given(cache, context, "userGroupId")
    if any(context.graph.given(cache, path) for path in ("userGroupIds", "authToken", "authTokenWo")):
        return None
    return f"neither userGroupIds nor authToken of '{cache.name}' is set"


@rule(
    "cache-failover", CACHE,
    practices="REL10-BP01 REL11-BP02", checklist="CHK-REL-1", severity="high", level={"dev": "disabled", "prod": "advisory"},
    sources="checkov:CKV2_AWS_50 securityhub:ElastiCache.3",
    why="Without a replica in another zone, the loss of a node empties the cache and the load falls on what is behind it.",
    fix="Set automaticFailoverEnabled and multiAzEnabled to true, with at least one replica",
    reads="automaticFailoverEnabled",
    compliant={"automaticFailoverEnabled": True, "multiAzEnabled": True, "numCacheClusters": 2}, violating={"numCacheClusters": 1},
)  # fmt: skip
def cache_failover(cache: Resource, context: Context) -> Iterator[str]:
    """Production caches fail over to another zone."""
    for path in ("automaticFailoverEnabled", "multiAzEnabled"):
        if problem := not_true(cache, path):
            yield problem


@rule(
    "cache-failover-deployable", CACHE,
    practices="OPS06-BP02 REL10-BP01", checklist="CHK-OPS-3", severity="high", level="advisory",
    why="AWS refuses automatic failover without a replica, and several zones without automatic failover.",
    fix="Set numCacheClusters to 2 or more (or replicasPerNodeGroup to 1 or more), and automaticFailoverEnabled with multiAzEnabled",
    reads="numCacheClusters", missing="fail",
    compliant={"automaticFailoverEnabled": True, "numCacheClusters": 2}, violating={"automaticFailoverEnabled": True,
        "numCacheClusters": 1},
)  # fmt: skip
def cache_failover_deployable(cache: Resource, context: Context) -> Iterator[str]:
    """A cache that fails over has something to fail over to."""
    failover, zones = cache.get("automaticFailoverEnabled", False), cache.get("multiAzEnabled", False)
    if not failover and not zones:
        raise NotApplicable("does not fail over")
    if zones and not failover:
        yield f"multiAzEnabled of '{cache.name}' is true without automaticFailoverEnabled"
    shards = cache.get("replicasPerNodeGroup", 0) > 0 or cache.get("numNodeGroups", 1) > 1 or cache.get("globalReplicationGroupId")
    if failover and not shards and cache.get("numCacheClusters", 1) < 2:
        yield f"numCacheClusters of '{cache.name}' leaves no replica"


@rule(
    "cache-snapshots", f"{CACHE} {MEMORY} {SERVERLESS_CACHE}",
    practices="REL09-BP03", checklist="CHK-REL-2", severity="medium", level={"dev": "disabled", "prod": "advisory"},
    sources="checkov:CKV_AWS_134 securityhub:ElastiCache.1",
    why="A cache that takes hours to warm up is data after all.",
    fix="Set snapshotRetentionLimit to 1 or more days",
    reads="snapshotRetentionLimit", compliant={"snapshotRetentionLimit": 3}, violating={"snapshotRetentionLimit": 0},
)  # fmt: skip
def cache_snapshots(cache: Resource, context: Context) -> str | None:
    """Production caches keep snapshots."""
    if cache.get("engine") == "memcached":
        raise NotApplicable("memcached has no snapshots here")
    return below(cache, "snapshotRetentionLimit", 1)


@rule(
    "cache-logs", CACHE,
    practices="OPS04-BP02 PERF03-BP03", checklist="CHK-OPS-4", severity="low", level="advisory",
    why="The slow log names the command that blocks all others.",
    fix="Add logDeliveryConfigurations for slow-log and engine-log",
    reads="logDeliveryConfigurations",
    compliant={"logDeliveryConfigurations": [{"destination": "/cache/slow", "destinationType": "cloudwatch-logs", "logFormat": "json",
        "logType": "slow-log"}]},
    violating={"logDeliveryConfigurations": []},
)  # fmt: skip
def cache_logs(cache: Resource, context: Context) -> str | None:
    """Caches log slow commands."""
    return not_set(cache, "logDeliveryConfigurations")


@rule(
    "cache-serverless-bounded", SERVERLESS_CACHE,
    practices="COST02-BP05", checklist="CHK-COST-4", severity="medium", level="advisory",
    why="A serverless cache grows with whatever is written to it, and so does the bill.",
    fix="Set cacheUsageLimits with a maximum of storage and of ECPUs",
    reads="cacheUsageLimits", compliant={"engine": "valkey", "cacheUsageLimits": {"dataStorage": {"maximum": 10, "unit": "GB"}}},
        violating={"engine": "valkey"},
)  # fmt: skip
def cache_serverless_bounded(cache: Resource, context: Context) -> str | None:
    """Serverless caches have a largest size."""
    storage = cache.get("cacheUsageLimits.dataStorage.maximum")
    processing = [dig(item, "maximum") for item in as_list(cache.get("cacheUsageLimits.ecpuPerSeconds"))]
    return None if storage or any(processing) else f"cacheUsageLimits of '{cache.name}' sets no maximum"


@rule(
    "cache-valkey", f"{CACHE} {SERVERLESS_CACHE}",
    practices="COST05-BP04 COST06-BP02", checklist="CHK-COST-4", severity="low", level="advisory",
    why="Valkey speaks the protocol of Redis and costs a fifth less as nodes, a third less as a serverless cache.",
    fix="Set engine to valkey; an existing Redis OSS cache is upgraded in place",
    reads="engine", compliant={"engine": "valkey"}, violating={"engine": "redis"},
)  # fmt: skip
def cache_valkey(cache: Resource, context: Context) -> str | None:
    """Caches run the cheaper engine of the same protocol."""
    chosen = cache.get("engine", "redis")
    return f"engine of '{cache.name}' is redis" if chosen == "redis" else None


@rule(
    "search-encrypted", SEARCH,
    practices="SEC08-BP02", checklist="CHK-SEC-2", severity="high", level="advisory",
    sources="cdk-nag:AwsSolutions-OS8 checkov:CKV_AWS_5 securityhub:Opensearch.1",
    why="An index holds a copy of everything that can be searched for.",
    fix="Set encryptAtRest.enabled to true",
    reads="encryptAtRest.enabled", compliant={"encryptAtRest": {"enabled": True}}, violating={"encryptAtRest": {"enabled": False}},
)  # fmt: skip
def search_encrypted(domain: Resource, context: Context) -> str | None:
    """Search domains are encrypted."""
    return not_true(domain, "encryptAtRest.enabled")


@rule(
    "search-node-to-node-tls", SEARCH,
    practices="SEC09-BP02", checklist="CHK-SEC-3", severity="medium", level="advisory",
    sources="checkov:CKV_AWS_6 securityhub:Opensearch.3",
    why="Fine-grained access control needs it, and shards travel between nodes in clear without it.",
    fix="Set nodeToNodeEncryption.enabled to true",
    reads="nodeToNodeEncryption.enabled", compliant={"nodeToNodeEncryption": {"enabled": True}},
        violating={"nodeToNodeEncryption": {"enabled": False}},
)  # fmt: skip
def search_node_to_node_tls(domain: Resource, context: Context) -> str | None:
    """Nodes of search domains talk to each other over TLS."""
    return not_true(domain, "nodeToNodeEncryption.enabled")


OLD_TLS = "Policy-Min-TLS-1-0-2019-07"  # what is set where nothing is given


def require_https(domain: Resource, context: Context) -> Changes:
    """HTTPS only, and a TLS policy where the one that is set accepts TLS 1.0."""
    changes: dict[str, object] = {"domainEndpointOptions.enforceHttps": True}
    if domain.get("domainEndpointOptions.tlsSecurityPolicy", OLD_TLS) == OLD_TLS:
        changes["domainEndpointOptions.tlsSecurityPolicy"] = "Policy-Min-TLS-1-2-PFS-2023-10"
    return changes


@rule(
    "search-https", SEARCH,
    practices="SEC09-BP02", checklist="CHK-SEC-3", severity="high", level="advisory",
    sources="checkov:CKV_AWS_83 checkov:CKV_AWS_228 securityhub:Opensearch.8",
    why="Queries and credentials pass the endpoint; TLS 1.0 and 1.1 are broken.",
    fix="Set domainEndpointOptions.enforceHttps to true and tlsSecurityPolicy to Policy-Min-TLS-1-2-PFS-2023-10",
    reads="domainEndpointOptions.tlsSecurityPolicy",
    compliant={"domainEndpointOptions": {"enforceHttps": True, "tlsSecurityPolicy": "Policy-Min-TLS-1-2-PFS-2023-10"}},
    violating={"domainEndpointOptions": {"enforceHttps": False}},
    remediation=require_https,
)  # fmt: skip
def search_https(domain: Resource, context: Context) -> Iterator[str]:
    """Search domains accept only current TLS."""
    if not domain.get("domainEndpointOptions.enforceHttps", True):
        yield f"domainEndpointOptions.enforceHttps of '{domain.name}' is not true"
    policy = domain.get("domainEndpointOptions.tlsSecurityPolicy", OLD_TLS)
    if policy == OLD_TLS:
        yield f"domainEndpointOptions.tlsSecurityPolicy of '{domain.name}' accepts TLS 1.0"


@rule(
    "search-in-vpc", SEARCH, scope="stack",
    practices="SEC05-BP01", checklist="CHK-SEC-6", severity="high", level="advisory",
    sources="cdk-nag:AwsSolutions-OS1 checkov:CKV_AWS_137 securityhub:Opensearch.2",
    why="A domain outside the VPC has a public endpoint for ever: it cannot be moved later.",
    fix="Set vpcOptions.subnetIds and securityGroupIds",
    reads="vpcOptions.subnetIds", compliant={"vpcOptions": {"subnetIds": ["subnet-1", "subnet-2"], "securityGroupIds": ["sg-1"]}},
        violating={"domainName": "search"},
)  # fmt: skip
def search_in_vpc(domain: Resource, context: Context) -> str | None:
    """Search domains are inside the VPC."""
    return not_given(domain, context, "vpcOptions.subnetIds")


@rule(
    "search-policy-not-public", SEARCH,
    practices="SEC03-BP07", checklist="CHK-SEC-1", severity="critical", sources="cdk-nag:AwsSolutions-OS3",
    why="A public domain whose policy allows everybody is found and emptied by machines.",
    fix="Name the roles in Principal, or restrict the statement by aws:SourceIp",
    reads="accessPolicies", missing="not_applicable",
    compliant={"accessPolicies": {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:role/search"},
        "Action": "es:ESHttp*", "Resource": "*"}]}},
    violating={"accessPolicies": {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "es:*", "Resource": "*"}]}},
)  # fmt: skip
def search_policy_not_public(domain: Resource, context: Context) -> Iterator[str]:
    """No search domain is open to everybody."""
    if domain.get("vpcOptions") is not None:
        raise NotApplicable("is inside the VPC, where security groups decide")
    for index, statement in statements(domain, "accessPolicies"):
        if is_public(statement):
            yield f"accessPolicies.Statement[{index}] of '{domain.name}' allows Principal *"


@rule(
    "search-fine-grained-access", SEARCH,
    practices="SEC03-BP02", checklist="CHK-SEC-1", severity="medium", level="advisory",
    sources="checkov:CKV2_AWS_52 securityhub:Opensearch.7",
    why="Otherwise whoever may search one index may read and delete all of them.",
    fix="Set advancedSecurityOptions.enabled to true",
    reads="advancedSecurityOptions.enabled", compliant={"advancedSecurityOptions": {"enabled": True}},
        violating={"advancedSecurityOptions": {"enabled": False}},
)  # fmt: skip
def search_fine_grained_access(domain: Resource, context: Context) -> str | None:
    """Search domains decide by index and document who may read."""
    return not_true(domain, "advancedSecurityOptions.enabled")


def log_types(domain: Resource) -> list[str]:
    """The logs a domain publishes."""
    return [str(dig(item, "logType", "")) for item in as_list(domain.get("logPublishingOptions")) if dig(item, "enabled", True)]


@rule(
    "search-logs", SEARCH,
    practices="OPS04-BP02", checklist="CHK-OPS-4", severity="medium", level="advisory",
    sources="cdk-nag:AwsSolutions-OS9 checkov:CKV_AWS_84 securityhub:Opensearch.4",
    why="The error log says why a domain turned red; it is written nowhere by default.",
    fix="Add a logPublishingOptions entry of logType ES_APPLICATION_LOGS",
    reads="logPublishingOptions", compliant={"logPublishingOptions": [{"logType": "ES_APPLICATION_LOGS", "cloudwatchLogGroupArn": "arn"}]},
        violating={"logPublishingOptions": []},
)  # fmt: skip
def search_logs(domain: Resource, context: Context) -> str | None:
    """Search domains publish their error log."""
    return None if "ES_APPLICATION_LOGS" in log_types(domain) else f"logPublishingOptions of '{domain.name}' has no ES_APPLICATION_LOGS"


@rule(
    "search-audit-logs", SEARCH,
    practices="SEC04-BP01", checklist="CHK-SEC-4", severity="medium", level="advisory",
    sources="checkov:CKV_AWS_317 securityhub:Opensearch.5",
    why="Who read which document is known to the audit log alone.",
    fix="Add a logPublishingOptions entry of logType AUDIT_LOGS, and fine-grained access control",
    reads="logPublishingOptions", compliant={"logPublishingOptions": [{"logType": "AUDIT_LOGS", "cloudwatchLogGroupArn": "arn"}]},
        violating={"logPublishingOptions": []},
)  # fmt: skip
def search_audit_logs(domain: Resource, context: Context) -> str | None:
    """Search domains publish their audit log."""
    return None if "AUDIT_LOGS" in log_types(domain) else f"logPublishingOptions of '{domain.name}' has no AUDIT_LOGS"


@rule(
    "search-multi-az", SEARCH,
    practices="REL10-BP01", checklist="CHK-REL-1", severity="high", level={"dev": "disabled", "prod": "advisory"},
    sources="cdk-nag:AwsSolutions-OS7 securityhub:Opensearch.6",
    why="Without zone awareness all copies of a shard may lie in the zone that fails.",
    fix="Set clusterConfig.zoneAwarenessEnabled to true with two data nodes or more (three for three zones)",
    reads="clusterConfig.zoneAwarenessEnabled",
    compliant={"clusterConfig": {"zoneAwarenessEnabled": True, "instanceCount": 3}}, violating={"clusterConfig": {"instanceCount": 1}},
)  # fmt: skip
def search_multi_az(domain: Resource, context: Context) -> Iterator[str]:
    """Production search domains span zones."""
    if domain.get("clusterConfig.multiAzWithStandbyEnabled", False):
        return
    if problem := not_true(domain, "clusterConfig.zoneAwarenessEnabled"):
        yield problem
    if problem := below(domain, "clusterConfig.instanceCount", 2, 1):
        yield problem


@rule(
    "search-dedicated-masters", SEARCH,
    practices="REL10-BP03 PERF02-BP04", checklist="CHK-REL-1", severity="medium", level={"dev": "disabled", "prod": "advisory"},
    sources="cdk-nag:AwsSolutions-OS4 checkov:CKV_AWS_318 securityhub:Opensearch.11",
    why="A data node busy with a query does not answer as master, and the cluster elects a new one in the worst moment.",
    fix="Set clusterConfig.dedicatedMasterEnabled to true with dedicatedMasterCount 3",
    reads="clusterConfig.dedicatedMasterEnabled",
    compliant={"clusterConfig": {"dedicatedMasterEnabled": True, "dedicatedMasterCount": 3}},
    violating={"clusterConfig": {"dedicatedMasterEnabled": False}},
)  # fmt: skip
def search_dedicated_masters(domain: Resource, context: Context) -> Iterator[str]:
    """Production search domains have three dedicated masters."""
    if problem := not_true(domain, "clusterConfig.dedicatedMasterEnabled"):
        yield problem
    elif domain.get("clusterConfig.dedicatedMasterCount", 3) < 3:
        yield f"clusterConfig.dedicatedMasterCount of '{domain.name}' is less than 3"


@rule(
    "search-instance-deployable", SEARCH,
    practices="OPS06-BP02 PERF02-BP02", checklist="CHK-OPS-3", severity="medium", level="advisory",
    why="t2 instances know no encryption at rest and no fine-grained access, so AWS refuses such a domain.",
    fix="Choose a current instance type, such as r7g.large.search or t3.small.search",
    reads="clusterConfig.instanceType", missing="fail",
    compliant={"clusterConfig": {"instanceType": "r7g.large.search"}, "encryptAtRest": {"enabled": True}},
    violating={"clusterConfig": {"instanceType": "t2.small.search"}, "encryptAtRest": {"enabled": True}},
)  # fmt: skip
def search_instance_deployable(domain: Resource, context: Context) -> str | None:
    """The instance type of a search domain can do what is asked of it."""
    kind = domain.get("clusterConfig.instanceType", "m4.large.search")
    return f"clusterConfig.instanceType of '{domain.name}' is {kind}" if kind.startswith(("t2.", "m3.", "m4.", "r3.", "r4.")) else None


@rule(
    "search-storage-type", SEARCH,
    practices="COST06-BP02 PERF03-BP02", checklist="CHK-PERF-4", severity="low", level="advisory",
    why="gp3 costs less than gp2 and is faster at every size.",
    fix="Set ebsOptions.volumeType to gp3",
    reads="ebsOptions.volumeType", compliant={"ebsOptions": {"ebsEnabled": True, "volumeType": "gp3"}},
        violating={"ebsOptions": {"ebsEnabled": True, "volumeType": "gp2"}},
)  # fmt: skip
def search_storage_type(domain: Resource, context: Context) -> str | None:
    """Search domains use current storage."""
    if not domain.get("ebsOptions.ebsEnabled", False):
        raise NotApplicable("uses the disks of its instances")
    kind = domain.get("ebsOptions.volumeType", "gp2")
    return None if kind == "gp3" else f"ebsOptions.volumeType of '{domain.name}' is {kind}"


@rule(
    "search-updates", SEARCH,
    practices="SUS06-BP03 OPS05-BP05", checklist="CHK-SUS-4", severity="low", level="advisory",
    sources="securityhub:Opensearch.10",
    why="Service software updates are forced one day anyway; better in the off-peak window.",
    fix="Set softwareUpdateOptions.autoSoftwareUpdateEnabled to true",
    reads="softwareUpdateOptions.autoSoftwareUpdateEnabled", compliant={"softwareUpdateOptions": {"autoSoftwareUpdateEnabled": True}},
        violating={"softwareUpdateOptions": {"autoSoftwareUpdateEnabled": False}},
    remediation=put({"softwareUpdateOptions.autoSoftwareUpdateEnabled": True}),
)  # fmt: skip
def search_updates(domain: Resource, context: Context) -> str | None:
    """Search domains install service updates themselves."""
    return not_true(domain, "softwareUpdateOptions.autoSoftwareUpdateEnabled")
