"""Runs the checks of a stack at the same time, and sums up what they found."""

from __future__ import annotations

import importlib
import logging
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

from botocore.exceptions import BotoCoreError, ClientError

from mlops.doctor.check import CHECKS, Check, Examined, Finding, NotChecked, not_checked
from mlops.doctor.context import Context, NoSandbox
from mlops.engine import EngineError
from mlops.errors import UserError

log = logging.getLogger(__name__)

# Each module is an area; importing it registers its checks.
MODULES = ("machine", "program", "sandbox", "account", "singletons", "quotas", "names", "existing", "permissions", "service_roles")
WORKERS = 16
Asked = Literal["asked", "no_sandbox", "no_credentials"]
OK, PROBLEMS, NO_ACCOUNT = 0, 1, 3
# What can be asked in another region than the stack's.
ASKED_ELSEWHERE = ("identity", "account", "region")
_DENIED = (
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "AuthorizationError",
    "AuthorizationErrorException",
    "403",
    "Forbidden",
)
_THROTTLED = ("Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown")


@dataclass(frozen=True)
class Examination:
    """All checks of a stack with what they found, and whether there was an account to ask."""

    stack: str
    examined: tuple[Examined, ...]
    account: Asked
    seconds: float

    @property
    def counts(self) -> dict[str, int]:
        found = Counter(finding.status for each in self.examined for finding in each.findings)
        return {status: found[status] for status in ("ok", "warning", "problem", "not_checked")}

    @property
    def exit_code(self) -> int:
        """0 nothing stands in the way, 1 problems, 3 no problem seen, but there was no account to ask."""
        if self.counts["problem"]:
            return PROBLEMS
        return NO_ACCOUNT if self.account == "no_credentials" else OK

    @property
    def verdict(self) -> str:
        """What the exit code says, in words."""
        counts, code = self.counts, self.exit_code
        unasked = "; the account was not asked" if self.account == "no_credentials" else ""
        unseen = f"; {counts['not_checked']} not checked" if counts["not_checked"] else ""
        number = "1 problem stands" if counts["problem"] == 1 else f"{counts['problem']} problems stand"
        words = {
            OK: f"nothing seen that stands in the way of stack {self.stack}{unseen}",
            PROBLEMS: f"{number} in the way of stack {self.stack}{unasked}",
            NO_ACCOUNT: f"no problem seen on this machine and in the project{unasked}",
        }
        return f"{words[code]} (exit code {code})"

    def to_dict(self) -> dict[str, Any]:
        counts = self.counts
        return {
            "stack": self.stack,
            "status": {OK: "succeeded", PROBLEMS: "failed", NO_ACCOUNT: "incomplete"}[self.exit_code],
            "exit_code": self.exit_code,
            "verdict": self.verdict,
            "account": self.account,
            "counts": counts,
            "checks": [row for each in self.examined for row in each.to_list()],
            "not_applicable": [each.check.id for each in self.examined if not each.findings],
            "seconds": round(self.seconds, 2),
        }


def all_checks() -> list[Check]:
    """Every check there is, area by area."""
    for name in MODULES:
        importlib.import_module(f"mlops.doctor.{name}")
    return CHECKS


def examine(context: Context) -> Examination:
    """Run every check; none of them ends the others."""
    started = time.perf_counter()
    checks = all_checks()
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="doctor") as pool:
        examined = tuple(pool.map(lambda each: Examined(each, tuple(looked(each, context))), checks))
    return Examination(context.stack, examined, _asked(context), time.perf_counter() - started)


def looked(check: Check, context: Context) -> list[Finding]:
    """What the check found; where it could not look, why."""
    try:
        if check.aws:
            account = context.account  # without one the check is not asked
            if account.refusal and check.id not in ASKED_ELSEWHERE:
                return [
                    not_checked(f"{account.region} does not answer to the caller: {account.refusal}", "mend what the check `region` says")
                ]
        return list(check.look(context))
    except NotChecked as error:
        return [not_checked(error.why, error.fix)]
    except ClientError as error:
        return [refused(error)]
    except BotoCoreError as error:
        return [not_checked(f"AWS did not answer: {error}", "look at the network and at AWS_ENDPOINT_URL")]
    except (UserError, EngineError) as error:
        return [not_checked(error.message, error.hint)]
    except Exception as error:
        log.exception("the check %s failed", check.id)
        return [not_checked(f"the check itself failed: {type(error).__name__}: {error}", "report it: this is a fault of mlops doctor")]


def refused(error: ClientError, subject: str = "") -> Finding:
    """An error of AWS as a check that was not made."""
    code, message = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
    operation = error.operation_name
    if code in _DENIED:
        return not_checked(
            f"no permission for {operation}: {message}"[:300], f"allow it to the caller, or run this as who may: {operation}", subject
        )
    if code in _THROTTLED:
        return not_checked(f"AWS throttled {operation}", "run this again", subject)
    if code == "UnsupportedOperation":
        return not_checked(message, "", subject)
    return not_checked(f"{operation} answered {code}: {message}"[:300], "", subject)


def _asked(context: Context) -> Asked:
    try:
        context.account  # noqa: B018
    except (NotChecked, ClientError, BotoCoreError, EngineError, UserError) as error:
        return "no_sandbox" if isinstance(error, NoSandbox) else "no_credentials"
    return "asked"
