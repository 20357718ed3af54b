"""Identity and authorisation of the sandbox: every call is made by a real principal and judged by the account's policies."""

from mlops.sandbox.context import Credentials
from mlops.sandbox.identity.authoriser import Authoriser
from mlops.sandbox.identity.credentials import InvalidAccessKey
from mlops.sandbox.identity.identity import AccessDenied, Identity
from mlops.sandbox.identity.principals import Principal
from mlops.sandbox.identity.signature import InvalidSignature

__all__ = ["AccessDenied", "Authoriser", "Credentials", "Identity", "InvalidAccessKey", "InvalidSignature", "Principal"]
