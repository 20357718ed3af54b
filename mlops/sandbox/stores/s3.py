"""Intelligent-Tiering configurations of buckets; they go with their bucket."""

from __future__ import annotations

from typing import Any

from moto.backends import get_backend
from moto.s3.exceptions import S3ClientError

from mlops.sandbox.stores import Store, StoreError, operation


def _kept(store: Store, p: dict[str, Any]) -> dict[str, Any]:
    try:
        bucket = get_backend("s3")[store.account]["aws"].get_bucket(p["Bucket"])
    except S3ClientError:
        raise StoreError("NoSuchBucket", "The specified bucket does not exist", 404) from None
    if not hasattr(bucket, "intelligent_tiering"):
        bucket.intelligent_tiering = {}  # type: ignore[attr-defined]
    return bucket.intelligent_tiering  # type: ignore[attr-defined]


@operation("s3", "PutBucketIntelligentTieringConfiguration")
def put(store: Store, p: dict[str, Any]) -> None:
    configuration = p["IntelligentTieringConfiguration"]
    if configuration.get("Id") != p["Id"]:
        raise StoreError("InvalidArgument", "The ids of the request and of the configuration differ")
    least = {"ARCHIVE_ACCESS": 90, "DEEP_ARCHIVE_ACCESS": 180}
    for tier in configuration["Tierings"]:
        if not least[tier["AccessTier"]] <= int(tier["Days"]) <= 730:
            raise StoreError("InvalidArgument", f"Days of {tier['AccessTier']} must be {least[tier['AccessTier']]} to 730")
    _kept(store, p)[p["Id"]] = configuration


@operation("s3", "GetBucketIntelligentTieringConfiguration")
def get(store: Store, p: dict[str, Any]) -> dict[str, Any]:
    found = _kept(store, p).get(p["Id"])
    if found is None:
        raise StoreError("NoSuchConfiguration", "The specified configuration does not exist.", 404)
    return {"IntelligentTieringConfiguration": found}


@operation("s3", "ListBucketIntelligentTieringConfigurations")
def listed(store: Store, p: dict[str, Any]) -> dict[str, Any]:
    return {"IsTruncated": False, "IntelligentTieringConfigurationList": list(_kept(store, p).values())}


@operation("s3", "DeleteBucketIntelligentTieringConfiguration")
def delete(store: Store, p: dict[str, Any]) -> None:
    if _kept(store, p).pop(p["Id"], None) is None:
        raise StoreError("NoSuchConfiguration", "The specified configuration does not exist.", 404)
