"""What in a file's content is a secret by its form. Kinds are told; the secret itself never leaves this module."""

from __future__ import annotations

import re

MAX_SIZE = 1 << 20
"""Bytes; keys and configuration are small, and larger files are not searched."""

_BODY = rb"(?:\\n|\\r|\s)+(?:[A-Za-z-]+: [^\n]{0,200}\n\s*)*(?:[A-Za-z0-9+/=]|\\n|\\r|\s){60}"
"""What follows a PEM header in a real key, also in one line of JSON; source code only names the header."""
_KINDS: tuple[tuple[str, bytes, re.Pattern[bytes]], ...] = tuple(
    (kind, needle, re.compile(pattern))
    for kind, needle, pattern in (
        (
            "private key",
            b"PRIVATE KEY",
            rb"-----BEGIN (?:[A-Z0-9]{1,12} ){0,2}PRIVATE KEY(?: BLOCK)?-----" + _BODY,
        ),
        ("GitHub token", b"gh", rb"\bgh[pousr]_[A-Za-z0-9]{36,}"),
        ("GitHub token", b"github_pat_", rb"\bgithub_pat_\w{60,}"),
        ("GitLab token", b"glpat-", rb"\bglpat-[\w-]{20,}"),
        ("AWS access key", b"AKIA", rb"\bAKIA(?![A-Z0-9]*EXAMPLE)[0-9A-Z]{16}\b"),
        ("Slack token", b"xox", rb"\bxox[abprs]-[0-9]{8,}-[\w-]{10,}"),
        ("Stripe key", b"sk_live_", rb"\bsk_live_[A-Za-z0-9]{20,}"),
        ("npm token", b"npm_", rb"\bnpm_[A-Za-z0-9]{36}\b"),
        ("npm token", b"_authToken", rb"_authToken\s*=\s*[\w-]{20,}"),
        ("PyPI token", b"pypi-AgE", rb"\bpypi-AgE[\w-]{50,}"),
        ("Google API key", b"AIza", rb"\bAIza[\w-]{35}(?![\w-])"),
        ("SendGrid key", b"SG.", rb"\bSG\.[\w-]{22}\.[\w-]{43}"),
        ("Docker token", b"dckr_pat_", rb"\bdckr_pat_[\w-]{20,}"),
        ("OpenAI key", b"T3BlbkFJ", rb"\bsk-[\w-]{10,}T3BlbkFJ[\w-]{10,}"),
        ("registry credentials", b'"auth"', rb'"auths"\s*:\s*\{[^}]{0,4096}"auth"\s*:\s*"[A-Za-z0-9+/=]{8,}"'),
    )
)


def kinds_in(content: bytes) -> tuple[str, ...]:
    """The kinds of secrets in it, sorted, each once. A plain search first: patterns cost twenty times as much."""
    return tuple(sorted({kind for kind, needle, form in _KINDS if needle in content and form.search(content)}))
