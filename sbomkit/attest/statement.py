"""in-toto statements: built byte for byte, and read so that no two parsers can see different things in them.

v1: https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
v0.1: https://github.com/in-toto/attestation/blob/main/spec/v0.1.0/README.md
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sbomkit.attest.reasons import NotTaken, Reason
from sbomkit.attest.strictjson import CaseVariant, DuplicateKey, JsonError, parse, refuse_case_variants
from sbomkit.errors import CorruptInput, UsageError
from sbomkit.model.digest import HEX_LENGTH, Digest

PAYLOAD_TYPE = "application/vnd.in-toto+json"
TYPE_V1 = "https://in-toto.io/Statement/v1"
TYPE_V0_1 = "https://in-toto.io/Statement/v0.1"
MAX_SUBJECTS = 1024
MAX_DIGESTS = 32

# names an attacker could not turn into each other: only these can match a target
MATCHING_ALGORITHMS = ("sha256", "sha384", "sha512")

_KEYS = ("_type", "subject", "predicateType", "predicate")
_SUBJECT_KEYS = ("name", "uri", "digest", "content", "downloadLocation", "mediaType", "annotations")
_HEX = re.compile(r"[0-9a-f]+\Z")
_EXTRA_LENGTHS = {"sha3_224": 56, "sha3_256": 64, "sha3_384": 96, "sha3_512": 128, "sha512_224": 56, "sha512_256": 64}
_LENGTHS = {**HEX_LENGTH, **_EXTRA_LENGTHS}
_GIT = ("gitCommit", "gitTree", "gitBlob", "gitTag")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a statement is about. `digests` maps the statement's own algorithm names to their values."""

    name: str
    digests: tuple[tuple[str, str], ...]

    def matches(self, targets: Sequence[Digest]) -> bool:
        """True when a strong digest is equal and none that both sides know differs."""
        known = dict(self.digests)
        strong = [target for target in targets if target.algorithm in MATCHING_ALGORITHMS]
        both = [target for target in strong if target.algorithm in known]
        return bool(both) and all(known[target.algorithm] == target.hex for target in both)


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement as parsed, and the exact bytes that were or will be signed."""

    raw: bytes = field(repr=False)
    type: str
    subjects: tuple[Subject, ...]
    predicate_type: str
    predicate: Any = field(repr=False, compare=False)

    def subject_for(self, targets: Sequence[Digest]) -> Subject | None:
        return next((subject for subject in self.subjects if subject.matches(targets)), None)


def build_statement(
    subjects: Iterable[tuple[str, Iterable[Digest]]], predicate_type: str, predicate: bytes
) -> Statement:
    """A v1 statement about `subjects`, with `predicate` (JSON bytes) embedded byte for byte.

    Raises CorruptInput when the predicate is not strict JSON, UsageError when the subjects or the type are off.
    """
    try:
        value = parse(predicate)
    except JsonError as error:
        raise CorruptInput(f"the predicate is not strict JSON: {error}") from error
    listed = [
        {"name": name, "digest": {digest.algorithm: digest.hex for digest in sorted(digests)}}
        for name, digests in subjects
    ]
    head = {"_type": TYPE_V1, "subject": listed, "predicateType": predicate_type}
    # spliced, not re-encoded: numbers and key order of a document that others digest must survive.
    # The predicate was parsed by itself, so that it cannot end its own value and go on with the statement's keys.
    opening = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()[:-1]
    raw = opening + b',"predicate":' + predicate.strip() + b"}"
    try:
        return _statement(raw, {**head, "predicate": value})
    except NotTaken as refusal:
        raise UsageError(f"the statement would be refused: {refusal.message}") from refusal


def parse_in_toto(raw: bytes) -> Statement:
    """A statement that somebody wrote, to be signed as it is. Raises CorruptInput for one that would be refused."""
    try:
        return parse_statement(raw)
    except NotTaken as refusal:
        raise CorruptInput(refusal.message) from refusal


def parse_statement(raw: bytes) -> Statement:
    """Read a statement, v1 or v0.1. Raises NotTaken with the reason of the first thing that is off."""
    try:
        found = parse(raw)
        if not isinstance(found, dict):
            raise JsonError("not a JSON object")
        refuse_case_variants(found, _KEYS)
    except DuplicateKey as error:
        raise NotTaken(Reason.STATEMENT_DUPLICATE_KEY, f"statement: {error}") from error
    except CaseVariant as error:
        raise NotTaken(Reason.STATEMENT_CASE_VARIANT, f"statement: {error}") from error
    except JsonError as error:
        raise _malformed(str(error)) from error
    return _statement(raw, found)


def _statement(raw: bytes, found: dict[str, Any]) -> Statement:
    kind, predicate_type = found.get("_type"), found.get("predicateType")
    if kind not in (TYPE_V1, TYPE_V0_1):
        raise _malformed(f"_type is {str(kind)[:80]!r}, neither {TYPE_V1} nor {TYPE_V0_1}")
    if not isinstance(predicate_type, str) or not predicate_type:
        raise _malformed("predicateType is not a string")
    subjects = found.get("subject")
    if not isinstance(subjects, list) or not subjects:
        raise _malformed("subject is not a list with at least one member")
    if len(subjects) > MAX_SUBJECTS:
        raise NotTaken(Reason.STATEMENT_TOO_MANY, f"{len(subjects)} subjects, and at most {MAX_SUBJECTS} are read")
    return Statement(raw, kind, tuple(map(_subject, subjects)), predicate_type, found.get("predicate"))


def _subject(found: object) -> Subject:
    if not isinstance(found, dict):
        raise _malformed("a subject is not an object")
    try:
        refuse_case_variants(found, _SUBJECT_KEYS)
    except CaseVariant as error:
        raise NotTaken(Reason.STATEMENT_CASE_VARIANT, f"subject: {error}") from error
    name, digests = found.get("name", ""), found.get("digest")
    if name is None:
        name = ""
    if not isinstance(name, str):
        raise _malformed("a subject's name is not a string")
    if not isinstance(digests, dict) or not digests:
        raise _malformed(f"subject {name[:80]!r} has no digest")
    if len(digests) > MAX_DIGESTS:
        raise NotTaken(
            Reason.STATEMENT_TOO_MANY, f"{len(digests)} digests in a subject, at most {MAX_DIGESTS} are read"
        )
    for algorithm, value in digests.items():
        _check_digest(algorithm, value)
    return Subject(name, tuple(sorted(digests.items())))


def _check_digest(algorithm: str, value: object) -> None:
    """Known algorithms hold lower-case hex of their length; a name that folds to a known one is no other algorithm."""
    if not isinstance(value, str):
        raise _malformed(f"the {algorithm[:40]} digest is not a string")
    plain = algorithm.casefold().replace("-", "")
    if algorithm not in _LENGTHS and plain in _LENGTHS:
        raise NotTaken(Reason.DIGEST_MALFORMED, f"digest algorithm {algorithm!r} is not written {plain!r}")
    lengths = (40, 64) if algorithm in _GIT else (_LENGTHS.get(algorithm),)
    if lengths == (None,):
        return
    if len(value) not in lengths or not _HEX.match(value):
        raise NotTaken(Reason.DIGEST_MALFORMED, f"not a {algorithm} digest in lower-case hex: {value[:140]!r}")


def _malformed(message: str) -> NotTaken:
    return NotTaken(Reason.STATEMENT_MALFORMED, f"statement: {message}")
