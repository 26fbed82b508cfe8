"""XML, read into small plain nodes and written from strings; nothing that a document defines is ever expanded."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape as _escape_markup

from sbomkit.errors import CorruptInput

_DEPTH = 200
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no way to say (https://www.w3.org/TR/xml/#charsets)."""


@dataclass(slots=True)
class Node:
    """One element: its local name, namespace, attributes, children and own text."""

    name: str
    namespace: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)
    text: str = ""

    def child(self, name: str) -> Node | None:
        return next((child for child in self.children if child.name == name), None)

    def all(self, group: str, name: str) -> list[Node]:
        """The elements of this name within the child that groups them."""
        holder = self.child(group)
        return [] if holder is None else [child for child in holder.children if child.name == name]


def parse(raw: bytes) -> Node:
    """The root element. Raises CorruptInput for broken XML, any document type definition, and nesting beyond 200."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    top = Node("")
    stack = [top]
    texts: list[list[str]] = [[]]

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(stack) > _DEPTH:
            raise CorruptInput(f"the XML is nested deeper than {_DEPTH} elements")
        namespace, _, local = name.rpartition(" ")
        node = Node(local, namespace, attributes)
        stack[-1].children.append(node)
        stack.append(node)
        texts.append([])

    def end(_: str) -> None:
        stack.pop().text = "".join(texts.pop())

    def refuse(*_: object) -> None:
        raise CorruptInput("the XML has a document type definition, which is never read", hint="Remove <!DOCTYPE ...>.")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = lambda data: texts[-1].append(data)
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(raw, True)
    except (expat.ExpatError, ValueError) as error:
        raise CorruptInput(f"the document is not XML: {error}", hint="Is the file complete, and UTF-8?") from error
    return top.children[0]


def legal(text: str) -> str:
    """The text with what XML cannot say written out (`\\x1b`)."""
    return _ILLEGAL.sub(lambda match: f"\\u{ord(match.group()):04x}", text) if _ILLEGAL.search(text) else text


def is_legal(text: str) -> bool:
    """Whether XML can say all of it."""
    return _ILLEGAL.search(text) is None


_MARKUP = re.compile('[&<>"\r\n\t]')


def escape(text: str) -> str:
    """As element content or attribute value; line ends survive reading."""
    return (
        text
        if not _MARKUP.search(text)
        else _escape_markup(text, {'"': "&quot;", "\r": "&#13;", "\n": "&#10;", "\t": "&#9;"})
    )
