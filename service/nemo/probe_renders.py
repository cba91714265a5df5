"""The free half of a probe: render, download, and errors that harm nobody."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager

from service.nemo.errors import BackendUnavailable, RateLimited, ResultGone
from service.nemo.probe_bench import Bench, StepSkipped
from service.nemo.render import RenderState, RenderStatus

_OUTPUT = {"format": "mp4", "quality": "high"}
_TEXT_FILE = b"Caption AB probe: not a video.\n"


def render_and_fetch(bench: Bench) -> None:
    """Submit a render of the draft as it is, poll it, fetch the result in both ways."""
    render_id = f"render_{uuid.uuid4()}"
    started_s = bench.clock.monotonic_s()
    if bench.run("render_submit", "Submitting a render", lambda: _submit(bench, render_id)) is None:
        return
    done = bench.run("render_poll", "Polling the render", lambda: _poll(bench, render_id))
    if done is not None and done.status is RenderState.COMPLETED:
        bench.facts.render_seconds = round(bench.clock.monotonic_s() - started_s, 1)
        bench.facts.result_url = done.url
    bench.run("download", "Downloading the result", lambda: _download(bench))
    bench.run("fallback", "Trying the other way to it", lambda: _fall_back(bench, render_id))


def look_at_result_again(bench: Bench, fetched_s: float) -> None:
    """See whether the result's address still works at the end of the run."""

    def look() -> None:
        if not bench.facts.result_bytes:
            raise StepSkipped("no result was downloaded")
        url, limit = bench.facts.result_url, bench.settings.result_max_bytes
        _first_piece(bench.client.download(url, max_bytes=limit))
        after_s = bench.clock.monotonic_s() - fetched_s
        bench.facts.url_still_works_after_s = round(after_s, 1)

    bench.run("download_again", "Opening the result's address again", look)


def provoke_errors(bench: Bench) -> None:
    """Four mistakes that cost nothing: their answers are what is wanted."""
    unknown = str(10**18 + secrets.randbelow(10**18))
    bench.run(
        "unknown_session",
        "Asking for a session that does not exist",
        lambda: bench.client.state(bench.token, unknown),
    )
    bench.run(
        "unknown_render",
        "Asking for a render that does not exist",
        lambda: bench.client.poll_render(bench.token, f"render_{uuid.uuid4()}"),
    )
    bench.run(
        "no_client_id",
        "Asking for a token without a client id",
        lambda: bench.exchange.post("/api/auth/anonymous-token", ""),
    )
    bench.run("text_file", "Uploading a text file of 31 bytes", lambda: _upload_text(bench))


def _submit(bench: Bench, render_id: str) -> RenderStatus:
    state = bench.client.state(bench.token, bench.session_id)
    if state.draft is None or not state.exportable:
        raise StepSkipped("there is no timeline to render")
    bench.facts.draft = bench.facts.draft or state.draft
    return bench.client.submit_render(
        bench.token,
        render_id=render_id,
        session_id=bench.session_id,
        draft=state.draft,
        output=_OUTPUT,
    )


def _poll(bench: Bench, render_id: str) -> RenderStatus:
    last = "no answer"
    for _ in range(bench.settings.poll_limit):
        bench.clock.sleep(bench.settings.poll_every_s)
        try:
            status = bench.client.poll_render(bench.token, render_id)
        except (BackendUnavailable, RateLimited) as error:
            last = error.detail
            continue
        last = status.status.value
        if status.status is RenderState.FAILED:
            bench.say(f"the render failed: {status.error}")
            return status
        if status.status is RenderState.COMPLETED and status.url:
            return status
    raise ResultGone(f"No result after {bench.settings.poll_limit} polls: {last}.")


def _download(bench: Bench) -> None:
    if not bench.facts.result_url:
        raise StepSkipped("there is no address of a result")
    digest, size = hashlib.sha256(), 0
    limit = bench.settings.result_max_bytes
    with bench.client.download(bench.facts.result_url, max_bytes=limit) as pieces:
        for piece in pieces:
            digest.update(piece)
            size += len(piece)
    bench.facts.result_bytes, bench.facts.result_sha256 = size, digest.hexdigest()
    bench.say(f"{size:,} bytes")


def _fall_back(bench: Bench, render_id: str) -> None:
    limit = bench.settings.result_max_bytes
    _first_piece(bench.client.download_fallback(bench.token, render_id, max_bytes=limit))
    first = bench.recorder.of_step("fallback")[0]
    kind = first.header("Content-Type") or "no content type"
    bench.facts.fallback = f"HTTP {first.status}, {kind}"
    bench.say(bench.facts.fallback)


def _first_piece(opened: AbstractContextManager[Iterator[bytes]]) -> bytes:
    """The beginning of a file; the rest is left where it is."""
    with opened as pieces:
        return next(pieces, b"")


def _upload_text(bench: Bench) -> None:
    bench.client.upload(
        bench.token,
        bench.session_id,
        filename="probe.txt",
        size=len(_TEXT_FILE),
        chunks=[_TEXT_FILE],
        content_type="text/plain",
    )
    bench.say("it was accepted")
