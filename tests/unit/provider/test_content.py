"""Assets and archives as bytes."""

from __future__ import annotations

import io
import zipfile

import pytest

from mlops.engine.assets import Archive, Asset
from mlops.engine.provider import ProviderError
from mlops.sandbox.provider.content import archive_bytes, asset_bytes


def names(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def test_a_directory_is_packed_the_same_way_each_time(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.py").write_text("1")
    (tmp_path / "a.py").write_text("2")
    first = archive_bytes(Archive(path=str(tmp_path)))
    (tmp_path / "a.py").touch()
    assert archive_bytes(Archive(path=str(tmp_path))) == first
    assert names(first) == {"a.py": b"2", "b/x.py": b"1"}


def test_named_assets_directories_and_archives_nest(tmp_path):
    (tmp_path / "m.py").write_text("m")
    inner = Archive(assets={"n.py": Asset(text="n")})
    packed = tmp_path / "p.zip"
    packed.write_bytes(archive_bytes(inner))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "o.py").write_text("o")
    archive = Archive(
        assets={
            "handler.py": Asset(path=str(tmp_path / "m.py")),
            "inner": inner,
            "zip": Archive(path=str(packed)),
            "folder": Archive(path=str(tmp_path / "folder")),
        }
    )
    assert names(archive_bytes(archive)) == {"handler.py": b"m", "inner/n.py": b"n", "zip/n.py": b"n", "folder/o.py": b"o"}


def test_a_zip_file_goes_as_it_is(tmp_path):
    path = tmp_path / "f.zip"
    path.write_bytes(b"PK whatever")
    assert archive_bytes(Archive(path=str(path))) == b"PK whatever"


def test_missing_files_and_addresses_are_refused_by_name(tmp_path):
    with pytest.raises(ProviderError, match="nowhere.zip: No such file"):
        archive_bytes(Archive(path=str(tmp_path / "nowhere.zip")))
    with pytest.raises(ProviderError, match="fetches nothing"):
        asset_bytes(Asset(uri="https://example.com/x"))
