"""Options of every command that may speak to a registry, and what they make."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from sbomkit.errors import UsageError

if TYPE_CHECKING:
    from sbomkit.oci.access import Access

Command = Callable[..., Any]
_OPTIONS = (
    click.option("--username", metavar="NAME", help="For the image's registry, with --password-stdin."),
    click.option("--password-stdin", is_flag=True, help="Read the registry's password from standard input."),
    click.option(
        "--plain-http", multiple=True, metavar="HOST[:PORT]",
        help="Speak to this registry without TLS; repeatable. No other host is ever spoken to in the clear.",
    ),
    click.option(
        "--ca-cert", multiple=True, metavar="FILE", help="Trust these PEM authorities besides the system's; repeatable."
    ),
    click.option("--client-cert", metavar="FILE", help="PEM certificate to show to the image's registry."),
    click.option("--client-key", metavar="FILE", help="Its private key, where it is in a file of its own."),
    click.option(
        "--mirror", multiple=True, metavar="REGISTRY=HOST[/PREFIX]", help="Read from this mirror first; repeatable."
    ),
)  # fmt: skip


def registry_options(command: Command) -> Command:
    """Give the command the options; it hands them all, as keywords, to `access_from`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def taken_from(options: dict[str, Any]) -> dict[str, Any]:
    """The words of these options, taken out of a command's other ones: for `access_from`."""
    names = ("username", "password_stdin", "plain_http", "ca_cert", "client_cert", "client_key", "mirror")
    return {name: options.pop(name) for name in names}


def access_from(
    image: str,
    *,
    username: str | None,
    password_stdin: bool,
    plain_http: tuple[str, ...],
    ca_cert: tuple[str, ...],
    client_cert: str | None,
    client_key: str | None,
    mirror: tuple[str, ...],
) -> Access:
    """`image`: the source or reference that the command is about. Raises UsageError."""
    from dataclasses import replace
    from pathlib import Path

    from sbomkit.oci.access import Access, parse_mirrors
    from sbomkit.oci.auth import Credential, Keychain
    from sbomkit.oci.reference import Reference

    keychain = Keychain.default()
    if bool(username) != password_stdin:
        raise UsageError("--username and --password-stdin go together")
    if username:
        secret = sys.stdin.readline().rstrip("\r\n")
        reference = Reference.parse(image.removeprefix("registry:"))
        keychain = replace(keychain, given={reference.registry: Credential(username, secret)})
    if client_key and not client_cert:
        raise UsageError("--client-key without --client-cert")
    return Access(
        keychain,
        frozenset(plain_http),
        tuple(Path(path) for path in ca_cert),
        Path(client_cert) if client_cert else None,
        Path(client_key) if client_key else None,
        parse_mirrors(mirror),
    )
