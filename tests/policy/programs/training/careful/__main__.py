"""A churn model on SageMaker, for production: training by a state machine on spot instances, an endpoint that scales and rolls back."""

import json

import pulumi
import pulumi_aws as aws

account = aws.get_caller_identity().account_id
region = "eu-west-1"
config = pulumi.Config()
subnets, group = config.require_object("privateSubnetIds"), config.require("securityGroupId")
boundary = f"arn:aws:iam::{account}:policy/boundary"
data_name = f"example-churn-{account}"
image = f"{account}.dkr.ecr.{region}.amazonaws.com/churn@{config.require('imageDigest')}"
training_arn = f"arn:aws:sagemaker:{region}:{account}:training-job/churn-*"


def policy(*statements: dict) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def role(name: str, service: str, *statements: dict) -> aws.iam.Role:
    made = aws.iam.Role(
        name,
        name=f"churn-{name}",
        assume_role_policy=policy(
            {
                "Effect": "Allow",
                "Principal": {"Service": service},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": account}},
            }
        ),
        permissions_boundary=boundary,
    )
    aws.iam.RolePolicy(name, role=made.id, policy=policy(*statements))
    return made


key = aws.kms.Key(
    "churn",
    description="Data and models of churn",
    enable_key_rotation=True,
    deletion_window_in_days=30,
    policy=policy(
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "kms:*", "Resource": "*"},
        {
            "Effect": "Allow",
            "Principal": {"Service": f"logs.{region}.amazonaws.com"},
            "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
            "Resource": "*",
            "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:{region}:{account}:*"}},
        },
        {
            "Effect": "Allow",
            "Principal": {"Service": ["cloudwatch.amazonaws.com", "events.amazonaws.com"]},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:SourceAccount": account}},
        },
    ),
    opts=pulumi.ResourceOptions(protect=True),
)
aws.kms.Alias("churn", name="alias/churn", target_key_id=key.id)

data = aws.s3.Bucket("data", bucket=data_name, opts=pulumi.ResourceOptions(protect=True))
aws.s3.BucketPublicAccessBlock(
    "data", bucket=data.id, block_public_acls=True, block_public_policy=True, ignore_public_acls=True, restrict_public_buckets=True
)
aws.s3.BucketVersioning("data", bucket=data.id, versioning_configuration={"status": "Enabled"})
aws.s3.BucketServerSideEncryptionConfiguration(
    "data",
    bucket=data.id,
    rules=[
        {
            "apply_server_side_encryption_by_default": {"sse_algorithm": "aws:kms", "kms_master_key_id": key.arn},
            "bucket_key_enabled": True,
        }
    ],
)
aws.s3.BucketLifecycleConfiguration(
    "data",
    bucket=data.id,
    rules=[
        {
            "id": "old",
            "status": "Enabled",
            "transitions": [{"days": 30, "storage_class": "INTELLIGENT_TIERING"}],
            "noncurrent_version_expiration": {"noncurrent_days": 90},
            "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
        }
    ],
)
aws.s3.BucketLogging("data", bucket=data.id, target_bucket="example-access-logs", target_prefix="churn/")
aws.s3.BucketPolicy(
    "data",
    bucket=data.id,
    policy=policy(
        {
            "Sid": "TlsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [f"arn:aws:s3:::{data_name}", f"arn:aws:s3:::{data_name}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ),
)

read_data = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{data_name}/*"}
write_models = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{data_name}/models/*"}
pull = {
    "Effect": "Allow",
    "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
    "Resource": f"arn:aws:ecr:{region}:{account}:repository/churn",
}
log_in = {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}
training_role = role("training", "sagemaker.amazonaws.com", read_data, write_models, pull, log_in)
serving_role = role("serving", "sagemaker.amazonaws.com", read_data, pull, log_in)
machine_role = role(
    "machine",
    "states.amazonaws.com",
    {
        "Effect": "Allow",
        "Action": ["sagemaker:CreateTrainingJob", "sagemaker:DescribeTrainingJob", "sagemaker:StopTrainingJob"],
        "Resource": training_arn,
    },
    {
        "Effect": "Allow",
        "Action": "iam:PassRole",
        "Resource": f"arn:aws:iam::{account}:role/churn-training",
        "Condition": {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
    },
    {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": f"arn:aws:lambda:{region}:{account}:function:churn-evaluate:live"},
    {"Effect": "Allow", "Action": "sns:Publish", "Resource": f"arn:aws:sns:{region}:{account}:churn-alerts"},
    {
        "Effect": "Allow",
        "Action": ["events:PutTargets", "events:PutRule", "events:DescribeRule"],
        "Resource": f"arn:aws:events:{region}:{account}:rule/StepFunctionsGetEventsForSageMakerTrainingJobsRule",
    },
)

alerts = aws.sns.Topic("alerts", name="churn-alerts", kms_master_key_id=key.id)
alerts_arn = f"arn:aws:sns:{region}:{account}:churn-alerts"
aws.sns.TopicPolicy(
    "alerts",
    arn=alerts.arn,
    policy=policy(
        {
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": alerts_arn,
            "Condition": {"StringEquals": {"aws:SourceAccount": account}},
        },
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sns:Publish",
            "Resource": alerts_arn,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    ),
)
aws.sns.TopicSubscription("alerts", topic=alerts.arn, protocol="email", endpoint="churn@example.com")

machine_logs = aws.cloudwatch.LogGroup("machine", name="/aws/vendedlogs/states/churn", retention_in_days=90, kms_key_id=key.arn)
machine = aws.sfn.StateMachine(
    "train",
    name="churn-train",
    role_arn=machine_role.arn,
    logging_configuration={
        "level": "ALL",
        "include_execution_data": False,
        "log_destination": machine_logs.arn.apply(lambda arn: f"{arn}:*"),
    },
    tracing_configuration={"enabled": True},
    encryption_configuration={"type": "CUSTOMER_MANAGED_KMS_KEY", "kms_key_id": key.arn},
    definition=json.dumps(
        {
            "StartAt": "Train",
            "TimeoutSeconds": 7200,
            "States": {
                "Train": {
                    "Type": "Task",
                    "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync",
                    "TimeoutSeconds": 5400,
                    "Retry": [
                        {
                            "ErrorEquals": ["ThrottlingException", "SageMaker.AmazonSageMakerException"],
                            "IntervalSeconds": 10,
                            "MaxAttempts": 4,
                            "BackoffRate": 2,
                            "JitterStrategy": "FULL",
                        }
                    ],
                    "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Tell"}],
                    "Parameters": {
                        "TrainingJobName.$": "States.Format('churn-{}', $$.Execution.Name)",
                        "RoleArn": f"arn:aws:iam::{account}:role/churn-training",
                        "AlgorithmSpecification": {
                            "TrainingImage": image,
                            "TrainingInputMode": "FastFile",
                            "MetricDefinitions": [{"Name": "validation:auc", "Regex": "validation-auc=([0-9.]+)"}],
                        },
                        "InputDataConfig": [
                            {
                                "ChannelName": "train",
                                "DataSource": {
                                    "S3DataSource": {
                                        "S3DataType": "S3Prefix",
                                        "S3Uri": f"s3://{data_name}/train/",
                                        "S3DataDistributionType": "FullyReplicated",
                                    }
                                },
                            }
                        ],
                        "OutputDataConfig": {"S3OutputPath": f"s3://{data_name}/models/", "KmsKeyId": "alias/churn"},
                        "ResourceConfig": {
                            "InstanceType": "ml.m6i.xlarge",
                            "InstanceCount": 1,
                            "VolumeSizeInGB": 30,
                            "VolumeKmsKeyId": "alias/churn",
                        },
                        "EnableManagedSpotTraining": True,
                        "CheckpointConfig": {"S3Uri": f"s3://{data_name}/checkpoints/"},
                        "StoppingCondition": {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 5000},
                        "VpcConfig": {"Subnets": subnets, "SecurityGroupIds": [group]},
                        "EnableNetworkIsolation": True,
                        "EnableInterContainerTrafficEncryption": True,
                        "Tags": [{"Key": "Project", "Value": "training"}],
                    },
                    "Next": "Evaluate",
                },
                "Evaluate": {
                    "Type": "Task",
                    "Resource": "arn:aws:states:::lambda:invoke",
                    "TimeoutSeconds": 300,
                    "Retry": [
                        {
                            "ErrorEquals": ["Lambda.ServiceException", "Lambda.TooManyRequestsException"],
                            "IntervalSeconds": 2,
                            "MaxAttempts": 4,
                            "BackoffRate": 2,
                            "JitterStrategy": "FULL",
                        }
                    ],
                    "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Tell"}],
                    "Parameters": {"FunctionName": f"arn:aws:lambda:{region}:{account}:function:churn-evaluate:live", "Payload.$": "$"},
                    "End": True,
                },
                "Tell": {
                    "Type": "Task",
                    "Resource": "arn:aws:states:::sns:publish",
                    "TimeoutSeconds": 60,
                    "Retry": [
                        {
                            "ErrorEquals": ["States.TaskFailed"],
                            "IntervalSeconds": 2,
                            "MaxAttempts": 3,
                            "BackoffRate": 2,
                            "JitterStrategy": "FULL",
                        }
                    ],
                    "Parameters": {"TopicArn": alerts_arn, "Message.$": "$.error.Cause"},
                    "Next": "Failed",
                },
                "Failed": {"Type": "Fail"},
            },
        }
    ),
)

packages = aws.sagemaker.ModelPackageGroup("churn", model_package_group_name="churn")
model = aws.sagemaker.Model(
    "churn",
    execution_role_arn=serving_role.arn,
    enable_network_isolation=True,
    vpc_config={"subnets": subnets, "security_group_ids": [group]},
    containers=[{"model_package_name": config.require("modelPackageArn")}],
)
configuration = aws.sagemaker.EndpointConfiguration(
    "churn",
    kms_key_arn=key.arn,
    production_variants=[
        {
            "variant_name": "all",
            "model_name": model.name,
            "instance_type": "ml.m6g.large",
            "initial_instance_count": 2,
            "routing_configs": [{"routing_strategy": "LEAST_OUTSTANDING_REQUESTS"}],
        }
    ],
    data_capture_config={
        "enable_capture": True,
        "initial_sampling_percentage": 100,
        "destination_s3_uri": f"s3://{data_name}/captured/",
        "kms_key_id": key.arn,
        "capture_options": [{"capture_mode": "Input"}, {"capture_mode": "Output"}],
    },
)


def alarm(name: str, namespace: str, metric: str, threshold: float, dimensions: dict, statistic: str = "Sum") -> aws.cloudwatch.MetricAlarm:
    return aws.cloudwatch.MetricAlarm(
        name,
        name=name,
        namespace=namespace,
        metric_name=metric,
        dimensions=dimensions,
        statistic=statistic,
        period=60,
        evaluation_periods=5,
        datapoints_to_alarm=3,
        threshold=threshold,
        comparison_operator="GreaterThanThreshold",
        treat_missing_data="notBreaching",
        alarm_actions=[alerts.arn],
    )


variant = {"EndpointName": "churn", "VariantName": "all"}
alarms = [
    alarm("churn-errors", "AWS/SageMaker", "Invocation5XXErrors", 5, variant),
    alarm("churn-latency", "AWS/SageMaker", "ModelLatency", 200_000, variant, "Average"),
]
alarm("churn-drift", "Churn", "FeatureDrift", 0.2, {"Model": "churn"}, "Maximum")
alarm(
    "churn-training-failed",
    "AWS/States",
    "ExecutionsFailed",
    0,
    {"StateMachineArn": f"arn:aws:states:{region}:{account}:stateMachine:churn-train"},
)

endpoint = aws.sagemaker.Endpoint(
    "churn",
    name="churn",
    endpoint_config_name=configuration.name,
    deployment_config={
        "blue_green_update_policy": {
            "traffic_routing_configuration": {
                "type": "CANARY",
                "wait_interval_in_seconds": 600,
                "canary_size": {"type": "CAPACITY_PERCENT", "value": 50},
            },
            "termination_wait_in_seconds": 300,
            "maximum_execution_timeout_in_seconds": 3600,
        },
        "auto_rollback_configuration": {"alarms": [{"alarm_name": each.name} for each in alarms]},
    },
)
scaling = aws.appautoscaling.Target(
    "churn",
    service_namespace="sagemaker",
    scalable_dimension="sagemaker:variant:DesiredInstanceCount",
    resource_id=endpoint.name.apply(lambda name: f"endpoint/{name}/variant/all"),
    min_capacity=2,
    max_capacity=6,
)
aws.appautoscaling.Policy(
    "churn",
    policy_type="TargetTrackingScaling",
    service_namespace=scaling.service_namespace,
    scalable_dimension=scaling.scalable_dimension,
    resource_id=scaling.resource_id,
    target_tracking_scaling_policy_configuration={
        "predefined_metric_specification": {"predefined_metric_type": "SageMakerVariantInvocationsPerInstance"},
        "target_value": 700,
        "scale_in_cooldown": 300,
        "scale_out_cooldown": 60,
    },
)

aws.cloudwatch.Dashboard(
    "churn",
    dashboard_name="churn",
    dashboard_body=json.dumps(
        {
            "widgets": [
                {
                    "type": "metric",
                    "x": 0,
                    "y": 0,
                    "width": 12,
                    "height": 6,
                    "properties": {
                        "region": region,
                        "title": "Latency",
                        "metrics": [["AWS/SageMaker", "ModelLatency", "EndpointName", "churn", "VariantName", "all"]],
                    },
                }
            ]
        }
    ),
)
aws.budgets.Budget(
    "churn",
    budget_type="COST",
    limit_amount="2000",
    limit_unit="USD",
    time_unit="MONTHLY",
    notifications=[
        {
            "comparison_operator": "GREATER_THAN",
            "threshold": 80,
            "threshold_type": "PERCENTAGE",
            "notification_type": "FORECASTED",
            "subscriber_email_addresses": ["churn@example.com"],
        }
    ],
)

pulumi.export("endpoint", endpoint.name)
