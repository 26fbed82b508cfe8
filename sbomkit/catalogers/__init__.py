"""Catalogers: one module per ecosystem. They see layers' file and view types, and the model; nothing else."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from sbomkit.catalogers.base import Cataloger


@cache
def all_catalogers() -> tuple[Cataloger, ...]:
    """Every cataloger of this package, found by its module's `CATALOGER`, sorted by name."""
    found: list[Cataloger] = []
    for module in pkgutil.iter_modules(__path__):
        cataloger = getattr(importlib.import_module(f"{__name__}.{module.name}"), "CATALOGER", None)
        if isinstance(cataloger, Cataloger):
            found.append(cataloger)
    return tuple(sorted(found, key=lambda c: c.name))
