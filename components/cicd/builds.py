"""The build projects of the pipeline: packages of the functions, tests, and images by setting."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pulumi

from components.base.grants import IMAGE_LOGIN, IMAGE_PUSH, allow, allow_anywhere
from components.base.package_functions import LAYER_FOLDER
from components.base.shared import Shared
from components.blocks.bucket_reference import BucketReference
from components.cicd.build_project import BuildProject, BuildProjectArgs
from components.cicd.network import BuildNetwork
from components.cicd.stages import groups, with_artifacts

OUTPUT = "dist"


class Builds(pulumi.ComponentResource):
    """`packaging` maps a project to the artefacts it makes; `test` and `images` make none."""

    def __init__(self, name: str, *, shared: Shared, artifacts: BucketReference, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:cicd:Builds", name, None, opts)
        self._name, self._shared, self._artifacts = name, shared, artifacts
        settings = shared.platform.settings
        child = pulumi.ResourceOptions(parent=self)
        self._network = BuildNetwork(f"{name}-network", shared=shared, opts=child) if settings.cicd.in_vpc else None
        self.packaging = self._packaging()
        self.test = self._test()
        self.images = [self._image(purpose) for purpose in ("training", "serving")] if settings.cicd.images else []
        self.register_outputs({})

    def all(self) -> list[BuildProject]:
        return [*(project for project, _ in self.packaging), self.test, *self.images]

    def _project(self, args: BuildProjectArgs) -> BuildProject:
        return BuildProject(
            f"{self._name}-{args.purpose}",
            args,
            shared=self._shared,
            artifacts=self._artifacts,
            network=self._network,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _packaging(self) -> list[tuple[BuildProject, Sequence[str]]]:
        """As many projects as CodePipeline's limit of artefacts an action demands."""
        functions = self._shared.platform.settings.functions
        handlers = sorted({item.source for item in self._shared.platform.inventory.functions if item.source})
        if not handlers:
            return []
        buildspec = Path("buildspecs/build.yml").read_text()
        layers = ",".join(f"{layer}={known}" for layer, known in self._shared.code.layer_requirements().items())
        made = []
        for number, packages in enumerate(groups([LAYER_FOLDER, *handlers]), start=1):
            args = BuildProjectArgs(
                purpose=f"package-{number}",
                description=f"Packages {', '.join(packages)}",
                # The artefacts belong to the pipeline's structure, so they come from here and not from the source's copy of the file.
                buildspec=with_artifacts(buildspec, packages, OUTPUT),
                environment={
                    "PYTHON_VERSION": functions.python_version(),
                    "ARCHITECTURE": functions.lambda_architecture(),
                    "LAYER_REQUIREMENTS": layers,
                    "PACKAGES": " ".join(packages),
                },
                architecture=functions.lambda_architecture(),
                makes_artifacts=True,
            )
            made.append((self._project(args), packages))
        return made

    def _test(self) -> BuildProject:
        settings = self._shared.platform.settings
        args = BuildProjectArgs(
            purpose="test",
            description="Lint and tests, with reports",
            buildspec="buildspecs/test.yml",
            environment={"TESTS": " ".join(settings.cicd.tests)},
            architecture=settings.functions.lambda_architecture(),
            reports={"unit": "TEST", "coverage": "CODE_COVERAGE"},
        )
        return self._project(args)

    def _image(self, purpose: Literal["training", "serving"]) -> BuildProject:
        platform = self._shared.platform
        repository = platform.name(purpose)
        address, _, tag = (self._shared.images.training if purpose == "training" else self._shared.images.serving).rpartition(":")
        # SageMaker has no Graviton type for training.
        models = platform.settings.models
        architecture = "x86_64" if purpose == "training" or not models else models[0].serving_architecture()
        args = BuildProjectArgs(
            purpose=f"{purpose}-image",
            description=f"Builds the {purpose} image and pushes it under its pinned tag",
            buildspec="buildspecs/images.yml",
            environment={
                "REGISTRY": address.partition("/")[0],
                "REPOSITORY": repository,
                "TAG": tag,
                "PLATFORM": "linux/arm64" if architecture == "arm64" else "linux/amd64",
                "DOCKERFILE": f"training/Dockerfile.{purpose}",
            },
            architecture=architecture,
            docker=True,
            statements=[allow(IMAGE_PUSH, platform.arns.repository(repository)), allow_anywhere(IMAGE_LOGIN)],
        )
        return self._project(args)
