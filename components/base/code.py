"""What runs: layers and packages of the functions, and the scripts, training source and contracts in the models bucket."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pulumi
import pulumi_aws as aws

from components.base.lake import Lake
from components.base.packaging import LAYERS, Packager
from components.base.platform import Platform
from components.state_machines.training import SOURCE_ARCHIVE

GLUE_SCRIPTS = ("validate", "preprocess")
CONTRACTS = "code/contracts/"  # where they lie in the models bucket
REVISION = "MLOPS_REVISION"  # the commit that is deployed, where the deployer knows it


class Code(pulumi.ComponentResource):
    """URIs of everything that SageMaker and Glue read, and archives for Lambda."""

    def __init__(self, name: str, *, platform: Platform, lake: Lake, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:operations:Code", name, None, opts)
        self._name = name
        self._lake = lake
        self._platform = platform
        functions = platform.settings.functions
        root = Path.cwd()
        self._packager = Packager(root, functions.python_version(), functions.lambda_architecture())
        self._layers: dict[str, aws.lambda_.LayerVersion] = {}
        if platform.has("data"):
            self.glue_scripts = {
                script: self._upload(f"code/glue_jobs/{script}.py", root / f"glue_jobs/{script}.py") for script in GLUE_SCRIPTS
            }
            self.glue_modules = self._upload_glue_modules(root)
            self.contracts = self._upload_contracts(platform)
        if platform.has("models"):
            self.training_source = self._upload_training(root)
        self.register_outputs({})

    def function_archive(self, handler: str) -> pulumi.Archive:
        return pulumi.FileArchive(self._packager.function(handler).as_posix())

    def layers(self, *, numeric: bool) -> list[pulumi.Output[str]]:
        """Made for the first function that needs them."""
        return [self._layer(layer).arn for layer in (("platform", "numeric") if numeric else ("platform",))]

    def layer_requirements(self) -> dict[str, str]:
        """Of each layer made so far, a hash of what it was installed from."""
        return {layer: self._packager.requirements(layer) for layer in sorted(self._layers)}

    def _layer(self, layer: str) -> aws.lambda_.LayerVersion:
        if layer not in self._layers:
            self._layers[layer] = self._make_layer(layer, self._platform)
        return self._layers[layer]

    def _make_layer(self, layer: str, platform: Platform) -> aws.lambda_.LayerVersion:
        functions = platform.settings.functions
        requirements, package = LAYERS[layer]
        return aws.lambda_.LayerVersion(
            f"{self._name}-{layer}",
            layer_name=platform.name(layer),
            description=f"{platform.prefix}: {layer} code for Python {functions.python_version()}",
            code=pulumi.FileArchive(self._packager.layer(layer, requirements, package).as_posix()),
            compatible_runtimes=[f"python{functions.python_version()}"],
            compatible_architectures=[functions.lambda_architecture()],
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _upload(self, key: str, file: Path) -> str:
        self._object(key, source=pulumi.FileAsset(file.relative_to(Path.cwd()).as_posix()))
        return self._lake.models.uri(key)

    def _upload_glue_modules(self, root: Path) -> str | None:
        scripts = {f"{script}.py" for script in GLUE_SCRIPTS}
        files = {f"glue_jobs/{path.name}": path for path in sorted((root / "glue_jobs").glob("*.py")) if path.name not in scripts}
        if set(files) <= {"glue_jobs/__init__.py"}:
            return None
        files |= _contract_modules(root)
        archive = self._packager.modules("glue_jobs", files)
        return self._upload(f"code/glue_jobs/{archive.name}", root / archive)

    def _upload_training(self, root: Path) -> str:
        modules = {f"training/{path.name}": path for path in (root / "training").glob("*.py")}
        # Script mode starts what lies at the root; everything else is imported as a package.
        scripts = {name: root / "training" / name for name in ("train.py", "serve.py")}
        archive = self._packager.source("training", {**scripts, **modules, **_contract_modules(root)})
        # The hash is part of the key: a running job keeps the code it was started with, and the object the commit it first came from.
        key = f"code/training/{archive.name.removesuffix('.tar.gz')}/{SOURCE_ARCHIVE}"
        commit = os.environ.get(REVISION)
        self._object(key, source=pulumi.FileAsset(archive.as_posix()), metadata={"commit": commit} if commit else None)
        return self._lake.models.uri(key)

    def _upload_contracts(self, platform: Platform) -> dict[str, str]:
        """The URI of each model's contract; models may share one."""
        uris: dict[str, str] = {}
        for model in platform.settings.models:
            if model.contract not in uris:
                key = f"{CONTRACTS}{Path(model.contract).stem}.json"
                content = json.dumps(platform.contracts[model.name], sort_keys=True, default=str)
                self._object(key, content=content, content_type="application/json")
                uris[model.contract] = self._lake.models.uri(key)
        return {model.name: uris[model.contract] for model in platform.settings.models}

    def _object(self, key: str, **content: object) -> None:
        aws.s3.BucketObjectv2(
            f"{self._name}-{key.removeprefix('code/').replace('/', '-')}",
            bucket=self._lake.models.name,
            key=key,
            **content,  # type: ignore[arg-type]
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self._lake], ignore_changes=["metadata"]),
        )


def _contract_modules(root: Path) -> dict[str, Path]:
    """The contract's parser, which jobs share with the functions."""
    folder = root / "lambdas/layer/platform_common"
    return {f"platform_common/{name}": folder / name for name in ("__init__.py", "contract.py")}
