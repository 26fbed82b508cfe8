"""The package list that Azure Linux (once CBL-Mariner) leaves in images without an rpm database.

`var/lib/rpmmanifest/container-manifest-2`: one package a line, ten fields with tabs between, as rpm's query format
writes them: name, version-release, install time, build time, vendor, epoch, size, architecture, epoch number, and
source rpm.
https://github.com/microsoft/marinara
"""

from __future__ import annotations

from collections.abc import Iterator

from sbomkit.catalogers.rpm.damage import Damage
from sbomkit.catalogers.rpm.installed import Installed

_FIELDS = 10


def read_manifest(raw: bytes, damage: Damage) -> Iterator[Installed]:
    """The packages in the order of the lines; a line that is none is noted."""
    for number, line in enumerate(raw.decode(errors="backslashreplace").split("\n"), 1):
        if not line.strip():
            continue
        fields = ["" if field == "(none)" else field for field in line.rstrip("\r").split("\t")]
        if len(fields) != _FIELDS or not fields[0].strip():
            damage.note(f"line {number} is not a package with {_FIELDS} fields")
            continue
        name, version_release, _, _, vendor, _, _, arch, epoch, source_rpm = fields
        version, _, release = version_release.rpartition("-")
        if not version:
            damage.note(f"line {number} has no version and release")
            continue
        if name == "gpg-pubkey" and not source_rpm:
            continue
        yield Installed(
            name=name,
            version=version,
            release=release,
            epoch=int(epoch) if epoch.isascii() and epoch.isdigit() and len(epoch) < 11 else 0,
            arch=arch,
            source_rpm=source_rpm,
            vendor=vendor,
        )
