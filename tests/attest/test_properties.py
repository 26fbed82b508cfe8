"""No single bit of what is signed, or of what vouches for it, can change and still verify."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbomkit.attest import read_bundles
from sbomkit.attest.strictjson import JsonError, parse, unbase64
from tests.attest.cases import HOME, run

HONEST = ("keyless-v1", "keyless-v2", "intoto-entry", "timestamp-only", "key", "key-logged", "github-workflow")
# text that is not base64; the rest of a bundle's strings are
TEXTS = ("envelope", "payloadType", "kind", "version", "mediaType")


@cache
def raw(name: str) -> bytes:
    return (HOME / name / "bundle.sigstore.json").read_bytes()


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str]]:
    """The strings of a bundle with their paths; not the key's hint, which promises nothing."""
    if isinstance(value, dict):
        for key, held in value.items():
            if key != "hint":
                yield from leaves(held, (*path, key))
    elif isinstance(value, list):
        for index, held in enumerate(value):
            yield from leaves(held, (*path, index))
    elif isinstance(value, str):
        yield path, value


def replaced(document: Any, path: tuple[Any, ...], value: object) -> bytes:
    copy = json.loads(json.dumps(document))
    at = copy
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return json.dumps(copy).encode()


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@pytest.mark.parametrize("name", HONEST)
@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_no_bit_of_any_field_can_change(name: str, data: st.DataObject) -> None:
    document = json.loads(raw(name))
    path, text = data.draw(st.sampled_from(list(leaves(document))), label="field")
    plain = path[-1] in TEXTS or text.isdigit()
    held = text.encode() if plain else base64.b64decode(text)
    bit = data.draw(st.integers(0, len(held) * 8 - 1), label="bit")
    changed = flipped(held, bit)
    value = changed.decode("latin-1") if plain else base64.b64encode(changed).decode()
    outcome = run(HOME / name, replaced(document, path, value))
    assert not outcome.ok, (path, bit)
    assert len(outcome.refusals) == 1


@pytest.mark.parametrize("name", HONEST)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_bit_of_the_file_can_change(name: str, data: st.DataObject) -> None:
    whole = raw(name)
    hint = whole.find(b'"hint"')
    bits = st.integers(0, len(whole) * 8 - 1).filter(lambda bit: hint < 0 or not hint <= bit // 8 < hint + 60)
    assert not run(HOME / name, flipped(whole, data.draw(bits))).ok


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=400)
    | st.recursive(st.none() | st.text(), lambda inner: st.lists(inner)).map(repr).map(str.encode)
)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    judged = list(read_bundles(data, "x"))
    assert judged


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
names = st.sampled_from(
    ["mediaType", "verificationMaterial", "dsseEnvelope", "messageSignature", "tlogEntries", "certificate", "payload"]
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_bundle_with_any_value_anywhere_is_judged(data: st.DataObject) -> None:
    """No traceback, whatever stands where a string or an object should."""
    name = data.draw(st.sampled_from(HONEST))
    document = json.loads(raw(name))
    path, _ = data.draw(st.sampled_from(list(leaves(document))))
    cut = path[: data.draw(st.integers(1, len(path)))]
    changed = replaced(document, cut, data.draw(json_values | st.dictionaries(names, json_values)))
    assert len(run(HOME / name, changed).refusals) <= 1


@given(json_values)
def test_strict_json_reads_what_json_writes(value: Any) -> None:
    assert parse(json.dumps(value).encode()) == value


@given(st.binary(max_size=40))
def test_base64_has_one_form(value: bytes) -> None:
    assert unbase64(base64.b64encode(value).decode(), "x") == value


@given(st.text("ABQZab09+/-_= \n\u00e9", max_size=12))
def test_base64_in_any_other_form_is_refused(text: str) -> None:
    try:
        value = unbase64(text, "x")
    except JsonError:
        return
    assert base64.b64encode(value).decode() == text


@given(st.dictionaries(st.text(), st.integers(), min_size=1), st.data())
def test_strict_json_refuses_a_key_twice(value: dict[str, int], data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(sorted(value)))
    twice = json.dumps(value)[:-1] + f", {json.dumps(key)}: 0}}"
    with pytest.raises(JsonError):
        parse(f"[{twice}]".encode())
