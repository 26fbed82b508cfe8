"""Options of every command that signs, and the signer they make."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sbomkit.errors import CannotCheck, UsageError

if TYPE_CHECKING:
    from sbomkit.attest import Signer, TrustConfig

Command = Callable[..., Any]
_OPTIONS = (
    click.option("--key", metavar="FILE|URI", help="Sign with this key: a PEM file, cosign's key file, or awskms:, "
                 "gcpkms:, azurekms:, hv:, hsm:. Without it: keyless, with an identity token."),
    click.option("--public-key", metavar="FILE", help="The public key of a key by URI whose service does not tell it."),
    click.option("--log/--no-log", "log", default=None, help="A log entry for an own key. Default: none."),
    click.option("--timestamp/--no-timestamp", "timestamp", default=None, help="A timestamp, likewise."),
    click.option("--identity-token", metavar="TOKEN", envvar="SBOMKIT_IDENTITY_TOKEN",
                 help="An OIDC token to sign keyless with. Default: the CI job's own, else ask in a browser."),
    click.option("--no-browser", is_flag=True, help="Ask by a link and a code instead of a browser."),
    click.option("--trust-config", metavar="FILE|URL", help="A private Sigstore instance: its client trust "
                 "configuration, or the URL of its TUF repository. Default: the public good instance."),
    click.option("--staging", is_flag=True, help="The public staging instance."),
)  # fmt: skip


def signing_options(command: Command) -> Command:
    """Give the command the options; it hands them all, as keywords, to `signer_from`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def password_from_environment() -> bytes | None:
    """SBOMKIT_KEY_PASSWORD, or COSIGN_PASSWORD as cosign's users have it."""
    for name in ("SBOMKIT_KEY_PASSWORD", "COSIGN_PASSWORD"):
        if name in os.environ:
            return os.environ[name].encode()
    return None


def signer_from(
    *,
    key: str | None,
    public_key: str | None,
    log: bool | None,
    timestamp: bool | None,
    identity_token: str | None,
    no_browser: bool,
    trust_config: str | None,
    staging: bool,
) -> Signer:
    """Raises UsageError for options that do not go together, CannotCheck when no identity is to be had."""
    if staging and trust_config:
        raise UsageError("--staging and --trust-config exclude each other")
    if key is None:
        if public_key or log is not None or timestamp is not None:
            raise UsageError("--public-key, --log and --timestamp go with --key")
        return _keyless(identity_token, no_browser, lambda: _config(trust_config, staging))
    if identity_token:
        raise UsageError("--key and --identity-token exclude each other")
    return _by_key(key, public_key, bool(log), bool(timestamp), lambda: _config(trust_config, staging))


def _by_key(key: str, public: str | None, log: bool, timestamp: bool, config: Callable[[], TrustConfig]) -> Signer:
    from sbomkit.attest import KeySigner, load_private_key, load_public_key, uri_signer

    witness = config().witness(log=log, timestamp=timestamp) if log or timestamp else None
    if ":" in key and not Path(key).exists():
        known = load_public_key(read_small(public), public) if public else None
        return uri_signer(key, known, witness)
    if public:
        raise UsageError("--public-key is for keys by URI; a key file has its own")
    return KeySigner.of(load_private_key(read_small(key), _password(key), key), witness)


def _password(key: str) -> bytes | None:
    """Asked for only where the file is encrypted and the environment has none."""
    given = password_from_environment()
    encrypted = b"ENCRYPTED" in read_small(key)
    if not encrypted:
        return None
    if given is not None:
        return given
    if not os.isatty(0):
        raise UsageError(f"{key} is encrypted", hint="Set SBOMKIT_KEY_PASSWORD.")
    return str(click.prompt(f"Password of {key}", hide_input=True, err=True)).encode()


def _keyless(token: str | None, no_browser: bool, config: Callable[[], TrustConfig]) -> Signer:
    from sbomkit.attest import KeylessSigner, ambient_token, given_token, interactive_token

    if token:
        checked = given_token(token)  # before any service is asked
        return KeylessSigner(config(), checked)
    try:
        found = ambient_token()
    except CannotCheck:
        if not os.isatty(0):
            raise
        instance = config()
        return KeylessSigner(instance, interactive_token(instance, browser=not no_browser))
    return KeylessSigner(config(), found)


def _config(words: str | None, staging: bool) -> TrustConfig:
    from sbomkit.attest import TrustConfig

    if staging:
        return TrustConfig.staging()
    if words and "://" in words:
        return TrustConfig.from_tuf(words)
    return TrustConfig.of(read_small(words)) if words else TrustConfig.from_tuf()


def read_small(path: str, limit: int = 16 << 20) -> bytes:
    """A file that people write or are given. Raises CannotCheck."""
    try:
        with Path(path).open("rb") as file:
            raw = file.read(limit + 1)
    except OSError as error:
        raise CannotCheck(f"{path}: {error.strerror or error}") from None
    if len(raw) > limit:
        raise CannotCheck(f"{path}: more than {limit} bytes")
    return raw
