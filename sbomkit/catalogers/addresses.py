"""Addresses as package metadata states them, made fit for a document that is published."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit


def without_secrets(address: str) -> str:
    """An address without user, password, query and fragment, where tokens hide; "" where it cannot be taken apart.

    The user `git` stays, for ssh: it says how to log in, not who does.
    """
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return ""
    user, at, rest = parts.path.partition("@")
    if not parts.scheme and user and at and "/" not in user:  # scp-like: user@host:path
        return f"git@{rest}" if user == "git" else rest
    user, at, host = parts.netloc.rpartition("@")
    netloc = f"git@{host}" if at and user == "git" else host
    return urlunsplit((parts.scheme, netloc, parts.path, "", ""))
