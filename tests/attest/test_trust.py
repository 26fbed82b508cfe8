"""Trusted roots that are off end in a named error."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbomkit.attest import TrustConfig, load_trusted_roots, public_good_roots
from sbomkit.errors import CorruptInput
from tests.attest.cases import HOME

ROOT = (HOME / "keyless-v1" / "trusted_root.json").read_bytes()


@pytest.mark.parametrize(
    "raw",
    [b"", b"{}", b"[]", b"null", b'{"mediaType":"x"}', b"{" * 10_000, b"\xff", b" " * (9 << 20)],
    ids=["empty", "object", "list", "null", "media-type", "nested", "bytes", "large"],
)
def test_what_is_no_root(raw: bytes) -> None:
    with pytest.raises(CorruptInput):
        load_trusted_roots(raw)
    if len(raw) < 1 << 20:
        with pytest.raises(CorruptInput):
            TrustConfig.of(raw)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(deeper for key, held in pairs for deeper in paths(held, (*path, key)))]


@given(st.data())
def test_a_root_with_any_value_anywhere_is_read_or_refused(data: st.DataObject) -> None:
    root = json.loads(ROOT)
    path = data.draw(st.sampled_from(paths(root)[1:]))
    at = root
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = data.draw(
        st.none() | st.integers() | st.text() | st.lists(st.text()) | st.just({}) | st.just("AA==")
    )
    with suppress(CorruptInput):
        assert load_trusted_roots(json.dumps(root).encode())


def test_the_embedded_root_is_the_public_good_instance() -> None:
    (root,) = public_good_roots()
    assert len(root.logs) >= 2
    assert root.ct_keyring is not None
    assert root.authorities[0].window.end is not None
