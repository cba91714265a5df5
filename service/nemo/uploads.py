"""Sending one file into a session: streamed, and never blindly twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from urllib.parse import quote

from service.nemo.body import GatedBody, MultipartFile
from service.nemo.errors import BackendUnavailable
from service.nemo.exchange import Exchange
from service.nemo.wire import Uploaded, parse_state, parse_uploaded, read_file

Chunks = Iterable[bytes] | Callable[[], Iterable[bytes]]


def send_file(
    exchange: Exchange,
    token: str,
    session_id: str,
    *,
    filename: str,
    size: int,
    chunks: Chunks,
    content_type: str,
) -> Uploaded:
    """Upload a file; see `NemoClient.upload`."""
    place = quote(session_id, safe="")

    def send() -> Uploaded:
        source = chunks() if callable(chunks) else chunks
        form = MultipartFile(
            field="files",
            filename=filename,
            content_type=content_type,
            size=size,
            chunks=_in_time(exchange, source),
        )
        body = GatedBody(form, len(form))
        path = f"/api/upload-video/nemo_agent/me/{place}"
        return parse_uploaded(exchange.post_body(path, token, body, form.content_type))

    try:
        return send()
    except BackendUnavailable as error:
        arrived = _find(exchange, token, place, filename) if error.sent else None
        if arrived is not None:
            return arrived
        if not callable(chunks):
            raise
    exchange.clock.sleep(exchange.limits.backoff_s[0])
    return send()


def _find(exchange: Exchange, token: str, place: str, filename: str) -> Uploaded | None:
    """The file as the state shows it, when the upload arrived although its reply did not."""
    state = parse_state(exchange.get(f"/api/state/nemo_agent/me/{place}/latest", token))
    found = [read_file(info) for info in state.video_infos if isinstance(info, Mapping)]
    same = tuple(file for file in found if file.filename == filename)
    return Uploaded(same[-1:], session_state_applied=True) if same else None


def _in_time(exchange: Exchange, chunks: Iterable[bytes]) -> Iterator[bytes]:
    until_s = exchange.clock.monotonic_s() + exchange.limits.transfer_s
    for chunk in chunks:
        if exchange.clock.monotonic_s() > until_s:
            raise BackendUnavailable("The upload took too long.", sent=True)
        yield chunk
