"""How a scan gets a layer's record: from the cache, by the layer's table of contents, or by reading all of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sbomkit.image.image import Layer
from sbomkit.layers.cache import RecordStore, fingerprint
from sbomkit.layers.collect import Wanted
from sbomkit.layers.partial import TableLies, read_again_partly, read_partly
from sbomkit.layers.read import Progress, read_again, read_layer
from sbomkit.layers.record import Facts, LayerRecord
from sbomkit.layers.select import Matcher
from sbomkit.layers.toc import table_digest
from sbomkit.model.inventory import Issue

Again = tuple[dict[str, Facts], list[Issue]]


class LayerReader:
    """`full`: never by a table of contents. Thread-safe."""

    def __init__(
        self,
        matcher: Matcher,
        *,
        cache: RecordStore | None = None,
        full: bool = False,
        progress: Progress | None = None,
    ) -> None:
        self.matcher = matcher
        self._cache = cache
        self._full = full
        self._progress = progress
        self._fingerprint = fingerprint(matcher.parsers)

    def record(self, layer: Layer) -> LayerRecord:
        """Raises CorruptInput when any byte that is read is not as promised."""

        def whole() -> LayerRecord:
            return read_layer(layer, self.matcher, self._progress)

        return self._kept(layer, "", lambda: read_partly(layer, self.matcher), whole)

    def again(self, layer: Layer, wanted: Wanted) -> Again:
        """Facts of single files that the first pass could not know were wanted."""
        words = [
            (path, [(name, [p.name for p in parsers]) for name, parsers in names]) for path, names in wanted.items()
        ]

        def whole() -> LayerRecord:
            facts, issues = read_again(layer, wanted)
            return LayerRecord(str(layer.diff_id or ""), facts=facts, issues=tuple(issues))

        def partly() -> LayerRecord | None:
            found = read_again_partly(layer, wanted)
            if found is None:
                return None
            return LayerRecord(str(layer.diff_id), facts=found[0], issues=tuple(found[1]))

        record = self._kept(layer, f" {sorted(words)!r}", partly, whole)
        return dict(record.facts), list(record.issues)

    def _kept(
        self,
        layer: Layer,
        what: str,
        partly: Callable[[], LayerRecord | None],
        whole: Callable[[], LayerRecord],
    ) -> LayerRecord:
        """The cached record, or one that is cached from now on.

        What was read by a table of contents depends on that table, which the diffID does not cover: it has a name
        of its own, so that an image that lies about itself cannot spoil the record of another.
        """
        key = self._fingerprint + what
        table = table_digest(layer.descriptor) if layer.descriptor and not self._full else ""
        by_table = f"{key} by table {table} of {layer.descriptor.digest if layer.descriptor else ''}"
        if self._cache is not None and layer.diff_id:
            known = self._cache.get(layer.diff_id, key)
            if known is None and table:
                known = self._cache.get(layer.diff_id, by_table)
            if known is not None:
                self._tell(layer)
                return known
        record, lie = None, ""
        try:
            record = partly() if table else None
        except TableLies as error:
            lie = str(error)
        if record is not None:
            key = by_table
            self._tell(layer)
        else:
            record = whole()
        if self._cache is not None and layer.diff_id:
            self._cache.put(layer.diff_id, key, record)
        if lie:
            issue = Issue("", f"all of the layer was read, for its table of contents is wrong: {lie}", record.diff_id)
            record = replace(record, issues=(*record.issues, issue))
        return record

    def _tell(self, layer: Layer) -> None:
        """That the layer is done without its bytes having been read."""
        if self._progress and layer.descriptor:
            self._progress(layer.descriptor.size)
