"""Files on their way into a session: each is sent once, because the session's state is asked first.

The clip goes under a clean name of ours, or by its address where the backend may fetch it itself
(`NEMO_UPLOAD_BY_URL`, SEED). Assets go equally into every variant's session.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from service.errors import BackendError, Gone, UnsupportedFile
from service.jobs.context import CutContext
from service.media.formats import HEAD_BYTES, Kind, check_upload
from service.model.cut import ClipDoc
from service.model.job import JobSpec
from service.nemo.errors import SessionLost, TokenRejected
from service.nemo.wire import State, UploadedFile, read_file

_log = logging.getLogger(__name__)

#: What the content of an asset must be, by its role.
ROLE_KINDS = {"bgm": Kind.AUDIO, "image": Kind.IMAGE, "logo": Kind.IMAGE}
_SHA256 = re.compile(r"[0-9a-f]{64}", re.IGNORECASE)


def find_file(state: State, *names: str) -> UploadedFile | None:
    """The file of a session under one of some names."""
    infos = [read_file(info) for info in state.video_infos if isinstance(info, Mapping)]
    return next((info for info in infos if info.filename in names), None)


def has_arrived(name: str, *, before: State, after: State) -> bool:
    """Whether the state shows a file that was sent, be it under a name that the backend chose."""
    return find_file(after, name) is not None or len(after.video_infos) > len(before.video_infos)


def send_assets(cut: CutContext, token: str, state: State) -> tuple[str, ...]:
    """Put the job's assets into the session, unless they are there; their names, in order.

    Raises:
        Gone: an upload was deleted.
        UnsupportedFile: by its content an asset is not what its role needs.
    """
    return tuple(
        _send_asset(cut, number, token, state) for number in range(1, len(cut.job.spec.assets) + 1)
    )


def _send_asset(cut: CutContext, number: int, token: str, state: State) -> str:
    services, asset = cut.services, cut.job.spec.assets[number - 1]
    upload = services.accounts.read_upload(asset.upload_id)
    if upload is None:
        raise Gone(f"The upload {asset.upload_id} was deleted.")
    head = b"".join(services.files.open_range(upload.file, 0, HEAD_BYTES))
    found = check_upload(head, upload.filename)
    if found.kind is not ROLE_KINDS[asset.role]:
        raise UnsupportedFile(
            f"Asset {number} is {found.name}; a {asset.role} must be {ROLE_KINDS[asset.role]}."
        )
    name = f"asset-{number}.{found.name}"
    if find_file(state, name) is None:
        services.nemo.upload(
            token,
            cut.doc.session_id,
            filename=name,
            size=upload.size,
            chunks=lambda: services.files.open_range(upload.file),
            content_type=found.mime,
        )
    return name


def send_clip(cut: CutContext, clip: ClipDoc, token: str, state: State) -> tuple[str, str]:
    """Put the clip into the session, unless it is there; its name there, and a warning or none."""
    services = cut.services
    name = f"clip-{clip.index + 1}.{clip.suffix}"
    if find_file(state, name) is not None:
        return name, ""
    if services.settings.nemo_upload_by_url:
        fetched = _let_fetch(cut, clip, token, state)
        if fetched is not None:
            return fetched.filename, _compare(fetched, clip)
    services.nemo.upload(
        token,
        cut.doc.session_id,
        filename=name,
        size=clip.size,
        chunks=lambda: services.files.open_range(clip.file),
        content_type=clip.mime,
    )
    return name, ""


def _let_fetch(cut: CutContext, clip: ClipDoc, token: str, state: State) -> UploadedFile | None:
    """Let the backend fetch the clip by itself; None where it must be sent after all."""
    names = names_by_url(cut.job.spec, clip.index)
    if not names:
        return None
    known = find_file(state, *names)
    if known is not None:
        return known
    url, nemo = cut.job.spec.clips[clip.index].url, cut.services.nemo
    try:
        files = nemo.upload_url(token, cut.doc.session_id, [url]).files
    except (TokenRejected, SessionLost):
        raise
    except BackendError as error:
        if error.retryable:
            raise
        _log.info("clip_not_fetched", extra={"row": cut.claim.row, "code": error.code})
        return None
    named = [file for file in files if file.filename]
    return named[-1] if named else find_file(nemo.state(token, cut.doc.session_id), *names)


def names_by_url(spec: JobSpec, index: int) -> tuple[str, ...]:
    """What a clip may be called that a backend fetches; none where that would not be one clip."""
    own = _last_segment(spec.clips[index].url)
    others = {_last_segment(c.url) for n, c in enumerate(spec.clips) if n != index}
    return (own, unquote(own)) if own and own not in others else ()


def _last_segment(url: str) -> str:
    return urlsplit(url).path.rstrip("/").rpartition("/")[2]


def _compare(fetched: UploadedFile, clip: ClipDoc) -> str:
    """A warning where the backend tells that it fetched other bytes than we did."""
    if _SHA256.fullmatch(fetched.hash) and fetched.hash.lower() != clip.sha256:
        return "The backend fetched other bytes from the clip's address than were compared here."
    return ""
