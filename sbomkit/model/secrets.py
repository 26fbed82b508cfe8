"""What looks like a secret in an image's config: it is in the image, but need not be in every document about it."""

from __future__ import annotations

import re

REDACTED = "[redacted]"
_SECRET_NAME = re.compile(
    r"(?<!com)(?<!by)pass(?:word|wd|phrase)?(?:_|-|\b|$)|secret|token|credential|api[_.-]?key|private[_.-]?key|access[_.-]?key|"
    r"auth(?:orization)?(?:_|-|$)|(?:^|[_.-])(?:pwd|pat|dsn|sas|key)(?:$|[_.-])",
    re.IGNORECASE,
)
# Names that hold a secret word but are public by nature: a key's fingerprint, a path, an identifier.
_PUBLIC_NAME = re.compile(r"^(?:GPG_KEY|PATH|PWD|.*(?:_FILE|_PATH|_URL_PATH|_FINGERPRINT|_PUBLIC_KEY))$", re.IGNORECASE)
_SECRET_VALUE = re.compile(
    r"gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{15,}|(?:AKIA|ASIA)[0-9A-Z]{16}|xox[abprs]-[\w-]{10,}|"
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY|eyJ[\w-]{8,}\.[\w-]{8,}\.|sk_(?:live|test)_\w{10,}|npm_[A-Za-z0-9]{30,}|"
    r"pypi-[\w-]{30,}|AIza[\w-]{30,}|SG\.[\w-]{15,}\.|dckr_pat_[\w-]{10,}|sk-[\w-]{20,}"
)
_URL_PASSWORD = re.compile(r"([a-z][a-z0-9+.-]{0,30}://[^/\s:@]{0,256}:)[^/\s@]{1,1024}@", re.IGNORECASE)
_ARGUMENT = re.compile(
    r"(--?[\w-]{0,64}?(?:password|passwd|secret|token|api-?key|credential)[\w-]{0,64}(?:=|\s+)|"
    r"\b\w{0,64}?(?:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY)\w{0,64}=)([^\s\"']+)",
    re.IGNORECASE,
)


def redact(name: str, value: str) -> tuple[str, bool]:
    """The value as it may be shown, and whether that hides something."""
    if not value:
        return value, False
    if (_SECRET_NAME.search(name) and not _PUBLIC_NAME.match(name)) or _SECRET_VALUE.search(value):
        return REDACTED, True
    shown = _URL_PASSWORD.sub(rf"\g<1>{REDACTED}@", value)
    shown = _ARGUMENT.sub(rf"\g<1>{REDACTED}", shown)
    return shown, shown != value
