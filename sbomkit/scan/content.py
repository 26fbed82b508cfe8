"""Single files' contents, for comparing two images: digests, and the kinds of secrets in them.

A parser like a cataloger's, but handed to the reader for named files only; no scan runs it.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from sbomkit.layers.directory import read_files
from sbomkit.layers.select import LayerFile, Parser, Selector
from sbomkit.scan.scan import WORKERS, Examined
from sbomkit.scan.secrets import MAX_SIZE, kinds_in

_CHUNK = 1 << 20
_PYC_HEADER = 16
"""Bytes: magic, flags, then source time and size (https://peps.python.org/pep-0552/)."""


@dataclass(frozen=True, slots=True)
class Content:
    """What one file holds."""

    sha256: str
    body: str
    """The same, without the time of its source that a compiled Python module carries."""
    secrets: tuple[str, ...] = ()
    """Kinds, sorted."""
    identity: str = ""


def _parse(file: LayerFile) -> Iterable[Content]:
    digest = hashlib.sha256()
    if file.size <= MAX_SIZE:
        content = file.read()
        digest.update(content)
        whole = digest.hexdigest()
        return (Content(whole, _body(file.path, content, whole), kinds_in(content)),)
    with file.open() as stream:
        while piece := stream.read(_CHUNK):
            digest.update(piece)
    return (Content(digest.hexdigest(), digest.hexdigest()),)


def _body(path: str, content: bytes, whole: str) -> str:
    if not path.endswith(".pyc") or content[4:8] != bytes(4):
        return whole
    return hashlib.sha256(content[_PYC_HEADER:]).hexdigest()


CONTENT_PARSER = Parser("content", 1, Selector(max_size=1 << 62), _parse)

Place = tuple[int, str]
"""Layer index and path in that layer."""


def contents(image: Examined, places: Iterable[Place]) -> Mapping[Place, Content]:
    """What stands at these places; each layer concerned is read once more, two at a time.

    Raises CorruptInput where a layer is not what it was. A place that cannot be read is left out.
    """
    by_layer: dict[int, list[str]] = defaultdict(list)
    for layer, path in sorted(set(places)):
        by_layer[layer].append(path)
    found: dict[Place, Content] = {}
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="sbomkit-content") as pool:
        for layer, facts in pool.map(lambda item: (item[0], _read(image, *item)), sorted(by_layer.items())):
            found.update({(layer, path): content for path, content in facts.items()})
    return found


def _read(image: Examined, layer: int, paths: list[str]) -> dict[str, Content]:
    wanted = {path: ((path, (CONTENT_PARSER,)),) for path in paths}
    if image.image.root is not None:
        facts, _ = read_files(image.image.root, wanted)
    else:
        facts, _ = image.reader.again(image.image.layers[layer], wanted)
    return {
        path: fact
        for path, learned in facts.items()
        for fact in learned.get(CONTENT_PARSER.name, ())
        if isinstance(fact, Content)
    }
