"""The NemoVideo backend as an object: one method for each call of its protocol.

Every method takes the token it acts with; who owns tokens and when they are renewed is not decided
here. Docs: docs/protocol.md sections 1-7.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from urllib.parse import quote

import requests

from service.clock import Clock
from service.errors import BackendError
from service.nemo.dialogue import OnEvent, StreamControl, converse
from service.nemo.downloads import Downloads, join_url
from service.nemo.errors import (
    BackendConfused,
    ClientIdMissing,
    MalformedRequest,
    RenderUnknown,
    ResultGone,
    SessionLost,
)
from service.nemo.exchange import BeforeSend, Exchange, OpenSession
from service.nemo.limits import Limits
from service.nemo.render import RenderStatus, find_result_url, parse_render, tells_status
from service.nemo.transcript import Transcript
from service.nemo.uploads import Chunks, send_file
from service.nemo.wire import (
    Credits,
    Session,
    State,
    Token,
    Uploaded,
    parse_credits,
    parse_session,
    parse_state,
    parse_token,
    parse_uploaded,
    pick,
    unwrap,
)


class NemoClient:
    """Speaks to one backend address.

    `session` carries the API calls and the token, `download_session` neither token nor attribution.
    `open_session` gives a new API session for each call that must not be made twice; without it
    they share `session`. All refuse addresses by themselves (service.outbound) and never retry.
    """

    def __init__(
        self,
        api_url: str,
        session: requests.Session,
        download_session: requests.Session,
        *,
        platform: str,
        limits: Limits,
        clock: Clock,
        web_url: str = "https://nemovideo.com",
        open_session: OpenSession | None = None,
    ) -> None:
        self._exchange = Exchange(
            api_url=api_url,
            session=session,
            platform=platform,
            limits=limits,
            clock=clock,
            open_session=open_session,
        )
        self._downloads = Downloads(download_session, limits, clock)
        self._web_url = web_url.rstrip("/")

    def issue_token(self, client_id: str) -> Token:
        """Get an anonymous token with 100 credits for 7 days; at most one per client in that time.

        Raises:
            RateLimited: this client has had one; SEED: wait 30 s and try once more, then stop.
            ClientIdMissing: the backend did not accept the client id.
        """
        try:
            body = self._exchange.post(
                "/api/auth/anonymous-token", "", None, headers={"X-Client-Id": client_id}
            )
        except MalformedRequest as error:
            raise ClientIdMissing(error.detail) from None
        return parse_token(body)

    def create_session(self, token: str, *, language: str, task_name: str = "project") -> Session:
        """Open an editing session; not idempotent, so never repeated after it was sent."""
        payload = {"task_name": task_name, "language": language}
        return parse_session(
            self._exchange.post("/api/tasks/me/with-session/nemo_agent", token, payload)
        )

    def upload(
        self,
        token: str,
        session_id: str,
        *,
        filename: str,
        size: int,
        chunks: Chunks,
        content_type: str,
    ) -> Uploaded:
        """Send a file of `size` bytes into a session, streamed.

        `chunks` is an iterable, or a function that opens one: only then is there a second try, and
        only after the state has shown that the first did not arrive. `filename` must be unique in
        the session for that.

        Raises:
            FormatRefused, SizeRefused: 4001, 4002.
            MediaError: the file does not have `size` bytes.
        """
        return send_file(
            self._exchange,
            token,
            session_id,
            filename=filename,
            size=size,
            chunks=chunks,
            content_type=content_type,
        )

    def upload_url(self, token: str, session_id: str, urls: Sequence[str]) -> Uploaded:
        """Let the backend fetch files by itself; the addresses must be public."""
        path = f"/api/upload-video/nemo_agent/me/{_segment(session_id)}"
        payload = {"urls": list(urls), "source_type": "url"}
        return parse_uploaded(self._exchange.post(path, token, payload))

    def credits(self, token: str) -> Credits:
        """Read the account's balance."""
        return parse_credits(self._exchange.get("/api/credits/balance/simple", token))

    def state(self, token: str, session_id: str) -> State:
        """Read a session's state.

        Raises:
            SessionLost: the backend does not know the session (any more).
        """
        path = f"/api/state/nemo_agent/me/{_segment(session_id)}/latest"
        return parse_state(self._exchange.get(path, token))

    def converse(
        self,
        token: str,
        session_id: str,
        text: str,
        *,
        edit_id: str,
        on_event: OnEvent,
        stop: StreamControl,
        before_send: BeforeSend | None = None,
    ) -> Transcript:
        """Send a message that may cost credits and read the answer; see service.nemo.dialogue."""
        return converse(
            self._exchange,
            token,
            session_id,
            text,
            edit_id=edit_id,
            on_event=on_event,
            stop=stop,
            before_send=before_send,
        )

    def submit_render(
        self,
        token: str,
        *,
        render_id: str,
        session_id: str,
        draft: Mapping[str, Any],
        output: Mapping[str, Any],
        edit_id: str = "",
        before_send: BeforeSend | None = None,
    ) -> RenderStatus:
        """Ask for a render under an id of ours; the draft passes through untouched.

        Raises:
            DuplicateRender: the id was accepted before: poll it.
            BackendUnavailable: with `sent`, poll the id to see whether it arrived.
            PlanBlocked: the plan does not allow export.
        """
        payload = {
            "id": render_id,
            "sessionId": session_id,
            "draft": draft,
            "output": dict(output),
        }
        body = self._exchange.post(
            "/api/render/proxy/lambda",
            token,
            payload,
            headers={"X-Request-Id": edit_id} if edit_id else None,
            before_send=before_send,
            accept=tells_status,
        )
        return parse_render(body)

    def poll_render(self, token: str, render_id: str) -> RenderStatus:
        """Look at a render.

        Raises:
            RenderUnknown: the backend does not know the id.
        """
        try:
            body = self._exchange.get(_render_path(render_id), token, accept=tells_status)
        except (BackendConfused, SessionLost) as error:
            if isinstance(error, SessionLost) or error.http_status == 404:
                raise RenderUnknown(error.detail) from None
            raise
        return parse_render(body)

    def cancel_render(self, token: str, render_id: str) -> bool:
        """Ask the backend to drop a render; best effort, says whether it agreed."""
        try:
            self._exchange.post(f"{_render_path(render_id)}/cancel", token)
        except BackendError:
            return False
        return True

    def claim_link(self, token: str, session: Session) -> str:
        """A link that opens the project in a browser, valid for 7 days, without API rights."""
        payload = {"task_id": session.task_id, "session_id": session.session_id}
        data = unwrap(self._exchange.post("/api/auth/claim-token", token, payload))
        claim = pick(data, "claim_token")
        if not isinstance(claim, str) or not claim:
            raise BackendConfused("The claim reply holds no claim token.")
        return f"{self._web_url}/workspace/claim?ct={quote(claim, safe='')}"

    def register_link(self, user_id: str) -> str:
        """Where the owner of an anonymous account registers and keeps its work (SEED)."""
        bind = f"?bind={quote(user_id, safe='')}" if user_id else ""
        return f"{self._web_url}/register{bind}"

    def download(self, url: str, *, max_bytes: int) -> AbstractContextManager[Iterator[bytes]]:
        """Fetch a result, without token and attribution; gives an iterator of its pieces.

        Raises:
            ResultGone: the address does not work: use `download_fallback`.
            BodyTooLarge, BackendUnavailable, AddressRefused: also while reading.
        """
        return self._downloads.open(url, max_bytes=max_bytes)

    @contextmanager
    def download_fallback(
        self, token: str, render_id: str, *, max_bytes: int
    ) -> Iterator[Iterator[bytes]]:
        """Fetch a result through the API (7.2), which gives bytes, a redirect or JSON with a url.

        Raises:
            ResultGone: it gives none of them.
        """
        path = f"/api/render/proxy/{_segment(render_id)}/download"
        response = self._exchange.open("GET", path, token, headers={"Accept": "*/*"})
        content_type = response.headers.get("Content-Type", "").lower()
        if response.status_code == 200 and not content_type.startswith(
            ("application/json", "text/")
        ):
            with response:
                yield self._downloads.pieces(response, max_bytes)
            return
        url = self._find_result(response, token)
        with self._downloads.open(url, max_bytes=max_bytes) as pieces:
            yield pieces

    def _find_result(self, response: requests.Response, token: str) -> str:
        content = self._exchange.read(response)
        if response.is_redirect:
            return join_url(response.url, response.headers.get("Location", ""))
        url = find_result_url(content)
        if response.status_code == 200 and url:
            return url
        error = self._exchange.refusal(response, content, token)
        raise error or ResultGone("The backend has no result for this render.")


def _segment(text: str) -> str:
    return quote(text, safe="")


def _render_path(render_id: str) -> str:
    return f"/api/render/proxy/lambda/{_segment(render_id)}"
