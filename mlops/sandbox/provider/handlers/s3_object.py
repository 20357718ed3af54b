"""Objects that Pulumi puts into buckets."""

from __future__ import annotations

import base64
import mimetypes
import urllib.parse
from collections.abc import Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.content import archive_bytes, asset_bytes
from mlops.sandbox.provider.handler import EXECUTED, Put
from mlops.sandbox.provider.properties import Properties

_DIRECT = {
    "acl": "ACL",
    "bucketKeyEnabled": "BucketKeyEnabled",
    "cacheControl": "CacheControl",
    "checksumAlgorithm": "ChecksumAlgorithm",
    "contentDisposition": "ContentDisposition",
    "contentEncoding": "ContentEncoding",
    "contentLanguage": "ContentLanguage",
    "metadata": "Metadata",
    "serverSideEncryption": "ServerSideEncryption",
    "storageClass": "StorageClass",
    "websiteRedirect": "WebsiteRedirectLocation",
}


class _Object(Put):
    service, level, tagged = "s3", EXECUTED, True
    renews = {"etag": ("*",), "versionId": ("*",), "contentType": ("contentType",), "serverSideEncryption": ("kmsKeyId",)}

    def create(self, call: Call, p: Properties) -> str:
        bucket, key = p.require("bucket"), p.require("key")
        parameters: dict[str, Any] = {target: p.take(name) for name, target in _DIRECT.items()}
        parameters["ContentType"] = p.take("contentType") or mimetypes.guess_type(str(key))[0] or "application/octet-stream"
        kms_key = p.take("kmsKeyId")
        if kms_key:
            parameters["SSEKMSKeyId"], parameters["ServerSideEncryption"] = kms_key, "aws:kms"
        # Both say when to upload again, which the engine decides by comparing inputs.
        p.take("sourceHash")
        p.take("etag")
        p.boolean("forceDestroy")
        body = self._body(p)
        tagging = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in call.tags.items()) or None
        call.made = {"ContentType": parameters["ContentType"]} | call(
            "put_object", Bucket=bucket, Key=key, Body=body, Tagging=tagging, **parameters
        )
        return self.id_of(bucket, key)

    def id_of(self, bucket: str, key: str) -> str:
        return key

    @staticmethod
    def _body(p: Properties) -> bytes:
        given = [name for name in ("source", "content", "contentBase64") if name in p.values]
        source, content, encoded = p.take("source"), p.take("content"), p.take("contentBase64")
        if len(given) > 1:
            p.problem(given[1], f"and {given[0]} exclude each other")
        if source is not None:
            return archive_bytes(source) if hasattr(source, "assets") else asset_bytes(source)
        return base64.b64decode(encoded) if encoded is not None else (content or "").encode()

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        head = call.made or call("head_object", Bucket=inputs["bucket"], Key=inputs["key"])
        return {
            "arn": f"arn:{call.partition}:s3:::{inputs['bucket']}/{inputs['key']}",
            "etag": head["ETag"].strip('"'),
            "versionId": head.get("VersionId", ""),
            "contentType": head.get("ContentType"),
            "serverSideEncryption": head.get("ServerSideEncryption"),
        }

    def retag(self, call: Call, id_: str, arn: str, add: dict[str, str], remove: list[str]) -> None:
        bucket, key = arn.split(":::", 1)[1].split("/", 1)
        if call.tags:
            call("put_object_tagging", Bucket=bucket, Key=key, Tagging={"TagSet": call.tag_list()})
        else:
            call("delete_object_tagging", Bucket=bucket, Key=key)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        bucket, key = state["bucket"], state["key"]
        page = call("list_object_versions", Bucket=bucket, Prefix=key)
        versions = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        for version in versions:
            if version["Key"] == key:
                call("delete_object", Bucket=bucket, Key=key, VersionId=version["VersionId"])


class BucketObjectv2(_Object):
    type_ = "aws:s3/bucketObjectv2:BucketObjectv2"

    def id_of(self, bucket: str, key: str) -> str:
        return f"{bucket}/{key}"


class BucketObject(_Object):
    type_ = "aws:s3/bucketObject:BucketObject"


def _quoted(text: str) -> str:
    return urllib.parse.quote(text, safe="")
