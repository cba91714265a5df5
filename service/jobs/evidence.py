"""What is kept of a paid stream, and what it tells whoever looks for the edit later."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress

from service.errors import StoreError
from service.jobs.context import CutContext
from service.model.cut import CutDoc, EditIntent, Failure
from service.nemo.fingerprints import Compared, compare
from service.nemo.reply import present_reply
from service.nemo.transcript import Transcript
from service.nemo.wire import State
from service.store.observed import observe

#: Of what a backend said about an edit that was not seen, at most.
MAX_SAID_CHARS = 600


def is_being_read(evidence: Mapping[str, str], intent: EditIntent, cut: CutContext) -> bool:
    """Whether a process that lost this row still reads its stream, by its own recent word."""
    services = cut.services
    if evidence.keys() & {"done", "broken"}:
        return False
    now_ms, word = services.clock.now_ms(), int(evidence.get("reading", "0"))
    fresh = now_ms - word < services.settings.reading_fresh_s * 1000
    return fresh and now_ms - intent.at_ms < services.settings.stream_total_s * 1000


def is_changed(state: State, intent: EditIntent, cut: CutContext) -> bool:
    """Whether a session is known to be another than before the intent.

    What another release wrote down cannot be compared; a change that was seen once is known.
    """
    compared, recovery = compare(state, intent.fingerprint), cut.doc.recovery
    if compared is Compared.UNKNOWN:
        return recovery is not None and bool(recovery.seen)
    return compared is Compared.CHANGED


def kept_transcript(done: str) -> Transcript:
    """What the evidence of a stream kept of its words."""
    kept = json.loads(done) if done else {}
    return Transcript(text=kept.get("text", ""), tools=tuple(kept.get("tools", ())))


def words_of(evidence: Mapping[str, str]) -> str:
    """What the backend said in a stream that is over, as it may be shown; empty when nothing."""
    kept = evidence.get("done") or evidence.get("broken") or ""
    try:
        heard = kept_transcript(kept)
    except ValueError:  # it is cut at 4 kB, so that it may not read
        return ""
    text = present_reply(heard.text, heard.tools, None, None).text
    return text if len(text) <= MAX_SAID_CHARS else text[: MAX_SAID_CHARS - 1] + "…"


def unconfirmed(doc: CutDoc, charged: str, said: str) -> Failure:
    """Why a cut ends whose edit was sent and never seen; `said` are the backend's own words."""
    hint = "`retry` makes a new job of the same request, which is paid for anew."
    if doc.revision > 1:
        hint = "Send the message again under another Idempotency-Key; it may be paid for again."
    if said:
        hint = f"`said` is what the backend answered; it may name what to correct first. {hint}"
    extra = {"charged": charged, "reason": doc.recovery.reason if doc.recovery else ""}
    return Failure(
        "edit_unconfirmed",
        "The edit was sent once, and no change was seen in its session within five minutes.",
        hint=hint,
        stage="recovering",
        extra={**extra, "said": said} if said else extra,
    )


def keep_evidence(
    cut: CutContext, intent: EditIntent, kind: str, transcript: Transcript | None
) -> None:
    """Write down what a stream said, whoever owns its row by now."""
    seen = transcript or Transcript()
    body = json.dumps(
        {"text": seen.text[:2000], "tools": seen.tools[:20], "events": seen.events},
        ensure_ascii=False,
    )
    now_ms = cut.services.clock.now_ms()
    cut.services.commands.evidence(cut.claim.row, intent.edit_id, kind, body, now_ms=now_ms)
    if kind == "done":
        with suppress(StoreError):  # a paid edit does not hang on how long it took
            observe(cut.services.connection, "edit", now_ms - intent.at_ms)
