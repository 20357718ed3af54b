"""What docs/deployment.md says under Removal is enough: with it nothing of a production stack stands in the way of its end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from mlops import engine
from mlops.report.recording import recording

ROOT = Path(__file__).parents[2]
LOCK = "aws:backup/vaultLockConfiguration:VaultLockConfiguration"
CHANGES = (
    "`mlops:stack: environment: dev` and `protected: false`",
    "`aws:defaultTags: Environment: dev`",
    "`mlops:recovery: backup: lock: off`",
)


def being_removed(stack: str, folder: Path) -> engine.Record:
    """A preview with the guide's changes in the stack's file."""
    for name in (
        "__main__.py",
        "Pulumi.yaml",
        "contracts",
        "lambdas",
        "glue_jobs",
        "training",
        "buildspecs",
        "components",
        "pyproject.toml",
    ):
        (folder / name).symlink_to(ROOT / name)
    config = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]
    config["mlops:stack"] |= {"environment": "dev", "protected": False}
    config["aws:defaultTags"]["tags"]["Environment"] = "dev"
    config["mlops:recovery"]["backup"]["lock"] = "off"
    (folder / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump({"config": config}))
    return engine.preview(folder, stack)


def recorded(stack: str) -> set[str]:
    """The URNs of the stack as it is (test_recorded_preview.py keeps them fresh), without the vault's lock."""
    resources = json.loads((ROOT / "tests" / "recordings" / f"{stack}.json").read_text())["resources"]
    return {urn for urn, resource in resources.items() if resource["type"] != LOCK}


@pytest.mark.spec("OPS-6")
@pytest.mark.parametrize("stack", ["prod", "prod-dr"])
def test_the_guides_changes_take_every_protection_off_and_replace_nothing(stack: str, tmp_path: Path) -> None:
    guide = " ".join((ROOT / "docs" / "deployment.md").read_text().split())
    assert all(change in guide for change in CHANGES)
    record = being_removed(stack, tmp_path)
    assert not [resource.urn for resource in record.resources if resource.protect or resource.type == LOCK]
    inputs = [(resource.urn, resource.inputs) for resource in record.resources]
    assert not [urn for urn, values in inputs if values.get("deletionProtectionEnabled") or values.get("enableDeletionProtection")]
    kept = [urn for urn, values in inputs if values.get("forceDestroy") is False or values.get("forceDelete") is False]
    assert not kept, "these would not be deleted while something is in them"
    assert set(recording(record)["resources"]) == recorded(stack)
