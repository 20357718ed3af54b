"""Container repositories of the training and serving images."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.base.documents import json_text
from components.base.grants import IMAGE_LOGIN, IMAGE_PULL, Statement, allow, allow_anywhere
from components.base.keys import Keys
from components.base.platform import Platform
from components.base.resource_policies import closed


class Images(pulumi.ComponentResource):
    """`training` and `serving` are image addresses with a pinned, immutable tag."""

    def __init__(self, name: str, *, platform: Platform, keys: Keys, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:training:Images", name, None, opts)
        self._platform = platform
        tags = platform.settings.images
        for purpose in ("training", "serving") if platform.has("models") else ():
            self._repository(name, purpose, keys)
        self.training = platform.arns.image(platform.name("training"), tags.training_tag)
        self.serving = platform.arns.image(platform.name("serving"), tags.serving_tag)
        self.register_outputs({"training": self.training, "serving": self.serving})

    def _repository(self, name: str, purpose: str, keys: Keys) -> None:
        repository = aws.ecr.Repository(
            f"{name}-{purpose}",
            name=self._platform.name(purpose),
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration={"scan_on_push": True},
            encryption_configurations=[{"encryption_type": "KMS", "kms_key": keys.models.arn}],
            force_delete=not self._platform.protected,
            opts=pulumi.ResourceOptions(parent=self, protect=self._platform.protected),
        )
        untagged = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 14}
        aws.ecr.LifecyclePolicy(
            f"{name}-{purpose}-lifecycle",
            repository=repository.name,
            policy=json_text({"rules": [{"rulePriority": 1, "selection": untagged, "action": {"type": "expire"}}]}),
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.ecr.RepositoryPolicy(
            f"{name}-{purpose}-policy",
            repository=repository.name,
            policy=json_text({"Version": "2012-10-17", "Statement": closed(self._platform, "ecr:*", None)}),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def grant_pull(self, purpose: str) -> list[Statement]:
        return [allow(IMAGE_PULL, self._platform.arns.repository(self._platform.name(purpose))), allow_anywhere(IMAGE_LOGIN)]
