"""Ends early, but well."""

import sys

import pulumi_aws as aws

aws.sqs.Queue("queue")
sys.exit(0)
