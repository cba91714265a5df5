"""Fetching a clip from an address that a caller gave: guarded, bounded, judged by its content."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain

from service.clock import Clock
from service.errors import BodyTooLarge, FileTooLarge, MediaError, OutboundFailed
from service.media.files import Files, Stored
from service.media.formats import HEAD_BYTES, Format, check_upload
from service.outbound.session import GuardedSession, open_stream


class ClipUnreachable(MediaError):
    """The clip's address does not give the file."""

    code = "clip_unreachable"
    hint = "Check that the address is public and answers 200 without a login."


@dataclass(frozen=True, slots=True)
class ClipHead:
    """What a clip is; `size` in bytes is what its address says, if it does."""

    format: Format
    size: int | None


def fetch_clip(
    url: str,
    *,
    files: Files,
    key: str,
    session: GuardedSession,
    clock: Clock,
    max_bytes: int,
    deadline_s: float,
) -> Stored:
    """Stream a clip into the file store; what is no media file is refused by its first bytes.

    Raises:
        ClipUnreachable: the address answers, but not with a file; asking again will not help.
        UnsupportedFile, FileTooLarge: what it holds cannot be used.
        OutboundError: it does not answer, or is not allowed.
    """
    with _opened(url, session, clock, max_bytes, deadline_s) as (head, chunks, _):
        check_upload(head, "")
        return files.put(key, chain([head], chunks), max_bytes=max_bytes)


def look_at_clip(
    url: str, *, session: GuardedSession, clock: Clock, max_bytes: int, deadline_s: float
) -> ClipHead:
    """What an address gives, by its first bytes; the rest is not read.

    Raises:
        ClipUnreachable, UnsupportedFile, FileTooLarge, OutboundError: as `fetch_clip`.
    """
    with _opened(url, session, clock, max_bytes, deadline_s) as (head, _, size):
        return ClipHead(check_upload(head, ""), size)


@contextmanager
def _opened(
    url: str, session: GuardedSession, clock: Clock, max_bytes: int, deadline_s: float
) -> Iterator[tuple[bytes, Iterator[bytes], int | None]]:
    """The first bytes of a clip, the following ones, and how many it says it has."""
    with open_stream(session, url, deadline_s=deadline_s, clock=clock) as incoming:
        if incoming.status >= 500 or incoming.status in {408, 429}:
            raise OutboundFailed(f"The clip's address answered {incoming.status}.")
        if incoming.status != 200:
            raise ClipUnreachable(f"The clip's address answered {incoming.status}.")
        said = incoming.headers.get("Content-Length", "")
        chunks = incoming.chunks(max_bytes=max_bytes)
        try:
            yield _take(chunks, HEAD_BYTES), chunks, int(said) if said.isdecimal() else None
        except BodyTooLarge:
            raise FileTooLarge(f"The clip is larger than {max_bytes} bytes.") from None


def _take(chunks: Iterator[bytes], size: int) -> bytes:
    """The first pieces, until they hold `size` bytes or there are no more."""
    head = b""
    for piece in chunks:
        head += piece
        if len(head) >= size:
            break
    return head
