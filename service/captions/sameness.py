"""Advice about variants that cannot show a difference; stops nothing. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from service.captions.advice import Advice
from service.captions.style import Style, build_style

#: Two colours nearer than this in RGB are hard to tell on a moving picture; gold and yellow are 40.
_NEAR = 64.0


def advise_variants(variants: Sequence[Mapping[str, Any]]) -> tuple[Advice, ...]:
    """Looks for a variant alone, for variants that are the same, and for unseen highlights.

    Args:
        variants: As in a request, each with its `label`; their styles are valid.
    """
    styles = [build_style(each.get("style") or {}) for each in variants]
    lit = (
        _advise_highlight(index, each.get("style") or {}, style)
        for index, (each, style) in enumerate(zip(variants, styles, strict=True))
    )
    return (*_advise_number(variants, styles), *(each for each in lit if each is not None))


def _advise_number(
    variants: Sequence[Mapping[str, Any]], styles: Sequence[Style]
) -> Iterator[Advice]:
    if len(variants) == 1:
        yield Advice(
            "one_variant",
            "#/variants",
            "There is one variant, so nothing is compared. Send two or more, or none to compare "
            "`outline` with `boxed`.",
        )
    same: dict[tuple[Style, str], list[str]] = {}
    for each, style in zip(variants, styles, strict=True):
        look = replace(style, preset=""), str(each.get("instruction") or "").strip()
        same.setdefault(look, []).append(str(each["label"]))
    for labels in same.values():
        if len(labels) > 1:
            named = f"{', '.join(labels[:-1])} and {labels[-1]}"
            yield Advice(
                "variants_identical",
                "#/variants",
                f"Variants {named} have the same style and instruction: each is paid for, and "
                "none differs.",
            )


def _advise_highlight(index: int, given: Mapping[str, Any], style: Style) -> Advice | None:
    lit = style.highlight_color
    if lit is None or _distance(style.color, lit) >= _NEAR:
        return None
    named = "highlight_color" if given.get("highlight_color") else "color"
    return Advice(
        "highlight_unseen",
        f"#/variants/{index}/style/{named}",
        f"Words are {style.color} and light up in {lit}, which looks the same. Choose another "
        "`color` or `highlight_color`.",
    )


def _distance(one: str, other: str) -> float:
    """How far two colours such as #FFD700 are apart; black and white are 442."""
    pairs = ((int(one[at : at + 2], 16), int(other[at : at + 2], 16)) for at in (1, 3, 5))
    return math.hypot(*(a - b for a, b in pairs))
