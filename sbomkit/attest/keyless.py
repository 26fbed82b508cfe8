"""Signing without a key of one's own: an identity token buys a certificate that lives for minutes. All by sigstore."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from sbomkit.attest.bundle import Bundle
from sbomkit.attest.dsse import pre_authentication_encoding
from sbomkit.attest.signers import reread
from sbomkit.attest.statement import PAYLOAD_TYPE, Statement
from sbomkit.attest.target import Target
from sbomkit.attest.trust import TrustedRoot, load_trusted_roots
from sbomkit.attest.witness import Witness
from sbomkit.errors import CannotCheck, CorruptInput, UsageError

if TYPE_CHECKING:
    from sigstore.models import ClientTrustConfig
    from sigstore.oidc import IdentityToken
    from sigstore.sign import Signer as SigstoreSigner

_T = TypeVar("_T")

_HOW = (
    "in GitHub Actions grant the job `permissions: id-token: write`; in GitLab CI declare `id_tokens:"
    " SIGSTORE_ID_TOKEN` with audience sigstore; elsewhere give --identity-token, or sign interactively"
)


@dataclass(frozen=True, slots=True)
class TrustConfig:
    """A Sigstore instance to sign with: its services and its root of trust."""

    inner: ClientTrustConfig

    @classmethod
    def of(cls, raw: bytes) -> TrustConfig:
        """Read a client trust configuration file. Raises CorruptInput."""
        from pydantic import ValidationError
        from sigstore.errors import Error
        from sigstore.models import ClientTrustConfig

        try:
            return cls(ClientTrustConfig.from_json(raw.decode("utf-8")))
        except (ValidationError, ValueError, Error) as error:
            raise CorruptInput(f"not a client trust configuration: {error}") from error

    @classmethod
    def combine(cls, trusted_root: bytes, signing_config: bytes) -> TrustConfig:
        """From the two files that some instances publish apart."""
        body = b'{"mediaType":"application/vnd.dev.sigstore.clienttrustconfig.v0.1+json","trustedRoot":%s'
        return cls.of(body % trusted_root + b',"signingConfig":' + signing_config + b"}")

    @classmethod
    def from_tuf(cls, url: str | None = None) -> TrustConfig:
        """Fetch by TUF; without a URL from the public good instance. Raises CannotCheck."""
        from sigstore.errors import Error
        from sigstore.models import ClientTrustConfig

        try:
            return cls(ClientTrustConfig.from_tuf(url) if url else ClientTrustConfig.production())
        except (Error, OSError, ValueError) as error:
            raise CannotCheck(f"cannot fetch the trust configuration: {error}") from error

    @classmethod
    def staging(cls) -> TrustConfig:
        """The public staging instance."""
        from sigstore._internal.tuf import STAGING_TUF_URL

        return cls.from_tuf(STAGING_TUF_URL)

    def trusted_roots(self) -> tuple[TrustedRoot, ...]:
        """This instance's root of trust, for verification."""
        return load_trusted_roots(self.inner._inner.trusted_root.to_json().encode(), "the trust configuration")

    def witness(self, *, log: bool = True, timestamp: bool = True) -> Witness:
        """This instance's log and timestamp authority, for signatures by one's own key."""
        return Witness(_checked(lambda: self.inner.signing_config), log, timestamp)


def given_token(raw: str) -> IdentityToken:
    """Take an OIDC token as given. Raises UsageError for one that is malformed, expired, or for another audience."""
    import jwt
    from sigstore.oidc import IdentityError, IdentityToken

    try:
        return IdentityToken(raw.strip())
    except IdentityError as error:
        cause = error.__cause__
        if isinstance(cause, jwt.ExpiredSignatureError):
            raise UsageError("the identity token has expired", hint="get a new one; they live for minutes") from error
        if isinstance(cause, jwt.ImmatureSignatureError):
            hint = "is this machine's clock right?"
            raise UsageError("the identity token is not valid yet", hint=hint) from error
        detail = f"{error}: {cause}" if cause else str(error)
        raise UsageError(f"the identity token cannot be used: {detail}", hint=_HOW) from error


def ambient_token() -> IdentityToken:
    """The token of the CI job that this runs in. Raises CannotCheck where there is none."""
    from sigstore.oidc import IdentityError, detect_credential

    try:
        raw = detect_credential()
    except IdentityError as error:
        raise CannotCheck(f"the identity of this job cannot be had: {error}", hint=_HOW) from error
    if raw is None:
        raise CannotCheck("there is no ambient identity here", hint=_HOW)
    return given_token(raw)


def interactive_token(config: TrustConfig, *, browser: bool = True) -> IdentityToken:
    """Ask the person: by browser, or by a link and a code to type in. Blocks. Raises CannotCheck."""
    from sigstore.errors import Error
    from sigstore.oidc import Issuer, IssuerError

    url = _checked(lambda: config.inner.signing_config.get_oidc_url())
    try:
        return Issuer(url).identity_token(force_oob=not browser)
    except (Error, IssuerError, EOFError) as error:
        raise CannotCheck(f"no identity was given: {error}", hint=_HOW) from error


class _Unprinted(bytes):
    """Bytes that sigstore's debug line, formatted whether or not it is logged, does not spell out."""

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"


class KeylessSigner:
    """Signs as whoever the token names. One certificate serves all signatures while it lives."""

    def __init__(self, config: TrustConfig, token: IdentityToken | str) -> None:
        self._config = config
        self._token = given_token(token) if isinstance(token, str) else token
        self._signer: SigstoreSigner | None = None

    def sign_statement(self, statement: Statement) -> Bundle:
        from sigstore import dsse

        class Exact(dsse.Statement):
            """The bytes as they are: this room has read them more strictly than sigstore's own check would."""

            def __init__(self, raw: bytes) -> None:
                self._contents = raw

            def _pae(self) -> bytes:
                return _Unprinted(pre_authentication_encoding(PAYLOAD_TYPE, self._contents))

        return self._sign(lambda signer: signer.sign_dsse(Exact(statement.raw)))

    def sign_target(self, target: Target) -> Bundle:
        from sigstore.hashes import Hashed
        from sigstore_models.common.v1 import HashAlgorithm

        digest = target.digest("sha256")
        if digest is None:
            raise UsageError("the artifact's sha256 is needed to sign it")
        hashed = Hashed(algorithm=HashAlgorithm.SHA2_256, digest=bytes.fromhex(digest.hex))
        return self._sign(lambda signer: signer.sign_artifact(hashed))

    def _sign(self, work: Callable[[SigstoreSigner], Any]) -> Bundle:
        from sigstore._internal.fulcio import ExpiredCertificate

        def run() -> Any:
            if self._signer is not None:
                try:
                    return work(self._signer)
                except ExpiredCertificate:
                    self._signer = None
            self._signer = self._new_signer()
            return work(self._signer)

        return reread(_checked(run).to_json().encode())

    def _new_signer(self) -> SigstoreSigner:
        from sigstore.sign import SigningContext

        context = SigningContext.from_trust_config(self._config.inner)
        with context.signer(self._token) as signer:
            return signer


def _checked(work: Callable[[], _T]) -> _T:
    """Run sigstore's own code; whatever it has against us becomes one kind of error. Raises CannotCheck."""
    import requests
    from pydantic import ValidationError
    from sigstore._internal.fulcio import ExpiredCertificate
    from sigstore._internal.fulcio.client import FulcioClientError
    from sigstore._internal.rekor import RekorClientError
    from sigstore.errors import Error
    from sigstore.models import InvalidBundle
    from sigstore.oidc import ExpiredIdentity

    try:
        return work()
    except (ExpiredIdentity, ExpiredCertificate) as error:
        raise CannotCheck("the identity token has expired", hint="get a new one; they live for minutes") from error
    except FulcioClientError as error:
        raise CannotCheck(f"the certificate authority issued no certificate: {error}") from error
    except RekorClientError as error:
        hint = "version 1 logs take whole statements, up to a few megabytes: sign with a version 2 log"
        raise CannotCheck(f"the transparency log took no entry: {error}", hint=hint) from error
    except requests.RequestException as error:
        raise CannotCheck(f"a service of the Sigstore instance cannot be reached: {error}") from error
    except InvalidBundle as error:
        hint = "did the timestamp authority answer?"
        raise CannotCheck(f"the services gave no complete bundle: {error}", hint=hint) from error
    except (Error, ValidationError, ValueError) as error:
        raise CannotCheck(f"the Sigstore instance cannot be used: {error}") from error
