"""Reading what somebody else's Pulumi wrote: deployments of any language and organisation, and recorded previews.

`read` finds by its content what a file is, streams it, and answers its resources as the policy pack takes them.
"""

from mlops.check.source import opened
from mlops.check.stack import Stack, read

__all__ = ["Stack", "opened", "read"]
