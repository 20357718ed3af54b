"""Two resources of one URN."""

import pulumi_aws as aws

aws.sqs.Queue("queue")
aws.sqs.Queue("queue", delay_seconds=1)
