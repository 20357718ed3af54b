"""Deterministic packages of functions, layers and training source, cached under build/ by the hash of what goes in.

The same input gives the same bytes: entries are sorted, times and owners fixed. With a cached package nothing is downloaded.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# The earliest time a zip file can hold.
EPOCH = (1980, 1, 1, 0, 0, 0)
SKIPPED_FOLDERS = {"__pycache__", "bin", "tests"}
# Written by the installer, with this machine's paths in them.
SKIPPED_FILES = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", ".lock"}
# Layers by name: pinned requirements, and a package of ours that comes with them.
LAYERS = {
    "platform": ("lambdas/layer/requirements.txt", "lambdas/layer/platform_common"),
    "numeric": ("lambdas/layer/requirements-numeric.txt", None),
}
# Lambda's Python 3.12 and later run on Amazon Linux 2023 (glibc 2.34).
PLATFORMS = {"arm64": "aarch64-manylinux_2_28", "x86_64": "x86_64-manylinux_2_28"}


class PackagingError(Exception):
    """A package cannot be made; the message says what is missing and what to do."""


@dataclass(frozen=True)
class Packager:
    """Makes packages of the project in `root` for one Python version and processor architecture."""

    root: Path
    python_version: str
    architecture: str

    def function(self, handler: str) -> Path:
        """The zip of `lambdas/<handler>/`."""
        folder = self.root / "lambdas" / handler
        if not (folder / "handler.py").is_file():
            raise PackagingError(f"lambdas/{handler}/handler.py is missing: every function has a folder with a handler.py")
        files = dict(files_of(folder))
        return self._cached(f"functions/{handler}", digest(files), lambda target: write_zip(target, files))

    def layer(self, name: str, requirements: str, package: str | None = None) -> Path:
        """The zip of a layer: the pinned `requirements` file and a package of ours, under `python/`."""
        file = self.root / requirements
        if not file.is_file():
            raise PackagingError(f"{requirements} is missing: the layer {name} needs pinned, hashed requirements")
        own = {f"{Path(package).name}/{key}": path for key, path in files_of(self.root / package)} if package else {}
        key = digest({**own, "requirements": file}, self.python_version, self.architecture)
        return self._cached(f"layers/{name}", key, lambda target: self._write_layer(target, file, own))

    def requirements(self, layer: str) -> str:
        """SHA-256 of what a layer is installed from, shortened: it changes when the layer has to be published anew."""
        return digest({"requirements": self.root / LAYERS[layer][0]}, self.python_version, self.architecture)[:16]

    def source(self, name: str, files: dict[str, Path]) -> Path:
        """A tar.gz of files by the path they have in it, as SageMaker's script mode unpacks it."""
        missing = sorted(item for item, path in files.items() if not path.is_file())
        if missing or not files:
            raise PackagingError(f"{', '.join(missing) or 'Python files'} missing: nothing to train with")
        return self._cached(f"{name}/source", digest(files), lambda target: write_tar(target, files), suffix=".tar.gz")

    def modules(self, name: str, files: dict[str, Path]) -> Path:
        """A zip of Python modules, importable when on the path."""
        return self._cached(f"{name}/modules", digest(files), lambda target: write_zip(target, files))

    def _cached(self, stem: str, key: str, write: object, suffix: str = ".zip") -> Path:
        target = self.root / "build" / f"{stem}-{key[:16]}{suffix}"
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            descriptor, partial = tempfile.mkstemp(dir=target.parent)
            os.close(descriptor)
            try:
                write(Path(partial))  # type: ignore[operator]
                # Two previews at once may build the same package: the last one wins with the same bytes.
                Path(partial).replace(target)
            finally:
                Path(partial).unlink(missing_ok=True)
        return target.relative_to(self.root)

    def _write_layer(self, target: Path, requirements: Path, own: dict[str, Path]) -> None:
        with tempfile.TemporaryDirectory(dir=self.root / "build") as folder:
            self._install(requirements, Path(folder))
            files = {f"python/{key}": path for key, path in [*files_of(Path(folder)), *own.items()]}
            write_zip(target, files)

    def _install(self, requirements: Path, folder: Path) -> None:
        uv = _uv()
        command = [uv, "pip", "install", "--quiet", "--target", str(folder), "--require-hashes", "--no-deps"]
        command += ["--only-binary", ":all:", "--python-version", self.python_version]
        command += ["--python-platform", PLATFORMS[self.architecture], "-r", str(requirements)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
        if done.returncode:
            raise PackagingError(f"uv could not install {requirements.name}: {done.stderr.strip()}")


def _uv() -> str:
    try:
        # Only here: uv is part of the development environment, and a cached layer needs none.
        from uv import find_uv_bin

        return find_uv_bin()
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if not found:
        raise PackagingError(f"uv is needed to build layers and {sys.executable} has none: run `make test` once, it installs uv")
    return found


def files_of(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every file below `folder` that belongs into a package: relative path and file, sorted."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and not SKIPPED_FOLDERS.intersection(parts) and path.name not in SKIPPED_FILES and path.suffix != ".pyc":
            yield "/".join(parts), path


def digest(files: dict[str, Path], *more: str) -> str:
    """SHA-256 over names and contents."""
    total = hashlib.sha256("\0".join(more).encode())
    for key in sorted(files):
        total.update(key.encode() + b"\0" + hashlib.sha256(files[key].read_bytes()).digest())
    return total.hexdigest()


def write_zip(target: Path, files: dict[str, Path]) -> None:
    """The same files give the same bytes."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for key in sorted(files):
            entry = zipfile.ZipInfo(key, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[key].read_bytes())


def write_tar(target: Path, files: dict[str, Path]) -> None:
    """The same files give the same bytes."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for key in sorted(files):
            content = files[key].read_bytes()
            entry = tarfile.TarInfo(key)
            entry.size = len(content)
            entry.mode = 0o644
            archive.addfile(entry, io.BytesIO(content))
    target.write_bytes(gzip.compress(plain.getvalue(), mtime=0))
