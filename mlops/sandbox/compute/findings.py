"""GuardDuty's sample findings: made on demand, kept by the detector, and sent to EventBridge as real ones are."""

from __future__ import annotations

import uuid
from typing import Any

from mlops.sandbox.compute import events
from mlops.sandbox.context import Sandbox
from mlops.sandbox.stores import Store, StoreError, now, operation

# Severities: https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_finding-types-active.html
SAMPLES = {
    "CredentialAccess:IAMUser/AnomalousBehavior": 5.0,
    "Exfiltration:IAMUser/AnomalousBehavior": 8.0,
    "Impact:IAMUser/AnomalousBehavior": 8.0,
    "Persistence:IAMUser/AnomalousBehavior": 5.0,
    "Policy:IAMUser/RootCredentialUsage": 2.0,
    "PrivilegeEscalation:IAMUser/AnomalousBehavior": 5.0,
    "Recon:IAMUser/MaliciousIPCaller": 5.0,
    "Stealth:IAMUser/CloudTrailLoggingDisabled": 2.0,
    "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS": 8.0,
}
# Samples name things that do not exist, so that nobody acts on anything of the account.
NOBODY = {
    "AccessKeyId": "GeneratedFindingAccessKeyId",
    "PrincipalId": "GeneratedFindingPrincipalId",
    "UserName": "GeneratedFindingUserName",
    "UserType": "IAMUser",
}


def install(sandbox: Sandbox) -> None:
    """Answer CreateSampleFindings, ListFindings and GetFindings."""

    @operation("guardduty", "CreateSampleFindings")
    def sample(store: Store, p: dict[str, Any]) -> None:
        store.get("detector", p["DetectorId"], "BadRequestException")
        types = p.get("FindingTypes") or list(SAMPLES)
        unknown = sorted(set(types) - set(SAMPLES))
        if unknown:
            raise StoreError("BadRequestException", f"the sandbox has no samples of {', '.join(unknown)}; it has {', '.join(SAMPLES)}")
        for type_ in types:
            found = finding(store, p["DetectorId"], type_)
            store.kind("finding")[found["Id"]] = found
            events.emit(sandbox, "aws.guardduty", "GuardDuty Finding", as_event(found))

    @operation("guardduty", "ListFindings")
    def listed(store: Store, p: dict[str, Any]) -> dict[str, Any]:
        store.get("detector", p["DetectorId"], "BadRequestException")
        return {"FindingIds": list(store.kind("finding"))}

    @operation("guardduty", "GetFindings")
    def got(store: Store, p: dict[str, Any]) -> dict[str, Any]:
        return {"Findings": [store.kind("finding")[id_] for id_ in p["FindingIds"] if id_ in store.kind("finding")]}


def finding(store: Store, detector: str, type_: str) -> dict[str, Any]:
    """A sample of one type, as GetFindings has it."""
    id_, moment = uuid.uuid4().hex, now().strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return {
        "SchemaVersion": "2.0",
        "AccountId": store.account,
        "Region": store.region,
        "Partition": "aws",
        "Id": id_,
        "Arn": store.arn(f"detector/{detector}/finding/{id_}"),
        "Type": type_,
        "Resource": {"ResourceType": "AccessKey", "AccessKeyDetails": NOBODY},
        "Severity": SAMPLES[type_],
        "Title": f"[SAMPLE] {type_}",
        "Description": f"[SAMPLE] A sample finding of {type_}.",
        "CreatedAt": moment,
        "UpdatedAt": moment,
        "Service": {"ServiceName": "guardduty", "DetectorId": detector, "Count": 1, "AdditionalInfo": {"Value": '{"sample":true}'}},
    }


def as_event(value: Any) -> Any:
    """The finding with the small first letters that it has in an event."""
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: as_event(item) for name, item in value.items()}
    return [as_event(item) for item in value] if isinstance(value, list) else value
