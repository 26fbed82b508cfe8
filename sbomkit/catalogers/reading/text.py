"""Plain text formats that several ecosystems share."""

from __future__ import annotations


def control_fields(text: str) -> dict[str, str]:
    """The first paragraph of a Debian control file, names in lower case, continued lines joined by a space.

    https://man7.org/linux/man-pages/man5/deb822.5.html
    """
    found: dict[str, str] = {}
    last = ""
    for line in text.replace("\r\n", "\n").split("\n"):
        if line[:1] in (" ", "\t") and line.strip():
            if last:
                found[last] += " " + line.strip()
            continue
        if not line.strip():
            if found:
                break
            continue
        key, colon, value = line.partition(":")
        last = key.strip().lower() if colon else ""
        if last:
            found[last] = value.strip()
    return found


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a control file."""
    return [part for part in text.replace("\r\n", "\n").split("\n\n") if part.strip()]
