"""What the stacks register for recovery: backups of everything, copies in the second region, and a standby that waits."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from components.recovery.accelerator import cluster_name
from components.settings.source import SettingsError
from mlops import engine
from tests.previews import preview
from tests.unit.components.test_costs import changed_stack
from tests.unit.components.test_settings import parsed, section

ROOT = Path(__file__).parents[3]
PROD_REGION, DR_REGION = "eu-west-1", "eu-north-1"


def of_type(stack: str, type_: str) -> list[engine.RecordedResource]:
    return [resource for resource in preview(stack).resources if resource.type == type_]


@pytest.mark.spec("REL-1d", "REL-6a", "CHK-REL-2")
def test_the_backup_plan_of_production_covers_every_table_and_every_bucket_of_the_lake() -> None:
    (selection,) = of_type("prod", "aws:backup/selection:Selection")
    selected = set(selection.inputs["resources"])
    tables = {
        f"arn:aws:dynamodb:{PROD_REGION}:123456789012:table/{table.inputs['name']}" for table in of_type("prod", "aws:dynamodb/table:Table")
    }
    buckets = {f"arn:aws:s3:::{name}" for name in preview("prod").outputs["buckets"].values()}
    assert tables | buckets == selected


@pytest.mark.spec("REL-6c", "CHK-REL-6")
def test_production_copies_its_recovery_points_hourly_into_the_standbys_vault() -> None:
    (plan,) = of_type("prod", "aws:backup/plan:Plan")
    (rule,) = plan.inputs["rules"]
    assert rule["schedule"] == "cron(0 * * * ? *)"
    (copy,) = rule["copyActions"]
    (vault,) = of_type("prod-dr", "aws:backup/vault:Vault")
    assert copy["destinationVaultArn"] == f"arn:aws:backup:{DR_REGION}:123456789012:backup-vault:{vault.inputs['name']}"


@pytest.mark.spec("PERF-2c")
def test_every_bucket_replicates_in_time_into_a_bucket_that_the_standby_makes_with_a_key_that_it_has() -> None:
    there = {bucket.inputs["bucket"] for bucket in of_type("prod-dr", "aws:s3/bucket:Bucket")}
    aliases = {f"arn:aws:kms:{DR_REGION}:123456789012:{alias.inputs['name']}" for alias in of_type("prod-dr", "aws:kms/alias:Alias")}
    configurations = of_type("prod", "aws:s3/bucketReplicationConfig:BucketReplicationConfig")
    purposes = {"raw", "processed", "quarantine", "models", "predictions"}
    assert {configuration.inputs["rules"][0]["id"] for configuration in configurations} == purposes
    for configuration in configurations:
        (rule,) = configuration.inputs["rules"]
        destination = rule["destination"]
        assert rule["status"] == "Enabled" and rule["deleteMarkerReplication"] == {"status": "Enabled"}
        assert destination["bucket"].removeprefix("arn:aws:s3:::") in there
        assert destination["encryptionConfiguration"]["replicaKmsKeyId"] in aliases
        assert destination["replicationTime"] == {"status": "Enabled", "time": {"minutes": 15}}


@pytest.mark.spec("PERF-2c", "REL-6d")
def test_a_late_replica_is_told_where_s3_tells_of_it_and_a_failed_one_at_its_source() -> None:
    for configuration in of_type("prod", "aws:s3/bucketReplicationConfig:BucketReplicationConfig"):
        (rule,) = configuration.inputs["rules"]
        there = rule["destination"]["bucket"].removeprefix("arn:aws:s3:::")
        dimensions = {"SourceBucket": configuration.inputs["bucket"], "DestinationBucket": there, "RuleId": rule["id"]}
        for stack, metric in (("prod-dr", "ReplicationLatency"), ("prod", "OperationsFailedReplication")):
            (alarm,) = [
                alarm.inputs
                for alarm in of_type(stack, "aws:cloudwatch/metricAlarm:MetricAlarm")
                if alarm.inputs.get("namespace") == "AWS/S3" and alarm.inputs["dimensions"]["RuleId"] == rule["id"]
            ]
            assert (alarm["metricName"], alarm["dimensions"]) == (metric, dimensions) and alarm.get("region") is None


@pytest.mark.spec("REL-6d")
def test_a_table_whose_replica_falls_behind_rings() -> None:
    found = {
        alarm.inputs["dimensions"]["TableName"]: alarm.inputs
        for alarm in of_type("prod", "aws:cloudwatch/metricAlarm:MetricAlarm")
        if alarm.inputs.get("namespace") == "AWS/DynamoDB" and alarm.inputs["metricName"] == "ReplicationLatency"
    }
    assert set(found) == {table.inputs["name"] for table in of_type("prod", "aws:dynamodb/table:Table")}
    assert {alarm["dimensions"]["ReceivingRegion"] for alarm in found.values()} == {DR_REGION}


@pytest.mark.spec("REL-6c")
def test_copies_of_recovery_points_may_use_the_key_of_the_standbys_vault() -> None:
    (policy,) = [each for each in of_type("prod", "aws:iam/rolePolicy:RolePolicy") if each.name == "recovery-backups-backup-policy"]
    aliases = [
        statement["Condition"]["ForAnyValue:StringEquals"]["kms:ResourceAliases"]
        for statement in json.loads(policy.inputs["policy"])["Statement"]
        if "kms:ResourceAliases" in json.dumps(statement.get("Condition", {})) and "kms:ReEncryptTo" in statement["Action"]
    ]
    assert aliases == ["alias/mlops-prod-dr-operations"]
    assert aliases[0] in {alias.inputs["name"] for alias in of_type("prod-dr", "aws:kms/alias:Alias")}


def test_stacks_of_one_account_have_accelerators_of_different_names_however_alike_they_begin() -> None:
    names = [cluster_name(f"{project}-{stack}") for project in ("mlops", "customer-lifetime-value") for stack in ("dev", "prod", "prod-dr")]
    assert len(set(names)) == 6 and names[:3] == ["mlops-dev", "mlops-prod", "mlops-prod-dr"]
    assert all(len(name) <= 20 and re.fullmatch(r"[a-z](-?[a-z0-9])*", name) for name in names)


def rights_of(stack: str, policy: str) -> dict[str, list[str]]:
    """The resources of each action that a role's policy allows, by action."""
    (found,) = [each for each in of_type(stack, "aws:iam/rolePolicy:RolePolicy") if each.name == policy]
    rights: dict[str, list[str]] = {}
    for statement in json.loads(found.inputs["policy"])["Statement"]:
        for action in statement["Action"]:
            rights.setdefault(action, []).extend(map(str, statement["Resource"]))
    return rights


@pytest.mark.spec("REL-1d", "REL-6c")
def test_copies_are_taken_from_recovery_points_and_go_into_vaults() -> None:
    rights = rights_of("prod", "recovery-backups-backup-policy")
    points = [f"arn:aws:backup:{region}:123456789012:recovery-point:*" for region in (PROD_REGION, DR_REGION)]
    assert rights["backup:CopyFromBackupVault"] == points == rights["backup:TagResource"]
    assert all(":backup-vault:" in resource for resource in rights["backup:CopyIntoBackupVault"])


@pytest.mark.spec("REL-1d")
def test_the_role_of_backups_describes_every_key_that_it_decrypts_with() -> None:
    (policy,) = [each for each in of_type("prod", "aws:iam/rolePolicy:RolePolicy") if each.name == "recovery-backups-backup-policy"]
    decrypting = [each for each in json.loads(policy.inputs["policy"])["Statement"] if "kms:Decrypt" in each["Action"]]
    assert decrypting and all("kms:DescribeKey" in statement["Action"] for statement in decrypting)
    assert rights_of("prod", "recovery-backups-backup-policy")["s3:ListAllMyBuckets"] == ["*"]


@pytest.mark.spec("REL-1d", "SEC-8d")
@pytest.mark.parametrize("stack", ["dev", "prod", "prod-dr"])
def test_a_vaults_policy_names_its_actions_one_by_one(stack: str) -> None:
    (policy,) = of_type(stack, "aws:backup/vaultPolicy:VaultPolicy")
    for statement in json.loads(policy.inputs["policy"])["Statement"]:
        assert isinstance(statement["Action"], list) and not [action for action in statement["Action"] if "*" in action]


@pytest.mark.spec("PERF-2c")
def test_what_was_not_replicated_can_be_carried_later_by_a_role_of_batch_jobs_that_reads_and_writes_nothing_else() -> None:
    (policy,) = [each for each in of_type("prod", "aws:iam/rolePolicy:RolePolicy") if each.name == "recovery-replication-again-policy"]
    statements = {action: each["Resource"] for each in json.loads(policy.inputs["policy"])["Statement"] for action in each["Action"]}
    sources = {
        configuration.inputs["bucket"] for configuration in of_type("prod", "aws:s3/bucketReplicationConfig:BucketReplicationConfig")
    }
    assert set(statements["s3:InitiateReplication"]) == {f"arn:aws:s3:::{bucket}/*" for bucket in sources}
    assert statements["s3:PutObject"] == ["arn:aws:s3:::mlops-prod-logs-123456789012/replication/*"] == statements["s3:GetObject"]
    (role,) = [each for each in of_type("prod", "aws:iam/role:Role") if each.inputs["name"] == "mlops-prod-batch-replication"]
    assert "batchoperations.s3.amazonaws.com" in role.inputs["assumeRolePolicy"]


@pytest.mark.spec("REL-6c", "PERF-2b")
def test_tables_have_a_replica_that_the_standby_names_and_may_decrypt() -> None:
    for table in of_type("prod", "aws:dynamodb/table:Table"):
        (replica,) = table.inputs["replicas"]
        assert replica["regionName"] == DR_REGION and replica["pointInTimeRecovery"] is True
    assert not of_type("prod-dr", "aws:dynamodb/table:Table")
    outputs = preview("prod-dr").outputs
    assert (outputs["ledger_table"], outputs["predictions_table"]) == ("mlops-prod-ledger", "mlops-prod-predictions")
    replica_aliases = {alias.inputs["name"] for alias in of_type("prod", "aws:kms/alias:Alias") if "replica" in alias.inputs["name"]}
    named = {
        value
        for policy in of_type("prod-dr", "aws:iam/rolePolicy:RolePolicy")
        for statement in json.loads(policy.inputs["policy"])["Statement"]
        for value in [statement.get("Condition", {}).get("ForAnyValue:StringEquals", {}).get("kms:ResourceAliases")]
        if value
    }
    assert named == replica_aliases


@pytest.mark.spec("PERF-2b")
def test_a_standby_starts_nothing_by_itself() -> None:
    assert not of_type("prod-dr", "aws:codepipeline/pipeline:Pipeline")
    enabled = [
        rule.inputs["name"] for rule in of_type("prod-dr", "aws:cloudwatch/eventRule:EventRule") if rule.inputs["state"] == "ENABLED"
    ]
    assert all(name.startswith("mlops-prod-dr-") and "-flights-" not in name for name in enabled)
    resting = {s.inputs["name"]: s.inputs["state"] for s in of_type("prod-dr", "aws:scheduler/schedule:Schedule")}
    assert {state for name, state in resting.items() if "-flights-" in name} == {"DISABLED"}
    assert not of_type("prod-dr", "aws:backup/plan:Plan")


STORES = frozenset(
    {
        "aws:dynamodb/table:Table",
        "aws:s3/bucket:Bucket",
        "aws:s3/bucketVersioning:BucketVersioning",
        "aws:s3/bucketReplicationConfig:BucketReplicationConfig",
        "aws:kms/key:Key",
        "aws:kms/alias:Alias",
        "aws:backup/vault:Vault",
    }
)
SWITCHED = frozenset(
    {
        "aws:cloudwatch/eventRule:EventRule",
        "aws:scheduler/schedule:Schedule",
        # When backups and restores are made: a backup plan has no state, so a standby has none.
        "aws:backup/plan:Plan",
        "aws:backup/selection:Selection",
        "aws:backup/restoreTestingPlan:RestoreTestingPlan",
        "aws:backup/restoreTestingSelection:RestoreTestingSelection",
    }
)


def switched(folder: Path, stack: str, state: str) -> engine.Record:
    """The preview of a stack after the switch of a failover."""
    folder.mkdir()
    return changed_stack(folder, stack, lambda config: config["mlops:recovery"].update(state=state))


def difference(before: engine.Record, after: engine.Record) -> dict[str, dict[str, Any]]:
    """URN → inputs that differ; everything of a resource that only one of both has."""
    first, second = ({resource.urn: resource.inputs for resource in record.resources} for record in (before, after))
    changed = {urn for urn in {*first, *second} if first.get(urn) != second.get(urn)}
    found: dict[str, dict[str, Any]] = {}
    for urn in changed:
        old, new = first.get(urn) or {}, second.get(urn) or {}
        found[urn] = {key: new.get(key) for key in {*old, *new} if old.get(key) != new.get(key)}
    return found


@pytest.mark.spec("REL-6c", "CHK-REL-6")
def test_a_failover_and_its_way_back_switch_rules_and_schedules_and_touch_no_table_bucket_or_key(tmp_path: Path) -> None:
    for stack, state in (("prod-dr", "active"), ("prod", "standby")):
        after = switched(tmp_path / stack, stack, state)
        changes = difference(preview(stack), after)
        types = {urn: urn.split("::")[2].rsplit("$", 1)[-1] for urn in changes}
        own = {urn for urn, type_ in types.items() if type_.startswith("aws:")}
        assert {types[urn] for urn in own} <= SWITCHED, sorted(own)
        assert not set(types.values()) & STORES
        working = "ENABLED" if state == "active" else "DISABLED"
        rules = {urn: changes[urn] for urn in own if "eventRule" in urn or "schedule:Schedule" in urn}
        assert rules and all(change == {"state": working} for change in rules.values())
        plans = [resource for resource in after.resources if resource.type == "aws:backup/plan:Plan"]
        assert len(plans) == (1 if state == "active" else 0)
        outputs = preview(stack).outputs
        for name in ("ledger_table", "predictions_table", "buckets"):
            assert after.outputs[name] == outputs[name]


def test_the_second_region_backs_up_its_replicas_and_buckets_while_it_works(tmp_path: Path) -> None:
    active = switched(tmp_path / "active", "prod-dr", "active")
    (selection,) = [resource for resource in active.resources if resource.type == "aws:backup/selection:Selection"]
    tables = {f"arn:aws:dynamodb:{DR_REGION}:123456789012:table/mlops-prod-{name}" for name in ("ledger", "predictions")}
    buckets = {f"arn:aws:s3:::{name}" for name in active.outputs["buckets"].values()}
    assert set(selection.inputs["resources"]) == tables | buckets
    (policy,) = [resource for resource in active.resources if resource.name == "recovery-backups-backup-policy"]
    statements = json.loads(policy.inputs["policy"])["Statement"]
    aliases = {
        statement["Condition"]["ForAnyValue:StringEquals"]["kms:ResourceAliases"]
        for statement in statements
        if "kms:ResourceAliases" in statement.get("Condition", {}).get("ForAnyValue:StringEquals", {})
        and "kms:ReEncryptFrom" in statement["Action"]
    }
    assert aliases == {"alias/mlops-prod-replica-operations", "alias/mlops-prod-replica-predictions"}


@pytest.mark.parametrize(
    ("stack", "values", "says"),
    [
        ("prod-dr", {"replicate": ["tables"]}, "allowed there: buckets"),
        ("prod-dr", {"peer": None}, "name its stack and region"),
        ("prod-dr", {"role": "standby"}, "'owner'"),
        ("prod", {"role": "replica", "replicate": []}, "leave cicd out"),
        ("local", {"accelerator": {}}, "the sandbox has no DAX"),
        ("local", {"peer": {"stack": "prod", "region": "eu-west-1"}}, "the sandbox has one region"),
        ("dev", {"receives": ["buckets"]}, "name its stack and region"),
    ],
)
def test_a_wrong_setting_of_recovery_is_refused_with_what_is_allowed(stack: str, values: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parsed(stack, section("recovery", **values))
    assert says in f"{caught.value} {caught.value.hint}"


def names(stack: str) -> set[tuple[str, str]]:
    """Names that are unique in an account, whatever the region."""
    kinds = {"aws:iam/role:Role": "name", "aws:iam/policy:Policy": "name", "aws:s3/bucket:Bucket": "bucket"}
    return {(kind, resource.inputs[key]) for kind, key in kinds.items() for resource in of_type(stack, kind) if key in resource.inputs}


@pytest.mark.spec("PERF-2a", "PERF-2b")
def test_no_global_name_of_one_stack_is_another_ones() -> None:
    stacks = ("dev", "prod", "prod-dr")
    assert sum(len(names(stack)) for stack in stacks) == len(set().union(*(names(stack) for stack in stacks)))


@pytest.mark.spec("PERF-2a")
def test_no_other_region_is_written_into_what_a_stack_registers() -> None:
    text = json.dumps([resource.inputs for resource in preview("prod-dr").resources], default=str)
    assert PROD_REGION not in text
    # Global services speak from us-east-1.
    assert set(re.findall(r"arn:aws:[a-z0-9-]+:([a-z]{2}-[a-z]+-\d):", text)) <= {DR_REGION, "us-east-1"}


@pytest.mark.spec("PERF-6d")
def test_an_accelerator_is_encrypted_and_reached_by_the_functions_only(tmp_path: Path) -> None:
    """Optional: no stack has one unless it asks for it."""
    assert not of_type("prod", "aws:dax/cluster:Cluster")
    record = changed_stack(tmp_path, "prod", lambda config: config["mlops:recovery"].update(accelerator={"nodes": 3}))
    (cluster,) = [resource.inputs for resource in record.resources if resource.type == "aws:dax/cluster:Cluster"]
    assert cluster["serverSideEncryption"] == {"enabled": True} and cluster["clusterEndpointEncryptionType"] == "TLS"
    assert cluster["replicationFactor"] == 3 and len(cluster["clusterName"]) <= 20
    rules = [r for r in record.resources if r.name.startswith("recovery-accelerator-") and "securityGroup" in r.type and "Rule" in r.type]
    assert {rule.inputs["fromPort"] for rule in rules} == {9111} and not any("cidrIpv4" in rule.inputs for rule in rules)
    (policy,) = [resource for resource in record.resources if resource.name == "recovery-accelerator-policy"]
    actions = {action for statement in json.loads(policy.inputs["policy"])["Statement"] for action in statement["Action"]}
    assert actions == {"dynamodb:DescribeTable", "dynamodb:GetItem", "dynamodb:Query", "kms:Decrypt"}


def zones(inputs: dict[str, Any], key: str) -> int:
    return len(inputs[key])


@pytest.mark.spec("REL-6b", "CHK-REL-1")
@pytest.mark.parametrize("stack", ["prod", "prod-dr"])
def test_everything_in_production_that_has_zones_spans_all_three(stack: str) -> None:
    subnets = of_type(stack, "aws:ec2/subnet:Subnet")
    region = PROD_REGION if stack == "prod" else DR_REGION
    expected = {f"{region}{letter}" for letter in "abc"}
    private = [subnet for subnet in subnets if not subnet.inputs.get("mapPublicIpOnLaunch")]
    public = [subnet for subnet in subnets if subnet.inputs.get("mapPublicIpOnLaunch")]
    assert {subnet.inputs["availabilityZone"] for subnet in private} == expected == {s.inputs["availabilityZone"] for s in public}
    gateways = of_type(stack, "aws:ec2/natGateway:NatGateway")
    assert len({str(gateway.property_dependencies["subnetId"]) for gateway in gateways}) == 3
    default_routes = [route for route in of_type(stack, "aws:ec2/route:Route") if "natGatewayId" in route.property_dependencies]
    assert len({str(route.property_dependencies["natGatewayId"]) for route in default_routes}) == 3
    for endpoint in of_type(stack, "aws:ec2/vpcEndpoint:VpcEndpoint"):
        if endpoint.inputs["vpcEndpointType"] == "Interface":
            assert len(used_subnets(stack, endpoint, "subnetIds")) == 3, endpoint.name
    for function in of_type(stack, "aws:lambda/function:Function"):
        if "vpcConfig" in function.inputs:
            assert len(used_subnets(stack, function, "vpcConfig")) == 3, function.name
    for machine in of_type(stack, "aws:sfn/stateMachine:StateMachine"):
        text = machine.inputs["definition"]
        if "createEndpointConfig" in text:
            assert '"InitialInstanceCount":1' not in text, machine.name


def used_subnets(stack: str, resource: engine.RecordedResource, key: str) -> set[str]:
    """The subnets that a property depends on, through the VPC that made them."""
    private = {s.urn for s in of_type(stack, "aws:ec2/subnet:Subnet") if not s.inputs.get("mapPublicIpOnLaunch")}
    return private & set(resource.property_dependencies[key])
