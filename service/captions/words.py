"""Times of single words: which styles need them, what is spoken, cues that have them. Pure.

Times of an alignment are kept as numbers, for each cue the start and end of every word in
milliseconds from the cue's start; a cue that could not be aligned has none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

from service.captions.model import Captions, Cue, Word
from service.captions.style import Style

Times = tuple[tuple[int, ...], ...]
#: Words of a job's captions that are aligned at most: their times are kept with the clip.
MOST_WORDS = 1_000
_SPOKEN = re.compile(r"[a-z]+(?:'[a-z]+)*")
_MARKS = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "&": " and "})


class WordTiming(StrEnum):
    """Where the times of words come from; `mixed` where some captions have them, others none."""

    GIVEN = "given"
    ALIGNED = "aligned"
    MIXED = "mixed"
    BACKEND = "backend"


def shows_words(style: Style) -> bool:
    """Whether a style shows words one after another."""
    return style.animation != "none" or bool(style.words_per_line)


def may_align(captions: Captions | None, language: str) -> bool:
    """Whether captions can be aligned to speech: English, with times, but not of every word."""
    if captions is None or not language.lower().startswith("en"):
        return False
    bare = [cue for cue in captions.cues if not cue.words]
    return bool(bare) and sum(len(cue.text.split()) for cue in bare) <= MOST_WORDS


def spoken_words(text: str) -> tuple[tuple[str, ...], ...]:
    """What is said of each word that white space divides: `well-known.` is two, a dash is none."""
    return tuple(tuple(_SPOKEN.findall(part.translate(_MARKS).lower())) for part in text.split())


def is_speakable(text: str) -> bool:
    """Whether all of a text can be said by its letters: no figures, no other scripts."""
    return not any((char.isalnum() and not char.isascii()) or char.isdigit() for char in text)


def add_words(captions: Captions, times: Times) -> Captions:
    """The captions with the times of an alignment; words that have times of their own keep them."""
    return replace(captions, cues=time_cues(captions.cues, times))


def time_cues(cues: tuple[Cue, ...], times: Times) -> tuple[Cue, ...]:
    """The same of cues alone; times that belong to other cues are left out."""
    if len(times) != len(cues):
        return cues
    return tuple(_add(cue, own) for cue, own in zip(cues, times, strict=True))


def name_timing(captions: Captions | None, times: Times) -> WordTiming | None:
    """Where the times of words come from; None where captions have no times at all."""
    if captions is None or not captions.cues:
        return None
    given = all(cue.words for cue in captions.cues)
    timed = [bool(cue.words) for cue in time_cues(captions.cues, times)]
    if given:
        return WordTiming.GIVEN
    if all(timed):
        return WordTiming.ALIGNED
    return WordTiming.MIXED if any(timed) else WordTiming.BACKEND


def _add(cue: Cue, own: Sequence[int]) -> Cue:
    parts = cue.text.split()
    if cue.words or not own or len(own) != 2 * len(parts):
        return cue
    words = tuple(
        Word(cue.start_ms + own[2 * n], cue.start_ms + own[2 * n + 1], part)
        for n, part in enumerate(parts)
    )
    return replace(cue, words=words)
