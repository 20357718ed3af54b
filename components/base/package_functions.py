"""Packages functions and layers for a build: `python -m components.base.package_functions --output dist predict store_predictions layers`.

Writes `<output>/<handler>/` as the root of that function's package, with the shared code of the layer in it (Lambda looks into the package
before it looks into layers, so new shared code goes live with the function), and `<output>/layers/<layer>.zip`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

from components.base.packaging import LAYERS, PLATFORMS, Packager, PackagingError, files_of

LAYER_FOLDER = "layers"
# Artefacts are zipped by CodeBuild: with equal times the same code gives the same package.
EPOCH_SECONDS = 315_532_800


def package(packager: Packager, names: list[str], output: Path) -> None:
    """Packages by name: a folder under lambdas/, or `layers` for all layers. Raises PackagingError."""
    for name in names:
        target = output / name
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        if name == LAYER_FOLDER:
            for layer, (requirements, own) in LAYERS.items():
                shutil.copy(packager.root / packager.layer(layer, requirements, own), target / f"{layer}.zip")
        else:
            shutil.unpack_archive(packager.root / packager.function(name), target)
            _add_shared_code(packager.root, target)
        for path in sorted(target.rglob("*")):
            os.utime(path, (EPOCH_SECONDS, EPOCH_SECONDS))


def _add_shared_code(root: Path, target: Path) -> None:
    for _, own in LAYERS.values():
        for key, path in files_of(root / own) if own else ():
            copy = target / Path(own or "").name / key
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)


def check_requirements(packager: Packager, deployed: str) -> None:
    """`deployed` is `layer=hash,…` of the layers the functions have now; raises PackagingError where the source asks for others."""
    for item in filter(None, deployed.split(",")):
        layer, _, known = item.partition("=")
        if layer not in LAYERS:
            raise PackagingError(f"--requirements: {layer!r} is no layer of this source; it has {', '.join(LAYERS)}")
        if packager.requirements(layer) != known:
            raise PackagingError(
                f"{LAYERS[layer][0]} is not what the layer {layer} of the stack was made from: layers are published by "
                "`pulumi up`; run it for this commit, then release the change again"
            )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m components.base.package_functions", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("packages", nargs="+", help="folders under lambdas/, or the word layers")
    parser.add_argument("--python", required=True, help="for example 3.13")
    parser.add_argument("--architecture", required=True, choices=sorted(PLATFORMS))
    parser.add_argument("--requirements", default="", help="layer=hash,… of the layers in the stack: a difference is an error")
    parser.add_argument("--output", type=Path, default=Path("dist"))
    given = parser.parse_args(arguments)
    packager = Packager(Path.cwd(), given.python, given.architecture)
    try:
        check_requirements(packager, given.requirements)
        package(packager, given.packages, given.output)
    except PackagingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"packaged for Python {given.python} on {given.architecture}: {', '.join(given.packages)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
