"""What the backend's refusals and failures mean.

BackendError
├── TokenRejected (1001, 1010, 1011, 401)   ├── CreditsSpent (2001)
├── SessionLost (1002, 404 detail)          ├── PlanBlocked (402)
├── FormatRefused (4001, 415)               ├── SizeRefused (4002, 413)
├── ScopeMissing (403)                      ├── ClientIdMissing (400 on the token call)
├── RateLimited (429)                       ├── MalformedRequest (400, 422: our fault)
├── RenderUnknown (404 on a render)         ├── DuplicateRender
├── ResultGone                              ├── BackendUnavailable (5xx, HTML, transport)
├── StreamBroken                            └── BackendConfused └── EventTooLong

SEED's error table and docs/protocol.md say what each means. No message holds a token.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from service.errors import BackendError

if TYPE_CHECKING:
    from service.nemo.transcript import Transcript


class TokenRejected(BackendError):
    """The backend does not accept the token: it is wrong, expired or revoked."""

    code = "token_rejected"
    hint = "Renew an anonymous token once; a tenant's own token must be replaced by its owner."


class SessionLost(BackendError):
    """The backend no longer knows this editing session; its timeline is lost."""

    code = "session_lost"
    hint = "Open a new session and upload again; ask before paying for the edit again."


class CreditsSpent(BackendError):
    """The backend account has no credits left."""

    code = "credits_spent"
    hint = "Register the account or top up its credits, then resume the job."


class FormatRefused(BackendError):
    """The backend does not take files of this format."""

    code = "format_refused"
    hint = "Supported: mp4, mov, avi, webm, mkv; jpg, png, gif, webp; mp3, wav, m4a, aac."


class SizeRefused(BackendError):
    """The file is too large for the backend."""

    code = "size_refused"
    hint = "Compress or trim it, for example: ffmpeg -i in.mp4 -c:v libx264 -crf 28 out.mp4"


class PlanBlocked(BackendError):
    """The account's plan does not allow export; this is not about credits."""

    code = "plan_blocked"
    hint = "Register or upgrade your plan to unlock export."


class ScopeMissing(BackendError):
    """The token lacks the scope for this call."""

    code = "scope_missing"
    hint = "Use a token with the scopes read, write, upload and render."


class ClientIdMissing(BackendError):
    """The backend wants an X-Client-Id to issue a token."""

    code = "client_id_missing"


class RateLimited(BackendError):
    """The backend limits how often this may be called."""

    code = "rate_limited"
    retryable = True
    hint = "One token per client in 7 days: keep the stored one, or set NEMO_TOKEN."

    def __init__(
        self, detail: str = "", *, retry_after_s: float | None = None, **extra: Any
    ) -> None:
        super().__init__(detail, **extra)
        self.retry_after_s = retry_after_s


class MalformedRequest(BackendError):
    """The backend found our request malformed; this is a fault of the product."""

    code = "malformed_request"


class BackendUnavailable(BackendError):
    """The backend cannot be reached or fails at the moment.

    `sent` says whether bytes of the request may have reached it: a call that costs money is only
    repeated when it is False. `silent` says that it kept us waiting too long.
    """

    code = "backend_unavailable"
    retryable = True

    def __init__(
        self, detail: str = "", *, sent: bool = True, silent: bool = False, **extra: Any
    ) -> None:
        super().__init__(detail, **extra)
        self.sent = sent
        self.silent = silent


class BreakKind(StrEnum):
    """How a stream ended that did not end well."""

    SILENT = "silent"  # no byte came for too long
    IDLE = "idle"  # heartbeats only, for too long
    TOTAL = "total"  # the stream as a whole took too long
    CUT = "cut"  # the connection broke
    REFUSED = "refused"  # an answer that is no stream and does not prove that nothing was done
    STOPPED = "stopped"  # we shut it down
    OVERSIZE = "oversize"  # one event above the limit


class StreamBroken(BackendError):
    """The stream broke after the message may have arrived: look at the state, never send again."""

    code = "stream_broken"

    def __init__(
        self, kind: BreakKind, detail: str = "", *, transcript: Transcript | None = None
    ) -> None:
        self.kind = kind
        self.transcript = transcript
        self.events = transcript.events if transcript else 0
        super().__init__(
            detail or f"The stream broke ({kind}).", kind=str(kind), events=self.events
        )


class RenderUnknown(BackendError):
    """The backend does not know this render id."""

    code = "render_unknown"


class DuplicateRender(BackendError):
    """The backend has already accepted this render id."""

    code = "duplicate_render"


class ResultGone(BackendError):
    """The link to a result does not work."""

    code = "result_gone"


class BackendConfused(BackendError):
    """The backend answered something that makes no sense here."""

    code = "backend_confused"

    def __init__(self, detail: str = "", *, http_status: int = 0, **extra: Any) -> None:
        super().__init__(detail, **extra)
        self.http_status = http_status


class EventTooLong(BackendConfused):
    """One event of the stream is above the limit."""

    code = "event_too_long"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"One event of the stream is above {limit_bytes} bytes.")
