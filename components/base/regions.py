"""Providers of other regions than the stack's own."""

from __future__ import annotations

import pulumi_aws as aws

# Where CloudFront, Route 53 and their certificates, metrics and firewalls live.
GLOBAL = "us-east-1"


def provider_in(region: str) -> aws.Provider:
    """A provider of `region`, with the default tags of the stack's own; a stack makes one a region."""
    # The engine answers with the tags in any order, and the provider gets them as text: another order would be a change at every update.
    tags = dict(sorted(aws.get_default_tags().tags.items()))
    return aws.Provider(region, region=region, default_tags={"tags": tags})
