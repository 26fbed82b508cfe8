"""What a document is called: content-derived serials, and the subject's own references.

The same image must get the same serial whether it came from a registry, a layout or `docker save`. The last knows
neither the manifest's digest nor the compressed layers, so no serial is made of those; nor of the time.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from dataclasses import replace
from itertools import chain

import orjson

from sbomkit.model import purl
from sbomkit.model.inventory import Inventory, Subject
from sbomkit.sbom.arrays import groups
from sbomkit.sbom.format import Meta
from sbomkit.sbom.text import plain_without_surrogates

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://spdx.org/spdxdocs/sbomkit")
_UNFIT = re.compile(r"[^A-Za-z0-9.-]+")
_DIGEST = re.compile(r"@[a-z0-9+._-]+:[0-9a-fA-F]+\Z")


def knowable(subject: Subject) -> Subject:
    """The subject with only what every source of the same image knows."""
    layers = tuple(replace(layer, digest="", media_type="", size=None) for layer in subject.layers)
    return replace(subject, digest=None, media_type="", layers=layers)


def content_uuid(family: str, version: str, inventory: Inventory, meta: Meta) -> uuid.UUID:
    """UUIDv5 of what a document says, and in which words: format, tool, and the inventory as any source knows it."""
    state = hashlib.sha256()
    whole = replace(inventory, subject=knowable(inventory.subject), packages=(), relationships=())
    words = [family, version, meta.tool, meta.tool_version, meta.lifecycle]
    for part in chain([words, whole], groups(inventory.packages), groups(inventory.relationships)):
        try:
            state.update(orjson.dumps(part))
        except TypeError:  # lone surrogates, of names that are not UTF-8
            state.update(orjson.dumps(plain_without_surrogates(part)))
    return uuid.uuid5(_NAMESPACE, state.hexdigest())


def slug(text: str, length: int = 64) -> str:
    """The text in letters, digits, dots and dashes, as SPDX ids and URIs take it; may be empty."""
    return _UNFIT.sub("-", text[: 4 * length])[:length].strip("-.")


def repository_and_tag(name: str) -> tuple[str, str]:
    """An image's name without tag and digest, and its tag: `host:5000/a/b:1@sha256:..` is `host:5000/a/b` and `1`."""
    bare = _DIGEST.sub("", name)
    head, slash, last = bare.rpartition("/")
    repository, _, tag = last.partition(":")
    return head + slash + repository, tag


def oci_purl(subject: Subject) -> str:
    """The purl of a container image whose manifest digest is known, else nothing.

    https://github.com/package-url/purl-spec/blob/main/types-doc/oci-definition.md
    """
    if subject.kind != "container" or subject.digest is None:
        return ""
    repository, tag = repository_and_tag(subject.name)
    parts = subject.platform.split("/")
    qualifiers = {
        "arch": parts[1] if len(parts) > 1 else "",
        "repository_url": repository.lower() if "/" in repository.strip("/") else "",
        "tag": tag,
    }
    try:
        return purl.make("oci", repository.rpartition("/")[2].lower(), str(subject.digest), qualifiers=qualifiers)
    except ValueError:
        return ""


def subject_version(subject: Subject) -> str:
    """What to call the subject's version: its own, or the tag in its name. The digest stands elsewhere."""
    return subject.version or (repository_and_tag(subject.name)[1] if subject.kind == "container" else "")
