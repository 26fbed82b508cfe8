"""Options of every command that verifies: whom to believe, and by which root of trust."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from sbomkit.cli._signing import read_small
from sbomkit.errors import UsageError

if TYPE_CHECKING:
    from sbomkit.attest import IdentityPolicy, KeyPolicy, TrustedRoot

Command = Callable[..., Any]
_CLAIMS = {
    "name": "Its workflow's name.",
    "ref": "The git reference it ran for, e.g. refs/heads/main.",
    "repository": "The repository it ran in, OWNER/NAME.",
    "sha": "The commit it ran for.",
    "trigger": "The event that started it.",
}
_OPTIONS = (
    click.option("--certificate-identity", metavar="ID", help="The keyless signer: an e-mail address or a URI."),
    click.option("--certificate-identity-regexp", metavar="RE", help="Likewise, an expression for the whole of it."),
    click.option("--certificate-oidc-issuer", metavar="URL", help="Who vouches for the identity; required with it."),
    click.option("--certificate-oidc-issuer-regexp", metavar="RE", help="Likewise, an expression for the whole of it."),
    *(
        click.option(f"--certificate-github-workflow-{name}", metavar="VALUE", help=f"GitHub Actions: {text}")
        for name, text in _CLAIMS.items()
    ),
    click.option("--key", "keys", multiple=True, metavar="FILE", help="A public key to believe; repeatable."),
    click.option("--require-log", is_flag=True, help="With --key: refuse without a log entry."),
    click.option("--require-timestamp", is_flag=True, help="With --key: refuse without a verified time."),
    click.option("--insecure-ignore-tlog", is_flag=True, help="With --key: look at neither log nor timestamps."),
    click.option("--trusted-root", "roots", multiple=True, metavar="FILE",
                 help="The root of trust; repeatable. Default: the public good instance, as shipped; never fetched."),
    click.option("--max-age", metavar="AGE", help="Refuse what was signed longer ago (12h, 30d), by verified time."),
)  # fmt: skip


def who_options(command: Command) -> Command:
    """Give the command the options; `who_from` takes them all, as keywords."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


class Who:
    """What the options say."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.policy = _policy(options)
        self.roots = _roots(options["roots"])
        self.max_age = parse_age(options["max_age"]) if options["max_age"] else None


def who_from(**options: Any) -> Who:
    """Raises UsageError unless exactly one way to know the signer is given, wholly."""
    return Who(options)


def _policy(options: dict[str, Any]) -> IdentityPolicy | KeyPolicy:
    from sbomkit.attest import IdentityPolicy, KeyPolicy, load_public_key

    names = ("identity", "identity_regexp", "oidc_issuer", "oidc_issuer_regexp")
    keyless = {name: options[f"certificate_{name}"] for name in names}
    claims = {name: options[f"certificate_github_workflow_{name}"] for name in _CLAIMS}
    given = {f"github-workflow-{name}": value for name, value in claims.items() if value is not None}
    keys = options["keys"]
    if keys and (any(keyless.values()) or given):
        raise UsageError("--key and --certificate-... exclude each other", hint="Verify twice to demand both.")
    flags = [options[name] for name in ("require_log", "require_timestamp", "insecure_ignore_tlog")]
    if keys:
        return KeyPolicy(tuple(load_public_key(read_small(key), key) for key in keys), *flags)
    if any(flags):
        raise UsageError("--require-log, --require-timestamp and --insecure-ignore-tlog go with --key")
    if not any(keyless.values()):
        hint = "Give --certificate-identity and --certificate-oidc-issuer, or --key."
        raise UsageError("who should have signed it?", hint=hint)
    return IdentityPolicy.of(
        identity=keyless["identity"],
        identity_regexp=keyless["identity_regexp"],
        issuer=keyless["oidc_issuer"],
        issuer_regexp=keyless["oidc_issuer_regexp"],
        claims=given,
    )


def _roots(paths: tuple[str, ...]) -> tuple[TrustedRoot, ...] | None:
    from sbomkit.attest import load_trusted_roots

    if not paths:
        return None
    return tuple(root for path in paths for root in load_trusted_roots(read_small(path), path))


def parse_age(text: str) -> timedelta:
    """`90s`, `15m`, `12h`, `30d`, `2w`. Raises UsageError."""
    match = re.fullmatch(r"([0-9]{1,9})([smhdw])", text.strip().lower())
    if not match:
        raise UsageError(f"not an age: {text!r}", hint="Write a number and a unit: 90s, 15m, 12h, 30d, 2w.")
    unit = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}[match[2]]
    try:
        return timedelta(**{unit: int(match[1])})
    except OverflowError:
        raise UsageError(f"{text!r} is longer than time") from None
