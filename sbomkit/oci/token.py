"""Authorization: challenges, and the tokens that answer them.

RFC 9110 section 11.6 (WWW-Authenticate); https://distribution.github.io/distribution/spec/auth/token/ and .../oauth/
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sbomkit.errors import CannotCheck, CorruptInput
from sbomkit.oci import manifest as oci
from sbomkit.oci.auth import Credential

MAX_ANSWER = 1 << 20
_DEFAULT_LIFE = 60.0
"""Seconds, where the service does not say: the specification's own default."""
_EARLY = 10.0
"""Seconds before its end at which a token is no longer used."""
_MAX_HEADER = 16 << 10
_PARAMETER = re.compile(r'\s*([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*(?:,|\Z)')
_SCHEME = re.compile(r"\s*,?\s*([A-Za-z][A-Za-z0-9_-]*)(?=\s|,|\Z)(?!\s*=)")


@dataclass(frozen=True, slots=True)
class Challenge:
    scheme: str
    """In lower case."""
    parameters: Mapping[str, str] = field(default_factory=dict, hash=False)


def parse_challenges(header: str) -> tuple[Challenge, ...]:
    """The challenges of a WWW-Authenticate header; what is malformed ends them."""
    found: list[Challenge] = []
    at, header = 0, header[:_MAX_HEADER]
    while scheme := _SCHEME.match(header, at):
        at = scheme.end()
        parameters: dict[str, str] = {}
        while match := _PARAMETER.match(header, at):
            quoted = re.sub(r"\\(.)", r"\1", match[2]) if match[2] is not None else match[3]
            parameters.setdefault(match[1].lower(), quoted)
            at = match.end()
        found.append(Challenge(scheme[1].lower(), parameters))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """What to send to the token service; `form` makes it a POST."""

    url: str
    query: tuple[tuple[str, str], ...]
    form: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    authorization: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class _Token:
    header: str = field(repr=False)
    expires: float


class Authorizer:
    """The Authorization header for one registry host, renewed when it expires or is refused. Thread-safe."""

    def __init__(
        self,
        host: str,
        credential: Credential | None,
        fetch: Callable[[TokenRequest], bytes],
        clock: Callable[[], float],
    ) -> None:
        self._host = host
        self._credential = credential
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._challenge: Challenge | None = None
        self._tokens: dict[str, _Token] = {}

    @property
    def anonymous(self) -> bool:
        return self._credential is None

    def header(self, scope: str) -> str:
        """What to send at first: nothing until the registry has asked for something. Raises CannotCheck."""
        with self._lock:
            if self._challenge is None:
                return ""
            if self._challenge.scheme == "basic":
                return self._basic()
            token = self._tokens.get(scope)
            if token is None or token.expires - _EARLY <= self._clock():
                token = self._tokens[scope] = self._new_token(self._challenge, scope)
            return token.header

    def challenged(self, header: str, scope: str, sent: str) -> bool:
        """Learn from a 401; whether it is worth another try. `sent` is the header that was refused."""
        known = [c for c in parse_challenges(header) if c.scheme in ("bearer", "basic")]
        usable = [c for c in known if c.scheme == "bearer" or self._credential is not None]
        if not usable:
            return False
        with self._lock:
            self._challenge = next((c for c in usable if c.scheme == "bearer"), usable[0])
            refused = self._tokens.get(scope)
            if refused is not None and refused.header == sent:
                del self._tokens[scope]
        # a name and password that were refused once will be refused again; a token may have expired
        return not (self._challenge.scheme == "basic" and sent)

    def _basic(self) -> str:
        return self._credential.basic() if self._credential and self._credential.username else ""

    def _new_token(self, challenge: Challenge, scope: str) -> _Token:
        raw = self._fetch(self._request(challenge, scope))
        what = f"the token service of {self._host}"
        answer = oci.load_object(raw, what)
        token = oci.text(answer, "token", what) or oci.text(answer, "access_token", what)
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise CorruptInput(f"{what} gave no usable token")
        life = answer.get("expires_in")
        seconds = float(life) if isinstance(life, int | float) and 0 < life < 1e9 else _DEFAULT_LIFE
        # a life shorter than the margin is still a life
        return _Token(f"Bearer {token}", self._clock() + max(seconds, _EARLY + 1))

    def _request(self, challenge: Challenge, scope: str) -> TokenRequest:
        realm = challenge.parameters.get("realm", "")
        if not realm.startswith(("https://", "http://")):
            raise CannotCheck(f"{self._host} asks for a token, but not from where: realm {realm[:200]!r}")
        scopes = sorted({scope, challenge.parameters.get("scope", "")} - {""})
        service = challenge.parameters.get("service", "")
        query = ([("service", service)] if service else []) + [("scope", each) for each in scopes]
        identity = self._credential.identity_token if self._credential else ""
        if identity:
            form = [("grant_type", "refresh_token"), ("client_id", "sbomkit"), ("service", service)]
            form += [("scope", " ".join(scopes)), ("refresh_token", identity)]
            return TokenRequest(realm, (), tuple(form))
        return TokenRequest(realm, tuple(query), (), self._basic())
