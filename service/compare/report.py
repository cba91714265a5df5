"""The comparison of a job's videos as its reader sees it. Pure.

What their containers tell, what their drafts hold, and what was measured of their pictures, sound
and captions: together they say whether captions are the only difference, and which read better.
The full report is a file; its summary travels with the job and its last event.
"""

from __future__ import annotations

import functools
import operator
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from service.compare import words
from service.compare.pairs import Result
from service.compare.platforms import Platform
from service.compare.sheet import ClipMeasured, no_verdict, tell_clip
from service.model.cut import MediaInfo
from service.model.lifecycle import CutState

if TYPE_CHECKING:
    from service.store.jobs import ClipRow, CutRow

#: Of each list of a clip so many are told in the summary: it travels with the job's last event.
MOST_TOLD = 8
#: The form of the full report; readers of another one say that they do not know it.
VERSION = 1


def compare(
    clips: Sequence[ClipRow],
    cuts: Sequence[CutRow],
    measured: Mapping[int, ClipMeasured],
    platforms: Sequence[Platform],
) -> dict[str, Any]:
    """The full report of a job; `measured` has what was measured of each clip, by its index."""
    confounded = [each for clip in clips for each in _find_confounders(clip.doc.index, cuts)]
    mixed = {each["clip"] for each in confounded}
    entries = [
        {
            **tell_clip(measured[clip.doc.index], platforms, confounded=clip.doc.index in mixed),
            **_compare_clip(clip, cuts),
        }
        for clip in clips
    ]
    return put_together(entries, confounded)


def put_together(
    entries: Sequence[dict[str, Any]], confounded: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """A full report from what is told of each clip."""
    reasons = [f"Clip {each['clip'] + 1}: {each['reason']}" for each in entries if each["reason"]]
    return {
        "object": "comparison",
        "version": VERSION,
        "status": "unavailable" if reasons else "done",
        "reason": " ".join(reasons) or None,
        "controlled": _controlled([each["controlled"] for each in entries], confounded),
        "confounded": list(confounded),
        "verdict": _verdict(entries),
        "clips": list(entries),
    }


def not_compared(reason: str) -> dict[str, Any]:
    """A full report of a job of which nothing could be told."""
    told = {"status": "unavailable", "reason": reason, "verdict": no_verdict(reason)}
    return {**put_together([]), **told}


def summarise(full: Mapping[str, Any]) -> dict[str, Any]:
    """What of a full report travels with the job: under 6 kB for two variants of a clip."""
    kept = ("status", "reason", "controlled", "confounded")
    return {
        **{name: full[name] for name in kept},
        "verdict": _shorten(full["verdict"]),
        "clips": [_summarise_clip(clip) for clip in full["clips"]],
    }


def finished(cuts: Sequence[CutRow], clip: int) -> Iterator[CutRow]:
    """The cuts of a clip that have a video."""
    for cut in cuts:
        if cut.doc.clip == clip and cut.state is CutState.SUCCEEDED and cut.doc.result is not None:
            yield cut


def _controlled(clips: Sequence[bool | None], confounded: Sequence[Any]) -> bool | None:
    if confounded or False in clips:
        return False
    return True if clips and all(clips) else None


def _verdict(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the clips' verdicts come to: one side of some, and no other side of any."""
    verdicts = [each["verdict"] for each in entries]
    if len(verdicts) == 1:
        return dict(verdicts[0])
    if not verdicts:
        return no_verdict("There is no clip.")
    caveats = list(dict.fromkeys(each for verdict in verdicts for each in verdict["caveats"]))
    better = Counter(verdict["better"] for verdict in verdicts if verdict["better"])
    results = Counter(verdict["result"] for verdict in verdicts)
    told = words.tell_clips(better, results, len(verdicts))
    result = _result(better, results)
    over = {verdict["over"] for verdict in verdicts if verdict["better"]}
    return {
        "kind": "legibility",
        "result": result.value,
        "better": next(iter(better)) if result is Result.BETTER else None,
        "over": next(iter(over)) if result is Result.BETTER and len(over) == 1 else None,
        "text": words.join(words.first_words(caveats), told, words.KIND),
        "caveats": caveats,
    }


def _result(better: Counter[str], results: Counter[str]) -> Result:
    if len(better) == 1:
        return Result.BETTER
    if better or results[Result.MIXED]:
        return Result.MIXED
    return Result.TIE if results[Result.TIE] else Result.UNKNOWN


def _summarise_clip(clip: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("clip", "variants", "same_length_and_audio", "differences")
    control = clip["control"]
    return {
        **{name: clip[name] for name in kept if name in clip},
        "status": clip["status"],
        "reason": clip["reason"],
        "controlled": clip["controlled"],
        "control": {name: each[:MOST_TOLD] for name, each in control.items()},
        "verdict": _shorten(clip["verdict"]),
        "scores": {label: each["score"]["value"] for label, each in clip["measures"].items()},
        "figures": {label: _figures(each) for label, each in clip["measures"].items()},
    }


def _shorten(verdict: Mapping[str, Any]) -> dict[str, Any]:
    return {**verdict, "caveats": verdict["caveats"][:MOST_TOLD]}


def _figures(measures: Mapping[str, Any]) -> dict[str, Any]:
    contrast, timing = measures["contrast"] or {}, measures["timing"] or {}
    return {
        "contrast": contrast.get("median"),
        "weakest": contrast.get("weakest"),
        "below_3": contrast.get("below_3"),
        "below_4_5": contrast.get("below_4_5"),
        "text_height": measures["text_height"]["percent"],
        "cps": timing.get("cps_highest"),
        "line_chars": timing.get("line_chars_most"),
    }


def _find_confounders(clip: int, cuts: Sequence[CutRow]) -> list[dict[str, Any]]:
    """What the drafts of a clip's variants hold besides text that is not in all of them."""
    control = {
        cut.doc.label: Counter(cut.doc.edit.control)
        for cut in cuts
        if cut.doc.clip == clip and cut.doc.edit is not None and cut.doc.edit.control
    }
    if len(control) < 2:
        return []
    common = functools.reduce(operator.and_, control.values())
    return [
        {"clip": clip, "label": label, "only": sorted((lines - common).elements())}
        for label, lines in control.items()
        if lines - common
    ]


def _compare_clip(clip: ClipRow, cuts: Sequence[CutRow]) -> dict[str, Any]:
    done = {
        cut.doc.label: cut.doc.result.media
        for cut in finished(cuts, clip.doc.index)
        if cut.doc.result is not None and cut.doc.result.media is not None
    }
    differences = [
        f"{label}: {each}"
        for label, media in done.items()
        for each in _differences(clip.doc.media, media)
    ]
    sizes = {(media.width, media.height) for media in done.values()}
    if len(sizes) > 1:
        differences.append("the variants differ in size")
    return {
        "variants": sorted(done),
        "same_length_and_audio": not differences if len(done) > 1 else None,
        "differences": differences,
    }


def _differences(source: MediaInfo | None, media: MediaInfo) -> list[str]:
    if source is None:
        return []
    found = []
    frame_s = media.fps_den / media.fps_num if media.fps_num else 0.05
    if abs(source.duration_s - media.duration_s) > frame_s + 0.001:
        found.append(f"lasts {media.duration_s:.3f} s, its clip {source.duration_s:.3f} s")
    if bool(source.audio_codec) != bool(media.audio_codec):
        found.append("has sound where its clip has none, or the other way round")
    return found
