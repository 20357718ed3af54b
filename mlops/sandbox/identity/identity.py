"""The sandbox's identity: issues credentials, judges calls, answers for services that call resources."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from moto.core.utils import utcnow

from mlops.sandbox.context import DEPLOYER, Credentials
from mlops.sandbox.identity.account import Account, trust_documents
from mlops.sandbox.identity.actions import Need, UnmappedOperation, needs_of
from mlops.sandbox.identity.actions.needs import keys
from mlops.sandbox.identity.audit import Audit, JudgedGrant, judged
from mlops.sandbox.identity.context import context_of
from mlops.sandbox.identity.credentials import Caller, KeyTable
from mlops.sandbox.identity.decoding import Call, signature_of
from mlops.sandbox.identity.documents import Document, MalformedPolicy, parse
from mlops.sandbox.identity.evaluation import Policies, Request, Verdict, evaluate
from mlops.sandbox.identity.moto_patches import load_aws_managed_policies, name_service_linked_roles, switch_off_bucket_policy_check
from mlops.sandbox.identity.principals import ANONYMOUS, Principal, service_principal
from mlops.sandbox.identity.signature import verify
from mlops.sandbox.identity.web_identity import WebIdentities

if TYPE_CHECKING:
    from mlops.sandbox.context import Sandbox

log = logging.getLogger(__name__)

ADMINISTRATOR = "sandbox-administrator"
_EVERYTHING = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
_RENEW_BEFORE = timedelta(minutes=10)


class AccessDenied(Exception):
    """The policies do not allow it; the message is AWS's, with the reason."""


@dataclass(frozen=True)
class _Issued:
    credentials: Credentials
    expiration: datetime
    role_id: str
    trust: str


class Identity:
    """Principals and policies of one sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.region = sandbox.region
        self.account = Account(sandbox.account, sandbox.region)
        self.keys = KeyTable(self.account)
        self.web_identities = WebIdentities(self.account)
        self.audit = Audit(sandbox.directory / "audit.jsonl")
        self._issued: dict[tuple[str, str, str, str | None], _Issued] = {}
        self._lock = threading.Lock()
        self._administrator: Credentials | None = None
        switch_off_bucket_policy_check()
        name_service_linked_roles()
        load_aws_managed_policies(self.account.store("iam"))

    # Credentials

    def issue(
        self,
        role_arn: str,
        service: str = "lambda.amazonaws.com",
        session_name: str = "sandbox",
        *,
        source_arn: str | None = None,
    ) -> Credentials:
        """Credentials of a session of the role for a service that assumes it; the same ones until shortly before they expire.

        AccessDenied when there is no such role or its trust policy does not admit the service (for `source_arn`, when conditions ask for it).
        """
        role = self.account.role_by_arn(role_arn)
        if role is None:
            raise AccessDenied(f"{service} cannot assume {role_arn}: there is no such role")
        key = (role_arn, service, session_name, source_arn)
        with self._lock:
            issued = self._issued.get(key)
        if (
            issued
            and issued.role_id == role.id
            and issued.trust == role.assume_role_policy_document
            and issued.expiration - _RENEW_BEFORE > utcnow()
        ):
            return issued.credentials
        self._require_trust(role_arn, service, source_arn)
        credentials, expiration = self.keys.new_session(role_arn, session_name[:64])
        with self._lock:
            self._issued[key] = _Issued(credentials, expiration, role.id, role.assume_role_policy_document)
        return credentials

    def _require_trust(self, role_arn: str, service: str, source_arn: str | None) -> None:
        principal = service_principal(service, self.account.account)
        need = Need("sts:AssumeRole", role_arn)
        verdict = self._evaluate(principal, need, Policies(resource=trust_documents(self.account, role_arn)), source_arn=source_arn)
        if not verdict.allowed:
            raise AccessDenied(
                f"{service} is not authorized to perform: sts:AssumeRole on resource: {role_arn} {verdict.explained()}"
                " (the role's trust policy must admit this service)"
            )

    def administrator(self) -> Credentials:
        """Long-lived keys of `user/sandbox-administrator`, who may do everything: what `mlops env` hands out."""
        with self._lock:
            if self._administrator is None:
                store = self.account.store("iam")
                if ADMINISTRATOR not in store.users:
                    store.create_user(self.region, ADMINISTRATOR)
                    store.put_user_policy(ADMINISTRATOR, "everything", _EVERYTHING)
                if self.account.role(DEPLOYER) is None:
                    self._make_deployer(store)
                key = store.create_access_key(ADMINISTRATOR)
                self._administrator = Credentials(key.access_key_id, key.secret_access_key, None, store.users[ADMINISTRATOR].arn)
            return self._administrator

    def _make_deployer(self, store: Any) -> None:
        """`role/sandbox-deployer`, which the administrator assumes to deploy: it may do everything."""
        people = {"Service": "sandbox.mlops", "AWS": f"arn:aws:iam::{self.account.account}:user/{ADMINISTRATOR}"}
        trust = {"Effect": "Allow", "Principal": people, "Action": "sts:AssumeRole"}
        store.create_role(
            role_name=DEPLOYER,
            assume_role_policy_document=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
            path="/",
            permissions_boundary=None,
            description="deploys into the sandbox",
            tags=[],
            max_session_duration="3600",
        )
        store.put_role_policy(DEPLOYER, "everything", _EVERYTHING)

    def internal(self) -> Credentials:
        """Keys of the internal principal: not judged, not recorded; only for what AWS itself does behind the scenes."""
        return self.keys.internal()

    # Verdicts

    def judge(self, caller: Caller, call: Call) -> None:
        """Returns when the caller may make the call; raises AccessDenied with AWS's message otherwise."""
        if caller.principal.kind == "internal":
            return
        try:
            needs = needs_of(call, self.account)
        except UnmappedOperation as error:
            if self._may_do_everything(caller):
                self._record(caller.principal, call, Need(f"{call.service}:{call.operation}", "*"), Verdict(True, "administrator"))
                return
            self._record(caller.principal, call, Need(f"{call.service}:{call.operation}", "*"), Verdict(False, "unmapped operation"))
            raise AccessDenied(f"User: {caller.principal.arn} is not authorized: {error}") from error
        for need in needs:
            who, verdict = self._judge_need(caller, need, call)
            self._record(who, call, need, verdict)
            if not verdict.allowed:
                raise AccessDenied(
                    f"User: {who.arn} is not authorized to perform: {need.action} on resource: {need.resource} {verdict.explained()}"
                )

    def _judge_need(self, caller: Caller, need: Need, call: Call) -> tuple[Principal, Verdict]:
        """Who was judged, and the verdict: the caller, a service by itself, or the role that may have the right in the caller's place."""
        if need.service:
            service = Caller(service_principal(need.service, self.account.account), "")
            return service.principal, self.verdict(service, need, call.region)
        verdict = self.verdict(caller, need, call.region, call.headers)
        role = self.account.role_by_arn(need.or_role) if need.or_role and not verdict.allowed else None
        if role is not None:
            stand_in = Principal("role", role.arn, self.account.account, role.name, role.arn)
            other = self.verdict(Caller(stand_in, ""), need, call.region)
            if other.allowed:
                return stand_in, other
        return caller.principal, verdict

    def verdict(
        self, caller: Caller, need: Need, region: str = "", headers: Mapping[str, str] | None = None, policies: Policies | None = None
    ) -> Verdict:
        """The verdict on one need of a user, a role session or an anonymous caller."""
        try:
            return self._evaluate(caller.principal, need, policies or self.policies(caller, need), region=region, headers=headers)
        except (MalformedPolicy, ValueError) as error:
            return Verdict(False, f"because a policy cannot be read: {error}")

    def policies(self, caller: Caller, need: Need) -> Policies:
        """All policies that have a say on the need."""
        assuming = need.action in ("sts:AssumeRole", "sts:AssumeRoleWithWebIdentity", "sts:TagSession")
        resource = trust_documents(self.account, need.resource) if assuming else self.account.resource_documents(need.resource)
        if caller.principal.kind not in ("user", "role"):
            return Policies(resource=resource)
        return Policies(
            identity=self.account.identity_documents(caller.principal),
            resource=resource,
            boundary=self.account.boundary(caller.principal),
            session=caller.session_documents,
            organisation=() if self._is_own(caller.principal) else self.account.service_control_policies(),
            resource_decides=assuming or _has_key_policy(need),
        )

    @staticmethod
    def _is_own(principal: Principal) -> bool:
        """The sandbox's own principals: service control policies leave them alone as AWS leaves the management account alone."""
        return principal.name in (ADMINISTRATOR, DEPLOYER)

    def allows(self, principal_service: str, action: str, resource_arn: str, source_arn: str | None = None, **condition_keys: str) -> bool:
        """Whether a service may act on a resource by itself: the resource's policy must admit the service (for that source)."""
        return self.explain(principal_service, action, resource_arn, source_arn, **condition_keys).allowed

    def explain(
        self, principal_service: str, action: str, resource_arn: str, source_arn: str | None = None, **condition_keys: str
    ) -> Verdict:
        """As `allows`, with the reason. Further condition keys by name, with `__` for `:` (`kms__ViaService="…"`)."""
        principal = service_principal(principal_service, self.account.account)
        need = Need(action, resource_arn, keys({name.replace("__", ":"): value for name, value in condition_keys.items()}))
        try:
            verdict = self._evaluate(
                principal, need, Policies(resource=self.account.resource_documents(resource_arn)), source_arn=source_arn
            )
        except (MalformedPolicy, ValueError) as error:
            verdict = Verdict(False, f"because a policy cannot be read: {error}")
        self.audit.record(principal_service, "", source_arn or "", action, resource_arn, verdict.allowed, verdict.explained())
        return verdict

    def authenticate(self, environ: dict[str, Any]) -> Caller | None:
        """Who signed the request (header or address); None when nobody did. Raises InvalidAccessKey or InvalidSignature."""
        signature = signature_of(environ)
        if signature is None:
            return None
        caller = self.keys.caller(signature.access_key, signature.session_token)
        verify(environ, caller.secret_access_key)
        return caller

    def authorise(self, environ: dict[str, Any], action: str, resource: str, policy: str | None = None) -> Principal:
        """The caller of a request that the sandbox itself serves (API Gateway's execution host), when it may do the action.

        `policy` is the resource's own policy (`execute-api:/…` in it is short for this API). Raises AccessDenied, InvalidAccessKey or InvalidSignature.
        """
        caller = self.authenticate(environ) or Caller(ANONYMOUS, "")
        need = Need(action, resource)
        found = self.policies(caller, need)
        own: tuple[Document, ...] = (parse(policy.replace('"execute-api:/', f'"{_api(resource)}/')),) if policy else ()
        verdict = self.verdict(caller, need, policies=replace(found, resource=own))
        self.audit.record(*_names(caller.principal), action, action, resource, verdict.allowed, verdict.explained(), verdict.grants)
        if not verdict.allowed:
            raise AccessDenied(
                f"User: {caller.principal.arn} is not authorized to perform: {action} on resource: {resource} {verdict.explained()}"
            )
        return caller.principal

    def grants(self, role_arn: str) -> list[JudgedGrant]:
        """What the role's policies grant, each with the calls it allowed since the sandbox started."""
        role = self.account.role_by_arn(role_arn)
        if role is None:
            raise LookupError(f"there is no role {role_arn}")
        principal = Principal("role", role.arn, self.account.account, role.name, role.arn)
        return judged(self.account.identity_documents(principal), self.audit.uses(role_arn))

    def unused(self, role_arn: str) -> list[JudgedGrant]:
        """Those that allowed no call."""
        return [grant for grant in self.grants(role_arn) if not grant.calls]

    def roles(self) -> Iterable[str]:
        """ARNs of all roles."""
        return sorted(role.arn for role in list(self.account.store("iam").roles.values()))

    def _evaluate(
        self,
        principal: Principal,
        need: Need,
        policies: Policies,
        *,
        region: str = "",
        headers: Mapping[str, str] | None = None,
        source_arn: str | None = None,
    ) -> Verdict:
        context = context_of(principal, need, region or self.region, account=self.account.account, headers=headers, source_arn=source_arn)
        return evaluate(Request(principal, need.action, need.resource, context), policies)

    def _may_do_everything(self, caller: Caller) -> bool:
        """Allowed every action on everything by an unconditional statement, with nothing that could take it back."""
        documents = self.account.identity_documents(caller.principal)
        if caller.session_documents is not None or self.account.boundary(caller.principal) is not None:
            return False
        statements = [statement for document in documents for statement in document.statements]
        if any(statement.effect == "Deny" for statement in statements):
            return False
        return any(
            "*" in statement.actions and not statement.negated_actions and "*" in (statement.resources or ()) and not statement.conditions
            for statement in statements
        )

    def _record(self, principal: Principal, call: Call, need: Need, verdict: Verdict) -> None:
        arn, session = _names(principal)
        self.audit.record(
            arn,
            session,
            f"{call.service}:{call.operation}",
            need.action,
            need.resource,
            verdict.allowed,
            verdict.explained(),
            verdict.grants,
        )
        if not verdict.allowed:
            log.info("denied: %s %s on %s %s", principal.arn, need.action, need.resource, verdict.explained())


def _names(principal: Principal) -> tuple[str, str]:
    return principal.identity_arn or principal.arn, principal.session_name


def _api(resource: str) -> str:
    """`arn:aws:execute-api:region:account:api` of the ARN of a method."""
    return resource.split("/", 1)[0]


def _has_key_policy(need: Need) -> bool:
    return need.resource.startswith("arn:aws:kms:") and ":key/" in need.resource
