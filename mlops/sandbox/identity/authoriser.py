"""WSGI middleware in front of moto: who calls, may they, and if not an error as AWS shapes it."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from joserfc.errors import JoseError

from mlops.sandbox.identity import errors
from mlops.sandbox.identity.audit import as_json
from mlops.sandbox.identity.credentials import Caller, InvalidAccessKey
from mlops.sandbox.identity.decoding import Call, UndecodableRequest, decode, signature_of, unsigned_service
from mlops.sandbox.identity.identity import AccessDenied, Identity
from mlops.sandbox.identity.principals import ANONYMOUS
from mlops.sandbox.identity.signature import InvalidSignature
from mlops.sandbox.identity.web_identity import InvalidToken

if TYPE_CHECKING:
    from mlops.sandbox.context import Sandbox

StartResponse = Callable[..., Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

AUDIT_PATH = "/_sandbox/audit"
EVENTS_PATH = "/_sandbox/events"
OIDC_PATH = "/_sandbox/oidc"
INTERRUPTIONS_PATH = "/_sandbox/interruptions"
PRINCIPAL = "mlops.sandbox.principal"  # environ key: the caller, allowed or not, for whoever stands behind or watches


class Authoriser:
    """Lets a request through to `application` when the caller may make it."""

    def __init__(self, application: Application, sandbox: Sandbox) -> None:
        self._application = application
        self._sandbox = sandbox

    @property
    def _identity(self) -> Identity:
        identity = self._sandbox.identity
        if identity is None:
            raise RuntimeError("the sandbox has no identity yet: no call can be judged")
        return identity

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path in (AUDIT_PATH, EVENTS_PATH, OIDC_PATH, INTERRUPTIONS_PATH):
            return self._for_administrator(environ, start_response)
        call: Call | None = None
        try:
            if path.startswith(("/moto-api", "/latest/")):
                raise errors.Refused("AccessDenied", f"{path} is not part of AWS: the sandbox does not serve it", 403)
            call, caller = self._identify(environ)
            environ[PRINCIPAL] = caller.principal
            self._identity.judge(caller, call)
        except UndecodableRequest as error:
            return errors.answer(environ, start_response, errors.undecodable(error.message), error.service)
        except InvalidAccessKey as error:
            return errors.answer(environ, start_response, errors.invalid_key(error, environ), _service(environ))
        except InvalidSignature as error:
            return errors.answer(environ, start_response, errors.invalid_signature(str(error), _service(environ)), _service(environ))
        except AccessDenied as error:
            return errors.answer(environ, start_response, errors.denied(str(error), _service(environ)), _service(environ))
        except errors.Refused as error:
            return errors.answer(environ, start_response, error, _service(environ))
        return self._application(environ, start_response)

    def _identify(self, environ: dict[str, Any]) -> tuple[Call, Caller]:
        caller = self._identity.authenticate(environ)
        if caller is None:
            return self._anonymous(environ)
        return decode(environ, self._identity.region), caller

    def _anonymous(self, environ: dict[str, Any]) -> tuple[Call, Caller]:
        # STS takes a token of an identity provider instead; else only S3 serves such callers, where a bucket policy allows everybody.
        if unsigned_service(environ) == "sts":
            call = decode(environ, self._identity.region)
            try:
                principal = self._identity.web_identities.principal(str(call.parameters.get("WebIdentityToken", "")))
            except InvalidToken as error:
                raise errors.Refused(error.code, str(error), 400) from error
            return call, Caller(principal, "")
        if environ.get("HTTP_X_AMZ_TARGET") or "x-www-form-urlencoded" in (environ.get("CONTENT_TYPE") or ""):
            raise errors.Refused("MissingAuthenticationTokenException", "Missing Authentication Token: the request is not signed", 403)
        call = decode(environ, self._identity.region)
        bucket = str(call.parameters.get("Bucket", ""))
        if self._identity.account.blocks_public_access(bucket):
            raise AccessDenied(f"anonymous is not authorized to perform {call.operation} on {bucket}: the bucket blocks public access")
        return call, Caller(ANONYMOUS, "")

    def _for_administrator(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """The sandbox's own doors, with the administrator's secret key as bearer token.

        `GET /_sandbox/audit?view=calls|denied|unused|grants&principal=<ARN>`: what was judged.
        `POST /_sandbox/events` with `{"source": "aws.…", "detail-type": …, "detail": {…}}`: an event that only AWS itself can send.
        `POST /_sandbox/oidc` with `{"issuer": "https://…", "keys": [JSON Web Keys]}`: what AWS would fetch from the issuer's address.
        `POST /_sandbox/interruptions` with `{"training_job": name}`: the job's spot instances are taken away.
        """
        secret = self._identity.administrator().secret_access_key
        if not hmac.compare_digest(environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer "), secret):
            refused = errors.Refused(
                "AccessDenied", "expected the header Authorization: Bearer <the administrator's secret access key>", 403
            )
            return errors.answer(environ, start_response, refused, "")
        try:
            doors = {EVENTS_PATH: self._send, OIDC_PATH: self._take_keys, INTERRUPTIONS_PATH: self._interrupt}
            content = doors.get(environ.get("PATH_INFO", ""), self._audit)(environ)
        except LookupError as error:
            return errors.answer(environ, start_response, errors.Refused("ValidationException", str(error), 400), "")
        body = json.dumps({"schema": 1, **content}).encode()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    def _audit(self, environ: dict[str, Any]) -> dict[str, Any]:
        query = {name: values[0] for name, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
        principal, view = query.get("principal", ""), query.get("view", "calls")
        return {"view": view, "principal": principal, **self._view(view, principal)}

    def _send(self, environ: dict[str, Any]) -> dict[str, Any]:
        send = self._sandbox.services.get("aws-events")
        if environ.get("REQUEST_METHOD") != "POST" or send is None:
            raise LookupError(f"expected POST {EVENTS_PATH} on a sandbox with EventBridge")
        try:
            event = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
            source, detail_type, detail = event["source"], event["detail-type"], event["detail"]
        except (ValueError, TypeError, KeyError) as error:
            raise LookupError(f"expected JSON with source, detail-type and detail: {type(error).__name__} {error}") from error
        return {"id": send(source, detail_type, detail)}

    def _take_keys(self, environ: dict[str, Any]) -> dict[str, Any]:
        try:
            document = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
            self._identity.web_identities.trust_keys(document["issuer"], {"keys": document["keys"]})
        except (ValueError, KeyError, TypeError, JoseError) as error:
            raise LookupError(f"expected JSON with an issuer and its public keys: {type(error).__name__} {error}") from error
        return {"issuer": document["issuer"], "keys": len(document["keys"])}

    def _interrupt(self, environ: dict[str, Any]) -> dict[str, Any]:
        training = self._sandbox.services.get("training")
        if environ.get("REQUEST_METHOD") != "POST" or training is None:
            raise LookupError(f"expected POST {INTERRUPTIONS_PATH} on a sandbox with SageMaker")
        try:
            name = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))["training_job"]
        except (ValueError, TypeError, KeyError) as error:
            raise LookupError(f"expected JSON with training_job: {type(error).__name__} {error}") from error
        return training.interrupt(name)

    def _view(self, view: str, principal: str) -> dict[str, Any]:
        identity = self._identity
        if view == "calls":
            return {"calls": as_json(identity.audit.entries(principal)), "used": identity.audit.used(principal) if principal else {}}
        if view == "denied":
            return {"denied": as_json(identity.audit.denied(principal))}
        if view == "unused":
            roles = [principal] if principal else [role for role in identity.roles() if identity.audit.used(role)]
            return {"unused": [{"role": role, **asdict(grant)} for role in roles for grant in identity.unused(role)]}
        if view == "grants":
            roles = [principal] if principal else identity.roles()
            made = {role: sum(identity.audit.used(role).values()) for role in roles}
            return {"roles": [{"role": role, "calls": made[role], "grants": as_json(identity.grants(role))} for role in roles]}
        raise LookupError(f"view must be calls, denied, unused or grants, got {view!r}")


def _service(environ: dict[str, Any]) -> str:
    call = environ.get("mlops.sandbox.call")
    if call is not None:
        return call.service
    signature = signature_of(environ)
    return signature.service if signature else "s3"
