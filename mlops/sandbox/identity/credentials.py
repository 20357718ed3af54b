"""Access key → principal. Sessions and users live in moto's STS and IAM, so `sts:GetCallerIdentity` and the IAM API tell the same story."""

from __future__ import annotations

import hmac
import secrets
import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moto.core.utils import utcnow

from mlops.sandbox.context import Credentials
from mlops.sandbox.identity.account import Account
from mlops.sandbox.identity.documents import Document, parse
from mlops.sandbox.identity.principals import Principal


class InvalidAccessKey(Exception):
    """The access key means nobody: unknown, inactive, expired, its role is gone, or its session token is wrong. `expired` tells the one case apart."""

    def __init__(self, message: str, *, expired: bool = False) -> None:
        super().__init__(message)
        self.expired = expired


@dataclass(frozen=True)
class Caller:
    """A principal with what proves it: the secret its requests are signed with, and its session policy."""

    principal: Principal
    secret_access_key: str
    session_documents: tuple[Document, ...] | None = None


class KeyTable:
    """Finds the principal of an access key; makes sessions of roles and the sandbox's internal key."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._sessions: dict[str, Any] = {}
        self._scanned = 0
        self._lock = threading.Lock()
        # Random for every sandbox and never written anywhere: nobody outside this process can act as the internal principal.
        self._internal = Credentials(
            f"ASIA{secrets.token_hex(8).upper()}", secrets.token_urlsafe(30), secrets.token_urlsafe(60), "sandbox-internal"
        )

    def internal(self) -> Credentials:
        """The keys of the internal principal, for what AWS itself does behind the scenes."""
        return self._internal

    def new_session(self, role_arn: str, session_name: str, duration: int = 3600) -> tuple[Credentials, datetime]:
        """Credentials of a new session of the role and the moment they expire (naive, UTC). Whether it may be is the caller's business."""
        session = self._account.store("sts").assume_role(
            region_name=self._account.region,
            role_session_name=session_name,
            role_arn=role_arn,
            policy=None,
            duration=duration,
            external_id=None,
        )
        with self._lock:
            self._sessions[session.access_key_id] = session
        return Credentials(session.access_key_id, session.secret_access_key, session.session_token, session.arn), session.expiration

    def caller(self, access_key: str, session_token: str | None) -> Caller:
        """Who owns the key; raises InvalidAccessKey."""
        if access_key == self._internal.access_key_id:
            _check_token(self._internal.session_token, session_token)
            return Caller(Principal("internal", self._internal.principal_arn, self._account.account), self._internal.secret_access_key)
        session = self._session(access_key)
        return self._user(access_key) if session is None else self._role_session(session, session_token)

    def _session(self, access_key: str) -> Any | None:
        found = self._sessions.get(access_key)
        if found is None:
            # Sessions made over HTTP (sts:AssumeRole) are in moto's list, at its end.
            with self._lock:
                sessions = self._account.store("sts").assumed_roles
                for session in sessions[self._scanned :]:
                    self._sessions[session.access_key_id] = session
                self._scanned = len(sessions)
            found = self._sessions.get(access_key)
        return found

    def _role_session(self, session: Any, token: str | None) -> Caller:
        _check_token(session.session_token, token)
        if session.expiration <= utcnow():
            raise InvalidAccessKey("The security token included in the request is expired", expired=True)
        role = self._account.role_by_arn(session.role_arn)
        if role is None:
            raise InvalidAccessKey(f"The security token included in the request is invalid: its role {session.role_arn} is gone")
        issued = session.access_key.create_date
        principal = Principal(
            kind="role",
            arn=session.arn,
            account=self._account.account,
            name=role.name,
            identity_arn=role.arn,
            session_name=session.session_name,
            user_id=f"{role.id}:{session.session_name}",
            tags=_tags(role.tags),
            issued=issued.strftime("%Y-%m-%dT%H:%M:%SZ"),
        )
        documents = (parse(session.policy, "session policy"),) if session.policy else None
        return Caller(principal, session.secret_access_key, documents)

    def _user(self, access_key: str) -> Caller:
        key = self._account.store("iam").access_keys.get(access_key)
        user = self._account.user(key.user_name) if key is not None and key.user_name else None
        if key is None or user is None or key.status != "Active":
            raise InvalidAccessKey("The security token included in the request is invalid.")
        principal = Principal(
            kind="user",
            arn=user.arn,
            account=self._account.account,
            name=user.name,
            identity_arn=user.arn,
            user_id=user.id,
            tags=_tags(user.tags),
        )
        return Caller(principal, key.secret_access_key)


def _check_token(expected: str | None, given: str | None) -> None:
    if not given or not hmac.compare_digest(expected or "", given):
        raise InvalidAccessKey("The security token included in the request is invalid.")


def _tags(tags: Any) -> dict[str, str]:
    if isinstance(tags, dict):
        return {key: str(value["Value"] if isinstance(value, dict) else value) for key, value in tags.items()}
    return {item["Key"]: item["Value"] for item in tags or ()}
