"""A data lake for click streams: Kinesis, Firehose, S3, Glue and Athena, as a first version looks."""

import json

import pulumi
import pulumi_aws as aws


def role(name: str, service: str) -> aws.iam.Role:
    return aws.iam.Role(
        name,
        assume_role_policy=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
            }
        ),
        managed_policy_arns=["arn:aws:iam::aws:policy/AmazonS3FullAccess"],
    )


lake = aws.s3.Bucket("lake", force_destroy=True)
results = aws.s3.Bucket("results")

clicks = aws.kinesis.Stream("clicks", shard_count=4)
delivery = role("delivery", "firehose.amazonaws.com")
aws.kinesis.FirehoseDeliveryStream(
    "clicks",
    destination="extended_s3",
    kinesis_source_configuration={"kinesis_stream_arn": clicks.arn, "role_arn": delivery.arn},
    extended_s3_configuration={"bucket_arn": lake.arn, "role_arn": delivery.arn, "prefix": "clicks/"},
)

catalogue = aws.glue.CatalogDatabase("clicks", name="clicks")
jobs = role("jobs", "glue.amazonaws.com")
aws.glue.Crawler(
    "clicks",
    database_name=catalogue.name,
    role=jobs.arn,
    schedule="cron(0 * * * ? *)",
    s3_targets=[{"path": lake.id.apply(lambda id: f"s3://{id}/clicks/")}],
)
aws.glue.Job(
    "sessions",
    role_arn=jobs.arn,
    glue_version="2.0",
    worker_type="G.2X",
    number_of_workers=20,
    command={"script_location": lake.id.apply(lambda id: f"s3://{id}/scripts/sessions.py")},
    default_arguments={"--password": "warehouse-2024!", "--job-language": "python"},
)
aws.glue.Connection(
    "warehouse",
    connection_properties={
        "JDBC_CONNECTION_URL": "jdbc:postgresql://warehouse.example.com:5432/dwh",
        "USERNAME": "etl",
        "PASSWORD": "warehouse-2024!",
    },
)

aws.athena.Workgroup(
    "analysts",
    configuration={"result_configuration": {"output_location": results.id.apply(lambda id: f"s3://{id}/")}},
)

pulumi.export("lake", lake.id)
