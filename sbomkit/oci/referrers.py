"""What refers to a manifest: the referrers API, and the tag that stands in for it.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers (and #referrers-tag-schema)

The stand-in is an index that every writer reads, adds to and puts back. Few registries mind If-Match, so a writer
looks again after its write, for longer than another's read and write can take, and mends what was lost: its own
entry and every other that it has seen. Two writers that collide wait for different times, told by their digests.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import cast
from urllib.parse import urlencode

import orjson

from sbomkit.errors import CannotCheck, CorruptInput
from sbomkit.model.digest import Digest
from sbomkit.oci import manifest as oci
from sbomkit.oci.http import HttpError
from sbomkit.oci.manifest import Descriptor, Index
from sbomkit.oci.push import Conflict, Pushed, Writer
from sbomkit.oci.repository import Repository
from sbomkit.oci.wire import joined, origin_of

MAX_REFERRERS = 10_000
_MAX_PAGES = 1_000
_NO_API = (400, 404, 405, 406, 501)
_NEXT = re.compile(r'<([^>]{1,4096})>\s*(?:;[^,]*)?;\s*rel="?next"?')
_ACCEPT = {"Accept": oci.INDEX}
_ROUNDS = 50
_SETTLE = 0.3
"""Seconds at least that a write must stand unharmed; other writers' read and write are expected to fit in."""


def fallback_tag(subject: Digest) -> str:
    return f"{subject.algorithm}-{subject.hex}"[:128]


def referrers(repository: Repository, subject: Digest, artifact_type: str = "") -> tuple[Descriptor, ...]:
    """All that the registry says refers to `subject`, by API and by fallback tag, each once. Nothing is verified."""
    found: dict[Digest, Descriptor] = {}
    for descriptor in (*(_by_api(repository, subject, artifact_type) or ()), *_by_tag(repository, subject)):
        if not artifact_type or descriptor.artifact_type == artifact_type:
            found.setdefault(descriptor.digest, descriptor)
    return tuple(found.values())


def has_api(repository: Repository, subject: Digest) -> bool:
    return _by_api(repository, subject, "", pages=1) is not None


def _by_api(
    repository: Repository, subject: Digest, artifact_type: str, pages: int = _MAX_PAGES
) -> list[Descriptor] | None:
    """None where the registry has no such API."""
    http = repository.own
    url = f"{http.endpoint.api}/referrers/{subject}"
    if artifact_type:
        url += "?" + urlencode({"artifactType": artifact_type})
    found: list[Descriptor] = []
    seen: set[str] = set()
    for _ in range(pages):
        seen.add(url)
        try:
            response, raw = http.fetch(
                url, oci.MAX_MANIFEST, scope=repository.pull_scope, headers={"Accept": oci.INDEX}
            )
        except HttpError as error:
            if error.status in _NO_API and len(seen) == 1:
                return None
            raise
        link = response.headers.get("Link", "")
        index = _index(raw, f"{repository.name}: referrers of {subject}")
        found += index.manifests
        _check_count(repository, subject, len(found))
        following = _next(response.url, link)
        if not following or following in seen:
            return found
        if origin_of(following) != http.endpoint.origin:
            raise CannotCheck(f"{repository.name}: the list of referrers goes on at another host")
        url = following
    return found


def _by_tag(repository: Repository, subject: Digest) -> tuple[Descriptor, ...]:
    fetched = repository.find_manifest(fallback_tag(subject))
    if fetched is None:
        return ()
    index = _index(fetched.raw, f"{repository.name}:{fallback_tag(subject)}")
    _check_count(repository, subject, len(index.manifests))
    return index.manifests


def _check_count(repository: Repository, subject: Digest, count: int) -> None:
    if count > MAX_REFERRERS:
        raise CorruptInput(f"{repository.name}: more than {MAX_REFERRERS} referrers of {subject}")


def _index(raw: bytes, what: str) -> Index:
    parsed = oci.parse(raw, what)
    if not isinstance(parsed, Index):
        raise CorruptInput(f"{what}: not an image index")
    return parsed


def _next(url: str, link: str) -> str:
    match = _NEXT.search(link)
    return joined(url, match[1]) if match else ""


def push_referrer(repository: Repository, writer: Writer, raw: bytes, media_type: str, subject: Digest) -> Descriptor:
    """Push a manifest that has a subject, and see to it that it will be found."""
    pushed = writer.push_manifest(raw, media_type)
    # some registries say OCI-Subject and yet have no API, so the API itself is asked
    if not (pushed.subject_header and has_api(repository, subject)) and not _listed(repository, subject, pushed):
        add_to_fallback(repository, writer, subject, _entry(raw, pushed.descriptor))
    return pushed.descriptor


def _listed(repository: Repository, subject: Digest, pushed: Pushed) -> bool:
    """A registry may have the API and not say OCI-Subject."""
    found = _by_api(repository, subject, "")
    return found is not None and any(d.digest == pushed.descriptor.digest for d in found)


def _entry(raw: bytes, descriptor: Descriptor) -> dict[str, object]:
    """The descriptor as the specification wants it listed: with the manifest's artifact type and annotations."""
    value = oci.load_object(raw, "a manifest")
    config = oci.mapping(value, "config", "a manifest")
    entry: dict[str, object] = {
        "mediaType": descriptor.media_type, "digest": str(descriptor.digest), "size": descriptor.size,
    }  # fmt: skip
    kind = oci.text(value, "artifactType", "a manifest") or oci.text(config, "mediaType", "a manifest")
    if kind:
        entry["artifactType"] = kind
    annotations = oci.strings(value, "annotations", "a manifest")
    if annotations:
        entry["annotations"] = dict(annotations)
    return entry


def add_to_fallback(repository: Repository, writer: Writer, subject: Digest, entry: dict[str, object]) -> None:
    """Add one entry to the index that stands in for the API, losing nobody else's. Raises CannotCheck."""
    patience = repository.access.patience
    tag = fallback_tag(subject)
    known: dict[str, dict[str, object]] = {str(entry["digest"]): entry}
    own = Digest.parse(str(entry["digest"])).hex
    for round in range(_ROUNDS):
        began = patience.clock()
        fetched = repository.own_manifest(tag)
        listed = dict(_entries(fetched.raw, tag)) if fetched else {}
        missing = {digest: item for digest, item in known.items() if digest not in listed}
        known.update(listed)
        if missing:
            raw = _fallback_index(fetched.raw if fetched else b"", [*listed.values(), *missing.values()])
            try:
                writer.push_manifest(raw, oci.INDEX, tag, if_match=fetched.etag if fetched else "")
            except Conflict:
                patience.sleep(_apart(own, round))
                continue
        took = patience.clock() - began
        if _stands(repository, tag, known, max(_SETTLE, 4 * took)):
            return
        patience.sleep(_apart(own, round))
    raise CannotCheck(
        f"{repository.name}: {tag} is changed by others all the time; gave up after {_ROUNDS} tries",
        hint="Try again when fewer write at once.",
    )


def _stands(repository: Repository, tag: str, known: dict[str, dict[str, object]], seconds: float) -> bool:
    """Whether everything known stays listed for so long; what else is seen becomes known."""
    patience = repository.access.patience
    for _ in range(3):
        patience.sleep(seconds / 3)
        fetched = repository.own_manifest(tag)
        listed = dict(_entries(fetched.raw, tag)) if fetched else {}
        whole = known.keys() <= listed.keys()
        known.update(listed)
        if not whole:
            return False
    return True


def _apart(hex: str, round: int) -> float:
    """Seconds to wait, different for every digest and round, so that two writers fall out of step."""
    at = (round * 4) % 60
    return int(hex[at : at + 4], 16) / 0xFFFF * min(0.05 * (1 << min(round, 5)), 1.0)


def _entries(raw: bytes, tag: str) -> Iterator[tuple[str, dict[str, object]]]:
    """The index's entries as they stand, so that what others wrote into them is kept."""
    value = oci.load_object(raw, tag)
    _index(raw, tag)
    for item in oci.array(value, "manifests", tag):
        entry = cast(dict[str, object], oci.as_object(item, tag))
        yield str(entry["digest"]), dict(entry)


def _fallback_index(before: bytes, entries: list[dict[str, object]]) -> bytes:
    value: dict[str, object] = {"schemaVersion": 2, "mediaType": oci.INDEX}
    if before:
        value.update(oci.load_object(before, "the index"))
    value["manifests"] = entries
    return orjson.dumps(value)
