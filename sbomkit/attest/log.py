"""Transparency log entries: is the entry in the log, did the log say so, and is it about *this* signature?

Merkle and checkpoint arithmetic is sigstore's. That an entry is bound to the artifact is `logbody`'s business.
"""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sbomkit.attest.bundle import Bundle, LogEntry
from sbomkit.attest.logbody import Material, check_body, is_version_2
from sbomkit.attest.reasons import NotTaken, Reason
from sbomkit.attest.times import VerifiedTime

if TYPE_CHECKING:
    from sigstore._internal.trust import RekorKeyring
    from sigstore.models import TransparencyLogEntry

    from sbomkit.attest.trust import Log, TrustedRoot

# a signed note: text, an empty line, and nothing but signature lines after it
_NOTE = re.compile(
    r"(?P<origin>[^\n]+)\n(?P<size>[0-9]{1,19})\n[^\n]+\n(?:[^\n]+\n)*\n(?P<lines>(?:\u2014 \S+ \S+\n)+)"
)
_LINE = re.compile(r"\u2014 (\S+) (\S+)\n")


def check_entries(bundle: Bundle, material: Material, root: TrustedRoot | None) -> tuple[VerifiedTime, ...]:
    """Verify every log entry of a bundle; the times are those that a log of version 1 signed."""
    if len({entry.body for entry in bundle.entries}) != len(bundle.entries):
        raise NotTaken(Reason.LOG_ENTRY_UNBOUND, "the same log entry occurs twice")
    times = [_check(entry, bundle, material, root) for entry in bundle.entries]
    return tuple(time for time in times if time is not None)


def _check(entry: LogEntry, bundle: Bundle, material: Material, root: TrustedRoot | None) -> VerifiedTime | None:
    log = root.logs.get(entry.log_id) if root else None
    if log is None:
        where = root.label if root else "any trusted root"
        raise NotTaken(Reason.LOG_UNKNOWN, f"the entry is in log {entry.log_id.hex()[:16]}, which is not in {where}")
    if entry.proof is not None and entry.proof.checkpoint:
        _check_proof(entry, log)
    elif not (bundle.promise_suffices and entry.promise):
        raise NotTaken(Reason.LOG_PROOF_INVALID, "the log entry has no inclusion proof with a checkpoint")
    promised = _check_promise(entry, log)
    check_body(entry, material)
    if promised is not None and not log.window.holds(promised):
        raise NotTaken(Reason.LOG_UNKNOWN, f"the log was not in service at {promised:%FT%TZ}")
    return VerifiedTime(promised, "transparency log") if promised else None


def _check_proof(entry: LogEntry, log: Log) -> None:
    from sigstore._internal.merkle import verify_merkle_inclusion
    from sigstore._internal.rekor.checkpoint import SignedCheckpoint
    from sigstore._utils import KeyID
    from sigstore.errors import VerificationError

    proof = entry.proof
    # version 1 logs are sharded: their index counts all shards, the proof's counts one tree
    if proof is None or (is_version_2(entry) and entry.index != proof.index):
        raise NotTaken(Reason.LOG_PROOF_INVALID, "the proof is of another index than the entry's")
    try:
        verify_merkle_inclusion(_as_sigstore(entry))
        _check_note(proof.checkpoint, proof.size, entry.log_id[:4])
        signed = SignedCheckpoint.from_text(proof.checkpoint)
        signed.signed_note.verify(log.keyring, KeyID(entry.log_id))
    except (VerificationError, ValueError) as error:
        raise NotTaken(Reason.LOG_PROOF_INVALID, f"the inclusion proof is not valid: {error}") from error
    if signed.checkpoint.log_hash != proof.root.hex():
        raise NotTaken(Reason.LOG_PROOF_INVALID, "the checkpoint is of another tree than the inclusion proof")


def _check_note(text: str, size: int, key_hash: bytes) -> None:
    """The parts of a checkpoint that its signature leaves open: layout, tree size against the proof, names of lines."""
    note = _NOTE.fullmatch(text)
    if note is None:
        raise ValueError("the checkpoint is not a signed note")
    if int(note["size"]) != size:
        raise ValueError(f"the checkpoint is of a tree of {note['size']} entries, the proof of one of {size}")
    origin = note["origin"].split(" - ")[0]
    for name, signature in _LINE.findall(note["lines"]):
        if base64.b64decode(signature, validate=True)[:4] == key_hash and name != origin:
            raise ValueError("the checkpoint is signed under another name than the log's")


def _as_sigstore(entry: LogEntry) -> TransparencyLogEntry:
    from sigstore.models import TransparencyLogEntry
    from sigstore_models.rekor.v1 import TransparencyLogEntry as Inner

    proof = entry.proof
    if proof is None:
        raise ValueError("no inclusion proof")
    fields: dict[str, Any] = {
        "logIndex": str(entry.index),
        "logId": {"keyId": _b64(entry.log_id)},
        "kindVersion": {"kind": entry.kind, "version": entry.version},
        "inclusionProof": {
            "logIndex": str(proof.index),
            "rootHash": _b64(proof.root),
            "treeSize": str(proof.size),
            "hashes": [_b64(node) for node in proof.hashes],
            "checkpoint": {"envelope": proof.checkpoint},
        },
        "canonicalizedBody": _b64(entry.body),
    }
    return TransparencyLogEntry(Inner.from_dict(fields))


def _check_promise(entry: LogEntry, log: Log) -> datetime | None:
    """The integrated time that the log signed (v1), or None where it signed none."""
    if entry.promise is None:
        return None
    if is_version_2(entry):
        raise NotTaken(Reason.LOG_PROMISE_INVALID, "entries of version 2 logs carry no promise")
    if entry.integrated_time is None:
        raise NotTaken(Reason.LOG_PROMISE_INVALID, "the log's promise has no time")
    promised = {
        "body": _b64(entry.body),
        "integratedTime": entry.integrated_time,
        "logID": entry.log_id.hex(),
        "logIndex": entry.index,
    }
    _verify_promise(log.keyring, entry, json.dumps(promised, separators=(",", ":"), sort_keys=True).encode())
    try:
        return datetime.fromtimestamp(entry.integrated_time, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise NotTaken(Reason.LOG_PROMISE_INVALID, "the integrated time is out of range") from error


def _verify_promise(keyring: RekorKeyring, entry: LogEntry, signed: bytes) -> None:
    from sigstore._utils import KeyID
    from sigstore.errors import VerificationError

    try:
        keyring.verify(key_id=KeyID(entry.log_id), signature=entry.promise or b"", data=signed)
    except (VerificationError, ValueError) as error:
        raise NotTaken(Reason.LOG_PROMISE_INVALID, f"the log's promise is not valid: {error}") from error


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
