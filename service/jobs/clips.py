"""The story of a clip: fetched once, hashed once, looked into once, for all variants alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from service.captions.cues import parse_captions
from service.captions.style import build_style
from service.captions.words import Times, may_align, name_timing, shows_words
from service.errors import CaptionAbError, Gone, UnsupportedFile
from service.jobs.context import ClipContext
from service.jobs.endings import failure_data
from service.jobs.outcomes import Advance, End, News, Outcome, Wait
from service.media.align import align_apart, can_align
from service.media.fetch import fetch_clip
from service.media.formats import detect
from service.media.limits import MediaLimits
from service.model.cut import ClipDoc, Failure
from service.model.lifecycle import ClipState
from service.webhooks.events import EventType

_HEAD_BYTES = 64


def start(clip: ClipContext) -> Outcome:
    """Say that the clip is being fetched."""
    return Advance(ClipState.FETCHING, clip.doc)


def fetch(clip: ClipContext) -> Outcome:
    """Take the clip from its upload, or fetch it from its address under the guard."""
    spec = clip.job.spec.clips[clip.doc.index]
    doc = _from_upload(clip, spec.upload_id) if spec.upload_id else _from_url(clip, spec.url)
    head = b"".join(clip.services.files.open_range(doc.file, 0, _HEAD_BYTES))
    found = detect(head)
    if found is None or found.kind != "video":
        kind = found.name if found else "no known format"
        raise UnsupportedFile(f"Clip {doc.index + 1} is {kind}; a clip must be a video.")
    return Advance(ClipState.PROBING, replace(doc, suffix=found.name, mime=found.mime))


def probe(clip: ClipContext) -> Outcome:
    """Look into the file: a clip must hold a playable video."""
    with clip.services.files.local_copy(clip.doc.file) as path:
        media = clip.services.probe(path)
        doc = _time_words(replace(clip.doc, media=media), clip, path)
    data = {"clip": doc.index, "sha256": doc.sha256, "duration_s": media.duration_s}
    return End(ClipState.READY, doc, (News(EventType.CLIP_READY, data),))


def _time_words(doc: ClipDoc, clip: ClipContext, path: Path) -> ClipDoc:
    """Find when words are spoken, once for all variants, where one of them shows single words."""
    settings, spec = clip.services.settings, clip.job.spec
    if spec.captions is None:
        return doc
    captions = parse_captions(spec.captions.format or None, spec.captions.text)
    shown = any(shows_words(build_style(variant.style)) for variant in spec.variants)
    heard = doc.media is not None and bool(doc.media.audio_codec)
    words: Times = ()
    if shown and heard and settings.align != "off" and may_align(captions, spec.language):
        limits = MediaLimits(settings.media_memory_bytes, deadline_s=settings.media_deadline_s)
        words = align_apart(path, captions.cues, limits) if can_align() else ()
    return replace(doc, words=words, word_timing=name_timing(captions, words) or "")


def fail(doc: ClipDoc, failure: Failure) -> End:
    """End a clip badly; its cuts fail with the same error before anything is spent."""
    data = {"clip": doc.index, "error": failure_data(failure)}
    ended = replace(doc, failure=failure)
    return End(ClipState.FAILED, ended, (News(EventType.CLIP_FAILED, data),))


def remedy(error: CaptionAbError, clip: ClipContext) -> Outcome:
    """An error that may pass is tried again until the deadline; any other ends the clip."""
    state, info = ClipState(clip.claim.state), error.info
    if error.retryable:
        delay_s = error.retry_in_s or clip.services.settings.step_retry_s
        return Wait(delay_s, clip.doc, state)
    failure = Failure(info.code, info.detail, info.hint, info.retryable, state, dict(info.extra))
    return fail(clip.doc, failure)


STEPS: dict[ClipState, Callable[[ClipContext], Outcome]] = {
    ClipState.PENDING: start,
    ClipState.FETCHING: fetch,
    ClipState.PROBING: probe,
}


def _from_upload(clip: ClipContext, upload_id: str) -> ClipDoc:
    upload = clip.services.accounts.read_upload(upload_id)
    if upload is None:
        raise Gone(f"The upload {upload_id} was deleted.")
    return replace(
        clip.doc,
        file=upload.file,
        filename=upload.filename,
        size=upload.size,
        sha256=upload.sha256,
    )


def _from_url(clip: ClipContext, url: str) -> ClipDoc:
    services = clip.services
    stored = fetch_clip(
        url,
        files=services.files,
        key=f"jobs/{clip.job.id}/clip-{clip.doc.index + 1}",
        session=services.caller_session,
        clock=services.clock,
        max_bytes=services.settings.upload_max_bytes,
        deadline_s=services.settings.transfer_deadline_s,
    )
    name = unquote(urlsplit(url).path.rsplit("/", 1)[-1])[:200]
    return replace(clip.doc, file=stored.key, filename=name, size=stored.size, sha256=stored.sha256)
