"""One page that holds everything it needs, with a search: to attach to a build, and to read offline."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from html import escape

from sbomkit.diff.identity import full_name
from sbomkit.diff.renderers.base import Options, Renderer, clean, human_size, path_text, short_digest, side_name
from sbomkit.diff.summary import headline, matters, verdict_line
from sbomkit.diff.types import PACKAGE_KINDS, Diff, PackageChange, Side

STYLE = """
:root{--bg:#fff;--fg:#1c2128;--dim:#667;--line:#d8dee4;--soft:#f6f8fa;--red:#b42318;--green:#18794e;--amber:#9a6700;
--blue:#0550ae;--violet:#7a3fb0}
@media(prefers-color-scheme:dark){:root{--bg:#0f1318;--fg:#e3e8ee;--dim:#93a0ad;--line:#2c343d;--soft:#171d24;
--red:#ff8a80;--green:#5fd49a;--amber:#e6b450;--blue:#79b8ff;--violet:#c9a0f0}}
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,sans-serif}
main{max-width:1180px;margin:0 auto;padding:24px 20px 60px}h1{font-size:22px;margin:0 0 4px;overflow-wrap:anywhere}
h2{font-size:17px;margin:32px 0 8px}.dim{color:var(--dim)}
code{font:13px/1.5 ui-monospace,monospace;overflow-wrap:anywhere}
.verdict{padding:10px 14px;border-left:4px solid var(--blue);background:var(--soft);margin:16px 0;font-weight:600}
.verdict.failed{border-color:var(--red)}.verdict.passed{border-color:var(--green)}
.note{padding:6px 14px;border-left:4px solid var(--amber);background:var(--soft);margin:6px 0}
.cards{display:flex;flex-wrap:wrap;gap:10px;margin:16px 0}.card{border:1px solid var(--line);border-radius:8px;
padding:8px 14px;min-width:92px}.card b{display:block;font-size:21px}
.sides{display:grid;grid-template-columns:1fr 1fr;gap:10px}
.side{border:1px solid var(--line);border-radius:8px;padding:10px 14px}
@media(max-width:700px){.sides{grid-template-columns:1fr}}
.find{position:sticky;top:0;background:var(--bg);padding:10px 0;display:flex;gap:10px;z-index:1;flex-wrap:wrap}
input,select{font:inherit;color:inherit;background:var(--soft);border:1px solid var(--line);border-radius:6px;
padding:6px 10px}
input{flex:1;min-width:200px}.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:5px 10px;border-bottom:1px solid var(--line);vertical-align:top}
th{font-size:12px;text-transform:uppercase;letter-spacing:.04em;color:var(--dim)}tr[hidden]{display:none}
.kind{font-weight:600;white-space:nowrap}.added{color:var(--green)}.removed,.high{color:var(--red)}
.upgraded{color:var(--blue)}
.downgraded{color:var(--violet)}.changed,.rebuilt,.medium{color:var(--amber)}.renamed,.moved{color:var(--blue)}
.low{color:var(--dim)}
"""
SCRIPT = """
const q=document.getElementById('q'),k=document.getElementById('k'),n=document.getElementById('n');
const rows=[...document.querySelectorAll('tr[data-k]')].map(r=>[r,r.textContent.toLowerCase()]);
function find(){const words=q.value.toLowerCase().split(/\\s+/).filter(Boolean);let shown=0;
for(const [row,text] of rows){const fits=(!k.value||row.dataset.k===k.value)&&words.every(w=>text.includes(w));
row.hidden=!fits;if(fits)shown++}n.textContent=shown+' of '+rows.length+' rows'}
q.addEventListener('input',find);k.addEventListener('change',find);find();
"""


def page(title: str, body: Iterable[str], script: str = "") -> str:
    """A whole page; its own style and script are all that it may run, and it may fetch nothing."""
    allowed = f"script-src 'sha256-{_sha256(script)}'; " if script else ""
    policy = f"default-src 'none'; {allowed}style-src 'sha256-{_sha256(STYLE)}'"
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            f"<title>{text(title)}</title><style>{STYLE}</style></head><body><main>",
            *body,
            f"</main>{f'<script>{script}</script>' if script else ''}</body></html>",
            "",
        ]
    )


def _sha256(content: str) -> str:
    return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def text(value: str) -> str:
    return escape(clean(value))


def code(value: str) -> str:
    return f"<code>{text(value)}</code>" if value else ""


def render(diff: Diff, options: Options) -> str:
    return page(f"{side_name(diff.before)} → {side_name(diff.after)}", _body(diff, options), SCRIPT)


def _body(diff: Diff, options: Options) -> Iterator[str]:
    verdict = options.verdict
    yield f"<h1>{text(side_name(diff.before))} → {text(side_name(diff.after))}</h1>"
    yield f'<div class="dim">{text(headline(diff))}</div>'
    style = "" if not verdict.rules else "passed" if verdict.passed else "failed"
    yield f'<div class="verdict {style}">{text(verdict_line(diff, verdict))}</div>'
    for note in diff.notes:
        if note.code != "attribution":
            yield f'<div class="note">{"" if note.side == "both" else f"{note.side}: "}{text(note.text)}</div>'
    yield f'<div class="sides">{_side("Before", diff.before)}{_side("After", diff.after)}</div>'
    cards: list[tuple[str, int]] = [(kind, diff.count(kind)) for kind in PACKAGE_KINDS if diff.count(kind)]
    cards += [("uncertain", diff.uncertain)] if diff.uncertain else []
    cards += [("unchanged", diff.unchanged)] + ([("ignored", diff.ignored)] if diff.ignored else [])
    yield '<div class="cards">'
    yield from (f'<div class="card {kind}"><b>{number}</b>{kind}</div>' for kind, number in cards)
    yield "</div>"
    kinds = sorted({change.kind for change in diff.packages}, key=PACKAGE_KINDS.index)
    yield '<div class="find"><input id="q" type="search" placeholder="Search packages, versions, paths, licences…">'
    yield '<select id="k" aria-label="Kind"><option value="">all kinds</option>'
    yield from (f"<option>{kind}</option>" for kind in kinds)
    yield '</select><span id="n" class="dim" role="status"></span></div>'
    yield from _matters(diff, options)
    yield from _packages(diff, options.explain)
    yield from _image(diff)
    yield from _config(diff)
    yield from _files(diff)


def _side(title: str, side: Side) -> str:
    rows = [
        ("name", side_name(side)),
        ("digest", side.digest or side.image_id),
        ("platform", side.platform),
        ("distribution", side.distro),
        ("created", side.created),
        ("packages", str(side.packages)),
        ("layers", f"{side.layers}, {human_size(side.size)}" if side.layers else ""),
        ("coverage", "; ".join((side.coverage, *side.coverage_reasons))),
    ]
    lines = "".join(f'<div><span class="dim">{name}</span> {code(value)}</div>' for name, value in rows if value)
    return f'<div class="side"><b>{title}</b>{lines}</div>'


def table(title: str, heads: Iterable[str], rows: Iterable[tuple[str, Iterable[str]]]) -> Iterator[str]:
    """Rows are (kind to filter by, cells as HTML)."""
    yield f'<h2>{text(title)}</h2><div class="wide"><table><thead><tr>'
    yield "".join(f"<th>{text(head)}</th>" for head in heads) + "</tr></thead><tbody>"
    for kind, cells in rows:
        yield f'<tr data-k="{text(kind)}">' + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
    yield "</tbody></table></div>"


def _kind(kind: str, style: str = "") -> str:
    return f'<span class="kind {style or kind}">{text(kind)}</span>'


def _matters(diff: Diff, options: Options) -> Iterator[str]:
    rows = [("refused", (_kind(hit.rule, "high"), code(hit.name), text(hit.text))) for hit in options.verdict.hits]
    refused = {hit.name for hit in options.verdict.hits}
    rows += [
        ("matter", (_kind(matter.what, matter.weight), code(matter.subject), text(matter.text)))
        for matter in matters(diff)
        if matter.subject not in refused
    ]
    if rows:
        yield from table("What matters", ("What", "Where", ""), rows)


def _packages(diff: Diff, explain: bool) -> Iterator[str]:
    if diff.packages:
        heads = ("Kind", "Type", "Package", "Before", "After", "Origin", "About")
        yield from table("Packages", heads, ((c.kind, _package(c, explain)) for c in diff.packages))


def _package(change: PackageChange, explain: bool) -> tuple[str, ...]:
    old, new = change.old, change.new
    name = text(full_name(change.package))
    if change.kind == "renamed" and old is not None and new is not None:
        name = f"{text(full_name(old))} → {text(full_name(new))}"
    about = [text(path_text(change))] + ([text(change.level)] if change.level else [])
    for field in change.fields:
        values = [*(f"−{value}" for value in field.removed), *(f"+{value}" for value in field.added)]
        about.append(f"{field.name}: {code(' '.join(values))}")
    if change.uncertain:
        about.append(text(f"may not be {change.kind}: {change.uncertain}"))
    if change.incomparable:
        about.append("no order between these versions")
    if change.by_name:
        about.append("no purl")
    if explain and change.reason:
        about.append(f'<span class="dim">paired by: {text(change.reason)}</span>')
    return (
        _kind(change.kind),
        text(change.package.type),
        f"<b>{name}</b>",
        code(old.version) if old else "",
        code(new.version) if new else "",
        "" if change.origin == "unknown" else change.origin,
        "<br>".join(part for part in about if part),
    )


def _image(diff: Diff) -> Iterator[str]:
    rows: list[tuple[str, tuple[str, ...]]] = []
    if diff.base is not None:
        what = f"{code(short_digest(diff.base.old))} → {code(short_digest(diff.base.new))}"
        rows.append(("base", (_kind(f"base {diff.base.kind}", "changed"), what, "", text(diff.base.reason))))
    for change in diff.layers:
        layer = change.new or change.old
        if layer is not None:
            index = max(change.old_index, change.new_index) + 1
            what = f"{index}: {code(short_digest(layer.diff_id))}"
            rows.append(("layer", (_kind(change.kind), what, human_size(layer.size), code(layer.created_by))))
    if rows:
        yield from table(f"Layers ({diff.layers_kept} kept)", ("Kind", "Layer", "Size", "Made by"), rows)


def _config(diff: Diff) -> Iterator[str]:
    if diff.config:
        rows = (("config", (text(c.setting), code(c.key), _value(c.old), _value(c.new))) for c in diff.config)
        yield from table("Config", ("Setting", "Key", "Before", "After"), rows)


def _value(value: str | None) -> str:
    return '<span class="dim">not set</span>' if value is None else code(value) or '<span class="dim">set</span>'


def _files(diff: Diff) -> Iterator[str]:
    files = diff.files
    if files.changes or files.added or files.removed or files.changed:
        title = (
            f"Files: {files.added} added ({human_size(files.bytes_added)}), {files.removed} removed "
            f"({human_size(files.bytes_removed)}), {files.changed} changed"
        )
        rows = (
            (c.kind, (_kind(c.kind, "low" if c.status == "gone" else "high"), code(c.path), code(c.old), code(c.new),
                      text("; ".join(part for part in (c.status, c.detail, c.owner) if part))))
            for c in files.changes
        )  # fmt: skip
        yield from table(title, ("Finding", "File", "Before", "After", "About"), rows)


RENDERER = Renderer("html", ".html", "text/html", render)
