"""What a page shows of a job and of its comparison, for the one who looks. Pure.

The resources of the API are the source; their addresses need a key, so the page's own stand in
their place. Whoever has only a link is not told what the job's owner alone should know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.page_state import ASK_OWNER
from api.page_view import PageView

#: What of a job whoever has a link may see, of its clips, its variants and its cuts.
_OF_JOB = (
    *("id", "object", "status", "name", "created_at", "updated_at", "ended_at", "expires_at"),
    *("captions", "language", "output", "comparison", "instruction", "warnings"),
)
_OF_CLIP = ("index", "status", "media", "error")
_OF_VARIANT = ("label", "style", "instruction")
_OF_CUT = ("clip", "revision", "status", "message", "error", "render", "video")


def shown_job(job: Mapping[str, Any], view: PageView) -> dict[str, Any]:
    """A job resource with addresses of the page; without a key, without what is not shared."""
    if view.rights.owner:
        kept = {name: value for name, value in job.items() if name != "links"}
        clips, own = [dict(each) for each in job["clips"]], _whole_variant
    else:
        kept = _pick(job, _OF_JOB)
        clips, own = [_shared(each, _OF_CLIP) for each in job["clips"]], _shared_variant
    return {**kept, "clips": clips, "variants": [own(each, view) for each in job["variants"]]}


def shown_report(report: Mapping[str, Any], view: PageView) -> dict[str, Any]:
    """A full comparison whose pictures have the page's addresses."""
    clips = [_shown_clip(each, view) for each in _list(report.get("clips"))]
    return {**report, "clips": clips}


def _shown_clip(clip: Mapping[str, Any], view: PageView) -> dict[str, Any]:
    pictures = clip.get("pictures")
    if not isinstance(pictures, Mapping):
        return dict(clip)
    files = [
        {**each, "url": view.picture(int(clip.get("clip", 0)), str(each.get("name", "")))}
        for each in _list(pictures.get("files"))
    ]
    return {**clip, "pictures": {**pictures, "files": files}}


def _whole_variant(variant: Mapping[str, Any], view: PageView) -> dict[str, Any]:
    cuts = [_with_video(each, str(variant["label"]), view) for each in variant["cuts"]]
    return {**{name: each for name, each in variant.items() if name != "links"}, "cuts": cuts}


def _shared_variant(variant: Mapping[str, Any], view: PageView) -> dict[str, Any]:
    label = str(variant["label"])
    cuts = [_with_video(_shared(each, _OF_CUT), label, view) for each in variant["cuts"]]
    return {**_pick(variant, _OF_VARIANT), "cuts": cuts}


def _shared(thing: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """A clip or a cut; of its failure the code alone, for words may hold addresses."""
    kept = _pick(thing, names)
    if kept.get("error"):
        kept["error"] = {"code": kept["error"].get("code"), "detail": "", "hint": ASK_OWNER}
    if kept.get("render"):
        kept["render"] = _pick(kept["render"], ("polls", "progress"))
    return kept


def _with_video(cut: Mapping[str, Any], label: str, view: PageView) -> dict[str, Any]:
    video = cut.get("video")
    if not video:
        return dict(cut)
    return {**cut, "video": {**video, "url": view.video(label, cut["clip"], cut["revision"])}}


def _pick(thing: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: thing[name] for name in names if name in thing}


def _list(found: Any) -> list[Any]:
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []
