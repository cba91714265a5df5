"""The pictures of a clip's comparison: made into a folder, then kept among the job's files.

Whatever a caller's file makes a decoder do happens in bounded processes. A picture that cannot be
made is a fault in words, and leaves the others.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from service.clock import Clock
from service.compare.pictures_plan import Plan
from service.compare.pictures_stills import Picture, Subject, Tell, draw_stills
from service.compare.pictures_words import say_side_by_side
from service.errors import CaptionAbError
from service.media.files import Files, read_pieces
from service.media.limits import MediaLimits
from service.media.pictures import Bounds, Side, side_by_side

_log = logging.getLogger(__name__)
_LEAST_S = 1.0
_VIDEO_BYTES = 1_000_000_000
_MOST_FAULTS = 8


@dataclass(frozen=True, slots=True)
class Gallery:
    """The pictures that could be made, and why others could not."""

    pictures: tuple[Picture, ...] = ()
    faults: tuple[str, ...] = ()


def make_pictures(
    subject: Subject,
    *,
    ffmpeg: str,
    limits: MediaLimits,
    clock: Clock,
    tell: Tell = lambda _done, _total: None,
) -> Gallery:
    """Make all pictures of one clip into its folder.

    The stills come first: the video takes most of the time, which `limits.deadline_s` bounds.
    """
    ends_s = clock.monotonic_s() + limits.deadline_s
    drawn = draw_stills(subject, limits, tell)
    plan = drawn.plan
    if plan is None:
        return Gallery(tuple(drawn.pictures), tuple(drawn.faults))
    if plan.pair:
        bounds = _bounds(limits, ends_s - clock.monotonic_s())
        try:
            drawn.pictures.append(_join(plan, drawn.films, subject, ffmpeg, bounds))
        except CaptionAbError as error:
            # ffmpeg's own words name files of ours; its reader needs to know if it took too long.
            _log.info("no_side_by_side", extra={"why": error.detail})
            late = clock.monotonic_s() >= ends_s
            why = f"it took longer than {limits.deadline_s:g} s" if late else "it cannot be made"
            drawn.faults.append(f"side_by_side: {why}.")
        tell(len(drawn.pictures), len(plan.names))
    made = sorted(drawn.pictures, key=lambda each: plan.names.index(each.name))
    return Gallery(tuple(made), tuple(drawn.faults))


def _join(
    plan: Plan,
    films: Mapping[str, Mapping[str, Any]],
    subject: Subject,
    ffmpeg: str,
    bounds: Bounds,
) -> Picture:
    """The pair as one video."""
    left, right = (_side(label, films[label], subject.variants[label]) for label in plan.pair)
    file = subject.folder / "side_by_side.mp4"
    layout = side_by_side(ffmpeg, left, right, file, sound=plan.sound, bounds=bounds)
    heard = plan.sound if films[plan.sound]["has_audio"] else None
    length_s = max(float(films[label]["length_s"]) for label in plan.pair)
    text = say_side_by_side(left.label, right.label, heard, length_s)
    return Picture("side_by_side", file.name, "video/mp4", *layout.size, text)


def _side(label: str, film: Mapping[str, Any], path: Path) -> Side:
    size = (film["width"], film["height"])
    return Side(label, path, *size, Fraction(film["fps"]), has_audio=film["has_audio"])


def _bounds(limits: MediaLimits, left_s: float) -> Bounds:
    """Of the ffmpeg that reads two videos and writes a third."""
    return Bounds(
        deadline_s=max(_LEAST_S, left_s),
        memory_bytes=limits.pair_memory_bytes,
        output_bytes=_VIDEO_BYTES,
    )


def keep_pictures(
    gallery: Gallery,
    folder: Path,
    files: Files,
    *,
    key: Callable[[str], str],
    address: Callable[[str], str],
) -> dict[str, Any]:
    """Put the pictures among a job's files; the part of the report that lists them.

    `key` is where the file of a name is kept, `address` where the public finds the picture.
    """
    kept, faults = [], list(gallery.faults)
    for each in gallery.pictures:
        try:
            pieces = read_pieces(folder / each.file)
            stored = files.put(key(each.file), pieces, max_bytes=_VIDEO_BYTES)
        except CaptionAbError as error:
            _log.warning("picture_not_kept", extra={"picture": each.name, "why": error.detail})
            faults.append(f"{each.name}: it could not be kept.")
            continue
        kept.append(
            {
                "name": each.name,
                "variant": each.variant,
                "type": each.type,
                "size": stored.size,
                "sha256": stored.sha256,
                "width": each.width,
                "height": each.height,
                "text": each.text,
                "url": address(each.name),
            }
        )
    return list_pictures(kept, faults)


def list_pictures(kept: Sequence[Mapping[str, Any]], faults: Sequence[str]) -> dict[str, Any]:
    """What a report says of its pictures; `reason` also tells why some are missing."""
    reason = " ".join(faults[:_MOST_FAULTS]) or None
    if kept:
        return {"status": "done", "reason": reason, "files": list(kept)}
    return {"status": "unavailable", "reason": reason or "No picture could be made.", "files": []}
