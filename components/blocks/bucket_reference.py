"""A bucket by name and key: what may be granted on it, whether this stack made it or not."""

from __future__ import annotations

from dataclasses import dataclass

from components.base.arns import Arns
from components.base.grants import (
    ARTIFACT_STORE,
    BUCKET_LIST,
    BUCKET_LOCATE,
    OBJECT_DELETE,
    OBJECT_READ,
    OBJECT_READ_VERSION,
    OBJECT_UPLOAD_ABORT,
    OBJECT_WRITE,
    Statement,
    allow,
)
from components.base.keys import KeyReference


@dataclass(frozen=True)
class BucketReference:
    """`key` is None where the bucket uses keys that S3 owns."""

    name: str
    arns: Arns
    key: KeyReference | None

    @property
    def arn(self) -> str:
        return self.arns.bucket(self.name)

    def uri(self, key: str = "") -> str:
        return f"s3://{self.name}/{key}"

    def grant_read(self, prefix: str = "") -> list[Statement]:
        """Read objects under `prefix` and list them."""
        return [
            allow(OBJECT_READ, self.arns.objects(self.name, f"{prefix}*")),
            allow(BUCKET_LIST, self.arn, {"StringLike": {"s3:prefix": f"{prefix}*"}} if prefix else None),
            *self._decrypt(),
        ]

    def _decrypt(self) -> list[Statement]:
        return self.key.grant_decrypt() if self.key else []

    def grant_get(self, prefix: str) -> list[Statement]:
        """Read objects whose keys are known, without listing and without older versions."""
        return [allow(OBJECT_READ, self.arns.objects(self.name, f"{prefix}*")), *self._decrypt()]

    def grant_get_versions(self, prefix: str) -> list[Statement]:
        """As `grant_get`, and versions that are asked for by their id."""
        return [allow([*OBJECT_READ, *OBJECT_READ_VERSION], self.arns.objects(self.name, f"{prefix}*")), *self._decrypt()]

    def grant_write(self, prefix: str = "") -> list[Statement]:
        """Write objects under `prefix`, each by one request."""
        return [allow(OBJECT_WRITE, self.arns.objects(self.name, f"{prefix}*")), *(self.key.grant_data_keys() if self.key else [])]

    def grant_upload(self, prefix: str = "") -> list[Statement]:
        """Write objects under `prefix` also in parts; for these KMS needs decryption too."""
        folder = self.arns.objects(self.name, f"{prefix}*")
        return [allow([*OBJECT_WRITE, *OBJECT_UPLOAD_ABORT], folder), *(self.key.grant_encrypt() if self.key else [])]

    def grant_artifacts(self, *, read: bool = False, write: bool = False) -> list[Statement]:
        """Read and write artefacts as CodePipeline and CodeBuild do, by version."""
        key = self.key.grant_encrypt() if write and self.key else self._decrypt()
        actions = [*([*OBJECT_READ, *OBJECT_READ_VERSION] if read else ()), *(OBJECT_WRITE if write else ())]
        return [allow(actions, self.arns.objects(self.name)), allow(ARTIFACT_STORE, self.arn), *key]

    def grant_overwrite(self, prefix: str) -> list[Statement]:
        """Read, write and replace what lies under `prefix`, as Spark does with a folder."""
        folder = self.arns.objects(self.name, f"{prefix}*")
        return [
            allow([*OBJECT_READ, *OBJECT_DELETE], folder),
            *self.grant_upload(prefix),
            # S3 answers 404 only to who may list, else 403: Spark asks for objects that are not there yet, and such a request has no prefix.
            allow(BUCKET_LIST, self.arn, {"StringLikeIfExists": {"s3:prefix": f"{prefix}*"}}),
            # Glue marks a folder by an object beside it.
            allow([*OBJECT_READ, *OBJECT_WRITE, *OBJECT_DELETE], self.arns.objects(self.name, f"{prefix.rstrip('/')}_$folder$")),
            *self._decrypt(),
        ]

    def grant_delete(self, *prefixes: str) -> list[Statement]:
        """List what lies under each of `prefixes`, and delete its current versions."""
        patterns = [f"{prefix}*" for prefix in prefixes]
        return [
            allow(OBJECT_DELETE, [self.arns.objects(self.name, pattern) for pattern in patterns]),
            allow(BUCKET_LIST, self.arn, {"StringLike": {"s3:prefix": patterns}}),
        ]

    def grant_head(self) -> list[Statement]:
        """Ask whether the bucket is there: S3 judges HeadBucket as listing."""
        return [allow(BUCKET_LIST, self.arn)]

    def grant_locate(self) -> list[Statement]:
        return [allow(BUCKET_LOCATE, self.arn)]
