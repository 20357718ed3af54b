"""The sandbox's resource provider: Pulumi's provider operations for `aws:*` types, over boto3 against the sandbox's endpoint."""

from mlops.sandbox.provider.core import AwsProvider
from mlops.sandbox.provider.difference import Diff

__all__ = ["AwsProvider", "Diff"]
