"""Trying a job out: everything that an accept looks at, and more, without making anything."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from service.captions.cues import parse_captions
from service.captions.fit import Misfit, find_misfit
from service.captions.model import POINTER
from service.errors import (
    CaptionAbError,
    FieldError,
    MediaError,
    OutboundTimeout,
    Unrehearsed,
    UnsupportedFile,
    UploadGone,
    UploadMissing,
)
from service.experiments.proposal import Proposal
from service.jobs.charges import edit_price, estimate
from service.jobs.context import Services
from service.jobs.submit import Caller, build_spec, prepare_job, propose
from service.jobs.uploads import ROLE_KINDS
from service.media.fetch import look_at_clip
from service.media.formats import Kind
from service.media.length import read_length_s
from service.model.job import JobSpec
from service.store.accounts import Upload
from service.store.observed import read_observed

#: Clips looked at at the same time.
_AT_ONCE = 5


@dataclass(frozen=True, slots=True)
class ClipSeen:
    """What a clip is, by its first bytes; `size` is in bytes where it is known."""

    index: int
    format: str
    size: int | None


@dataclass(frozen=True, slots=True)
class Balance:
    """What the account had when it was last asked, and what unfinished jobs have set aside."""

    total: int
    reserved: int


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What would come of a job. Times are milliseconds, none where nothing was observed yet."""

    spec: JobSpec
    clips: tuple[ClipSeen, ...]
    misfits: tuple[Misfit, ...]
    credits_per_cut: int
    credits: int
    balance: Balance | None
    edit_ms: int | None
    render_ms: int | None
    slots: int
    proposal: Proposal | None = None

    @property
    def cut_ms(self) -> int | None:
        """How long one cut is usually worked on."""
        if self.edit_ms is None or self.render_ms is None:
            return None
        return self.edit_ms + self.render_ms

    @property
    def job_ms(self) -> int | None:
        """The same for the job, when its account has nothing else to do.

        The cuts of a variant run one after another, variants side by side.
        """
        if self.cut_ms is None:
            return None
        turns = math.ceil(len(self.spec.variants) / self.slots)
        return self.cut_ms * turns * len(self.spec.clips)


def rehearse(request: Mapping[str, Any], caller: Caller, services: Services) -> Rehearsal:
    """Try a request out, already of the right shape. Makes nothing, spends nothing.

    Raises:
        InvalidRequest, CaptionsRequired, QuotaExceeded, StoreUnavailable: as an accept would.
        UploadMissing: uploads are not there, and nothing else is at fault; each is named.
        Unrehearsed: clips cannot be had or used; each is named.
    """
    settings = services.settings
    spec = build_spec(request, settings, services.caller_policy)
    with suppress(UploadGone):  # an upload: the look below names each that is missing
        services.jobs.rehearse(
            prepare_job(spec, caller, settings=settings, clock=services.clock),
            now_ms=services.clock.now_ms(),
        )
    clips, misfits = _look_at_all(spec, caller, services)
    known = services.accounts.read_account(caller.account_id)
    total = known.get("total_seen")
    return Rehearsal(
        spec=spec,
        clips=clips,
        misfits=misfits,
        credits_per_cut=edit_price(spec, settings),
        credits=estimate(spec, settings),
        balance=Balance(int(total), int(known.get("reserved", "0"))) if total else None,
        edit_ms=read_observed(services.connection, "edit"),
        render_ms=read_observed(services.connection, "render"),
        slots=settings.account_slots,
        proposal=propose(request, [each.label for each in spec.variants]),
    )


def _look_at_all(
    spec: JobSpec, caller: Caller, services: Services
) -> tuple[tuple[ClipSeen, ...], tuple[Misfit, ...]]:
    errors: list[FieldError] = []
    gone: list[FieldError] = []
    seen: list[ClipSeen] = []
    until_s = services.clock.monotonic_s() + services.settings.rehearsal_s
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        looks = [
            pool.submit(_look, spec, index, caller, services, until_s)
            for index in range(len(spec.clips))
        ]
    for index, look in enumerate(looks):
        place = "upload_id" if spec.clips[index].upload_id else "url"
        try:
            seen.append(look.result())
        except CaptionAbError as error:
            found = gone if isinstance(error, UploadGone) else errors
            found.append(FieldError(f"#/clips/{index}/{place}", error.detail))
    _check_assets(spec, caller, services, errors, gone)
    misfits = tuple(_find_misfits(spec, caller, services))
    errors.extend(FieldError(POINTER, each.detail) for each in misfits if each.all_late)
    if gone and not errors:
        raise UploadMissing(gone[0].detail, gone)
    if errors:
        raise Unrehearsed(errors=[*errors, *gone])
    return tuple(seen), misfits


def _find_misfits(spec: JobSpec, caller: Caller, services: Services) -> Iterator[Misfit]:
    """What of the captions starts after the end of an upload that states its length."""
    asked = spec.captions
    captions = None if asked is None else parse_captions(asked.format or None, asked.text)
    if captions is None or not captions.cues:
        return
    for index, clip in enumerate(spec.clips):
        upload = services.accounts.read_upload(clip.upload_id) if clip.upload_id else None
        if upload is None or upload.tenant_id != caller.tenant_id:
            continue
        misfit = find_misfit(captions, index, _length_s(upload, services) or 0.0)
        if misfit is not None:
            yield misfit


def _length_s(upload: Upload, services: Services) -> float | None:
    def read(start: int, most: int) -> bytes:
        end = min(start + most, upload.size)
        return b"".join(services.files.open_range(upload.file, start, end))

    try:
        return read_length_s(read, upload.size)
    except MediaError:  # a job will say so; a dry run looks at what it can
        return None


def _look(
    spec: JobSpec, index: int, caller: Caller, services: Services, until_s: float
) -> ClipSeen:
    clip = spec.clips[index]
    if clip.upload_id:
        upload = services.accounts.read_upload(clip.upload_id)
        if upload is None or upload.tenant_id != caller.tenant_id:
            raise UploadGone(f"There is no upload {clip.upload_id}.")
        if upload.kind != Kind.VIDEO:
            raise UnsupportedFile(f"The upload is {upload.kind}; a clip must be a video.")
        return ClipSeen(index, upload.kind, upload.size)
    left_s = min(services.settings.rehearsal_clip_s, until_s - services.clock.monotonic_s())
    if left_s <= 0:
        raise OutboundTimeout("The clip was not looked at: the time of a dry run was over.")
    found = look_at_clip(
        clip.url,
        session=services.caller_session,
        clock=services.clock,
        max_bytes=services.settings.upload_max_bytes,
        deadline_s=left_s,
    )
    if found.format.kind is not Kind.VIDEO:
        raise UnsupportedFile(f"The clip is {found.format.name}; a clip must be a video.")
    return ClipSeen(index, found.format.name, found.size)


def _check_assets(
    spec: JobSpec,
    caller: Caller,
    services: Services,
    errors: list[FieldError],
    gone: list[FieldError],
) -> None:
    for index, asset in enumerate(spec.assets):
        upload = services.accounts.read_upload(asset.upload_id)
        pointer = f"#/assets/{index}/upload_id"
        if upload is None or upload.tenant_id != caller.tenant_id:
            gone.append(FieldError(pointer, f"There is no upload {asset.upload_id}."))
        elif upload.kind != ROLE_KINDS[asset.role]:
            text = f"The upload is {upload.kind}, which is no {asset.role}."
            errors.append(FieldError(pointer, text))
