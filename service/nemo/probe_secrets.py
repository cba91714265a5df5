"""Takes secrets out of a recording: the same secret always becomes the same placeholder. Pure.

A secret is found however it is written: plain, percent-encoded, JSON-escaped, HTML-escaped, each of
them partly or twice, or inside base64. What still holds one afterwards is withheld as a whole.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from urllib.parse import unquote, unquote_plus

#: A shorter value would be found by chance in every text, so it is no secret here.
LEAST_CHARS = 6
WITHHELD = "WITHHELD: a secret could not be taken out of this text"
BASE64 = "BASE64-OF-A-SECRET"
_PLACEHOLDER = re.compile(
    r"[A-Z]+-\d+|(?:cdn|person)-\d+(?:@example\.com|\.example)|/file-\d+(?:\.\w+)?|90{4,}\d+"
    r"|(?:[\w.-]*=REDACTED&?)+"
)
_ESCAPED = {'"': '"', "/": "/", "\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}
#: JSON in JSON doubles backslashes; without a bound, a run of them would take quadratic time.
_SLASHES = r"\\{1,8}"
#: Base64 of either alphabet, also with its specials percent-encoded or a slash escaped.
_RUN = re.compile(rf"(?:[A-Za-z0-9+/_-]|%2[BFbf]|{_SLASHES}/){{8,}}(?:=|%3[Dd]){{0,2}}")
_SHORTEST_RUN_WITH_ESCAPES = 24
_JSON_UNICODE = re.compile(rf"{_SLASHES}u([0-9a-fA-F]{{4}})")


class Redactor:
    """Knows secrets and their placeholders; `version` grows with each new one."""

    def __init__(self) -> None:
        self._placeholders: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._pattern: re.Pattern[str] | None = None
        self._groups: list[str] = []

    @property
    def version(self) -> int:
        return len(self._placeholders)

    def add(self, kind: str, secret: str, placeholder: str = "{kind}-{n}") -> None:
        """Note a secret. Its placeholder names its kind; a number becomes a number as long."""
        secret = secret.strip()
        known = secret in self._placeholders or _PLACEHOLDER.fullmatch(secret)
        if len(secret) < LEAST_CHARS or known:
            return
        count = self._counts[kind] = self._counts.get(kind, 0) + 1
        if secret.isascii() and secret.isdigit():
            shape = "9" + str(count).rjust(len(secret) - 1, "0")
        else:
            shape = placeholder.format(kind=kind, n=count)
        self._placeholders[secret] = shape
        self._pattern = None

    def redact(self, text: str) -> str:
        """A text without the secrets; WITHHELD when that cannot be done."""
        if not self._placeholders:
            return text
        found = _RUN.sub(self._cover_base64, self._replace(text))
        return WITHHELD if self.leaks(found) else found

    def leaks(self, text: str) -> bool:
        """Whether a secret can be read out of a text, by decoding it instead of by pattern."""
        views = {text}
        for _ in range(2):
            views |= {decode(view) for view in views for decode in _DECODERS}
        if any(secret in view for view in views for secret in self._placeholders):
            return True
        return any(self._in_base64(run[0]) for view in views for run in _RUN.finditer(view))

    def _replace(self, text: str) -> str:
        pattern = self._compile()
        return pattern.sub(lambda hit: self._groups[(hit.lastindex or 1) - 1], text)

    def _compile(self) -> re.Pattern[str]:
        if self._pattern is None:
            longest_first = sorted(self._placeholders, key=len, reverse=True)
            self._groups = [self._placeholders[secret] for secret in longest_first]
            self._pattern = re.compile("|".join(f"({_any_form(s)})" for s in longest_first))
        return self._pattern

    def _cover_base64(self, run: re.Match[str]) -> str:
        return BASE64 if self._in_base64(run[0]) else run[0]

    def _in_base64(self, run: str) -> bool:
        plain = unquote(re.sub(r"\\+/", "/", run)).rstrip("=")
        plain = plain.replace("-", "+").replace("_", "/")
        wanted = [secret.encode("utf-8", "surrogatepass") for secret in self._placeholders]
        for start in range(4):
            decoded = _decode(plain[start:])
            if any(secret in decoded for secret in wanted):
                return True
            if len(plain) < _SHORTEST_RUN_WITH_ESCAPES:
                continue
            if self._compile().search(decoded.decode("utf-8", "replace")):
                return True
        return False


def _decode(text: str) -> bytes:
    """As much of a base64 text without padding as there is."""
    text = text[:-1] if len(text) % 4 == 1 else text
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""


def _any_form(secret: str) -> str:
    """A pattern of a secret with each character in any of its forms."""
    parts = re.findall(r"\\+|[^\\]", secret, re.DOTALL)
    return "".join(_backslashes(len(p)) if p[0] == "\\" else _character(p) for p in parts)


def _backslashes(count: int) -> str:
    # one group for all: a group for each would try every way to share a run between them
    return (
        rf"(?:\\{{{count},{8 * count}}}|(?:{_percent(chr(92))}){{{count}}}"
        rf"|(?:{_SLASHES}u(?i:005c)){{{count}}})"
    )


def _character(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass").hex()
    unicode = "".join(rf"{_SLASHES}u(?i:{units[n : n + 4]})" for n in range(0, len(units), 4))
    forms = [re.escape(char), _percent(char), unicode]
    if char in _ESCAPED:
        forms.append(_SLASHES + re.escape(_ESCAPED[char]))
    if char == " ":
        forms.append(r"\+")
    if html.escape(char) != char:
        forms.append(re.escape(html.escape(char)))
    return f"(?:{'|'.join(forms)})"


def _percent(char: str) -> str:
    encoded = char.encode("utf-8", "surrogatepass")
    return "".join(f"%(?:25){{0,3}}(?i:{byte:02x})" for byte in encoded)


def _unescape_json(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"', strict=False))
    except (ValueError, RecursionError):
        pass
    text = _JSON_UNICODE.sub(lambda hit: chr(int(hit[1], 16)), text)
    # pairs of surrogates become the one character that they stand for
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return re.sub(r"\\+([\"/\\])", r"\1", text)


_DECODERS = (unquote, unquote_plus, _unescape_json, html.unescape)
