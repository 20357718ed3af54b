"""A data lake for click streams: one key, private versioned buckets, jobs with roles of their own, limits on what a query may scan."""

import json

import pulumi
import pulumi_aws as aws

account = aws.get_caller_identity().account_id
region = "eu-west-1"
boundary = f"arn:aws:iam::{account}:policy/boundary"
names = {purpose: f"example-{purpose}-{account}" for purpose in ("lake", "results", "scripts", "logs")}


def policy(*statements: dict) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


key = aws.kms.Key(
    "lake",
    description="The lake",
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
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:SourceAccount": account}},
        },
    ),
    opts=pulumi.ResourceOptions(protect=True),
)


def bucket(purpose: str, lifecycle: list, logged: aws.s3.Bucket | None = None, encrypted: bool = True) -> aws.s3.Bucket:
    """A private bucket with versions, TLS, a key and an access log."""
    made = aws.s3.Bucket(purpose, bucket=names[purpose], opts=pulumi.ResourceOptions(protect=True))
    aws.s3.BucketPublicAccessBlock(
        purpose,
        bucket=made.id,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
    )
    aws.s3.BucketVersioning(purpose, bucket=made.id, versioning_configuration={"status": "Enabled"})
    aws.s3.BucketLifecycleConfiguration(
        purpose,
        bucket=made.id,
        rules=[
            *lifecycle,
            {
                "id": "old",
                "status": "Enabled",
                "noncurrent_version_expiration": {"noncurrent_days": 30},
                "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
            },
        ],
    )
    if encrypted:
        aws.s3.BucketServerSideEncryptionConfiguration(
            purpose,
            bucket=made.id,
            rules=[
                {
                    "apply_server_side_encryption_by_default": {"sse_algorithm": "aws:kms", "kms_master_key_id": key.arn},
                    "bucket_key_enabled": True,
                }
            ],
        )
    statements = [
        {
            "Sid": "TlsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [f"arn:aws:s3:::{names[purpose]}", f"arn:aws:s3:::{names[purpose]}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ]
    if logged is None:
        statements.append(
            {
                "Sid": "AccessLogs",
                "Effect": "Allow",
                "Principal": {"Service": "logging.s3.amazonaws.com"},
                "Action": "s3:PutObject",
                "Resource": f"arn:aws:s3:::{names[purpose]}/*",
                "Condition": {"StringEquals": {"aws:SourceAccount": account}},
            }
        )
    else:
        aws.s3.BucketLogging(purpose, bucket=made.id, target_bucket=logged.id, target_prefix=f"{purpose}/")
    aws.s3.BucketPolicy(purpose, bucket=made.id, policy=policy(*statements))
    return made


def role(name: str, service: str, *statements: dict) -> aws.iam.Role:
    made = aws.iam.Role(
        name,
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
    use_key = {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": key.arn}
    document = pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": [*statements, use_key]})
    aws.iam.RolePolicy(name, role=made.id, policy=document)
    return made


def objects(purpose: str, prefix: str, *actions: str) -> dict:
    return {"Effect": "Allow", "Action": list(actions), "Resource": f"arn:aws:s3:::{names[purpose]}/{prefix}*"}


def listing(purpose: str) -> dict:
    return {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{names[purpose]}"}


logs = bucket("logs", [{"id": "end", "status": "Enabled", "expiration": {"days": 365}}], encrypted=False)
tiering = {"id": "tier", "status": "Enabled", "transitions": [{"days": 30, "storage_class": "INTELLIGENT_TIERING"}]}
lake = bucket("lake", [tiering], logs)
results = bucket("results", [{"id": "end", "status": "Enabled", "expiration": {"days": 30}}], logs)
scripts = bucket("scripts", [tiering], logs)

clicks = aws.kinesis.Stream(
    "clicks",
    name="clicks",
    stream_mode_details={"stream_mode": "ON_DEMAND"},
    encryption_type="KMS",
    kms_key_id=key.id,
    retention_period=168,
)
errors = aws.cloudwatch.LogGroup("delivery", name="/firehose/clicks", retention_in_days=90, kms_key_id=key.arn)
delivery = role(
    "delivery",
    "firehose.amazonaws.com",
    {
        "Effect": "Allow",
        "Action": ["kinesis:DescribeStream", "kinesis:GetShardIterator", "kinesis:GetRecords", "kinesis:ListShards"],
        "Resource": f"arn:aws:kinesis:{region}:{account}:stream/clicks",
    },
    objects("lake", "clicks/", "s3:PutObject", "s3:AbortMultipartUpload"),
    listing("lake"),
    {"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": f"arn:aws:logs:{region}:{account}:log-group:/firehose/clicks:*"},
)
aws.kinesis.FirehoseDeliveryStream(
    "clicks",
    destination="extended_s3",
    kinesis_source_configuration={"kinesis_stream_arn": clicks.arn, "role_arn": delivery.arn},
    extended_s3_configuration={
        "bucket_arn": lake.arn,
        "role_arn": delivery.arn,
        "kms_key_arn": key.arn,
        "prefix": "clicks/date=!{timestamp:yyyy-MM-dd}/",
        "error_output_prefix": "clicks-errors/!{firehose:error-output-type}/",
        "buffering_interval": 300,
        "buffering_size": 128,
        "compression_format": "GZIP",
        "cloudwatch_logging_options": {"enabled": True, "log_group_name": errors.name, "log_stream_name": "s3"},
    },
)

catalogue = aws.glue.CatalogDatabase("clicks", name="clicks")
security = aws.glue.SecurityConfiguration(
    "jobs",
    encryption_configuration={
        "cloudwatch_encryption": {"cloudwatch_encryption_mode": "SSE-KMS", "kms_key_arn": key.arn},
        "job_bookmarks_encryption": {"job_bookmarks_encryption_mode": "CSE-KMS", "kms_key_arn": key.arn},
        "s3_encryption": {"s3_encryption_mode": "SSE-KMS", "kms_key_arn": key.arn},
    },
)
tables = {
    "Effect": "Allow",
    "Action": ["glue:GetDatabase", "glue:GetTable", "glue:CreateTable", "glue:UpdateTable", "glue:BatchCreatePartition"],
    "Resource": [
        f"arn:aws:glue:{region}:{account}:catalog",
        f"arn:aws:glue:{region}:{account}:database/clicks",
        f"arn:aws:glue:{region}:{account}:table/clicks/*",
    ],
}
crawling = role("crawler", "glue.amazonaws.com", objects("lake", "clicks/", "s3:GetObject"), listing("lake"), tables)
aws.glue.Crawler(
    "clicks",
    database_name=catalogue.name,
    role=crawling.arn,
    security_configuration=security.name,
    schedule="cron(0 3 * * ? *)",
    recrawl_policy={"recrawl_behavior": "CRAWL_NEW_FOLDERS_ONLY"},
    schema_change_policy={"update_behavior": "LOG", "delete_behavior": "LOG"},
    s3_targets=[{"path": f"s3://{names['lake']}/clicks/"}],
)
running = role(
    "job",
    "glue.amazonaws.com",
    objects("lake", "", "s3:GetObject", "s3:PutObject"),
    listing("lake"),
    objects("scripts", "", "s3:GetObject"),
    tables,
    {
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": f"arn:aws:logs:{region}:{account}:log-group:/aws-glue/*",
    },
    {
        "Effect": "Allow",
        "Action": "secretsmanager:GetSecretValue",
        "Resource": f"arn:aws:secretsmanager:{region}:{account}:secret:warehouse-??????",
    },
)
aws.glue.Job(
    "sessions",
    role_arn=running.arn,
    security_configuration=security.name,
    glue_version="5.0",
    worker_type="G.1X",
    number_of_workers=10,
    timeout=60,
    max_retries=1,
    execution_class="FLEX",
    command={"name": "glueetl", "python_version": "3", "script_location": f"s3://{names['scripts']}/sessions.py"},
    default_arguments={
        "--job-bookmark-option": "job-bookmark-enable",
        "--enable-auto-scaling": "true",
        "--enable-metrics": "true",
        "--enable-observability-metrics": "true",
        "--enable-continuous-cloudwatch-log": "true",
        "--warehouse-secret": "warehouse",
    },
)
aws.glue.Connection(
    "warehouse",
    connection_properties={
        "JDBC_CONNECTION_URL": "jdbc:postgresql://warehouse.example.com:5432/dwh",
        "JDBC_ENFORCE_SSL": "true",
        "SECRET_ID": "warehouse",
    },
)
aws.glue.DataCatalogEncryptionSettings(
    "catalogue",
    data_catalog_encryption_settings={
        "encryption_at_rest": {"catalog_encryption_mode": "SSE-KMS", "sse_aws_kms_key_id": key.arn},
        "connection_password_encryption": {"return_connection_password_encrypted": True, "aws_kms_key_id": key.arn},
    },
)

aws.athena.Workgroup(
    "analysts",
    configuration={
        "enforce_workgroup_configuration": True,
        "publish_cloudwatch_metrics_enabled": True,
        "bytes_scanned_cutoff_per_query": 100 * 1024**3,
        "engine_version": {"selected_engine_version": "Athena engine version 3"},
        "result_configuration": {
            "output_location": f"s3://{names['results']}/",
            "encryption_configuration": {"encryption_option": "SSE_KMS", "kms_key_arn": key.arn},
        },
    },
)

alerts = aws.sns.Topic("alerts", name="alerts", kms_master_key_id=key.id)
alerts_arn = f"arn:aws:sns:{region}:{account}:alerts"
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
aws.sns.TopicSubscription("alerts", topic=alerts.arn, protocol="email", endpoint="lake@example.com")
aws.cloudwatch.MetricAlarm(
    "late",
    namespace="AWS/Firehose",
    metric_name="DeliveryToS3.DataFreshness",
    dimensions={"DeliveryStreamName": "clicks"},
    statistic="Maximum",
    period=300,
    evaluation_periods=3,
    threshold=900,
    comparison_operator="GreaterThanThreshold",
    treat_missing_data="breaching",
    alarm_actions=[alerts.arn],
)
aws.cloudwatch.Dashboard(
    "lake",
    dashboard_name="lake",
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
                        "title": "Delivery",
                        "metrics": [["AWS/Firehose", "DeliveryToS3.DataFreshness", "DeliveryStreamName", "clicks"]],
                    },
                }
            ]
        }
    ),
)
aws.budgets.Budget(
    "lake",
    budget_type="COST",
    limit_amount="1000",
    limit_unit="USD",
    time_unit="MONTHLY",
    notifications=[
        {
            "comparison_operator": "GREATER_THAN",
            "threshold": 80,
            "threshold_type": "PERCENTAGE",
            "notification_type": "FORECASTED",
            "subscriber_email_addresses": ["lake@example.com"],
        }
    ],
)

pulumi.export("lake", lake.id)
