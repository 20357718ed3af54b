"""Raises after something has been registered."""

import pulumi_aws as aws

for number in range(20):
    aws.sqs.Queue(f"queue-{number}")
raise ValueError("too small")
