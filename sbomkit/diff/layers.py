"""Layers by diffID: what is in both is kept, wherever it stands; the rest went, came, or was built again."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence

from sbomkit.diff.types import LayerChange
from sbomkit.model.inventory import LayerInfo

Placed = tuple[int, LayerInfo]


def layer_changes(before: Sequence[LayerInfo], after: Sequence[LayerInfo]) -> tuple[tuple[LayerChange, ...], int]:
    """The changes, bottom first, and how many layers were kept. An image may hold the same layer more than once."""
    old, new, kept = _cancel(before, after)
    changes: list[LayerChange] = []
    waiting: dict[str, deque[Placed]] = defaultdict(deque)
    for placed in new:
        if placed[1].created_by:
            waiting[placed[1].created_by].append(placed)
    rebuilt: set[int] = set()
    for index, layer in old:
        queue = waiting.get(layer.created_by)
        if queue:
            new_index, other = queue.popleft()
            rebuilt.add(new_index)
            changes.append(LayerChange("rebuilt", layer, other, index, new_index))
        else:
            changes.append(LayerChange("removed", layer, None, index, -1))
    changes += [LayerChange("added", None, layer, -1, index) for index, layer in new if index not in rebuilt]
    return tuple(sorted(changes, key=lambda change: change.sort_key)), kept


def _cancel(before: Sequence[LayerInfo], after: Sequence[LayerInfo]) -> tuple[list[Placed], list[Placed], int]:
    """What is left of both sides; of a layer that one side holds more often, the upper ones are left."""
    left: dict[str, int] = defaultdict(int)
    for layer in after:
        left[layer.diff_id] += 1
    old: list[Placed] = []
    common: dict[str, int] = defaultdict(int)
    for index, layer in enumerate(before):
        if left[layer.diff_id]:
            left[layer.diff_id] -= 1
            common[layer.diff_id] += 1
        else:
            old.append((index, layer))
    kept = sum(common.values())
    new: list[Placed] = []
    for index, layer in enumerate(after):
        if common[layer.diff_id]:
            common[layer.diff_id] -= 1
        else:
            new.append((index, layer))
    return old, new, kept
