"""Why a candidate was not taken: one code for each reason, so that tests, scripts and people can tell them apart."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """The code of a refusal. Codes are stable: reports and exit codes are built on them."""

    # the candidate could not be read, so nothing is known about it
    UNREADABLE = "unreadable"
    TOO_LARGE = "too-large"
    UNKNOWN_MEDIA_TYPE = "unknown-media-type"
    ARTIFACT_NEEDED = "artifact-needed"
    NOT_SIGNED = "not-signed"

    # signature and signer
    SIGNATURE_INVALID = "signature-invalid"
    SIGNATURE_COUNT = "signature-count"
    WRONG_KEY = "wrong-key"
    KEY_DEMANDED = "key-demanded"
    CERTIFICATE_DEMANDED = "certificate-demanded"
    CERTIFICATE_UNTRUSTED = "certificate-untrusted"
    CERTIFICATE_EXPIRED = "certificate-expired"
    CERTIFICATE_PROFILE = "certificate-profile"
    SCT_MISSING = "sct-missing"
    SCT_INVALID = "sct-invalid"

    # log and time
    LOG_ENTRY_MISSING = "log-entry-missing"
    LOG_ENTRIES_TOO_MANY = "log-entries-too-many"
    LOG_ENTRY_UNSUPPORTED = "log-entry-unsupported"
    LOG_ENTRY_UNBOUND = "log-entry-unbound"
    LOG_UNKNOWN = "log-unknown"
    LOG_PROOF_INVALID = "log-proof-invalid"
    LOG_PROMISE_INVALID = "log-promise-invalid"
    TIMESTAMP_ONLY = "timestamp-only"
    TIMESTAMP_MISSING = "timestamp-missing"
    TIMESTAMP_INVALID = "timestamp-invalid"
    TIMESTAMP_UNTRUSTED = "timestamp-untrusted"
    TIMESTAMPS_TOO_MANY = "timestamps-too-many"
    TIME_MISSING = "time-missing"
    TIME_IN_FUTURE = "time-in-future"

    # who
    IDENTITY_MISMATCH = "identity-mismatch"
    ISSUER_MISMATCH = "issuer-mismatch"
    CLAIM_MISMATCH = "claim-mismatch"

    # what
    PAYLOAD_TYPE = "payload-type"
    STATEMENT_MALFORMED = "statement-malformed"
    STATEMENT_DUPLICATE_KEY = "statement-duplicate-key"
    STATEMENT_CASE_VARIANT = "statement-case-variant"
    STATEMENT_TOO_MANY = "statement-too-many"
    DIGEST_MALFORMED = "digest-malformed"
    SUBJECT_MISMATCH = "subject-mismatch"
    PREDICATE_TYPE_MISMATCH = "predicate-type-mismatch"
    PREDICATE_INVALID = "predicate-invalid"
    TOO_OLD = "too-old"


_UNCHECKED = frozenset({Reason.UNREADABLE, Reason.TOO_LARGE, Reason.UNKNOWN_MEDIA_TYPE, Reason.ARTIFACT_NEEDED})


@dataclass(frozen=True, slots=True)
class Refusal:
    """A candidate that was not taken, and why. `message` is for people."""

    reason: Reason
    message: str
    origin: str = ""

    @property
    def unchecked(self) -> bool:
        """True when the candidate could not be checked at all, as against checked and found wanting."""
        return self.reason in _UNCHECKED


class NotTaken(Exception):
    """Carries a refusal out of the steps of a verification; never leaves this room."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message

    def refusal(self, origin: str) -> Refusal:
        return Refusal(self.reason, self.message, origin)
