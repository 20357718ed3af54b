"""Updates in place, replacements, tags and failures half-way, seen on the endpoint."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest

from mlops.engine.assets import Archive, Asset
from mlops.engine.provider import ProviderError
from mlops.engine.values import UNKNOWN
from mlops.sandbox.provider import AwsProvider
from mlops.sandbox.provider.content import archive_bytes
from tests.sandbox.provider.examples import policy, trust
from tests.sandbox.provider.examples_edge import EDGE

ROLE = "arn:aws:iam::123456789012:role/changes-role"


class Resource:
    """One resource and how it changes."""

    def __init__(self, provider: AwsProvider, type_: str, name: str, inputs: dict[str, Any]) -> None:
        self.provider, self.type, self.name = provider, type_, name
        self.inputs = provider.check(type_, name, inputs)
        self.id, self.outputs = provider.create(type_, name, self.inputs)

    def change(self, **changes: Any) -> dict[str, Any]:
        """Update in place; a property set to None is taken off."""
        inputs = {key: value for key, value in {**self.inputs, **changes}.items() if value is not None and key != "tagsAll"}
        checked = self.provider.check(self.type, self.name, inputs, self.inputs)
        difference = self.provider.diff(self.type, self.id, self.inputs, checked)
        assert not difference.replaces
        assert set(difference) - {"tagsAll"} == set(changes)
        planned = self.provider.planned(self.type, checked, self.inputs, self.outputs)
        self.outputs = self.provider.update(self.type, self.id, self.inputs, checked)
        # A preview of this update promises nothing else than what it gives.
        assert {key: value for key, value in planned.items() if value is not UNKNOWN and self.outputs.get(key) != value} == {}
        self.inputs = checked
        assert not self.provider.diff(self.type, self.id, self.inputs, checked)
        return self.outputs

    def delete(self) -> None:
        self.provider.delete(self.type, self.id, self.outputs)


@pytest.fixture
def make(provider: AwsProvider):
    made: list[Resource] = []

    def create(type_: str, name: str, inputs: dict[str, Any]) -> Resource:
        made.append(Resource(provider, type_, name, inputs))
        return made[-1]

    yield create
    for resource in reversed(made):
        resource.delete()


@pytest.fixture
def role(make) -> Resource:
    return make("aws:iam/role:Role", "changes-role", {"name": "changes-role", "assumeRolePolicy": trust("lambda")})


def code(text: str) -> Archive:
    return Archive(assets={"handler.py": Asset(text=text)}, hash=hashlib.sha256(text.encode()).hexdigest())


def test_new_code_and_configuration_reach_the_function(make, role, client):
    function = make(
        "aws:lambda/function:Function",
        "f",
        {
            "name": "changes-function",
            "role": ROLE,
            "runtime": "python3.13",
            "handler": "handler.handler",
            "code": code("A = 1"),
            "memorySize": 128,
            "environment": {"variables": {"LEVEL": "INFO"}},
        },
    )
    function.change(code=code("A = 2"), memorySize=256, environment={"variables": {"LEVEL": "DEBUG"}})
    found = client("lambda").get_function(FunctionName="changes-function")["Configuration"]
    assert found["CodeSha256"] == base64.b64encode(hashlib.sha256(archive_bytes(code("A = 2"))).digest()).decode()
    assert (found["MemorySize"], found["Environment"]["Variables"]) == (256, {"LEVEL": "DEBUG"})
    function.change(environment=None)
    found = client("lambda").get_function(FunctionName="changes-function")["Configuration"]
    assert found.get("Environment", {}).get("Variables", {}) == {}


def test_the_same_archive_at_another_path_is_no_change(provider):
    old, new = ({"name": "f", "code": Archive(path=path, hash="1234")} for path in ("/a/f.zip", "/b/f.zip"))
    assert list(provider.diff("aws:lambda/function:Function", "f", old, new)) == []


def test_a_new_definition_reaches_the_state_machine(make, role, client):
    machine = make(
        "aws:sfn/stateMachine:StateMachine",
        "m",
        {"name": "changes-machine", "roleArn": ROLE, "definition": json.dumps({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}})},
    )
    machine.change(definition=json.dumps({"StartAt": "B", "States": {"B": {"Type": "Succeed"}}}))
    assert '"StartAt": "B"' in client("stepfunctions").describe_state_machine(stateMachineArn=machine.id)["definition"]


def test_a_new_trust_policy_reaches_the_role(role, client):
    role.change(assumeRolePolicy=trust("states"), description="new")
    found = client("iam").get_role(RoleName="changes-role")["Role"]
    assert found["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"Service": "states.amazonaws.com"}
    assert found["Description"] == "new"


def test_tags_are_added_changed_and_removed(make, client):
    queue = make("aws:sqs/queue:Queue", "q", {"name": "changes-queue", "tags": {"a": "1", "b": "1"}})
    outputs = queue.change(tags={"a": "2", "c": "1"})
    assert outputs["tagsAll"] == {"a": "2", "c": "1"}
    assert client("sqs").list_queue_tags(QueueUrl=queue.id)["Tags"] == {"a": "2", "c": "1"}


@pytest.mark.parametrize(
    ("type_", "inputs", "read"),
    [
        (
            "aws:iam/role:Role",
            {"name": "t", "assumeRolePolicy": trust("lambda")},
            lambda c, r: c("iam").list_role_tags(RoleName="t")["Tags"],
        ),
        ("aws:s3/bucket:Bucket", {"bucket": "changes-tags"}, lambda c, r: c("s3").get_bucket_tagging(Bucket="changes-tags")["TagSet"]),
        ("aws:kms/key:Key", {}, lambda c, r: c("kms").list_resource_tags(KeyId=r.id)["Tags"]),
        ("aws:sns/topic:Topic", {"name": "t"}, lambda c, r: c("sns").list_tags_for_resource(ResourceArn=r.id)["Tags"]),
        ("aws:ec2/vpc:Vpc", {"cidrBlock": "10.9.0.0/16"}, lambda c, r: c("ec2").describe_vpcs(VpcIds=[r.id])["Vpcs"][0]["Tags"]),
        ("aws:cloudwatch/logGroup:LogGroup", {"name": "t"}, lambda c, r: c("logs").list_tags_log_group(logGroupName="t")["tags"]),
        (
            "aws:dynamodb/table:Table",
            {"name": "tags", "hashKey": "id", "attributes": [{"name": "id", "type": "S"}], "billingMode": "PAY_PER_REQUEST"},
            lambda c, r: c("dynamodb").list_tags_of_resource(ResourceArn=r.outputs["arn"])["Tags"],
        ),
        (
            "aws:glue/catalogDatabase:CatalogDatabase",
            {"name": "tags"},
            lambda c, r: c("glue").get_tags(ResourceArn=r.outputs["arn"])["Tags"],
        ),
        (
            "aws:sagemaker/modelPackageGroup:ModelPackageGroup",
            {"modelPackageGroupName": "tags"},
            lambda c, r: c("sagemaker").list_tags(ResourceArn=r.outputs["arn"])["Tags"],
        ),
        (
            "aws:ecr/repository:Repository",
            {"name": "tags"},
            lambda c, r: c("ecr").list_tags_for_resource(resourceArn=r.outputs["arn"])["tags"],
        ),
        (
            "aws:cloudwatch/eventRule:EventRule",
            {"name": "tags", "scheduleExpression": "rate(1 day)"},
            lambda c, r: c("events").list_tags_for_resource(ResourceARN=r.outputs["arn"])["Tags"],
        ),
        (
            "aws:cloudwatch/metricAlarm:MetricAlarm",
            {
                "name": "tags",
                "comparisonOperator": "GreaterThanThreshold",
                "evaluationPeriods": 1,
                "threshold": 1,
                "metricName": "m",
                "namespace": "n",
                "period": 60,
                "statistic": "Sum",
            },
            lambda c, r: c("cloudwatch").list_tags_for_resource(ResourceARN=r.outputs["arn"])["Tags"],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_changed_tags_reach_every_kind_of_service(make, client, type_, inputs, read):
    resource = make(type_, "tagged", {**inputs, "tags": {"a": "1", "b": "1"}})
    resource.change(tags={"a": "2"})
    found = read(client, resource)
    if isinstance(found, list):
        found = {tag.get("Key") or tag["TagKey"]: tag.get("Value") or tag["TagValue"] for tag in found}
    assert found == {"a": "2"}


def test_the_last_tag_of_buckets_and_objects_can_be_taken_off(make, client):
    bucket = make("aws:s3/bucket:Bucket", "b", {"bucket": "changes-untagged", "forceDestroy": True, "tags": {"a": "1"}})
    stored = make("aws:s3/bucketObjectv2:BucketObjectv2", "o", {"bucket": bucket.id, "key": "k", "content": "x", "tags": {"a": "1"}})
    stored.change(tags=None)
    bucket.change(tags=None)
    assert client("s3").get_object_tagging(Bucket="changes-untagged", Key="k")["TagSet"] == []
    with pytest.raises(Exception, match="NoSuchTagSet"):
        client("s3").get_bucket_tagging(Bucket="changes-untagged")


def test_settings_of_queue_topic_log_group_and_key_change_in_place(make, client):
    queue = make("aws:sqs/queue:Queue", "q", {"name": "changes-settings", "visibilityTimeoutSeconds": 30})
    queue.change(visibilityTimeoutSeconds=60)
    attributes = client("sqs").get_queue_attributes(QueueUrl=queue.id, AttributeNames=["VisibilityTimeout"])["Attributes"]
    assert attributes == {"VisibilityTimeout": "60"}

    topic = make("aws:sns/topic:Topic", "t", {"name": "changes-topic"})
    topic.change(displayName="Alerts")
    assert client("sns").get_topic_attributes(TopicArn=topic.id)["Attributes"]["DisplayName"] == "Alerts"

    group = make("aws:cloudwatch/logGroup:LogGroup", "g", {"name": "/changes", "retentionInDays": 7})
    group.change(retentionInDays=30)
    assert client("logs").describe_log_groups(logGroupNamePrefix="/changes")["logGroups"][0]["retentionInDays"] == 30

    key = make("aws:kms/key:Key", "k", {"description": "old", "enableKeyRotation": False})
    key.change(description="new", enableKeyRotation=True)
    assert client("kms").describe_key(KeyId=key.id)["KeyMetadata"]["Description"] == "new"
    assert client("kms").get_key_rotation_status(KeyId=key.id)["KeyRotationEnabled"] is True


def test_table_settings_change_in_place(make, client):
    table = make(
        "aws:dynamodb/table:Table",
        "t",
        {"name": "changes", "hashKey": "id", "attributes": [{"name": "id", "type": "S"}], "billingMode": "PAY_PER_REQUEST"},
    )
    table.change(pointInTimeRecovery={"enabled": True}, ttl={"enabled": True, "attributeName": "expires"}, deletionProtectionEnabled=True)
    dynamodb = client("dynamodb")
    backups = dynamodb.describe_continuous_backups(TableName="changes")["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert dynamodb.describe_time_to_live(TableName="changes")["TimeToLiveDescription"]["AttributeName"] == "expires"
    with pytest.raises(ProviderError, match="DeletionProtectionEnabled"):
        table.delete()
    table.change(deletionProtectionEnabled=False, ttl=None)


def test_crawlers_schedules_and_rules_change_in_place(make, role, client):
    make("aws:glue/catalogDatabase:CatalogDatabase", "d", {"name": "changes"})
    crawler = make(
        "aws:glue/crawler:Crawler",
        "c",
        {"name": "changes", "role": ROLE, "databaseName": "changes", "s3Targets": [{"path": "s3://a/b"}]},
    )
    crawler.change(s3Targets=[{"path": "s3://a/c"}])
    assert client("glue").get_crawler(Name="changes")["Crawler"]["Targets"]["S3Targets"][0]["Path"] == "s3://a/c"

    schedule = make(
        "aws:scheduler/schedule:Schedule",
        "s",
        {
            "name": "changes",
            "scheduleExpression": "rate(1 day)",
            "flexibleTimeWindow": {"mode": "OFF"},
            "target": {"arn": "arn:aws:lambda:eu-west-1:123456789012:function:f", "roleArn": ROLE},
        },
    )
    schedule.change(scheduleExpression="rate(2 days)")
    assert client("scheduler").get_schedule(Name="changes")["ScheduleExpression"] == "rate(2 days)"

    rule = make("aws:cloudwatch/eventRule:EventRule", "r", {"name": "changes", "scheduleExpression": "rate(1 day)"})
    rule.change(state="DISABLED")
    assert client("events").describe_rule(Name="changes")["State"] == "DISABLED"


def test_stage_moves_to_a_new_deployment(make, client):
    api = make("aws:apigateway/restApi:RestApi", "a", {"name": "changes"})
    make(
        "aws:apigateway/method:Method",
        "m",
        {"restApi": api.id, "resourceId": api.outputs["rootResourceId"], "httpMethod": "GET", "authorization": "NONE"},
    )
    make(
        "aws:apigateway/integration:Integration",
        "i",
        {"restApi": api.id, "resourceId": api.outputs["rootResourceId"], "httpMethod": "GET", "type": "MOCK"},
    )
    first = make("aws:apigateway/deployment:Deployment", "d1", {"restApi": api.id, "triggers": {"hash": "1"}})
    second = make("aws:apigateway/deployment:Deployment", "d2", {"restApi": api.id, "triggers": {"hash": "2"}})
    stage = make("aws:apigateway/stage:Stage", "s", {"restApi": api.id, "deployment": first.id, "stageName": "v1"})
    stage.change(deployment=second.id, xrayTracingEnabled=True)
    found = client("apigateway").get_stage(restApiId=api.id, stageName="v1")
    assert (found["deploymentId"], found["tracingEnabled"]) == (second.id, True)


def test_rules_of_a_security_group_are_exactly_the_declared_ones(make, client):
    vpc = make("aws:ec2/vpc:Vpc", "v", {"cidrBlock": "10.8.0.0/16"})
    group = make("aws:ec2/securityGroup:SecurityGroup", "g", {"vpcId": vpc.id})
    found = client("ec2").describe_security_groups(GroupIds=[group.id])["SecurityGroups"][0]
    assert (found["IpPermissions"], found["IpPermissionsEgress"]) == ([], [])
    group.change(egress=[{"protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrBlocks": ["10.8.0.0/16"]}])
    found = client("ec2").describe_security_groups(GroupIds=[group.id])["SecurityGroups"][0]
    assert [rule["FromPort"] for rule in found["IpPermissionsEgress"]] == [443]


def test_a_bucket_with_objects_is_kept_unless_forced(make, client):
    bucket = make("aws:s3/bucket:Bucket", "b", {"bucket": "changes-full"})
    client("s3").put_object(Bucket="changes-full", Key="k", Body=b"x")
    with pytest.raises(ProviderError, match="still holds objects"):
        bucket.delete()
    bucket.change(forceDestroy=True)
    bucket.delete()
    assert "changes-full" not in [entry["Name"] for entry in client("s3").list_buckets()["Buckets"]]


def test_a_changed_name_needs_a_replacement_and_a_fixed_name_is_deleted_first(provider):
    difference = provider.diff("aws:sqs/queue:Queue", "x", {"name": "a"}, {"name": "b"})
    assert (difference.replaces, difference.delete_before_replace) == (("name",), False)
    difference = provider.diff("aws:sqs/queue:Queue", "x", {"name": "a"}, {"name": "a", "fifoQueue": True})
    assert (difference.replaces, difference.delete_before_replace) == (("fifoQueue",), True)
    with pytest.raises(ProviderError, match="needs a replacement"):
        provider.update("aws:sqs/queue:Queue", "x", {"name": "a"}, {"name": "b"})


def test_an_automatic_name_stays_over_updates(provider):
    first = provider.check("aws:sqs/queue:Queue", "jobs", {})
    assert first["name"].startswith("jobs-") and len(first["name"]) == len("jobs-") + 7
    assert provider.check("aws:sqs/queue:Queue", "jobs", {}, first)["name"] == first["name"]
    assert provider.check("aws:sqs/queue:Queue", "jobs", {"fifoQueue": True})["name"].endswith(".fifo")


def test_a_creation_that_fails_half_way_leaves_nothing(provider, client):
    inputs = {
        "name": "half-way",
        "assumeRolePolicy": trust("lambda"),
        "managedPolicyArns": ["arn:aws:iam::123456789012:policy/missing"],
    }
    with pytest.raises(ProviderError, match="NoSuchEntity"):
        provider.create("aws:iam/role:Role", "half-way", inputs)
    assert "half-way" not in [entry["RoleName"] for entry in client("iam").list_roles()["Roles"]]


def test_a_missing_resource_cannot_be_read(provider):
    with pytest.raises(ProviderError, match="missing-bucket"):
        provider.read("aws:s3/bucket:Bucket", "missing-bucket")


def test_functions_of_the_provider_answer(provider):
    assert provider.invoke("aws:index/getCallerIdentity:getCallerIdentity", {})["accountId"] == "123456789012"
    assert provider.invoke("aws:index/getRegion:getRegion", {})["region"] == "eu-west-1"
    assert provider.invoke("aws:index/getAvailabilityZones:getAvailabilityZones", {"state": "available"})["names"] == [
        "eu-west-1a",
        "eu-west-1b",
        "eu-west-1c",
    ]
    with pytest.raises(ProviderError, match="aws:ec2/getAmi:getAmi"):
        provider.invoke("aws:ec2/getAmi:getAmi", {})


def test_a_policy_of_its_own_is_put_and_taken_off(make, client):
    bucket = make("aws:s3/bucket:Bucket", "b", {"bucket": "changes-policy"})
    statement = make(
        "aws:s3/bucketPolicy:BucketPolicy",
        "p",
        {"bucket": bucket.id, "policy": policy({"Service": "logging.s3.amazonaws.com"}, "s3:PutObject", "arn:aws:s3:::changes-policy/*")},
    )
    statement.change(policy=policy({"Service": "delivery.logs.amazonaws.com"}, "s3:PutObject", "arn:aws:s3:::changes-policy/*"))
    assert "delivery.logs" in client("s3").get_bucket_policy(Bucket="changes-policy")["Policy"]


def test_a_distribution_changes_in_place_and_keeps_its_domain(make, client):
    (_, name, inputs) = EDGE[0]
    distribution = make("aws:cloudfront/distribution:Distribution", name, inputs)
    domain = distribution.outputs["domainName"]
    distribution.change(priceClass="PriceClass_All", tags={"project": "other"})
    found = client("cloudfront").get_distribution(Id=distribution.id)["Distribution"]
    assert (found["DomainName"], found["DistributionConfig"]["PriceClass"]) == (domain, "PriceClass_All")
    assert found["DistributionConfig"]["Origins"]["Items"][0]["OriginPath"] == "/v1"
    tags = client("cloudfront").list_tags_for_resource(Resource=distribution.outputs["arn"])["Tags"]["Items"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"project": "other"}


def test_a_distribution_of_a_bucket_is_refused_by_name(provider):
    (type_, name, inputs) = EDGE[0]
    origin = {key: value for key, value in inputs["origins"][0].items() if key != "customOriginConfig"}
    with pytest.raises(ProviderError, match="keeps distributions of custom origins only"):
        provider.create(type_, name, provider.check(type_, name, {**inputs, "origins": [origin]}))


@pytest.mark.spec("REL-1d", "SEC-8d")
def test_a_vaults_policy_with_a_wildcard_among_its_actions_is_refused_as_aws_backup_does(make) -> None:
    vault = make("aws:backup/vault:Vault", "vault", {"name": "changes-vault"})
    with pytest.raises(ProviderError, match=r"no wildcard among a policy's actions, and here is backup:\*"):
        make("aws:backup/vaultPolicy:VaultPolicy", "policy", {"backupVaultName": vault.id, "policy": policy({"AWS": "*"}, "backup:*", "*")})


def test_a_network_is_wired_anew_in_place(make, client):
    vpc = make("aws:ec2/vpc:Vpc", "v", {"cidrBlock": "10.40.0.0/16"})
    other = make("aws:ec2/vpc:Vpc", "w", {"cidrBlock": "10.41.0.0/16"})
    gateways = [make("aws:ec2/internetGateway:InternetGateway", name, {"vpcId": vpc.id}) for name in ("g",)]
    second = make("aws:ec2/internetGateway:InternetGateway", "h", {})
    table = make("aws:ec2/routeTable:RouteTable", "t", {"vpcId": vpc.id})
    route = make("aws:ec2/route:Route", "r", {"routeTableId": table.id, "destinationCidrBlock": "0.0.0.0/0", "gatewayId": gateways[0].id})

    second.change(vpcId=other.id)
    attached = client("ec2").describe_internet_gateways(InternetGatewayIds=[second.id])["InternetGateways"][0]["Attachments"]
    assert [attachment["VpcId"] for attachment in attached] == [other.id]

    route.change(gatewayId=second.id)
    assert routes(client, table.id) == {"0.0.0.0/0": second.id}

    declared = make(
        "aws:ec2/routeTable:RouteTable", "d", {"vpcId": vpc.id, "routes": [{"cidrBlock": "10.1.0.0/16", "gatewayId": gateways[0].id}]}
    )
    declared.change(routes=[{"cidrBlock": "10.2.0.0/16", "gatewayId": gateways[0].id}])
    assert routes(client, declared.id) == {"10.2.0.0/16": gateways[0].id}


def routes(client: Any, table: str) -> dict[str, str]:
    found = client("ec2").describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
    return {route["DestinationCidrBlock"]: route["GatewayId"] for route in found if route["Origin"] == "CreateRoute"}


def test_a_rule_of_a_security_group_changes_in_place(make, client):
    vpc = make("aws:ec2/vpc:Vpc", "v", {"cidrBlock": "10.42.0.0/16"})
    group = make("aws:ec2/securityGroup:SecurityGroup", "s", {"name": "changes-rule", "vpcId": vpc.id})
    inputs = {"securityGroupId": group.id, "ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "cidrIpv4": "10.0.0.0/8"}
    rule = make("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "r", inputs)
    rule.change(cidrIpv4="10.42.0.0/16", description="own network")
    found = client("ec2").describe_security_group_rules(SecurityGroupRuleIds=[rule.id])["SecurityGroupRules"][0]
    assert (found["CidrIpv4"], found["FromPort"], found["Description"]) == ("10.42.0.0/16", 443, "own network")


def test_a_request_validator_changes_in_place(make, client):
    api = make("aws:apigateway/restApi:RestApi", "a", {"name": "changes-validator"})
    validator = make("aws:apigateway/requestValidator:RequestValidator", "v", {"restApi": api.id, "name": "v", "validateRequestBody": True})
    validator.change(validateRequestBody=False, validateRequestParameters=True)
    found = client("apigateway").get_request_validator(restApiId=api.id, requestValidatorId=validator.id)
    assert (found["validateRequestBody"], found["validateRequestParameters"]) == (False, True)


def test_a_released_function_gets_a_version_for_new_configuration_too(make, role, client):
    inputs = {"name": "changes-released", "role": ROLE, "runtime": "python3.13", "handler": "h.h", "code": code("A = 1"), "publish": True}
    function = make("aws:lambda/function:Function", "f", inputs)
    assert function.outputs["version"] == "1"
    assert function.change(memorySize=256)["version"] == "2"
    assert function.change(code=code("A = 2"), timeout=9)["version"] == "3"
    assert function.change(reservedConcurrentExecutions=1)["version"] == "3"
    found = client("lambda").get_function(FunctionName="changes-released", Qualifier="3")["Configuration"]
    assert (found["MemorySize"], found["Timeout"]) == (256, 9)
