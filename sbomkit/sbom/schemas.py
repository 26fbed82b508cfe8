"""Where the JSON Schemas and id lists are: `schemas/` of a checkout, `sbomkit/schemas` of an installed wheel."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from sbomkit.errors import CannotCheck

_PACKAGE = Path(__file__).resolve().parent.parent


@cache
def folder() -> Path:
    """The folder of schemas. Raises CannotCheck when the installation is incomplete."""
    for place in (_PACKAGE / "schemas", _PACKAGE.parent / "schemas"):
        if (place / "README.md").is_file():
            return place
    raise CannotCheck(f"the schemas are missing beside {_PACKAGE}", hint="Install sbomkit again; its wheel has them.")


def read(name: str) -> bytes:
    """One file of the folder, by its relative name: `cyclonedx/bom-1.6.schema.json`."""
    path = folder() / name
    try:
        return path.read_bytes()
    except OSError as error:
        raise CannotCheck(f"cannot read the schema {path}: {error.strerror}", hint="Install sbomkit again.") from error
