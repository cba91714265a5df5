"""TTML (and its profiles IMSC, EBU-TT-D, DFXP) into cues.

Times are relative to the parent's begin, or in `timeContainer="seq"` to the end of the sibling
before; a child never outlasts its parent (W3C TTML2 12). Entities and DTDs are refused by
defusedxml. Namespaces are not looked at: three generations of them are in use. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import ParseError
from xml.parsers.expat import ErrorString

import defusedxml  # type: ignore[import-untyped]
from defusedxml.ElementTree import DefusedXMLParser  # type: ignore[import-untyped]

from service.captions.model import (
    MAX_TIME_MS,
    Cue,
    NumberedCue,
    Reading,
    Word,
    clean_text,
    refuse,
    share_words,
)
from service.captions.ttml_time import Rates, read_rates, read_time

_MAX_DEPTH = 40
_SPACE = re.compile(r"\s+")
_NESTED = frozenset({"body", "div", "p", "span"})
_XML_SPACE = "{http://www.w3.org/XML/1998/namespace}space"


@dataclass(slots=True)
class _Node:
    name: str
    line: int
    attributes: dict[str, str]
    children: list[_Node | str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    span: tuple[int, int] | None


class _Tree:
    """Builds nodes that know their line; a target of the XML parser."""

    def __init__(self) -> None:
        self.root: _Node | None = None
        self.line_of: Callable[[], int] = int
        self._open: list[_Node] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self._open) >= _MAX_DEPTH:
            raise refuse(f"elements more than {_MAX_DEPTH} deep", self.line_of())
        plain = {key: value for key, value in attributes.items() if key == _XML_SPACE}
        plain.update({_local(key): value for key, value in attributes.items()})
        node = _Node(_local(tag), self.line_of(), plain)
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.root = node
        self._open.append(node)

    def end(self, tag: str) -> None:  # noqa: ARG002 - the parser's signature
        self._open.pop()

    def data(self, text: str) -> None:
        if self._open:
            self._open[-1].children.append(text)

    def close(self) -> _Node | None:
        return self.root


def read_ttml(text: str) -> Reading:
    """Read TTML: every `p` is a caption; `br` breaks its line, timed `span`s are words."""
    root = _parse(text.removeprefix("\ufeff"))
    if root.name != "tt":
        raise refuse(f"the root element is '{root.name[:40]}', not 'tt'", root.line)
    try:
        rates = read_rates(root.attributes)
    except ValueError as error:
        raise refuse(str(error), root.line) from None
    reader = _Reader(rates, preserve=root.attributes.get(_XML_SPACE) == "preserve")
    for body in (child for child in root.children if isinstance(child, _Node)):
        if body.name == "body":
            reader.read(body, reader.interval(body, 0, MAX_TIME_MS))
    return Reading(tuple(reader.cues), tuple(reader.warnings))


def _parse(text: str) -> _Node:
    tree = _Tree()
    parser = DefusedXMLParser(target=tree, forbid_dtd=True)
    tree.line_of = lambda: int(parser.parser.CurrentLineNumber)
    # the text is already decoded: an encoding named in its declaration must not decode it again
    source = re.sub(r"\A\s*<\?xml[^>]*\?>", lambda found: "\n" * found.group().count("\n"), text)
    try:
        parser.feed(source)
        root = parser.close()
    except ParseError as error:
        raise refuse(
            f"this is not well-formed XML ({ErrorString(error.code)})", error.position[0]
        ) from None
    except defusedxml.DefusedXmlException:
        raise refuse("document types and entities are not taken", tree.line_of()) from None
    except (UnicodeError, ValueError):
        raise refuse("this is not well-formed XML") from None
    if not isinstance(root, _Node):
        raise refuse("this is not well-formed XML")
    return root


class _Reader:
    """Walks the body and collects cues."""

    def __init__(self, rates: Rates, *, preserve: bool) -> None:
        self.cues: list[NumberedCue] = []
        self.warnings: list[str] = []
        self._rates = rates
        self._preserve = preserve

    def interval(self, node: _Node, begin_ms: int, limit_ms: int) -> tuple[int, int]:
        """When a node shows, given the moment its times count from and the parent's end."""
        begin = begin_ms + (self._time(node, "begin") or 0)
        end, duration = self._time(node, "end"), self._time(node, "dur")
        ends = [limit_ms]
        if end is not None:
            ends.append(begin_ms + end)
        if duration is not None:
            ends.append(begin + duration)
        return begin, min(ends)

    def read(self, node: _Node, span: tuple[int, int]) -> None:
        """Read a `body` or `div`; each `p` below it becomes a cue."""
        for child, inner in self._timed_children(node, span):
            if child.name == "p":
                self._read_p(child, inner)
            elif child.name == "div":
                self.read(child, inner)

    def _timed_children(
        self, node: _Node, span: tuple[int, int]
    ) -> Iterator[tuple[_Node, tuple[int, int]]]:
        in_turn = node.attributes.get("timeContainer") == "seq"
        begin_ms = span[0]
        for child in node.children:
            if isinstance(child, _Node) and child.name in _NESTED:
                inner = self.interval(child, begin_ms, span[1])
                yield child, inner
                if in_turn:
                    begin_ms = inner[1]

    def _read_p(self, node: _Node, span: tuple[int, int]) -> None:
        pieces = list(self._pieces(node, span, None))
        joined, timed = self._join(pieces)
        if not joined:
            self.warnings.append(f"line {node.line}: a caption without text; left out.")
            return
        start, end = self._outer(node, span, timed)
        moments = [start, *(ms for word in timed for ms in (word.start_ms, word.end_ms)), end]
        if moments != sorted(moments):
            self.warnings.append(f"line {node.line}: word times out of order; left out.")
            timed = []
        self.cues.append(NumberedCue(node.line, Cue(start, end, joined, tuple(timed))))

    def _outer(self, node: _Node, span: tuple[int, int], words: list[Word]) -> tuple[int, int]:
        start, end = span
        if words and "begin" not in node.attributes:
            start = max(start, min(word.start_ms for word in words))
        if end >= MAX_TIME_MS:
            if not words:
                raise refuse("a caption without an end", node.line)
            end = max(word.end_ms for word in words)
        return start, end

    def _pieces(
        self, node: _Node, span: tuple[int, int], own: tuple[int, int] | None
    ) -> Iterator[_Piece]:
        timed = dict[int, tuple[int, int]]()
        for child, inner in self._timed_children(node, span):
            timed[id(child)] = inner
        for each in node.children:
            if isinstance(each, str):
                yield _Piece(each if self._preserve else _SPACE.sub(" ", each), own)
            elif each.name == "br":
                yield _Piece("\n", own)
            elif each.name == "span":
                has_time = {"begin", "end", "dur"} & each.attributes.keys()
                inner = timed[id(each)]
                yield from self._pieces(each, inner, inner if has_time else own)

    def _join(self, pieces: list[_Piece]) -> tuple[str, list[Word]]:
        text = "".join(piece.text for piece in pieces)
        if not self._preserve:
            text = re.sub(r" *\n *", "\n", re.sub(r" +", " ", text))
        spoken = [piece for piece in pieces if piece.text.strip()]
        words: list[Word] = []
        if all(piece.span for piece in spoken):
            for piece in spoken:
                start, end = piece.span or (0, 0)
                words.extend(share_words(clean_text(piece.text), start, end))
        return clean_text(text), words

    def _time(self, node: _Node, name: str) -> int | None:
        text = node.attributes.get(name)
        if text is None:
            return None
        try:
            return read_time(text, self._rates)
        except ValueError as error:
            raise refuse(f"{name}: {error}", node.line) from None


def _local(name: str) -> str:
    return name.rpartition("}")[2]
