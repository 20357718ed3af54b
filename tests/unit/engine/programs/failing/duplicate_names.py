"""Two resources of one URN, the second after the first."""

import pulumi
import pulumi_aws as aws

first = aws.sqs.Queue("queue")
aws.sqs.Queue("queue", delay_seconds=1, opts=pulumi.ResourceOptions(depends_on=[first]))
