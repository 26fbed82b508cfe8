"""Who is believed: certificates of an identity that an issuer vouches for, or signatures by given keys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sbomkit.attest.certificate import CLAIMS, Identity
from sbomkit.attest.keys import PublicKey
from sbomkit.attest.reasons import NotTaken, Reason
from sbomkit.errors import UsageError


@dataclass(frozen=True, slots=True)
class Exactly:
    """Takes one value."""

    value: str

    def __post_init__(self) -> None:
        if not self.value:
            raise UsageError("an empty identity or issuer would never match")

    def takes(self, actual: str) -> bool:
        return actual == self.value

    def __str__(self) -> str:
        return repr(self.value)


@dataclass(frozen=True, slots=True)
class Matching:
    """Takes what a regular expression matches from the first character to the last; never a part of a value."""

    pattern: re.Pattern[str]

    @classmethod
    def of(cls, expression: str) -> Matching:
        """Raises UsageError for what is no regular expression, or is empty."""
        if not expression:
            raise UsageError("an empty regular expression is no policy")
        try:
            return cls(re.compile(expression))
        except (re.error, RecursionError, OverflowError) as error:
            raise UsageError(f"{expression!r} is no regular expression: {error}") from error

    def takes(self, actual: str) -> bool:
        return self.pattern.fullmatch(actual) is not None

    def __str__(self) -> str:
        return f"/{self.pattern.pattern}/"


Rule = Exactly | Matching


@dataclass(frozen=True, slots=True)
class IdentityPolicy:
    """A keyless signer. Identity and issuer are both required: any issuer can vouch for any name."""

    identity: Rule
    issuer: Rule
    claims: Mapping[str, Rule] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = sorted(set(self.claims) - CLAIMS)
        if unknown:
            raise UsageError(f"no such certificate claim: {', '.join(unknown)}")

    @classmethod
    def of(
        cls,
        *,
        identity: str | None = None,
        identity_regexp: str | None = None,
        issuer: str | None = None,
        issuer_regexp: str | None = None,
        claims: Mapping[str, str] | None = None,
    ) -> IdentityPolicy:
        """From the words of a command line. Raises UsageError unless there is one identity rule and one issuer rule."""
        rules = {name: Exactly(value) for name, value in (claims or {}).items()}
        return cls(_rule("identity", identity, identity_regexp), _rule("issuer", issuer, issuer_regexp), rules)

    def check(self, actual: Identity) -> None:
        if not self.identity.takes(actual.subject):
            raise NotTaken(Reason.IDENTITY_MISMATCH, f"signed by {actual.subject!r}, and wanted was {self.identity}")
        if not self.issuer.takes(actual.issuer):
            raise NotTaken(
                Reason.ISSUER_MISMATCH, f"the identity is vouched for by {actual.issuer!r}, wanted was {self.issuer}"
            )
        for name, rule in sorted(self.claims.items()):
            value = actual.claim(name)
            if value is None or not rule.takes(value):
                found = "missing" if value is None else repr(value)
                raise NotTaken(Reason.CLAIM_MISMATCH, f"the certificate's {name} is {found}, wanted was {rule}")


def _rule(what: str, exact: str | None, expression: str | None) -> Rule:
    if (exact is None) == (expression is None):
        problem = f"no {what} is given" if exact is None else f"{what} is given both exactly and as an expression"
        raise UsageError(problem, hint="a keyless signer is an identity and the issuer that vouches for it: give both")
    return Exactly(exact) if exact is not None else Matching.of(expression or "")


@dataclass(frozen=True, slots=True)
class KeyPolicy:
    """Signatures by any of the given keys; several while keys rotate."""

    keys: tuple[PublicKey, ...]
    require_log: bool = False
    """Demand an entry in a log of the trusted root."""
    require_timestamp: bool = False
    """Demand a verified time, by a timestamp authority or by a log."""
    ignore_log: bool = False
    """Look at neither log entries nor timestamps, for signatures whose log is not known here."""

    def __post_init__(self) -> None:
        if not self.keys:
            raise UsageError("a key policy without a key would never match")
        if self.ignore_log and (self.require_log or self.require_timestamp):
            raise UsageError("a log or timestamp cannot be demanded and ignored at once")


Who = IdentityPolicy | KeyPolicy
