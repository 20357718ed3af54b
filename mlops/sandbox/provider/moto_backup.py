"""What moto's AWS Backup lacks of the operations the provider needs, as plain stores: selections, vault policies, notifications, restore testing.

Backups themselves are not made here: StartBackupJob and what follows from it are refused by name.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

from moto.backup import urls
from moto.backup.exceptions import AlreadyExistsException, InvalidRequestException, ResourceNotFoundException
from moto.backup.models import BackupBackend, Plan
from moto.backup.responses import BackupResponse
from moto.core.utils import unix_time
from moto.moto_api._internal import mock_random

_PATHS = (
    "{0}/backup-vaults/(?P<name>[^/]+)/access-policy$",
    "{0}/backup-vaults/(?P<name>[^/]+)/notification-configuration$",
    "{0}/restore-testing/plans$",
    "{0}/restore-testing/plans/(?P<name>[^/]+)$",
    "{0}/restore-testing/plans/(?P<name>[^/]+)/selections$",
    "{0}/restore-testing/plans/(?P<name>[^/]+)/selections/(?P<selection>[^/]+)$",
)


def install() -> None:
    """Add the operations; a second call changes nothing."""
    if hasattr(BackupResponse, "create_backup_selection"):
        return
    urls.url_paths.update(dict.fromkeys(_PATHS, BackupResponse.dispatch))
    for operation in (
        update_backup_plan,
        create_backup_selection,
        get_backup_selection,
        delete_backup_selection,
        list_backup_selections,
        put_backup_vault_access_policy,
        get_backup_vault_access_policy,
        delete_backup_vault_access_policy,
        put_backup_vault_notifications,
        get_backup_vault_notifications,
        delete_backup_vault_notifications,
        create_restore_testing_plan,
        get_restore_testing_plan,
        update_restore_testing_plan,
        delete_restore_testing_plan,
        create_restore_testing_selection,
        get_restore_testing_selection,
        update_restore_testing_selection,
        delete_restore_testing_selection,
    ):
        setattr(BackupResponse, operation.__name__, operation)
    BackupBackend.delete_backup_plan = _delete_backup_plan(BackupBackend.delete_backup_plan)  # type: ignore[method-assign]
    BackupBackend.delete_backup_vault = _delete_backup_vault(BackupBackend.delete_backup_vault)  # type: ignore[method-assign]


def _parts(response: BackupResponse) -> list[str]:
    return [unquote(part) for part in response.path.strip("/").split("/")]


def _store(response: BackupResponse, name: str) -> dict[str, Any]:
    """A dictionary of this account and region, made on first use."""
    backend = response.backup_backend
    if not hasattr(backend, name):
        setattr(backend, name, {})
    return getattr(backend, name)  # type: ignore[no-any-return]


def _plan(response: BackupResponse) -> Plan:
    plan = response.backup_backend.get_backup_plan(_parts(response)[2], None)
    if plan.deletion_date is not None:
        raise ResourceNotFoundException(msg=f"Cannot find Backup plan with ID {plan.backup_plan_id}")
    return plan


def _selections(plan: Plan) -> dict[str, dict[str, Any]]:
    return plan.__dict__.setdefault("selections", {})  # type: ignore[no-any-return]


def _delete_backup_plan(delete: Any) -> Any:
    def delete_empty_plan(self: BackupBackend, backup_plan_id: str) -> Any:
        plan = self.plans.get(backup_plan_id)
        if plan is None or plan.deletion_date is not None:
            raise ResourceNotFoundException(msg=f"Cannot find Backup plan with ID {backup_plan_id}")
        if _selections(plan):
            raise InvalidRequestException(msg="Related backup plan selections must be deleted prior to backup plan deletion")
        self.tagger.delete_all_tags_for_resource(plan.backup_plan_arn)
        found = delete(self, backup_plan_id)
        # moto keeps the name of a deleted plan taken.
        del self.plans[backup_plan_id]
        return found

    return delete_empty_plan


def _delete_backup_vault(delete: Any) -> Any:
    def delete_known_vault(self: BackupBackend, backup_vault_name: str) -> None:
        vault = self.describe_backup_vault(backup_vault_name)
        self.tagger.delete_all_tags_for_resource(vault.backup_vault_arn)
        delete(self, backup_vault_name)

    return delete_known_vault


def update_backup_plan(response: BackupResponse) -> str:
    plan = _plan(response)
    updated: Any = Plan(json.loads(response.body)["BackupPlan"], plan.creator_request_id, response.backup_backend)
    plan.backup_plan, plan.version_id = updated.backup_plan, updated.version_id
    return json.dumps(plan.to_dict())


def create_backup_selection(response: BackupResponse) -> str:
    plan, parameters = _plan(response), json.loads(response.body)
    selection = parameters["BackupSelection"]
    if selection["SelectionName"] in [known["BackupSelection"]["SelectionName"] for known in _selections(plan).values()]:
        raise AlreadyExistsException(msg="Backup selection with the same name already exists")
    id_ = str(mock_random.uuid4())
    entry = {"SelectionId": id_, "BackupPlanId": plan.backup_plan_id, "CreationDate": unix_time()}
    _selections(plan)[id_] = {**entry, "BackupSelection": selection}
    return json.dumps(entry)


def _selection(response: BackupResponse) -> dict[str, Any]:
    found = _selections(_plan(response)).get(_parts(response)[4])
    if found is None:
        raise ResourceNotFoundException(msg=f"Cannot find Backup selection with ID {_parts(response)[4]}")
    return found


def get_backup_selection(response: BackupResponse) -> str:
    return json.dumps(_selection(response))


def delete_backup_selection(response: BackupResponse) -> str:
    found = _selection(response)
    del _selections(_plan(response))[found["SelectionId"]]
    return "{}"


def list_backup_selections(response: BackupResponse) -> str:
    found = [
        {
            **{key: value for key, value in entry.items() if key != "BackupSelection"},
            "SelectionName": entry["BackupSelection"]["SelectionName"],
            "IamRoleArn": entry["BackupSelection"]["IamRoleArn"],
        }
        for entry in _selections(_plan(response)).values()
    ]
    return json.dumps({"BackupSelectionsList": found})


def _vault_setting(response: BackupResponse, name: str) -> dict[str, Any]:
    vault = response.backup_backend.describe_backup_vault(_parts(response)[1])
    found = vault.__dict__.get(name)
    if found is None:
        raise ResourceNotFoundException(msg=f"The vault {vault.backup_vault_name} has no {name}")
    return {"BackupVaultName": vault.backup_vault_name, "BackupVaultArn": vault.backup_vault_arn, **found}


def _set_vault(response: BackupResponse, name: str, value: dict[str, Any] | None) -> str:
    vault = response.backup_backend.describe_backup_vault(_parts(response)[1])
    setattr(vault, name, value)
    return "{}"


def put_backup_vault_access_policy(response: BackupResponse) -> str:
    return _set_vault(response, "policy", {"Policy": json.loads(response.body)["Policy"]})


def get_backup_vault_access_policy(response: BackupResponse) -> str:
    return json.dumps(_vault_setting(response, "policy"))


def delete_backup_vault_access_policy(response: BackupResponse) -> str:
    return _set_vault(response, "policy", None)


def put_backup_vault_notifications(response: BackupResponse) -> str:
    return _set_vault(response, "notifications", json.loads(response.body))


def get_backup_vault_notifications(response: BackupResponse) -> str:
    return json.dumps(_vault_setting(response, "notifications"))


def delete_backup_vault_notifications(response: BackupResponse) -> str:
    return _set_vault(response, "notifications", None)


def _testing_plan(response: BackupResponse) -> dict[str, Any]:
    found = _store(response, "restore_testing_plans").get(_parts(response)[2])
    if found is None:
        raise ResourceNotFoundException(msg=f"Restore testing plan {_parts(response)[2]} does not exist")
    return found  # type: ignore[no-any-return]


def create_restore_testing_plan(response: BackupResponse) -> str:
    parameters = json.loads(response.body)
    plan, plans = parameters["RestoreTestingPlan"], _store(response, "restore_testing_plans")
    name = plan["RestoreTestingPlanName"]
    if name in plans:
        raise AlreadyExistsException(msg=f"Restore testing plan {name} already exists")
    backend = response.backup_backend
    arn = f"arn:aws:backup:{backend.region_name}:{backend.account_id}:restore-testing-plan:{name}-{mock_random.uuid4()}"
    plans[name] = {"plan": {**plan, "RestoreTestingPlanArn": arn, "CreationTime": unix_time()}, "selections": {}}
    if parameters.get("Tags"):
        backend.tagger.tag_resource(arn, [{"Key": key, "Value": value} for key, value in parameters["Tags"].items()])
    return json.dumps(_named(plans[name]["plan"]))


def _named(entry: dict[str, Any]) -> dict[str, Any]:
    names = ("RestoreTestingPlanName", "RestoreTestingPlanArn", "RestoreTestingSelectionName", "CreationTime")
    return {name: entry[name] for name in names if name in entry}


def get_restore_testing_plan(response: BackupResponse) -> str:
    return json.dumps({"RestoreTestingPlan": _testing_plan(response)["plan"]})


def update_restore_testing_plan(response: BackupResponse) -> str:
    plan = _testing_plan(response)["plan"]
    plan.update(json.loads(response.body)["RestoreTestingPlan"])
    return json.dumps({**_named(plan), "UpdateTime": unix_time()})


def delete_restore_testing_plan(response: BackupResponse) -> str:
    found = _testing_plan(response)
    if found["selections"]:
        raise InvalidRequestException(msg="A restore testing plan with selections cannot be deleted")
    response.backup_backend.tagger.delete_all_tags_for_resource(found["plan"]["RestoreTestingPlanArn"])
    del _store(response, "restore_testing_plans")[_parts(response)[2]]
    return "{}"


def create_restore_testing_selection(response: BackupResponse) -> str:
    found, selection = _testing_plan(response), json.loads(response.body)["RestoreTestingSelection"]
    name = selection["RestoreTestingSelectionName"]
    if name in found["selections"]:
        raise AlreadyExistsException(msg=f"Restore testing selection {name} already exists")
    entry = {**selection, "RestoreTestingPlanName": found["plan"]["RestoreTestingPlanName"], "CreationTime": unix_time()}
    found["selections"][name] = entry
    return json.dumps({**_named(entry), "RestoreTestingPlanArn": found["plan"]["RestoreTestingPlanArn"]})


def _testing_selection(response: BackupResponse) -> dict[str, Any]:
    found = _testing_plan(response)["selections"].get(_parts(response)[4])
    if found is None:
        raise ResourceNotFoundException(msg=f"Restore testing selection {_parts(response)[4]} does not exist")
    return found  # type: ignore[no-any-return]


def get_restore_testing_selection(response: BackupResponse) -> str:
    return json.dumps({"RestoreTestingSelection": _testing_selection(response)})


def update_restore_testing_selection(response: BackupResponse) -> str:
    selection = _testing_selection(response)
    selection.update(json.loads(response.body)["RestoreTestingSelection"])
    plan = _testing_plan(response)["plan"]
    return json.dumps({**_named(selection), "RestoreTestingPlanArn": plan["RestoreTestingPlanArn"], "UpdateTime": unix_time()})


def delete_restore_testing_selection(response: BackupResponse) -> str:
    name = _testing_selection(response)["RestoreTestingSelectionName"]
    del _testing_plan(response)["selections"][name]
    return "{}"
