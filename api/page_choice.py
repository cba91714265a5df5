"""What of a job its page shows: one clip, and the two videos that stand side by side. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from api.page_view import PageView
from api.page_words import figure, is_number, items, part, texts

_SIDE = re.compile(r"(.{1,32}?)(?:\.(\d{1,6}))?")
#: Shapes of pictures for which `compare.css` has a width: inline styles are barred from the page.
SHAPES = (46, 56, 67, 75, 80, 100, 125, 133, 150, 178, 200, 235)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two videos. `film` is the report's; empty where this revision is not measured."""

    label: str
    revision: int
    name: str
    token: str
    url: str
    download: str
    video: Mapping[str, Any]
    film: Mapping[str, Any]
    poster: str = ""
    measured: bool = False

    @property
    def width(self) -> int:
        """Pixels; 16 to 9 where nobody knows."""
        return int(figure(self.film, "width", figure(self.video, "width", 0)) or 1280)

    @property
    def height(self) -> int:
        """Pixels."""
        return int(figure(self.film, "height", figure(self.video, "height", 0)) or 720)


@dataclass(frozen=True, slots=True)
class Timing:
    """How two videos are stepped together: frames a second, frames in both, the first one's time.

    `approximate` says why they cannot be shown exactly; empty where they can.
    """

    fps: str
    frames: int
    start_s: float
    approximate: str = ""

    @property
    def rate(self) -> float:
        """Frames a second."""
        return float(Fraction(self.fps))


@dataclass(frozen=True, slots=True)
class Choice:
    """One clip of a job, its report, its videos (all revisions), and the sides that are shown."""

    clip: int
    report: Mapping[str, Any]
    videos: tuple[Side, ...]
    sides: tuple[Side, ...]
    timing: Timing

    @property
    def latest(self) -> tuple[Side, ...]:
        """The newest video of each variant."""
        newest = {each.label: each for each in self.videos}
        return tuple(newest.values())

    @property
    def shape(self) -> int:
        """Width to height in hundredths, the nearest that the style knows."""
        ratio = 100 * self.sides[0].width / self.sides[0].height if self.sides else 178
        return min(SHAPES, key=lambda each: abs(each - ratio))

    @property
    def portrait(self) -> bool:
        """Whether the pictures stand upright."""
        return bool(self.sides) and self.sides[0].height > self.sides[0].width


def choose(view: PageView, asked: Mapping[str, str]) -> Choice:
    """What was asked for, as far as it is there: `clip`, `revision`, `left` and `right`.

    A side is a label, or a label and a revision as `A.2`. Without sides the best variant and the
    next one are shown, the earlier label on the left.
    """
    clip = _read_clip(view, asked.get("clip", ""))
    # A job of an earlier release has the summary in its resource alone.
    told = view.report or part(view.job, "comparison")
    report = next((each for each in items(told, "clips") if each.get("clip") == clip), {})
    videos = list_videos(view, clip, report)
    sides = _pick_sides(videos, report, asked)
    return Choice(clip, report, videos, sides, _time(view, clip, sides))


def list_videos(view: PageView, clip: int, report: Mapping[str, Any]) -> tuple[Side, ...]:
    """Every video of a clip there is, by variant and revision."""
    found = []
    for variant in items(view.job, "variants"):
        label = str(variant.get("label", ""))
        own = [
            cut for cut in items(variant, "cuts") if cut.get("clip") == clip and part(cut, "video")
        ]
        for cut in sorted(own, key=lambda each: int(each.get("revision", 1))):
            revision = int(cut.get("revision", 1))
            side = Side(
                label=label,
                revision=revision,
                name=f"{label}, revision {revision}" if len(own) > 1 else label,
                token=f"{label}.{revision}" if len(own) > 1 else label,
                url=view.video(label, clip, revision),
                download=view.video(label, clip, revision, download=True),
                video=part(cut, "video"),
                film={},
            )
            found.append(_measured(side, report))
    return tuple(found)


def _measured(side: Side, report: Mapping[str, Any]) -> Side:
    if part(report, "revisions").get(side.label) != side.revision:
        return side
    name = f"poster_{side.label}"
    files = items(part(report, "pictures"), "files")
    poster = next((str(each.get("url") or "") for each in files if each.get("name") == name), "")
    film = part(part(report, "film"), side.label)
    measured = side.label in part(report, "measures")
    return replace(side, film=film, poster=poster, measured=measured)


def _read_clip(view: PageView, asked: str) -> int:
    known = [int(each.get("index", 0)) for each in items(view.job, "clips")]
    if asked.isdecimal() and int(asked[:6]) in known:
        return int(asked)
    return known[0] if known else 0


def _pick_sides(
    videos: tuple[Side, ...], report: Mapping[str, Any], asked: Mapping[str, str]
) -> tuple[Side, ...]:
    revision = asked.get("revision", "")
    most = int(revision[:6]) if revision.isdecimal() else None
    named = [_find(videos, asked.get(name, ""), most) for name in ("left", "right")]
    labels = list(dict.fromkeys(each.label for each in videos))
    best = [each for each in texts(report, "ranking") if each in labels]
    order = [*best, *(each for each in labels if each not in best)]
    chosen = [each for each in named if each]
    for label in order:
        side = _find(videos, label, most)
        if len(chosen) < 2 and side and label not in [each.label for each in chosen]:
            chosen.append(side)
    if not any(named):
        chosen.sort(key=lambda each: labels.index(each.label))
    return tuple(chosen)


def _find(videos: tuple[Side, ...], token: str, most: int | None) -> Side | None:
    found = _SIDE.fullmatch(token)
    if found is None:
        return None
    label, revision = found.group(1), found.group(2)
    own = [each for each in videos if each.label == label]
    if revision:
        own = [each for each in own if each.revision == int(revision)]
    elif most is not None:
        own = [each for each in own if each.revision <= most] or own[:1]
    return own[-1] if own else None


def _time(view: PageView, clip: int, sides: tuple[Side, ...]) -> Timing:
    films = [each.film for each in sides]
    if not films or not all(_is_known(each) for each in films):
        return _guess(view, clip, sides)
    first = films[0]
    return Timing(
        str(first["fps"]),
        min(int(each["frames"]) for each in films),
        figure(first, "start_s", 0),
        _why_approximate(films),
    )


def _is_known(film: Mapping[str, Any]) -> bool:
    return is_rate(film.get("fps")) and figure(film, "frames", 0) >= 1


def is_rate(text: Any) -> bool:
    """Whether it is a rate as `30000/1001`."""
    found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", str(text or ""))
    return bool(found and int(found.group(1)) and int(found.group(2)))


def _why_approximate(films: list[Mapping[str, Any]]) -> str:
    """Frames of two files can only be paired where both count alike."""
    rates = [Fraction(str(each["fps"])) for each in films]
    if any(each.get("variable") for each in films):
        return "a frame rate varies"
    if len(set(rates)) > 1:
        return f"the frame rates differ ({' and '.join(f'{float(each):g}' for each in rates)})"
    starts = [figure(each, "start_s", 0) for each in films]
    if max(starts) - min(starts) > float(1 / rates[0]) / 4:
        return "the videos start at different times"
    return ""


def _guess(view: PageView, clip: int, sides: tuple[Side, ...]) -> Timing:
    """Without measured films the clip's own rate must do, and nothing is promised."""
    source = next((each for each in items(view.job, "clips") if each.get("index") == clip), {})
    media = part(source, "media")
    fps = str(media["fps"]) if is_rate(media.get("fps")) else "25/1"
    lengths = [each.video.get("duration_s") for each in sides] or [media.get("duration_s")]
    known = [float(each) for each in lengths if is_number(each) and each > 0]
    frames = max(1, int(min(known, default=1.0) * Fraction(fps)))
    return Timing(fps, frames, 0.0, "the frames of these videos were not counted")
