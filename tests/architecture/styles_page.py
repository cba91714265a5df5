"""docs/styles.md, from what the code says of styles."""

from __future__ import annotations

import json

from service.captions.parameters import COLORS, PARAMETERS, Parameter
from service.captions.pictures import picture_name
from service.captions.platforms import load_platforms
from service.captions.style import DEFAULT_PRESET, PRESETS

_HEAD = """\
# Styles

`style` of a variant is a preset and what differs from it. All of it is in `GET /v1/styles` too,
in a form that a program can draw a form from: pictures, types, bounds, defaults, names of
colours, safe areas. Sizes follow the frame, so that a style looks the same at 720 and at 1080
lines.

What is wrong is refused before anything is spent, all at once, each fault with its place:
`#/variants/1/style/safe_area/bottom`. A part implies what it belongs to: a colour of a box makes
a box.

A backend gets a style twice: in words, and as exact parameters, of which the message says that
they hold where the words differ. The words are English; with a `language` of `zh` they stand
there in Chinese too. For every other language English alone is sent: the agent reads it, the
words name colours, numbers and places only, and what is spoken in the clip is named by its
language. The sandbox honours each parameter exactly; a cloud agent does what it can, and the
comparison measures what came of it.

## Presets
"""
_AREAS = """\

## Safe areas

A safe area is what a platform's own buttons and words leave of the picture. Captions keep to it
with their outline and box: `position` and `alignment` are then those in the area, and the
preset's own margins do not count. `{"platform": "tiktok", "bottom": 30}` is TikTok's with more
room below. Percent are of the frame's height or width, whatever its shape. Platforms publish
templates and no stable numbers: where you know better, give the edges. An operator may have a table
of their own (`CAPTION_AB_PLATFORMS`); a job keeps the numbers that held when it was sent.

"""
_GLYPHS = """\

## Characters that a font lacks

Of `Inter` and `Anton` it is known which characters they have. Captions with others get the
warning `glyphs_missing` in the job and in a dry run, with characters, font and variants; capitals
are looked at where `case` shows them. Of other fonts nothing is said, nor of captions that the
backend transcribes. What the sandbox drew from another font is in its books (`warnings` of a
render).
"""
_WORDS = """\

## Times of words

`karaoke`, `pop` and `words_per_line` show single words. When, is said by the captions themselves
where they have times of words (`<00:00:01.400>` in WebVTT, `span` in TTML). Otherwise, and with
the extra `align` installed (`pip install "pocketsphinx>=5.1,<6"`, where media workers run), the
words of English captions are found in the clip's sound, once for all variants: every backend gets
the same times. A caption stays without when it is not what is heard there, when it has figures or
other letters, or too many words that no dictionary has. `CAPTION_AB_ALIGN=off` switches it off.

`word_timing` of a clip says what came of it: `given`, `aligned`, `mixed` (some captions),
`backend`. With `backend` no times of words are sent: the sandbox shares a caption's time by the
length of its words; what a cloud backend does is not known.

Measured on speech of espeak-ng (six voices, three speeds, with and without noise, 1,656 words):
half of the words begin within 9 ms of when they are said, nine of ten within 48 ms, 19 of 20
within 83 ms; 13 ms of processor a second of sound, and about a second for the model. A caption of
other words than those heard is taken for the right one in 9 % of cases: of its times nothing is
to be expected then.
"""


def styles_page() -> str:
    """The whole page."""
    head = f"{_HEAD}{_presets()}\n## Parameters\n\n{_parameters()}"
    return f"{head}{_AREAS}{_areas()}{_GLYPHS}{_WORDS}"


def _presets() -> str:
    lines = ["| preset | picture | what it is |", "|---|---|---|"]
    for each in PRESETS.values():
        image = f"![{each.label}](../api/static/{picture_name(each.name)})"
        lines.append(f"| `{each.name}` | {image} | {each.description} |")
    return "\n".join(("", *lines, ""))


def _parameters() -> str:
    lines = ["| parameter | values | in `outline` | what it does |", "|---|---|---|---|"]
    for each in PARAMETERS:
        default = getattr(PRESETS[DEFAULT_PRESET].style, each.name)
        shown = "" if default is None else f"`{_plain(default)}`"
        lines.append(f"| `{each.name}` | {_values(each)} | {shown} | {each.text} |")
    names = ", ".join(COLORS)
    return "\n".join((*lines, "", f"A colour is `#RRGGBB`, `#RGB` or a name: {names}.", ""))


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _values(parameter: Parameter) -> str:
    if parameter.choices:
        return ", ".join(f"`{each}`" for each in parameter.choices)
    kind = {"color": "colour", "integer": "whole number", "boolean": "`true`, `false`"}.get(
        parameter.type, parameter.type
    )
    if parameter.low is None:
        return "a name" if parameter.type == "string" else kind
    unit = f" {parameter.unit}" if parameter.unit else ""
    return f"{kind}, {parameter.low:g} to {parameter.high:g}{unit}"


def _areas() -> str:
    lines = ["| platform | top | bottom | left | right | as of | source |", "|---" * 7 + "|"]
    for each in load_platforms():
        edges = f"{each.top:g} | {each.bottom:g} | {each.left:g} | {each.right:g}"
        lines.append(f"| `{each.name}` {each.label} | {edges} | {each.as_of} | {each.source} |")
    return "\n".join((*lines, ""))
