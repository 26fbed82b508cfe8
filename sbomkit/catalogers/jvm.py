"""Java runtimes: the `release` file at the root of a JDK or JRE, and of GraalVM.

Format: https://openjdk.org/jeps/220 - the layout of a run-time image; lines of KEY="value".
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sbomkit.catalogers.base import Cataloger, Fact, LayerFile, Package, Selector
from sbomkit.catalogers.reading.values import kept
from sbomkit.model import purl

_LINE = re.compile(r"^([A-Z_]+)=\"?([^\"\n]*)\"?\s*$", re.MULTILINE)


def parse(file: LayerFile) -> Iterable[Fact]:
    if file.size > 64 << 10:
        return
    found = {match[1]: match[2].strip() for match in _LINE.finditer(file.read().decode(errors="replace"))}
    stated = found.get("JAVA_VERSION", "")
    if not stated:
        return  # some other file called release
    version = _full_version(found)
    supplier = found.get("IMPLEMENTOR", "")
    graal = "GRAALVM_VERSION" in found
    oracle = supplier == "Oracle Corporation" and found.get("BUILD_TYPE") == "commercial"
    name = "graalvm" if graal else "oracle-jdk" if oracle else "openjdk"
    image = found.get("IMAGE_TYPE", "").lower()
    yield Package(
        purl.make("generic", name, version),
        "generic",
        name,
        version,
        kind="application",
        cataloger="jvm",
        supplier=supplier,
        cpes=_cpes(stated, oracle, image),
        extra=kept(
            jvm_image=image,
            jvm_version=stated,
            jvm_date=found.get("JAVA_VERSION_DATE", ""),
            jvm_implementor_version=found.get("IMPLEMENTOR_VERSION", ""),
            jvm_arch=found.get("OS_ARCH", ""),
            jvm_graalvm=found.get("GRAALVM_VERSION", ""),
            jvm_source=found.get("SOURCE", ""),
        ),
    )


def _full_version(found: dict[str, str]) -> str:
    """With the build where there is one: 17.0.9+9; Java 8 has its own way, 1.8.0_392-b08."""
    stated = found["JAVA_VERSION"]
    full = found.get("JAVA_RUNTIME_VERSION", "") or found.get("SEMANTIC_VERSION", "")
    return full.partition("-LTS")[0] if full.startswith(stated) else stated


def _cpes(version: str, oracle: bool, image: str) -> tuple[str, ...]:
    """Candidates; updates of Java 8 stand apart in CPEs."""
    products = ["oracle:jre" if image == "jre" else "oracle:jdk"] if oracle else ["oracle:openjdk"]
    base, _, update = version.partition("_")
    parts = f"{base}:update{update}" if update else f"{base}:*"
    return tuple(f"cpe:2.3:a:{product}:{parts}:*:*:*:*:*:*" for product in products)


CATALOGER = Cataloger(
    name="jvm",
    version=1,
    selects=Selector(globs=("**/release",), max_size=1 << 30, head=128 << 10),
    parse=parse,
    ecosystem="Java runtimes",
)
