# size: one tree of errors, read as one
"""Every error of the product, one tree.

CaptionAbError
├── InvalidRequest            the caller's input; `errors` names each field
│   ├── CaptionsRequired      no captions given and the backend cannot transcribe
│   ├── Unrehearsed           a dry run found clips or assets that cannot be had or used
│   ├── UploadMissing         a new job names an upload that is not there
│   └── IdempotencyReused     one key, two bodies
├── Unauthorized, Forbidden, NotFound, Gone, Conflict
│   ├── KeyScopeMissing       the key is good, but not for this route
│   ├── UploadGone            an upload of a job that is tried again is not there any more
│   ├── IdempotencyBusy       the same request is being answered
│   └── AccountChanged        the job belongs to another backend account than the one in use
├── QuotaExceeded             the caller's own limit; come back later
│   ├── RateExceeded          too many requests or jobs in a minute; says when the next may come
│   ├── CreditQuotaExceeded   a key's credits of this month
│   └── ExperimentFull        an experiment, or a tenant's, has as many outcomes as are kept
├── MediaError                a clip or an asset; raised before any credit is spent
│   ├── UnsupportedFile (4001), FileTooLarge (4002), FileMissing, ProbeFailed
├── StoreError                Redis
│   ├── StoreUnavailable      away, full or read-only; retry
│   ├── ClockRefused          the time given is implausible; no work is taken
│   └── StoreRefused          a command said no; `Refusal` says why
├── BackendError              the NemoVideo backend; subclasses in service/nemo/errors.py
├── OutboundError             an address somebody gave
│   ├── AddressRefused, OutboundTimeout, BodyTooLarge
│   └── OutboundFailed
│       ├── NameUnknown, ConnectionRefused, TlsFailed
└── StartupError              this process must not run as configured

Each class fixes a stable `code`, whether trying again may help (`retryable`) and, where there is
one, what its reader should do (`hint`). Foreign errors are translated at the edge that meets them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """One fault in a request. `pointer` is a JSON pointer fragment, such as `#/clips/0/url`."""

    pointer: str
    detail: str


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """An error as a value: what a job, a cut or an event carries. Holds no secrets."""

    code: str
    detail: str
    hint: str = ""
    retryable: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "code": self.code,
            "detail": self.detail,
            "retryable": self.retryable,
        }
        if self.hint:
            body["hint"] = self.hint
        return {**body, **self.extra}


class CaptionAbError(Exception):
    """Something went wrong in Caption AB."""

    code: ClassVar[str] = "internal"
    retryable: ClassVar[bool] = False
    hint: ClassVar[str] = ""
    #: Seconds after which a step tries again; none takes the setting `step_retry_s`.
    retry_in_s: ClassVar[float | None] = None

    def __init__(self, detail: str = "", *, hint: str = "", **extra: Any) -> None:
        self.detail = detail or (self.__doc__ or "").splitlines()[0]
        self.hint_text = hint or self.hint
        self.extra = extra
        super().__init__(self.detail)

    @property
    def info(self) -> ErrorInfo:
        return ErrorInfo(self.code, self.detail, self.hint_text, self.retryable, self.extra)


class InvalidRequest(CaptionAbError):
    """The request is not valid."""

    code = "invalid_request"
    hint = "Correct the fields named in `errors` and send the request again."

    def __init__(
        self, detail: str = "", errors: Sequence[FieldError] = (), *, hint: str = "", **extra: Any
    ) -> None:
        super().__init__(detail, hint=hint, **extra)
        self.errors = tuple(errors)


class CaptionsRequired(InvalidRequest):
    """The job has no captions and this backend cannot transcribe the clip."""

    code = "captions_required"
    hint = "Send `captions` with the job, as SRT, VTT, TTML or plain text."


class Unrehearsed(InvalidRequest):
    """A dry run found clips or assets that cannot be had or used."""

    code = "unrehearsed"
    hint = "Mend what `errors` names. An address that did not answer may do so later."


class UploadMissing(InvalidRequest):
    """The job names an upload that is not there."""

    code = "upload_missing"
    hint = "It was never made, has expired or was deleted. Upload the file again."


class IdempotencyReused(InvalidRequest):
    """This Idempotency-Key was used with another body."""

    code = "idempotency_key_reused"
    hint = "Use a new key for a new request, or send the first body again."


class Unauthorized(CaptionAbError):
    """The API key is missing, malformed, unknown or expired."""

    code = "unauthorized"
    hint = "Send `Authorization: Bearer cab_...` with a key made by `caption-ab keys create`."


class Forbidden(CaptionAbError):
    """This key may not do that."""

    code = "forbidden"
    hint = "Use a key with the scope that the route names."


class KeyScopeMissing(Forbidden):
    """This API key lacks the scope that the route needs."""

    code = "key_scope_missing"
    hint = "Use a key that has the scope named in `scope`; a key's own scopes never change."


class NotFound(CaptionAbError):
    """There is no such resource for this key."""

    code = "not_found"
    hint = "Check the id, and that the key belongs to the tenant that made it."


class Gone(CaptionAbError):
    """The resource has expired or was deleted."""

    code = "gone"
    hint = "Its time to live has passed or it was deleted; make it anew."


class UploadGone(Gone):
    """An upload has expired or was deleted; `upload_id` says which."""

    code = "upload_gone"
    hint = UploadMissing.hint


class Conflict(CaptionAbError):
    """The resource is in a state that does not allow this."""

    code = "conflict"
    hint = "Read the resource and decide by its status."


class IdempotencyBusy(Conflict):
    """A request with this Idempotency-Key is being answered at this moment."""

    code = "idempotency_key_in_use"
    retryable = True
    hint = "Send the same request again in a few seconds; it gets the same answer."


class AccountChanged(Conflict):
    """The tenant uses another backend account now than the one that this job belongs to."""

    code = "account_changed"
    hint = "Go back to the job's account, or `retry` it: that makes a new job, paid anew."


class QuotaExceeded(CaptionAbError):
    """A limit of this tenant is reached."""

    code = "quota_exceeded"
    retryable = True
    hint = "Wait until a running job has ended, then send the request again."


class RateExceeded(QuotaExceeded):
    """This API key has sent too many requests, or had too many jobs accepted, in a minute."""

    code = "rate_exceeded"
    hint = "Wait for the seconds that `Retry-After` names, then send the request again."

    def __init__(
        self, detail: str = "", *, policy: str = "default", retry_after_s: int = 60
    ) -> None:
        named: dict[str, Any] = {"violated-policies": [policy], "retry_after_s": retry_after_s}
        super().__init__(detail, **named)
        self.policy, self.retry_after_s = policy, retry_after_s


class CreditQuotaExceeded(QuotaExceeded):
    """The work could cost more than what this API key has left of its month's credits."""

    code = "credit_quota_exceeded"
    retryable = False
    hint = "Use another key, have its `month_credits` raised, or wait for the next month (UTC)."


class ExperimentFull(QuotaExceeded):
    """As many units and outcomes are kept of this experiment, or of its tenant's, as may be."""

    code = "experiment_full"
    retryable = False
    hint = "Send aggregates in place of single outcomes, or have the limit raised."


class MediaError(CaptionAbError):
    """A media file cannot be used."""

    code = "media"


class UnsupportedFile(MediaError):
    """The file is not of a supported format."""

    code = "unsupported_file"
    hint = (
        "Supported: mp4, mov, avi, webm, mkv; jpg, png, gif, webp; mp3, wav, m4a, aac. "
        "The content decides, not the name."
    )


class FileTooLarge(MediaError):
    """The file is larger than the limit."""

    code = "file_too_large"
    hint = "Compress or trim it, for example: ffmpeg -i in.mp4 -c:v libx264 -crf 28 out.mp4"


class FileMissing(MediaError):
    """The file is not in the store."""

    code = "file_missing"


class ProbeFailed(MediaError):
    """The file opens but does not hold a playable video."""

    code = "probe_failed"
    hint = "See that the file plays, then send it again; ffmpeg -i in.mp4 out.mp4 may mend it."


class StoreError(CaptionAbError):
    """The job store failed."""

    code = "store"


class StoreUnavailable(StoreError):
    """The job store cannot be reached or takes no writes at the moment."""

    code = "store_unavailable"
    retryable = True
    hint = (
        "Send the same request again in a few seconds. An answer on its way may have been lost: "
        "with the same `Idempotency-Key` nothing is done twice, and an outcome is counted once."
    )


class ClockRefused(StoreError):
    """The time of this process is too far from the store's."""

    code = "clock_refused"
    retryable = True
    hint = "Check the clock of the Redis host; see docs/operations.md, 'Clock'."


class StoreRefused(StoreError):
    """A store command refused: the row is not ours, not ready or not there."""

    code = "store_refused"


class BackendError(CaptionAbError):
    """The NemoVideo backend did not do what was asked."""

    code = "backend"


class OutboundError(CaptionAbError):
    """An address that was given to us could not be used."""

    code = "outbound"


class AddressRefused(OutboundError):
    """The address is not a public one, or its form is not allowed."""

    code = "address_refused"
    hint = "Give a public https address without credentials."


class OutboundTimeout(OutboundError):
    """The address did not answer in time."""

    code = "outbound_timeout"
    retryable = True


class OutboundFailed(OutboundError):
    """The address could not be reached or broke off."""

    code = "outbound_failed"
    retryable = True


class NameUnknown(OutboundFailed):
    """The name of the address leads nowhere."""

    code = "outbound_name_unknown"
    hint = "Check the name for a mistake, and that it is in the public DNS."


class ConnectionRefused(OutboundFailed):
    """Nothing listens at the port of the address."""

    code = "outbound_refused"
    hint = "Check that the receiver runs, and its port and firewall."


class TlsFailed(OutboundFailed):
    """The certificate or TLS of the address was not accepted."""

    code = "outbound_tls"
    hint = "Check that the certificate is valid, for this name, and sent with its whole chain."


class BodyTooLarge(OutboundError):
    """The answer is larger than allowed."""

    code = "body_too_large"


class StartupError(CaptionAbError):
    """This process must not run as it is configured."""

    code = "startup"
