"""The order of a verification. Every step can only refuse.

1. signature, certificate chain, log and time  2. identity and issuer, or key  3. payload type  4. strict statement
5. a subject holds the target's digest  6. predicate type  7. predicate's schema  8. age, by verified time

Nothing here opens a socket or reads a clock; `now` is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import InitVar, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sbomkit.attest.bundle import Bundle, SimpleSigning
from sbomkit.attest.certificate import Identity
from sbomkit.attest.dsse import Envelope
from sbomkit.attest.legacy import TwoStep, check_simple_signing, check_two_step
from sbomkit.attest.policy import Who
from sbomkit.attest.predicates import COSIGN_SIGN, is_wanted
from sbomkit.attest.proof import Proven, prove
from sbomkit.attest.reasons import NotTaken, Reason, Refusal
from sbomkit.attest.statement import PAYLOAD_TYPE, Statement, Subject, parse_statement
from sbomkit.attest.target import Target
from sbomkit.attest.times import VerifiedTime
from sbomkit.attest.trust import TrustedRoot, public_good_roots
from sbomkit.errors import CannotCheck, Refused
from sbomkit.model.digest import Digest

MAX_CANDIDATES = 1000
"""Whoever may write to a registry may add referrers; this many are judged, in the order given."""

_SEAL = object()
# clocks differ; a log that is further ahead of this machine than that means one of the two is wrong
_CLOCK_TOLERANCE = timedelta(minutes=10)

Candidate = Bundle | TwoStep | Refusal
PredicateCheck = Callable[[str, Any], str | None]
"""Takes a predicate type and a predicate; says what is wrong with it, or None."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What a verifier found to be true. Nobody else can make one: it is the proof that the checks were made."""

    origin: str
    target: Target
    signer: Identity | str
    """The certificate's identity, or the fingerprint of the key."""
    times: tuple[VerifiedTime, ...]
    statement: Statement | None = None
    """None for a plain signature, which says nothing but that it was made."""
    subject: Subject | None = None
    log_indices: tuple[int, ...] = ()
    seal: InitVar[object] = None

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("a Verified is made by a verifier only")

    @property
    def predicate_type(self) -> str | None:
        return self.statement.predicate_type if self.statement else None

    @property
    def predicate(self) -> Any:
        return self.statement.predicate if self.statement else None


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome over all candidates: those taken, and for each of the others why it was not."""

    target: Target
    verified: tuple[Verified, ...]
    refusals: tuple[Refusal, ...]

    @property
    def ok(self) -> bool:
        return bool(self.verified)

    def require(self) -> tuple[Verified, ...]:
        """The verified ones. Raises Refused when there are none, CannotCheck when none could even be read."""
        if self.verified:
            return self.verified
        told = "; ".join(f"{refusal.origin or 'bundle'}: {refusal.message}" for refusal in self.refusals[:10])
        if not self.refusals:
            raise Refused(f"nothing signed was found for {self.target}")
        if all(refusal.unchecked for refusal in self.refusals):
            raise CannotCheck(f"no signature of {self.target} could be checked: {told}")
        raise Refused(f"no signature of {self.target} was taken: {told}")


@dataclass(frozen=True, slots=True)
class Verifier:
    """Verifies candidates against one policy. Reusable; it keeps nothing between calls."""

    who: Who
    now: datetime
    trusted_roots: tuple[TrustedRoot, ...] | None = None
    """None is the public good instance, as the installed sigstore ships it."""
    predicate_type: str | None = None
    """The URI wanted, or None for any signature and any statement."""
    max_age: timedelta | None = None
    check_predicate: PredicateCheck | None = field(default=None, repr=False)

    def verify(self, candidates: Iterable[Candidate], target: Target) -> Verification:
        """Judge every candidate. Candidates that are refusals already (unreadable ones) are passed on."""
        verified, refusals = [], []
        for count, candidate in enumerate(candidates):
            if count == MAX_CANDIDATES:
                message = f"there are more than {MAX_CANDIDATES} candidates; the others were not looked at"
                refusals.append(Refusal(Reason.TOO_LARGE, message))
                break
            judged = candidate if isinstance(candidate, Refusal) else self.judge(candidate, target)
            if isinstance(judged, Verified):
                verified.append(judged)
            else:
                refusals.append(judged)
        return Verification(target, tuple(verified), tuple(refusals))

    def judge(self, candidate: Bundle | TwoStep, target: Target) -> Verified | Refusal:
        try:
            if isinstance(candidate, TwoStep):
                return self._two_step(candidate, target)
            return self._bundle(candidate, target)
        except NotTaken as refusal:
            return refusal.refusal(candidate.origin)

    def _bundle(self, bundle: Bundle, target: Target) -> Verified:
        proven = prove(bundle, target, self.who, self._roots(bundle))
        statement = subject = None
        if isinstance(bundle.content, Envelope):
            if bundle.content.payload_type != PAYLOAD_TYPE:
                kind = bundle.content.payload_type[:80]
                raise NotTaken(Reason.PAYLOAD_TYPE, f"the payload is {kind!r}, not an in-toto statement")
            statement = parse_statement(bundle.content.payload)
            subject = self._about(statement, target)
        elif isinstance(bundle.content, SimpleSigning):
            check_simple_signing(bundle.content, target.digests)
        return self._finish(bundle.origin, target, proven, statement, subject)

    def _two_step(self, candidate: TwoStep, target: Target) -> Verified:
        """The statement is unsigned; what is signed is the digest of the manifest that holds it."""
        manifest = Target((Digest.of(candidate.manifest),), candidate.manifest)
        raw = check_two_step(candidate)
        plain = Verifier(self.who, self.now, self.trusted_roots)
        refused = NotTaken(Reason.NOT_SIGNED, "the attestation manifest carries no signature")
        for bundle in candidate.signatures:
            try:
                proven = plain._signature_of(bundle, manifest)
            except NotTaken as refusal:
                refused = refusal
                continue
            statement = parse_statement(raw)
            return self._finish(candidate.origin, target, proven, statement, self._about(statement, target))
        raise refused

    def _signature_of(self, bundle: Bundle, manifest: Target) -> Proven:
        """A plain signature of a manifest: any form, but if it is a statement, one that only says `signed`."""
        verified = self._bundle(bundle, manifest)
        if verified.statement is not None and verified.predicate_type != COSIGN_SIGN:
            raise NotTaken(Reason.NOT_SIGNED, "the attestation manifest is spoken of, but not signed")
        return Proven(verified.signer, verified.times, verified.log_indices)

    def _about(self, statement: Statement, target: Target) -> Subject:
        subject = statement.subject_for(target.digests)
        if subject is None:
            raise NotTaken(Reason.SUBJECT_MISMATCH, f"the statement is not about {target}")
        return subject

    def _finish(
        self, origin: str, target: Target, proven: Proven, statement: Statement | None, subject: Subject | None
    ) -> Verified:
        if self.predicate_type is not None:
            actual = statement.predicate_type if statement else None
            if actual is None or not is_wanted(actual, self.predicate_type):
                found = f"the predicate is {actual[:120]!r}" if actual else "a plain signature has no predicate"
                raise NotTaken(Reason.PREDICATE_TYPE_MISMATCH, f"{found}, wanted was {self.predicate_type!r}")
        if statement is not None and self.check_predicate is not None:
            problem = self.check_predicate(statement.predicate_type, statement.predicate)
            if problem is not None:
                raise NotTaken(Reason.PREDICATE_INVALID, f"the predicate is not valid: {problem}")
        self._check_age(proven.times)
        return Verified(origin, target, proven.signer, proven.times, statement, subject, proven.log_indices, seal=_SEAL)

    def _check_age(self, times: tuple[VerifiedTime, ...]) -> None:
        """By verified time only: what a payload says about its own date is the signer's claim."""
        latest = max(times, default=None)
        if latest is not None and latest.time > self.now + _CLOCK_TOLERANCE:
            raise NotTaken(
                Reason.TIME_IN_FUTURE,
                f"signed at {latest.time:%FT%TZ}, which is ahead of this machine's clock ({self.now:%FT%TZ})",
            )
        if self.max_age is None:
            return
        if not times:
            raise NotTaken(Reason.TIME_MISSING, "nobody vouches for when this was signed, so its age is unknown")
        earliest = min(times)
        if self.now - earliest.time > self.max_age:
            raise NotTaken(Reason.TOO_OLD, f"signed at {earliest.time:%FT%TZ}, more than {self.max_age} ago")

    def _roots(self, bundle: Bundle) -> tuple[TrustedRoot, ...]:
        if self.trusted_roots is not None:
            return self.trusted_roots
        needed = bundle.certificate is not None or bundle.entries or bundle.timestamps
        return public_good_roots() if needed else ()
