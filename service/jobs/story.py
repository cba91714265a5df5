"""The whole story of a job in the order of time, and what of it is open now. Pure.

Told from what the store keeps anyway: events, intents, renders, lost streams, deliveries. Holds no
token and no signed link, and of a webhook's address its host alone.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from service.experiments.standing import standing_data
from service.model.cut import CutDoc, EditIntent, Recovery, RenderIntent
from service.model.delivery import DeliveryDoc
from service.model.documents import read_document
from service.model.job import Job
from service.model.lifecycle import RowKind
from service.model.origin import read_origin
from service.model.rows import row_id, row_kind
from service.store.story import JobSeen, RowSeen
from service.webhooks.events import iso_time

_TEXT_CHARS = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened. `unit` is `job`, a cut such as `0.A.1`, or a clip such as `0`."""

    at_ms: int
    unit: str
    what: str
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        body = {"at": iso_time(self.at_ms), "unit": self.unit, "what": self.what}
        return {**body, "text": self.text, "data": dict(self.data)}


def build_story(
    job: Job,
    events: Sequence[Mapping[str, Any]],
    seen: JobSeen,
    *,
    now_ms: int,
    for_operator: bool = False,
) -> dict[str, Any]:
    """The story as the API tells it; an operator is also told which process holds a row."""
    entries = [_event(each) for each in events]
    for row in seen.rows:
        entries += _row_entries(row, seen.evidence)
    entries.sort(key=lambda each: each.at_ms)
    still_open = {row.row: row for row in seen.rows if row.fields["open"] == "1"}
    return {
        "object": "story",
        "job_id": job.id,
        "name": job.spec.name,
        "status": job.status.value,
        "request_id": read_origin(seen.origin).request_id or None,
        "credits": {"reserved": job.reserved, "charged": job.charged},
        "experiment": standing_data(job.experiment),
        "told_at": iso_time(now_ms),
        "entries": [each.as_dict() for each in entries],
        "open": [_open(row, still_open, now_ms, for_operator) for row in still_open.values()],
    }


def _event(event: Mapping[str, Any]) -> Entry:
    data = event["data"]
    at_ms = int(datetime.fromisoformat(event["timestamp"]).timestamp() * 1000)
    return Entry(at_ms, _unit(data), "event", _event_text(event), {"sequence": event["sequence"]})


def _unit(data: Mapping[str, Any]) -> str:
    cut = data.get("cut")
    if isinstance(cut, Mapping):
        return f"{cut['clip']}.{cut['label']}.{cut.get('revision', 1)}"
    if isinstance(cut, str):
        return cut
    return str(data["clip"]) if isinstance(data.get("clip"), int) else "job"


def _event_text(event: Mapping[str, Any]) -> str:
    error = event["data"].get("error")
    if isinstance(error, Mapping):
        return f"{event['type']}: {error.get('code')}: {error.get('detail')}"
    return str(event["type"])


def _row_entries(row: RowSeen, evidence: Mapping[str, Mapping[str, str]]) -> Iterator[Entry]:
    match row_kind(row.row):
        case RowKind.CUT:
            yield from _cut(row, evidence)
        case RowKind.DELIVERY:
            yield from _delivery(read_document(DeliveryDoc, row.fields["doc"]))
        case _:
            return


def _cut(row: RowSeen, evidence: Mapping[str, Mapping[str, str]]) -> Iterator[Entry]:
    doc, unit = read_document(CutDoc, row.fields["doc"]), row_id(row.row).partition(".")[2]
    if doc.intent is not None:
        yield _intent(doc, doc.intent, evidence.get(doc.intent.edit_id, {}), unit)
    if doc.survived is not None:
        yield from _loss(doc.survived, unit, " The cut went on.")
    if doc.recovery is not None:
        yield from _loss(doc.recovery, unit)
    if doc.render is not None:
        yield _render(doc.render, unit)


def _loss(lost: Recovery, unit: str, end: str = "") -> Iterator[Entry]:
    text = f"stream lost: {lost.reason} Looked for the edit {lost.looks} times.{end}"
    yield Entry(lost.since_ms, unit, "recovery", text, {"looks": lost.looks})
    if lost.seen_ms:
        yield Entry(lost.seen_ms, unit, "recovery", "a change was seen in the session")


def _charged(doc: CutDoc) -> str:
    """Whether the edit was charged, by whatever knows: the edit, else how the cut has ended."""
    if doc.edit is not None:
        return doc.edit.charged
    return str(doc.failure.extra.get("charged", "")) if doc.failure is not None else ""


def _intent(doc: CutDoc, intent: EditIntent, seen: Mapping[str, str], unit: str) -> Entry:
    balance = "" if intent.balance is None else f", balance {intent.balance}"
    charged, what = _charged(doc), f"edit {intent.edit_id} written down before it was sent{balance}"
    text = f"{what}; charged: {charged or 'not known yet'}"
    data: dict[str, Any] = {"edit_id": intent.edit_id, "fence": intent.fence, "seen": sorted(seen)}
    if charged:
        data["charged"] = charged
    if doc.edit is not None:
        data["credits"] = doc.edit.credits
    for kind in ("done", "broken"):
        if kind in seen:
            said = _said(seen[kind])
            text += f"; stream {kind} after {said.get('events', 0)} events"
            data["said"] = str(said.get("text", ""))[:_TEXT_CHARS]
    return Entry(intent.at_ms, unit, "intent", text, data)


def _said(text: str) -> dict[str, Any]:
    """Evidence is cut at 4 kB, so that it may not read."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _render(render: RenderIntent, unit: str) -> Entry:
    sent = "submitted" if render.submitted else "written down, not known to be submitted"
    text = f"render {render.render_id} {sent}, try {render.attempt}; polled {render.polls} times"
    data = {"render_id": render.render_id, "polls": render.polls, "progress": render.progress}
    return Entry(render.at_ms, unit, "render", f"{text}{', done' if render.done else ''}", data)


def _delivery(doc: DeliveryDoc) -> Iterator[Entry]:
    parts = urlsplit(doc.url)
    where = f"{parts.scheme}://{parts.hostname}"  # paths of webhooks are secrets often enough
    for number, each in enumerate(doc.attempts, start=1):
        answer = f"HTTP {each.status}" if each.status else f"no answer ({each.note})"
        text = f"event {doc.sequence} to {where}, try {number}: {answer} in {each.duration_ms} ms"
        data = {
            "sequence": doc.sequence,
            "status": each.status,
            "note": each.error or each.said[:_TEXT_CHARS],
            "trigger": each.trigger.value,
            "message_id": doc.message_id,
        }
        yield Entry(each.at_ms, "job", "delivery", text, data)


def _open(
    row: RowSeen,
    still_open: Container[str],
    now_ms: int,
    for_operator: bool,  # noqa: FBT001
) -> dict[str, Any]:
    fields, lease = row.fields, int(row.fields.get("lease", 0))
    owner = fields.get("owner", "")
    return {
        "row": row.row,
        "state": fields["state"],
        "queue": fields["queue"],
        "held_by": (owner if for_operator else owner.partition("@")[0]) if lease > now_ms else None,
        "held_until": iso_time(lease) if lease > now_ms else None,
        "ready_at": iso_time(int(fields["ready"])),
        "deadline": iso_time(int(fields["deadline"])) if int(fields.get("deadline", 0)) else None,
        "claims_without_commit": int(fields.get("crashes", 0)),
        "waits_for": [each for each in fields.get("after", "").split() if each in still_open],
    }
