"""Fetching a clip from an address that a caller gave: guarded, bounded, judged by its content."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from service.clock import Clock
from service.errors import BodyTooLarge, FileTooLarge, MediaError, OutboundFailed
from service.media.files import Files, Stored
from service.media.formats import HEAD_BYTES, check_upload
from service.outbound.session import GuardedSession, open_stream


class ClipUnreachable(MediaError):
    """The clip's address does not give the file."""

    code = "clip_unreachable"
    hint = "Check that the address is public and answers 200 without a login."


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
    with open_stream(session, url, deadline_s=deadline_s, clock=clock) as incoming:
        if incoming.status >= 500 or incoming.status in {408, 429}:
            raise OutboundFailed(f"The clip's address answered {incoming.status}.")
        if incoming.status != 200:
            raise ClipUnreachable(f"The clip's address answered {incoming.status}.")
        chunks = incoming.chunks(max_bytes=max_bytes)
        try:
            head = _take(chunks, HEAD_BYTES)
            check_upload(head, "")
            return files.put(key, chain([head], chunks), max_bytes=max_bytes)
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
