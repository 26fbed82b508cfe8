"""The ways of showing a diff: one module each, found by its `RENDERER` and loaded when asked for."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from sbomkit.diff.renderers.base import ANSI, PLAIN, Options, Renderer
from sbomkit.errors import UsageError

__all__ = ["ANSI", "PLAIN", "Options", "Renderer", "names", "renderer"]


@cache
def names() -> tuple[str, ...]:
    """What `-o` takes, sorted."""
    found = (module.name for module in pkgutil.iter_modules(__path__) if module.name != "base")
    return tuple(sorted(name.removesuffix("_") for name in found))


@cache
def renderer(name: str) -> Renderer:
    """Raises UsageError where there is none of this name."""
    if name not in names():
        raise UsageError(f"no such output format: {name!r}", hint=f"Known: {', '.join(names())}.")
    # A trailing underscore keeps a module from hiding the standard library's of the same name.
    module = f"{name}_" if any(m.name == f"{name}_" for m in pkgutil.iter_modules(__path__)) else name
    found = getattr(importlib.import_module(f"{__name__}.{module}"), "RENDERER", None)
    if not isinstance(found, Renderer):
        raise UsageError(f"no such output format: {name!r}", hint=f"Known: {', '.join(names())}.")
    return found
