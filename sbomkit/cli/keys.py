"""`sbomkit keys`: key pairs for signing without an identity provider."""

from __future__ import annotations

import os
from pathlib import Path

import click

from sbomkit.errors import UsageError


@click.group()
def command() -> None:
    """Make keys to sign with."""


@command.command()
@click.argument("name", default="sbomkit")
@click.option(
    "--type", "kind", default="ecdsa-p256", show_default=True,
    type=click.Choice(["ecdsa-p256", "ecdsa-p384", "ed25519", "rsa-2048", "rsa-3072", "rsa-4096"]),
)  # fmt: skip
@click.option("--no-password", is_flag=True, help="Leave the private key unencrypted.")
def generate(name: str, kind: str, no_password: bool) -> int:
    """Write NAME.key (PKCS#8 PEM, encrypted) and NAME.pub.

    The password is SBOMKIT_KEY_PASSWORD, or asked for. No file is ever overwritten.
    """
    from sbomkit.attest import generate_key
    from sbomkit.cli._signing import password_from_environment

    secret, public = Path(f"{name}.key"), Path(f"{name}.pub")
    for path in (secret, public):
        if path.exists():
            raise UsageError(f"{path} is there already", hint="Give another NAME, or move it away.")
    password = None if no_password else password_from_environment() or _asked()
    key = generate_key(kind)
    descriptor = os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.pem(password))
    public.write_bytes(key.public.pem)
    click.echo(f"{secret} (keep it secret) and {public}, {key.public.fingerprint}")
    return 0


def _asked() -> bytes:
    if not os.isatty(0):
        raise UsageError("a password is needed", hint="Set SBOMKIT_KEY_PASSWORD, or say --no-password.")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)).encode()
