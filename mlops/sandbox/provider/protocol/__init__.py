"""The provider over Pulumi's own protocol (gRPC), to which the Pulumi CLI attaches in place of the plugins aws and awsx."""

from mlops.sandbox.provider.protocol.server import Addresses, served

__all__ = ["Addresses", "served"]
