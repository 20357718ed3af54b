"""One small stack that uses every supported type: `(type, name, inputs)` in an order in which it can be created.

`Ref("name", "output")` stands for another resource's output, `Ref("name")` for its id.
"""

from __future__ import annotations

import json
from typing import Any

from mlops.engine.assets import Archive, Asset
from tests.sandbox.provider.example import ACCOUNT, REGION, TAGS, Ref, policy, trust
from tests.sandbox.provider.examples_account import ACCOUNT_SETTINGS, ORGANISATION
from tests.sandbox.provider.examples_costs import COSTS
from tests.sandbox.provider.examples_edge import EDGE
from tests.sandbox.provider.examples_performance import PERFORMANCE

DEFINITION = json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})

NETWORK = [
    ("aws:ec2/vpc:Vpc", "vpc", {"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": True, "enableDnsSupport": True, "tags": TAGS}),
    ("aws:ec2/internetGateway:InternetGateway", "igw", {"vpcId": Ref("vpc"), "tags": TAGS}),
    (
        "aws:ec2/subnet:Subnet",
        "subnet",
        {"vpcId": Ref("vpc"), "cidrBlock": "10.0.1.0/24", "availabilityZone": "eu-west-1a", "mapPublicIpOnLaunch": True, "tags": TAGS},
    ),
    ("aws:ec2/routeTable:RouteTable", "table", {"vpcId": Ref("vpc"), "tags": TAGS}),
    ("aws:ec2/routeTableAssociation:RouteTableAssociation", "association", {"routeTableId": Ref("table"), "subnetId": Ref("subnet")}),
    ("aws:ec2/eip:Eip", "address", {"domain": "vpc", "tags": TAGS}),
    ("aws:ec2/natGateway:NatGateway", "nat", {"subnetId": Ref("subnet"), "allocationId": Ref("address", "allocationId"), "tags": TAGS}),
    ("aws:ec2/route:Route", "route", {"routeTableId": Ref("table"), "destinationCidrBlock": "0.0.0.0/0", "natGatewayId": Ref("nat")}),
    (
        "aws:ec2/securityGroup:SecurityGroup",
        "group",
        {
            "vpcId": Ref("vpc"),
            "description": "functions",
            "egress": [{"protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrBlocks": ["10.0.0.0/16"], "description": "https"}],
            "tags": TAGS,
        },
    ),
    ("aws:ec2/securityGroup:SecurityGroup", "endpoints", {"vpcId": Ref("vpc"), "description": "endpoints"}),
    (
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        "in",
        {
            "securityGroupId": Ref("endpoints"),
            "ipProtocol": "tcp",
            "fromPort": 443,
            "toPort": 443,
            "referencedSecurityGroupId": Ref("group"),
            "description": "from functions",
            "tags": TAGS,
        },
    ),
    (
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        "out",
        {"securityGroupId": Ref("endpoints"), "ipProtocol": "-1", "cidrIpv4": "10.0.0.0/16"},
    ),
    ("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "default", {"vpcId": Ref("vpc"), "tags": TAGS}),
    (
        "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl",
        "default-acl",
        {"defaultNetworkAclId": Ref("vpc", "defaultNetworkAclId"), "tags": TAGS},
    ),
    (
        "aws:ec2/networkAcl:NetworkAcl",
        "acl",
        {
            "vpcId": Ref("vpc"),
            "subnetIds": [Ref("subnet")],
            "ingress": [
                {"ruleNo": 100, "action": "allow", "protocol": "-1", "cidrBlock": "10.0.0.0/16", "fromPort": 0, "toPort": 0},
                {"ruleNo": 200, "action": "allow", "protocol": "6", "cidrBlock": "0.0.0.0/0", "fromPort": 1024, "toPort": 65535},
            ],
            "egress": [{"ruleNo": 200, "action": "allow", "protocol": "6", "cidrBlock": "0.0.0.0/0", "fromPort": 443, "toPort": 443}],
            "tags": TAGS,
        },
    ),
    (
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        "s3-endpoint",
        {"vpcId": Ref("vpc"), "serviceName": f"com.amazonaws.{REGION}.s3", "vpcEndpointType": "Gateway", "routeTableIds": [Ref("table")]},
    ),
    (
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        "sts-endpoint",
        {
            "vpcId": Ref("vpc"),
            "serviceName": f"com.amazonaws.{REGION}.sts",
            "vpcEndpointType": "Interface",
            "subnetIds": [Ref("subnet")],
            "securityGroupIds": [Ref("endpoints")],
            "privateDnsEnabled": True,
            "tags": TAGS,
        },
    ),
    (
        "aws:ec2/flowLog:FlowLog",
        "flows",
        {
            "vpcId": Ref("vpc"),
            "trafficType": "ALL",
            "logDestination": Ref("logs", "arn"),
            "iamRoleArn": Ref("role", "arn"),
            "maxAggregationInterval": 60,
            "tags": TAGS,
        },
    ),
]

IDENTITY = [
    (
        "aws:kms/key:Key",
        "key",
        {
            "description": "data",
            "enableKeyRotation": True,
            "deletionWindowInDays": 7,
            "policy": policy({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "kms:*", "*"),
            "tags": TAGS,
        },
    ),
    ("aws:kms/alias:Alias", "alias", {"name": "alias/example", "targetKeyId": Ref("key", "keyId")}),
    (
        "aws:iam/role:Role",
        "role",
        {"name": "example-role", "assumeRolePolicy": trust("lambda"), "description": "role", "maxSessionDuration": 3600, "tags": TAGS},
    ),
    (
        "aws:iam/rolePolicy:RolePolicy",
        "role-policy",
        {"role": Ref("role"), "policy": policy(None, "s3:GetObject", "arn:aws:s3:::example/*")},
    ),
    ("aws:iam/policy:Policy", "policy", {"policy": policy(None, "s3:GetObject", "arn:aws:s3:::example/*"), "tags": TAGS}),
    ("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "attachment", {"role": Ref("role"), "policyArn": Ref("policy", "arn")}),
    (
        "aws:cloudwatch/logGroup:LogGroup",
        "logs",
        {"name": "/example/logs", "retentionInDays": 30, "kmsKeyId": Ref("key", "arn"), "tags": TAGS},
    ),
    (
        "aws:cloudwatch/logResourcePolicy:LogResourcePolicy",
        "log-policy",
        {"policyName": "events", "policyDocument": policy({"Service": "events.amazonaws.com"}, "logs:PutLogEvents", "*")},
    ),
]

STORAGE = [
    ("aws:s3/bucket:Bucket", "bucket", {"bucket": "example-data", "forceDestroy": True, "tags": TAGS}),
    (
        "aws:s3/bucketVersioning:BucketVersioning",
        "versioning",
        {"bucket": Ref("bucket"), "versioningConfiguration": {"status": "Enabled"}},
    ),
    (
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "encryption",
        {
            "bucket": Ref("bucket"),
            "rules": [
                {
                    "applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": Ref("key", "arn")},
                    "bucketKeyEnabled": True,
                }
            ],
        },
    ),
    (
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        "public",
        {
            "bucket": Ref("bucket"),
            "blockPublicAcls": True,
            "blockPublicPolicy": True,
            "ignorePublicAcls": True,
            "restrictPublicBuckets": True,
        },
    ),
    (
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        "ownership",
        {"bucket": Ref("bucket"), "rule": {"objectOwnership": "BucketOwnerEnforced"}},
    ),
    (
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "lifecycle",
        {
            "bucket": Ref("bucket"),
            "rules": [
                {
                    "id": "archive",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "transitions": [{"days": 30, "storageClass": "GLACIER_IR"}],
                    "noncurrentVersionExpiration": {"noncurrentDays": 30},
                    "noncurrentVersionTransitions": [{"noncurrentDays": 7, "storageClass": "INTELLIGENT_TIERING"}],
                    "expiration": {"days": 365},
                    "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
                },
                {"id": "small", "status": "Enabled", "filter": {"and": {"prefix": "a/", "tags": {"k": "v"}}}, "expiration": {"days": 1}},
            ],
        },
    ),
    ("aws:s3/bucket:Bucket", "log-bucket", {"bucket": "example-logs", "forceDestroy": True}),
    (
        "aws:s3/bucketPolicy:BucketPolicy",
        "bucket-policy",
        {
            "bucket": Ref("log-bucket"),
            "policy": policy({"Service": "logging.s3.amazonaws.com"}, "s3:PutObject", "arn:aws:s3:::example-logs/*"),
        },
    ),
    (
        "aws:s3/bucketLogging:BucketLogging",
        "logging",
        {
            "bucket": Ref("bucket"),
            "targetBucket": Ref("log-bucket"),
            "targetPrefix": "access/",
            "targetObjectKeyFormat": {"partitionedPrefix": {"partitionDateSource": "EventTime"}},
        },
    ),
    ("aws:s3/bucketNotification:BucketNotification", "notification", {"bucket": Ref("bucket"), "eventbridge": True}),
    (
        "aws:s3/bucketObjectv2:BucketObjectv2",
        "object",
        {"bucket": Ref("bucket"), "key": "code/a.txt", "source": Asset(text="hello"), "contentType": "text/plain", "tags": TAGS},
    ),
    ("aws:s3/bucketObject:BucketObject", "old-object", {"bucket": Ref("bucket"), "key": "code/b.json", "content": "{}"}),
    (
        "aws:cloudtrail/trail:Trail",
        "trail",
        {
            "name": "example-trail",
            "s3BucketName": Ref("log-bucket"),
            "s3KeyPrefix": "trail",
            "isMultiRegionTrail": True,
            "enableLogFileValidation": True,
            "includeGlobalServiceEvents": True,
            "kmsKeyId": Ref("key", "arn"),
            "cloudWatchLogsGroupArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/example/logs:*",
            "cloudWatchLogsRoleArn": Ref("role", "arn"),
            "advancedEventSelectors": [
                {
                    "name": "objects",
                    "fieldSelectors": [
                        {"field": "eventCategory", "equals": ["Data"]},
                        {"field": "resources.type", "equals": ["AWS::S3::Object"]},
                        {"field": "resources.ARN", "startsWiths": ["arn:aws:s3:::example-data/"]},
                    ],
                }
            ],
            "tags": TAGS,
        },
    ),
    (
        "aws:dynamodb/table:Table",
        "ledger",
        {
            "name": "example-ledger",
            "attributes": [{"name": "id", "type": "S"}, {"name": "status", "type": "S"}],
            "hashKey": "id",
            "billingMode": "PAY_PER_REQUEST",
            "globalSecondaryIndexes": [{"name": "by-status", "hashKey": "status", "projectionType": "ALL"}],
            "pointInTimeRecovery": {"enabled": True},
            "serverSideEncryption": {"enabled": True, "kmsKeyArn": Ref("key", "arn")},
            "ttl": {"enabled": True, "attributeName": "expires"},
            "deletionProtectionEnabled": False,
            "streamEnabled": True,
            "streamViewType": "NEW_IMAGE",
            "tags": TAGS,
        },
    ),
    (
        "aws:ecr/repository:Repository",
        "repository",
        {
            "name": "example-training",
            "forceDelete": True,
            "imageTagMutability": "IMMUTABLE",
            "imageScanningConfiguration": {"scanOnPush": True},
            "encryptionConfigurations": [{"encryptionType": "KMS", "kmsKey": Ref("key", "arn")}],
            "tags": TAGS,
        },
    ),
    (
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
        "repository-lifecycle",
        {
            "repository": Ref("repository", "name"),
            "policy": json.dumps(
                {
                    "rules": [
                        {
                            "rulePriority": 1,
                            "description": "keep few",
                            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10},
                            "action": {"type": "expire"},
                        }
                    ]
                }
            ),
        },
    ),
    (
        "aws:ecr/repositoryPolicy:RepositoryPolicy",
        "repository-policy",
        {
            "repository": Ref("repository", "name"),
            "policy": policy({"Service": "sagemaker.amazonaws.com"}, "ecr:BatchGetImage"),
        },
    ),
]

MESSAGES = [
    ("aws:sns/topic:Topic", "topic", {"name": "example-alerts", "kmsMasterKeyId": Ref("key", "id"), "displayName": "Alerts", "tags": TAGS}),
    (
        "aws:sns/topicPolicy:TopicPolicy",
        "topic-policy",
        {
            "arn": Ref("topic", "arn"),
            "policy": policy({"Service": "events.amazonaws.com"}, "sns:Publish", "*"),
        },
    ),
    ("aws:sqs/queue:Queue", "dead", {"name": "example-dead", "messageRetentionSeconds": 1209600.0, "tags": TAGS}),
    (
        "aws:sqs/queue:Queue",
        "queue",
        {
            "visibilityTimeoutSeconds": 180,
            "kmsMasterKeyId": Ref("key", "arn"),
            "redrivePolicy": json.dumps({"deadLetterTargetArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:example-dead", "maxReceiveCount": 3}),
            "tags": TAGS,
        },
    ),
    (
        "aws:sqs/queuePolicy:QueuePolicy",
        "queue-policy",
        {
            "queueUrl": Ref("queue"),
            "policy": policy({"Service": "sns.amazonaws.com"}, "sqs:SendMessage", f"arn:aws:sqs:{REGION}:{ACCOUNT}:example-dead"),
        },
    ),
    (
        "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy",
        "redrive-allow",
        {
            "queueUrl": Ref("dead"),
            "redriveAllowPolicy": json.dumps({"redrivePermission": "byQueue", "sourceQueueArns": [f"arn:aws:sqs:{REGION}:{ACCOUNT}:x"]}),
        },
    ),
    ("aws:sqs/queue:Queue", "plain", {"name": "example-plain"}),
    (
        "aws:sqs/redrivePolicy:RedrivePolicy",
        "redrive",
        {
            "queueUrl": Ref("plain"),
            "redrivePolicy": json.dumps({"deadLetterTargetArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:example-dead", "maxReceiveCount": 3}),
        },
    ),
    (
        "aws:sns/topicSubscription:TopicSubscription",
        "subscription",
        {
            "topic": Ref("topic", "arn"),
            "protocol": "sqs",
            "endpoint": Ref("queue", "arn"),
            "rawMessageDelivery": True,
        },
    ),
]

FUNCTIONS = [
    (
        "aws:lambda/layerVersion:LayerVersion",
        "layer",
        {
            "layerName": "example-layer",
            "code": Archive(assets={"python/shared.py": Asset(text="X = 1")}),
            "compatibleRuntimes": ["python3.13"],
            "compatibleArchitectures": ["arm64"],
        },
    ),
    (
        "aws:lambda/function:Function",
        "function",
        {
            "name": "example-function",
            "runtime": "python3.13",
            "handler": "handler.handler",
            "role": Ref("role", "arn"),
            "code": Archive(assets={"handler.py": Asset(text="def handler(event, context): return event")}),
            "layers": [Ref("layer", "arn")],
            "environment": {"variables": {"LOG_LEVEL": "INFO"}},
            "kmsKeyArn": Ref("key", "arn"),
            "memorySize": 512.0,
            "timeout": 30.0,
            "architectures": ["arm64"],
            "publish": True,
            "packageType": "Zip",
            "reservedConcurrentExecutions": 5,
            "tracingConfig": {"mode": "Active"},
            "ephemeralStorage": {"size": 512},
            "deadLetterConfig": {"targetArn": Ref("dead", "arn")},
            "loggingConfig": {"logFormat": "JSON", "logGroup": Ref("logs", "name"), "applicationLogLevel": "INFO"},
            "vpcConfig": {"subnetIds": [Ref("subnet")], "securityGroupIds": [Ref("group")]},
            "tags": TAGS,
        },
    ),
    (
        "aws:lambda/alias:Alias",
        "live",
        {"name": "live", "functionName": Ref("function", "name"), "functionVersion": Ref("function", "version")},
    ),
    (
        "aws:lambda/permission:Permission",
        "permission",
        {
            "function": Ref("function", "name"),
            "action": "lambda:InvokeFunction",
            "principal": "events.amazonaws.com",
            "sourceArn": Ref("rule", "arn"),
            "sourceAccount": ACCOUNT,
        },
    ),
    (
        "aws:lambda/eventSourceMapping:EventSourceMapping",
        "mapping",
        {
            "functionName": Ref("function", "arn"),
            "eventSourceArn": Ref("queue", "arn"),
            "batchSize": 100,
            "maximumBatchingWindowInSeconds": 5,
            "functionResponseTypes": ["ReportBatchItemFailures"],
            "scalingConfig": {"maximumConcurrency": 2},
            "filterCriteria": {"filters": [{"pattern": json.dumps({"body": {"x": [1]}})}]},
            "tags": TAGS,
        },
    ),
    (
        "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
        "asynchronous",
        {
            "functionName": Ref("function", "name"),
            "maximumRetryAttempts": 2,
            "maximumEventAgeInSeconds": 3600,
            "destinationConfig": {"onFailure": {"destination": Ref("dead", "arn")}},
        },
    ),
]

ORCHESTRATION = [
    (
        "aws:sfn/stateMachine:StateMachine",
        "machine",
        {
            "name": "example-machine",
            "roleArn": Ref("role", "arn"),
            "definition": DEFINITION,
            "type": "STANDARD",
            "loggingConfiguration": {
                "level": "ALL",
                "includeExecutionData": True,
                "logDestination": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/example/logs:*",
            },
            "tracingConfiguration": {"enabled": True},
            "tags": TAGS,
        },
    ),
    (
        "aws:cloudwatch/eventRule:EventRule",
        "rule",
        {
            "name": "example-rule",
            "description": "new objects",
            "eventPattern": json.dumps({"source": ["aws.s3"], "detail-type": ["Object Created"]}),
            "tags": TAGS,
        },
    ),
    (
        "aws:cloudwatch/eventTarget:EventTarget",
        "target",
        {
            "rule": Ref("rule", "name"),
            "arn": Ref("machine", "arn"),
            "roleArn": Ref("role", "arn"),
            "retryPolicy": {"maximumRetryAttempts": 4, "maximumEventAgeInSeconds": 3600},
            "deadLetterConfig": {"arn": Ref("dead", "arn")},
            "inputTransformer": {"inputPaths": {"bucket": "$.detail.bucket.name"}, "inputTemplate": '{"bucket": <bucket>}'},
        },
    ),
    (
        "aws:scheduler/schedule:Schedule",
        "schedule",
        {
            "name": "example-schedule",
            "scheduleExpression": "rate(1 day)",
            "flexibleTimeWindow": {"mode": "OFF"},
            "state": "ENABLED",
            "kmsKeyArn": Ref("key", "arn"),
            "target": {
                "arn": Ref("function", "arn"),
                "roleArn": Ref("role", "arn"),
                "input": json.dumps({"reason": "schedule"}),
                "deadLetterConfig": {"arn": Ref("dead", "arn")},
                "retryPolicy": {"maximumRetryAttempts": 2, "maximumEventAgeInSeconds": 3600},
            },
        },
    ),
    (
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        "alarm",
        {
            "name": "example-alarm",
            "comparisonOperator": "GreaterThanOrEqualToThreshold",
            "evaluationPeriods": 1.0,
            "threshold": 1.0,
            "metricName": "Errors",
            "namespace": "AWS/Lambda",
            "period": 60,
            "statistic": "Sum",
            "dimensions": {"FunctionName": Ref("function", "name")},
            "alarmActions": [Ref("topic", "arn")],
            "okActions": [Ref("topic", "arn")],
            "alarmDescription": "errors",
            "treatMissingData": "notBreaching",
            "tags": TAGS,
        },
    ),
    (
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        "rate-alarm",
        {
            "name": "example-rate",
            "comparisonOperator": "GreaterThanThreshold",
            "evaluationPeriods": 1,
            "threshold": 0.05,
            "metricQueries": [
                {"id": "rate", "expression": "errors / calls", "label": "rate", "returnData": True},
                {"id": "errors", "metric": {"namespace": "AWS/Lambda", "metricName": "Errors", "period": 60, "stat": "Sum"}},
                {"id": "calls", "metric": {"namespace": "AWS/Lambda", "metricName": "Invocations", "period": 60, "stat": "Sum"}},
            ],
        },
    ),
    (
        "aws:cloudwatch/compositeAlarm:CompositeAlarm",
        "composite",
        {
            "alarmName": "example-pipeline",
            "alarmRule": "ALARM(example-alarm) OR ALARM(example-rate)",
            "alarmDescription": "the pipeline is in trouble",
            "alarmActions": [Ref("topic", "arn")],
            "okActions": [Ref("topic", "arn")],
            "actionsEnabled": True,
            "tags": TAGS,
        },
    ),
    (
        "aws:cloudwatch/compositeAlarm:CompositeAlarm",
        "suppressed",
        {
            "alarmName": "example-failed-work",
            "alarmRule": "ALARM(example-rate)",
            "alarmActions": [Ref("topic", "arn")],
            "actionsSuppressor": {"alarm": "example-pipeline", "waitPeriod": 120, "extensionPeriod": 600},
            "tags": TAGS,
        },
    ),
    (
        "aws:cloudwatch/logMetricFilter:LogMetricFilter",
        "errors",
        {
            "name": "example-errors",
            "logGroupName": Ref("logs", "name"),
            "pattern": '{ $.level = "ERROR" }',
            "metricTransformation": {"name": "errors", "namespace": "example", "value": "1", "defaultValue": "0", "unit": "Count"},
        },
    ),
    (
        "aws:cloudwatch/queryDefinition:QueryDefinition",
        "query",
        {"name": "example/errors", "queryString": "fields @message | limit 20", "logGroupNames": [Ref("logs", "name")]},
    ),
    (
        "aws:xray/group:Group",
        "traces",
        {
            "groupName": "example",
            "filterExpression": "error",
            "insightsConfiguration": {"insightsEnabled": True, "notificationsEnabled": False},
            "tags": TAGS,
        },
    ),
    (
        "aws:xray/samplingRule:SamplingRule",
        "sampling",
        {
            "ruleName": "example",
            "priority": 1000,
            "fixedRate": 0.1,
            "reservoirSize": 1,
            "serviceName": "*",
            "serviceType": "*",
            "host": "*",
            "httpMethod": "*",
            "urlPath": "*",
            "resourceArn": "*",
            "version": 1,
            "tags": TAGS,
        },
    ),
    (
        "aws:cloudwatch/dashboard:Dashboard",
        "dashboard",
        {
            "dashboardName": "example",
            "dashboardBody": json.dumps(
                {"widgets": [{"type": "text", "x": 0, "y": 0, "width": 6, "height": 6, "properties": {"markdown": "hi"}}]}
            ),
        },
    ),
]

DATA = [
    ("aws:glue/catalogDatabase:CatalogDatabase", "database", {"name": "example", "description": "raw data", "tags": TAGS}),
    (
        "aws:glue/securityConfiguration:SecurityConfiguration",
        "glue-security",
        {
            "name": "example-security",
            "encryptionConfiguration": {
                "cloudwatchEncryption": {"cloudwatchEncryptionMode": "SSE-KMS", "kmsKeyArn": Ref("key", "arn")},
                "jobBookmarksEncryption": {"jobBookmarksEncryptionMode": "CSE-KMS", "kmsKeyArn": Ref("key", "arn")},
                "s3Encryption": {"s3EncryptionMode": "SSE-KMS", "kmsKeyArn": Ref("key", "arn")},
            },
        },
    ),
    (
        "aws:glue/crawler:Crawler",
        "crawler",
        {
            "name": "example-crawler",
            "role": Ref("role", "arn"),
            "databaseName": Ref("database", "name"),
            "s3Targets": [{"path": "s3://example-data/data/", "exclusions": ["**.tmp"]}],
            "securityConfiguration": Ref("glue-security", "name"),
            "schemaChangePolicy": {"updateBehavior": "UPDATE_IN_DATABASE", "deleteBehavior": "LOG"},
            "recrawlPolicy": {"recrawlBehavior": "CRAWL_EVERYTHING"},
            "configuration": json.dumps({"Version": 1.0}),
            "tags": TAGS,
        },
    ),
    (
        "aws:glue/job:Job",
        "job",
        {
            "name": "example-job",
            "roleArn": Ref("role", "arn"),
            "command": {"name": "glueetl", "scriptLocation": "s3://example-data/code/validate.py", "pythonVersion": "3"},
            "defaultArguments": {"--enable-metrics": "true"},
            "glueVersion": "5.0",
            "workerType": "G.1X",
            "numberOfWorkers": 2.0,
            "timeout": 60,
            "maxRetries": 0,
            "executionProperty": {"maxConcurrentRuns": 5},
            "executionClass": "STANDARD",
            "securityConfiguration": Ref("glue-security", "name"),
            "tags": TAGS,
        },
    ),
    (
        "aws:sagemaker/modelPackageGroup:ModelPackageGroup",
        "registry",
        {
            "modelPackageGroupName": "example-models",
            "modelPackageGroupDescription": "models",
            "tags": TAGS,
        },
    ),
]

API = [
    ("aws:apigateway/account:Account", "api-account", {"cloudwatchRoleArn": Ref("role", "arn")}),
    (
        "aws:apigateway/restApi:RestApi",
        "api",
        {
            "name": "example-api",
            "description": "predictions",
            "endpointConfiguration": {"types": "REGIONAL"},
            "minimumCompressionSize": "1024",
            "tags": TAGS,
        },
    ),
    ("aws:apigateway/resource:Resource", "models", {"restApi": Ref("api"), "parentId": Ref("api", "rootResourceId"), "pathPart": "models"}),
    (
        "aws:apigateway/requestValidator:RequestValidator",
        "validator",
        {
            "restApi": Ref("api"),
            "name": "body",
            "validateRequestBody": True,
            "validateRequestParameters": False,
        },
    ),
    (
        "aws:apigateway/model:Model",
        "request",
        {
            "restApi": Ref("api"),
            "name": "Request",
            "contentType": "application/json",
            "schema": json.dumps({"type": "object"}),
        },
    ),
    (
        "aws:apigateway/method:Method",
        "post",
        {
            "restApi": Ref("api"),
            "resourceId": Ref("models"),
            "httpMethod": "POST",
            "authorization": "AWS_IAM",
            "requestValidatorId": Ref("validator"),
            "requestModels": {"application/json": Ref("request", "name")},
            "requestParameters": {"method.request.header.Idempotency-Key": False},
        },
    ),
    (
        "aws:apigateway/integration:Integration",
        "proxy",
        {
            "restApi": Ref("api"),
            "resourceId": Ref("models"),
            "httpMethod": "POST",
            "integrationHttpMethod": "POST",
            "type": "AWS_PROXY",
            "uri": Ref("function", "invokeArn"),
            "timeoutMilliseconds": 29000,
        },
    ),
    (
        "aws:apigateway/method:Method",
        "options",
        {
            "restApi": Ref("api"),
            "resourceId": Ref("models"),
            "httpMethod": "OPTIONS",
            "authorization": "NONE",
        },
    ),
    (
        "aws:apigateway/integration:Integration",
        "mock",
        {
            "restApi": Ref("api"),
            "resourceId": Ref("models"),
            "httpMethod": "OPTIONS",
            "type": "MOCK",
            "requestTemplates": {"application/json": '{"statusCode": 200}'},
        },
    ),
    (
        "aws:apigateway/methodResponse:MethodResponse",
        "ok",
        {
            "restApi": Ref("api"),
            "resourceId": Ref("models"),
            "httpMethod": "OPTIONS",
            "statusCode": "200",
            "responseParameters": {"method.response.header.Access-Control-Allow-Origin": True},
            "responseModels": {"application/json": "Empty"},
        },
    ),
    (
        "aws:apigateway/integrationResponse:IntegrationResponse",
        "ok-answer",
        {
            "restApi": Ref("api"),
            "resourceId": Ref("models"),
            "httpMethod": "OPTIONS",
            "statusCode": "200",
            "responseParameters": {"method.response.header.Access-Control-Allow-Origin": "'https://example.com'"},
        },
    ),
    (
        "aws:apigateway/response:Response",
        "bad-request",
        {
            "restApiId": Ref("api"),
            "responseType": "BAD_REQUEST_BODY",
            "statusCode": "400",
            "responseTemplates": {"application/json": '{"message": $context.error.messageString}'},
        },
    ),
    ("aws:apigateway/deployment:Deployment", "deployment", {"restApi": Ref("api"), "description": "first", "triggers": {"hash": "1"}}),
    (
        "aws:apigateway/stage:Stage",
        "stage",
        {
            "restApi": Ref("api"),
            "deployment": Ref("deployment"),
            "stageName": "v1",
            "xrayTracingEnabled": True,
            "accessLogSettings": {"destinationArn": Ref("logs", "arn"), "format": "$context.requestId"},
            "tags": TAGS,
        },
    ),
    (
        "aws:apigateway/methodSettings:MethodSettings",
        "settings",
        {
            "restApi": Ref("api"),
            "stageName": Ref("stage", "stageName"),
            "methodPath": "*/*",
            "settings": {"metricsEnabled": True, "loggingLevel": "INFO", "throttlingRateLimit": 50.0, "throttlingBurstLimit": 100},
        },
    ),
]

RECOVERY = [
    ("aws:s3/bucket:Bucket", "replica", {"bucket": "example-replica", "forceDestroy": True}),
    (
        "aws:s3/bucketVersioning:BucketVersioning",
        "replica-versions",
        {"bucket": Ref("replica"), "versioningConfiguration": {"status": "Enabled"}},
    ),
    (
        "aws:s3/bucketReplicationConfig:BucketReplicationConfig",
        "replication",
        {
            "bucket": Ref("replica"),
            "role": Ref("role", "arn"),
            "rules": [
                {
                    "id": "everything",
                    "priority": 1,
                    "status": "Enabled",
                    "filter": {"prefix": "data/"},
                    "deleteMarkerReplication": {"status": "Enabled"},
                    "sourceSelectionCriteria": {"sseKmsEncryptedObjects": {"status": "Enabled"}},
                    "destination": {
                        "bucket": Ref("replica", "arn"),
                        "encryptionConfiguration": {"replicaKmsKeyId": f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/replicas"},
                        "replicationTime": {"status": "Enabled", "time": {"minutes": 15}},
                        "metrics": {"status": "Enabled", "eventThreshold": {"minutes": 15}},
                    },
                }
            ],
        },
    ),
    ("aws:backup/vault:Vault", "vault", {"name": "example-vault", "kmsKeyArn": Ref("key", "arn"), "forceDestroy": True, "tags": TAGS}),
    (
        "aws:backup/vaultPolicy:VaultPolicy",
        "vault-policy",
        {"backupVaultName": Ref("vault"), "policy": policy({"AWS": "*"}, "backup:CopyIntoBackupVault", "*")},
    ),
    (
        "aws:backup/vaultNotifications:VaultNotifications",
        "vault-notifications",
        {"backupVaultName": Ref("vault"), "snsTopicArn": Ref("topic", "arn"), "backupVaultEvents": ["BACKUP_JOB_COMPLETED"]},
    ),
    (
        "aws:backup/vaultLockConfiguration:VaultLockConfiguration",
        "vault-lock",
        {"backupVaultName": Ref("vault"), "minRetentionDays": 1, "maxRetentionDays": 100},
    ),
    (
        "aws:backup/plan:Plan",
        "backup-plan",
        {
            "name": "example-plan",
            "rules": [
                {
                    "ruleName": "hourly",
                    "targetVaultName": Ref("vault"),
                    "schedule": "cron(0 * * * ? *)",
                    "startWindow": 60,
                    "completionWindow": 120,
                    "enableContinuousBackup": True,
                    "lifecycle": {"deleteAfter": 35},
                    "recoveryPointTags": {"plan": "example"},
                    "copyActions": [
                        {
                            "destinationVaultArn": f"arn:aws:backup:eu-central-1:{ACCOUNT}:backup-vault:other",
                            "lifecycle": {"coldStorageAfter": 30, "deleteAfter": 120},
                        }
                    ],
                }
            ],
            "tags": TAGS,
        },
    ),
    (
        "aws:backup/selection:Selection",
        "backup-selection",
        {
            "name": "example-selection",
            "planId": Ref("backup-plan"),
            "iamRoleArn": Ref("role", "arn"),
            "resources": [f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/example"],
            "selectionTags": [{"type": "STRINGEQUALS", "key": "Backup", "value": "yes"}],
        },
    ),
    (
        "aws:backup/restoreTestingPlan:RestoreTestingPlan",
        "restore-testing",
        {
            "name": "example_restore_testing",
            "scheduleExpression": "cron(0 5 ? * SUN *)",
            "startWindowHours": 12,
            "recoveryPointSelection": {
                "algorithm": "LATEST_WITHIN_WINDOW",
                "includeVaults": [Ref("vault", "arn")],
                "recoveryPointTypes": ["SNAPSHOT"],
                "selectionWindowDays": 7,
            },
            "tags": TAGS,
        },
    ),
    (
        "aws:backup/restoreTestingSelection:RestoreTestingSelection",
        "restore-testing-selection",
        {
            "name": "example_tables",
            "restoreTestingPlanName": Ref("restore-testing"),
            "iamRoleArn": Ref("role", "arn"),
            "protectedResourceType": "DynamoDB",
            "protectedResourceArns": [f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/example"],
            "validationWindowHours": 4,
        },
    ),
    (
        "aws:route53/healthCheck:HealthCheck",
        "health-check",
        {
            "type": "HTTPS_STR_MATCH",
            "fqdn": f"abc123.execute-api.{REGION}.amazonaws.com",
            "port": 443,
            "resourcePath": "/v1/health",
            "searchString": "ok",
            "failureThreshold": 3,
            "requestInterval": 30,
            "enableSni": True,
            "tags": TAGS,
        },
    ),
]

DELIVERY = [
    (
        "aws:codebuild/project:Project",
        "build",
        {
            "name": "example-build",
            "description": "builds",
            "serviceRole": Ref("role", "arn"),
            "source": {"type": "CODEPIPELINE", "buildspec": "buildspecs/build.yml"},
            "artifacts": {"type": "CODEPIPELINE"},
            "environment": {
                "type": "ARM_CONTAINER",
                "image": "aws/codebuild/amazonlinux-aarch64-standard:3.0",
                "computeType": "BUILD_GENERAL1_SMALL",
                "privilegedMode": True,
                "imagePullCredentialsType": "CODEBUILD",
                "environmentVariables": [{"name": "STACK", "value": "example", "type": "PLAINTEXT"}],
            },
            "cache": {"type": "LOCAL", "modes": ["LOCAL_CUSTOM_CACHE"]},
            "logsConfig": {
                "cloudwatchLogs": {"status": "ENABLED", "groupName": "/aws/codebuild/example"},
                "s3Logs": {"status": "DISABLED"},
            },
            "encryptionKey": Ref("key", "arn"),
            "buildTimeout": 30,
            "queuedTimeout": 60,
            "concurrentBuildLimit": 2,
            "tags": TAGS,
        },
    ),
    (
        "aws:codebuild/reportGroup:ReportGroup",
        "tests",
        {"name": "example-build-tests", "type": "TEST", "exportConfig": {"type": "NO_EXPORT"}, "deleteReports": True, "tags": TAGS},
    ),
    (
        "aws:codecommit/repository:Repository",
        "source-repository",
        {"repositoryName": "example-repository", "description": "the source", "kmsKeyId": Ref("key", "arn"), "tags": TAGS},
    ),
    ("aws:codeconnections/connection:Connection", "connection", {"name": "example-connection", "providerType": "GitHub", "tags": TAGS}),
    (
        "aws:codepipeline/pipeline:Pipeline",
        "pipeline",
        {
            "name": "example-pipeline",
            "roleArn": Ref("role", "arn"),
            "pipelineType": "V2",
            "executionMode": "QUEUED",
            "artifactStores": [{"type": "S3", "location": "example-artifacts", "encryptionKey": {"id": Ref("key", "arn"), "type": "KMS"}}],
            "variables": [{"name": "REASON", "defaultValue": "commit", "description": "why"}],
            "triggers": [
                {
                    "providerType": "CodeStarSourceConnection",
                    "gitConfiguration": {
                        "sourceActionName": "Source",
                        "pushes": [{"branches": {"includes": ["main"]}, "filePaths": {"excludes": ["docs/**"]}}],
                    },
                }
            ],
            "stages": [
                {
                    "name": "Source",
                    "actions": [
                        {
                            "name": "Source",
                            "category": "Source",
                            "owner": "AWS",
                            "provider": "CodeStarSourceConnection",
                            "version": "1",
                            "runOrder": 1,
                            "roleArn": Ref("role", "arn"),
                            "namespace": "Code",
                            "configuration": {
                                "ConnectionArn": Ref("connection", "arn"),
                                "FullRepositoryId": "example/repository",
                                "BranchName": "main",
                            },
                            "outputArtifacts": ["source"],
                        }
                    ],
                },
                {
                    "name": "Build",
                    "onFailure": {"result": "ROLLBACK"},
                    "actions": [
                        {
                            "name": "Build",
                            "category": "Build",
                            "owner": "AWS",
                            "provider": "CodeBuild",
                            "version": "1",
                            "configuration": {"ProjectName": "example-build"},
                            "inputArtifacts": ["source"],
                        }
                    ],
                },
            ],
            "tags": TAGS,
        },
    ),
    (
        "aws:codestarnotifications/notificationRule:NotificationRule",
        "told",
        {
            "name": "example-told",
            "resource": Ref("pipeline", "arn"),
            "detailType": "FULL",
            "status": "ENABLED",
            "eventTypeIds": ["codepipeline-pipeline-pipeline-execution-failed"],
            "targets": [{"type": "SNS", "address": Ref("topic", "arn")}],
            "tags": TAGS,
        },
    ),
]

# The permission and the mapping point at things created with the state machines, so functions come in two parts.
EVERYTHING = [
    *IDENTITY, *NETWORK, *STORAGE, *MESSAGES, *FUNCTIONS[:3], *ORCHESTRATION, *FUNCTIONS[3:], *DATA, *API, *DELIVERY, *RECOVERY,
    *ORGANISATION, *ACCOUNT_SETTINGS, *COSTS, *EDGE, *PERFORMANCE,
]  # fmt: skip


def resolved(value: Any, outputs: dict[str, dict[str, Any]]) -> Any:
    """The inputs with every `Ref` replaced by the value it stands for."""
    if isinstance(value, Ref):
        found: Any = outputs[value.name]
        for step in value.output.split("."):
            found = found[int(step) if isinstance(found, list) else step]
        return found
    if isinstance(value, dict):
        return {key: resolved(item, outputs) for key, item in value.items()}
    if isinstance(value, list):
        return [resolved(item, outputs) for item in value]
    return value


__all__ = ["EVERYTHING", "Ref", "resolved"]
