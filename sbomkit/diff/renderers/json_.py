"""For programs: see schemas/diff.schema.json."""

from __future__ import annotations

from sbomkit.diff.document import document, dumps
from sbomkit.diff.renderers.base import Options, Renderer
from sbomkit.diff.types import Diff


def render(diff: Diff, options: Options) -> str:
    return dumps(document(diff, options.verdict))


RENDERER = Renderer("json", ".json", "application/json", render)
