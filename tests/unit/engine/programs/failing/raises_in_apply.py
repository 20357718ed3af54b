"""Raises where a value becomes known."""

import pulumi
import pulumi_aws as aws

aws.sqs.Queue("queue")
pulumi.Output.from_input(0).apply(lambda zero: 1 / zero)
