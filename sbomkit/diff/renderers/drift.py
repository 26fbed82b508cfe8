"""The in-toto drift predicate, ready to be signed."""

from __future__ import annotations

from sbomkit.diff.document import dumps
from sbomkit.diff.drift import predicate
from sbomkit.diff.renderers.base import Options, Renderer
from sbomkit.diff.types import Diff


def render(diff: Diff, options: Options) -> str:
    return dumps(predicate(diff, options.verdict, tool_version=options.tool_version))


RENDERER = Renderer("drift", ".json", "application/json", render)
