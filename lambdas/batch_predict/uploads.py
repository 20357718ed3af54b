"""A gzipped text object that is written while it grows: memory stays flat, and the object appears whole or not at all."""

from __future__ import annotations

import gzip
import io
from typing import Any

PART_BYTES = 8 * 1024 * 1024  # S3 wants at least 5 MiB a part, the last one excepted


class GzipUpload:
    """A multipart upload; `close` completes it, leaving the context by an error aborts it."""

    def __init__(self, s3: Any, bucket: str, key: str, content_type: str) -> None:
        self._s3, self._target, self._content_type = s3, {"Bucket": bucket, "Key": key}, content_type
        self._buffer = io.BytesIO()
        # A fixed time and no name: the same rows give the same bytes.
        self._gzip = gzip.GzipFile(filename="", mode="wb", fileobj=self._buffer, compresslevel=1, mtime=0)
        self._upload_id: str | None = None
        self._parts: list[dict[str, Any]] = []

    def __enter__(self) -> GzipUpload:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._close()
        elif self._upload_id is not None:
            self._s3.abort_multipart_upload(**self._target, UploadId=self._upload_id)

    def write(self, text: str) -> None:
        self._gzip.write(text.encode())
        if self._buffer.tell() >= PART_BYTES:
            self._send()

    def _send(self) -> None:
        if self._upload_id is None:
            self._upload_id = self._s3.create_multipart_upload(**self._target, ContentType=self._content_type)["UploadId"]
        number = len(self._parts) + 1
        part = self._s3.upload_part(**self._target, UploadId=self._upload_id, PartNumber=number, Body=self._buffer.getvalue())
        self._parts.append({"PartNumber": number, "ETag": part["ETag"]})
        self._buffer.seek(0)
        self._buffer.truncate()

    def _close(self) -> None:
        self._gzip.close()
        if self._upload_id is None:
            self._s3.put_object(**self._target, Body=self._buffer.getvalue(), ContentType=self._content_type)
            return
        self._send()
        self._s3.complete_multipart_upload(**self._target, UploadId=self._upload_id, MultipartUpload={"Parts": self._parts})
