"""WordPress, its plugins and its themes, from the headers that WordPress itself reads.

Format: https://developer.wordpress.org/plugins/plugin-basics/header-requirements/ and
https://developer.wordpress.org/themes/basics/main-stylesheet-style-css/ - the first 8 KiB of a file, never run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sbomkit.catalogers.base import Cataloger, Fact, LayerFile, Package, Selector
from sbomkit.catalogers.reading.values import kept
from sbomkit.model import purl
from sbomkit.model.package import License

_HEAD = 8192
_FIELD = re.compile(
    r"^[ \t/*#@]*(Plugin Name|Theme Name|Version|Author|License|Plugin URI|Theme URI|Description|Text Domain):(.*)$",
    re.MULTILINE | re.IGNORECASE,
)
_CORE = re.compile(r"""^\s*\$wp_version\s*=\s*['"]([\w.+-]+)['"]""", re.MULTILINE)


def parse(file: LayerFile) -> Iterable[Fact]:
    text = file.read()[:_HEAD].decode(errors="replace").replace("\r", "\n")
    if file.path.endswith("wp-includes/version.php"):
        core = _CORE.search(text)
        if core:
            cpe = f"cpe:2.3:a:wordpress:wordpress:{core[1]}:*:*:*:*:*:*:*"
            url = purl.make("generic", "wordpress", core[1])
            yield Package(url, "generic", "wordpress", core[1], kind="application", cataloger="wordpress", cpes=(cpe,))
        return
    found: dict[str, str] = {}
    for match in _FIELD.finditer(text):
        found.setdefault(match[1].lower(), re.sub(r"\*/\s*\Z|\?>\s*\Z", "", match[2]).strip())
    kind = "theme" if file.path.endswith("/style.css") else "plugin"
    title = found.get(f"{kind} name", "")
    if not title:
        return  # one of a plugin's other files
    slug, version = file.path.split("/")[-2], found.get("version", "")
    license = found.get("license", "")
    yield Package(
        purl.make("generic", slug, version, namespace=f"wordpress-{kind}"),
        "generic",
        slug,
        version,
        namespace=f"wordpress-{kind}",
        cataloger="wordpress",
        licenses=(License(license),) if license else (),
        supplier=re.sub(r"<[^>]*>", "", found.get("author", "")),
        homepage=found.get(f"{kind} uri", ""),
        description=title,
        extra=kept(wordpress_kind=kind),
        confidence=1.0 if version else 0.7,
    )


CATALOGER = Cataloger(
    name="wordpress",
    version=1,
    selects=Selector(
        globs=(
            "**/wp-includes/version.php",
            "**/wp-content/plugins/*/*.php",
            "**/wp-content/mu-plugins/*/*.php",
            "**/wp-content/themes/*/style.css",
        ),
        head=_HEAD,
        max_size=32 << 20,
    ),
    parse=parse,
    ecosystem="WordPress, its plugins and themes",
)
