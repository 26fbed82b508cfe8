"""Statements: what is built is kept byte for byte, what is read is read strictly."""

from __future__ import annotations

import json

import pytest

from sbomkit.attest.predicates import ALIASES, CYCLONEDX, PROVENANCE_V1, SPDX, family, is_wanted, predicate_uri
from sbomkit.attest.reasons import NotTaken, Reason
from sbomkit.attest.statement import build_statement, parse_in_toto, parse_statement
from sbomkit.errors import CorruptInput, UsageError
from sbomkit.model.digest import Digest

ONE = Digest.of(b"one")


def test_a_predicate_is_kept_byte_for_byte() -> None:
    predicate = b'{ "b": 1.10,\n "a": 1e3, "\xc3\xa9": "\\u00e9" }'
    statement = build_statement([("näme", [ONE])], CYCLONEDX, predicate)
    assert statement.raw.endswith(b'"predicate":' + predicate + b"}")
    assert parse_statement(statement.raw) == statement
    assert json.loads(statement.raw)["subject"] == [{"name": "näme", "digest": {"sha256": ONE.hex}}]


@pytest.mark.parametrize(
    "predicate",
    [b'{},"subject":[]', b"", b"{", b'{"a":1,"a":2}', b"NaN", b"\xff", b"{}//", b"1 2", b'"\xed\xa0\x80"'],
)
def test_a_predicate_cannot_break_out(predicate: bytes) -> None:
    with pytest.raises(CorruptInput):
        build_statement([("x", [ONE])], CYCLONEDX, predicate)


def test_statements_that_would_be_refused_are_not_built() -> None:
    with pytest.raises(UsageError):
        build_statement([], CYCLONEDX, b"{}")
    with pytest.raises(UsageError):
        build_statement([("x", [ONE])] * 1025, CYCLONEDX, b"{}")
    with pytest.raises(CorruptInput):
        parse_in_toto(b"{}")


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (b"[]", Reason.STATEMENT_MALFORMED),
        (b'{"_type":1}', Reason.STATEMENT_MALFORMED),
        (b'{"_TYPE":""}', Reason.STATEMENT_CASE_VARIANT),
        (b'{"_type":"","_type":""}', Reason.STATEMENT_DUPLICATE_KEY),
        (b'{"a":' * 9000 + b"1" + b"}" * 9000, Reason.STATEMENT_MALFORMED),
        (b'{"n":' + b"1" * 9000 + b"}", Reason.STATEMENT_MALFORMED),
    ],
)
def test_what_is_refused(found: bytes, reason: Reason) -> None:
    with pytest.raises(NotTaken) as caught:
        parse_statement(found)
    assert caught.value.reason is reason


@pytest.mark.parametrize(
    "subject",
    [
        "x",
        {},
        {"digest": {}},
        {"digest": []},
        {"digest": {"sha256": 1}},
        {"digest": {"sha256": None}},
        {"name": 1, "digest": {"x": "y"}},
    ],
)
def test_subjects_that_are_none(subject: object) -> None:
    raw = {"_type": "https://in-toto.io/Statement/v1", "predicateType": "x", "subject": [subject]}
    with pytest.raises(NotTaken) as caught:
        parse_statement(json.dumps(raw).encode())
    assert caught.value.reason is Reason.STATEMENT_MALFORMED


def digests(**values: str) -> bytes:
    raw = {"_type": "https://in-toto.io/Statement/v1", "predicateType": "x", "subject": [{"digest": values}]}
    return json.dumps(raw).encode()


def test_algorithms_that_are_not_known_are_left_alone() -> None:
    statement = parse_statement(digests(dirHash="h1:abc=", gitCommit="a" * 40, sha256=ONE.hex))
    assert statement.subject_for([ONE]) is not None


def test_a_digest_that_contradicts_is_no_match() -> None:
    strong = Digest.of(b"one", "sha512")
    assert parse_statement(digests(sha256=ONE.hex, sha512=strong.hex)).subject_for([ONE, strong])
    contradicting = parse_statement(digests(sha256=ONE.hex, sha512="0" * 128))
    assert contradicting.subject_for([ONE, strong]) is None
    assert contradicting.subject_for([ONE]) is not None


def test_weak_digests_never_match() -> None:
    for algorithm in ("md5", "sha1", "sha224"):
        weak = Digest.of(b"one", algorithm)
        assert parse_statement(digests(**{algorithm: weak.hex})).subject_for([weak]) is None


def test_predicate_types() -> None:
    assert predicate_uri("cyclonedx") == CYCLONEDX
    assert predicate_uri("https://example.com/x") == "https://example.com/x"
    assert family(f"{CYCLONEDX}/v1.6") == CYCLONEDX
    assert family(f"{SPDX}/v2.3") == SPDX
    assert all(family(predicate_uri(alias)) == family(uri) for alias, uri in ALIASES.items())
    for nonsense in ("cyclone dx", "", "http://[", "SPDX"):
        with pytest.raises(UsageError):
            predicate_uri(nonsense)


@pytest.mark.parametrize(
    ("actual", "wanted", "taken"),
    [
        (CYCLONEDX, CYCLONEDX, True),
        (f"{CYCLONEDX}/v1.6", CYCLONEDX, True),
        (CYCLONEDX, f"{CYCLONEDX}/v1.6", False),
        (f"{CYCLONEDX}/v1.5", f"{CYCLONEDX}/v1.6", False),
        (f"{CYCLONEDX}/evil", CYCLONEDX, False),
        (f"{CYCLONEDX}/v1.6/x", CYCLONEDX, False),
        ("https://cyclonedx.org/bomb", CYCLONEDX, False),
        ("https://openvex.dev/ns/v0.2.0", ALIASES["openvex"], True),
        ("https://in-toto.io/attestation/vulns/v0.1", ALIASES["vulns"], True),
        ("https://slsa.dev/provenance/v0.2", PROVENANCE_V1, False),
        (SPDX, CYCLONEDX, False),
    ],
)
def test_families(actual: str, wanted: str, taken: bool) -> None:
    assert is_wanted(actual, wanted) is taken
