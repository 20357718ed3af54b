"""A required property that is missing."""

import pulumi_aws as aws

aws.s3.BucketPolicy("policy", policy="{}")
