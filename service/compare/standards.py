"""The standards that captions are held against, each with its number and its source.

The texts are those of 2026-11. `checked` is false where the number was not read in its source but
in a digest of it, or remembered; a report says so.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Standard:
    """One limit: a measure is at least `least` and at most `most`."""

    key: str
    measure: str
    source: str
    text: str
    least: float | None = None
    most: float | None = None
    checked: bool = False


STANDARDS: tuple[Standard, ...] = (
    Standard(
        "netflix-comfortable-speed", "cps", "Netflix Timed Text Style Guide, English template",
        "Adults read 17 characters a second with ease.", most=17, checked=True,
    ),
    Standard(
        "netflix-speed", "cps", "Netflix Timed Text Style Guide, English",
        "No more than 20 characters a second for adults.", most=20,
    ),
    Standard(
        "netflix-line", "line_chars", "Netflix Timed Text Style Guide, English template",
        "No more than 42 characters a line.", most=42, checked=True,
    ),
    Standard(
        "netflix-lines", "lines", "Netflix Timed Text Style Guide, general requirements",
        "No more than two lines.", most=2, checked=True,
    ),
    Standard(
        "netflix-duration", "duration_ms", "Netflix Timed Text Style Guide, general requirements",
        "From 5/6 of a second to 7 seconds.", least=833, most=7000, checked=True,
    ),
    Standard(
        "netflix-gap", "gap_frames", "Netflix Timed Text Style Guide, general requirements",
        "Two frames between captions, or none.", least=2, checked=True,
    ),
    Standard(
        "no-overlap", "overlap_ms", "Our own rule",
        "Two captions at once are read as one block.", most=0, checked=True,
    ),
    Standard(
        "wcag-contrast", "contrast", "WCAG 2.x, the contrast formula of 1.4.3",
        "At least 4.5 to 1. The formula, not conformance: captions are pictures of text.",
        least=4.5, checked=True,
    ),
    Standard(
        "wcag-contrast-large", "contrast", "WCAG 2.x, the contrast formula of 1.4.3",
        "At least 3 to 1 for large text.", least=3.0, checked=True,
    ),
)  # fmt: skip
