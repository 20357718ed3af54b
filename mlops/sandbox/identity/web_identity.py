"""Tokens of OpenID Connect providers, for sts:AssumeRoleWithWebIdentity.

AWS fetches a provider's public keys from its address. The sandbox reaches no address: it is given the keys (`POST /_sandbox/oidc`) and then checks
what AWS checks: signature, issuer (a provider of that address must be in the account), audience (one of the provider's client ids), expiry.
Only then is the role's trust policy judged, with the token's claims as condition keys.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Mapping
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from mlops.sandbox.identity.account import Account
from mlops.sandbox.identity.principals import Principal

ALGORITHMS = ["RS256", "ES256"]
# What AWS makes condition keys of, for a provider that is none of its own.
CLAIMS = ("aud", "sub", "amr")


class InvalidToken(Exception):
    """The token proves nothing; `code` is AWS's error code."""

    def __init__(self, message: str, code: str = "InvalidIdentityToken") -> None:
        super().__init__(message)
        self.code = code


class WebIdentities:
    """The public keys of issuers, and the callers that their tokens prove."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._keys: dict[str, KeySet] = {}
        self._lock = threading.Lock()

    def trust_keys(self, issuer: str, keys: Mapping[str, Any]) -> None:
        """Take these public keys (a JSON Web Key Set) as what the issuer publishes at its address."""
        with self._lock:
            self._keys[_host(issuer)] = KeySet.import_key_set(dict(keys))  # type: ignore[arg-type]

    def principal(self, token: str) -> Principal:
        """The federated caller of a token, with its claims as condition keys; raises InvalidToken."""
        issuer, claims = self._verified(token)
        provider = self._provider(issuer)
        audiences = claims.get("aud")
        audiences = audiences if isinstance(audiences, list) else [audiences]
        if not set(audiences) & set(provider.client_id_list):
            raise InvalidToken("Incorrect token audience")
        if float(claims.get("exp", 0)) <= time.time():
            raise InvalidToken("Token expired: current date/time must be before the expiration date/time", "ExpiredTokenException")
        values = {f"{issuer}:{name}": str(claims[name]) for name in CLAIMS if isinstance(claims.get(name), str)}
        return Principal("federated", provider.arn, self._account.account, name=str(claims.get("sub", "")), claims=values)

    def _verified(self, token: str) -> tuple[str, dict[str, Any]]:
        issuer = _host(str(_unverified(token).get("iss", "")))
        with self._lock:
            keys = self._keys.get(issuer)
        if keys is None:
            raise InvalidToken(f"Couldn't retrieve verification key from your identity provider: the sandbox was given none of {issuer!r}")
        try:
            return issuer, dict(jwt.decode(token, keys, algorithms=ALGORITHMS).claims)
        except (JoseError, ValueError) as error:
            raise InvalidToken(f"The token's signature is not the provider's: {error}") from error

    def _provider(self, issuer: str) -> Any:
        for provider in list(self._account.store("iam").open_id_providers.values()):
            if provider.url == issuer:
                return provider
        raise InvalidToken(f"No OpenIDConnect provider found in your account for https://{issuer}")


def _host(issuer: str) -> str:
    return issuer.split("://", 1)[-1].rstrip("/")


def _unverified(token: str) -> dict[str, Any]:
    """The claims of a token whose keys are not known yet: read only to find them."""
    try:
        part = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError) as error:
        raise InvalidToken("The ID Token provided is not a valid JWT") from error
    if not isinstance(claims, dict):
        raise InvalidToken("The ID Token provided is not a valid JWT")
    return claims
