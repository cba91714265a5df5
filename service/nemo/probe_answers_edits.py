"""What a run says of messages to the agent: stream, edit, draft, cost, hanging up. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from service.nemo.probe_answer import Answer, Certainty, files_of, open_question
from service.nemo.probe_facts import EDIT_CREDITS, DisconnectFacts, Facts
from service.nemo.probe_findings import StreamFacts, draft_keys, read_stream
from service.nemo.recording import Recorder


def answer_stream(_facts: Facts, recorder: Recorder) -> list[Answer]:
    """Dialect and heartbeats of the first event stream."""
    streams = [r for r in recorder.of_step("edit") if "event-stream" in r.header("Content-Type")]
    dialect = "Which dialect do the events speak?"
    beats = "What are the bytes of a heartbeat, and how often do they come?"
    if not streams:
        why = "No event stream was seen."
        return [open_question("dialect", dialect, why), open_question("heartbeat", beats, why)]
    seen, names = read_stream(streams[0]), files_of(streams)
    return [_dialect(dialect, seen, names), _heartbeat(beats, seen, names)]


def _dialect(asked: str, seen: StreamFacts, names: tuple[str, ...]) -> Answer:
    if not seen.events:
        return Answer("dialect", asked, Certainty.OPEN, why="No event came.", evidence=names)
    told = (
        f"{seen.dialect}; {seen.events} events in {seen.duration_s:.1f} s, framed {seen.framing}, "
        f"`{seen.content_type}`. Names at the top of an event: {_list(seen.keys)}."
    )
    told += f" Types: {_list(seen.types)}." if seen.types else ""
    return Answer("dialect", asked, Certainty.ANSWERED, told, evidence=names)


def _heartbeat(asked: str, seen: StreamFacts, names: tuple[str, ...]) -> Answer:
    if not seen.heartbeats:
        told = f"None in {seen.duration_s:.1f} s; the longest silence was "
        told += f"{seen.longest_silence_s:.1f} s."
        why = "The edit was too short for one, or this backend sends none."
        return Answer("heartbeat", asked, Certainty.HINT, told, why, names)
    every = f"every {seen.heartbeat_every_s} s" if seen.heartbeat_every_s is not None else "once"
    told = f"{_list(seen.heartbeat_bytes)}, {every} ({seen.heartbeats} in all; the client takes "
    told += f"them for: {', '.join(seen.heartbeat_forms)})."
    return Answer("heartbeat", asked, Certainty.ANSWERED, told, evidence=names)


def answer_edit(facts: Facts, recorder: Recorder) -> list[Answer]:
    """What the edit did to the state, and the names in the draft."""
    asked = "Does an edit show in the state, and does more follow by itself?"
    names = files_of(recorder.of_step("edit", "state_edited", "state_edited_later"))
    drafts = _draft(facts, names)
    edit = facts.edit
    if not edit.sent:
        return [open_question("edit", asked, "No message was sent."), drafts]
    words = f"The stream ended {edit.ended}, {'with' if edit.text else 'without'} words; "
    words += f"tools: {_list(edit.tools) or 'none'}. "
    if not edit.changed:
        words += "The state never changed while we looked."
        return [Answer("edit", asked, Certainty.ANSWERED, words, evidence=names), drafts]
    later = (edit.changed_after_s or 0) >= 1
    words += (
        f"The state had changed {edit.changed_after_s} s later"
        if later
        else ("The state had changed at the first look")
    )
    words += ", and changed once more by itself" if edit.moved_later else ", and stayed so"
    words += f". Segments by track before: {_counts(edit.tracks_before)}; "
    words += f"after: {_counts(edit.tracks_after)}."
    return [Answer("edit", asked, Certainty.ANSWERED, words, evidence=names), drafts]


def _draft(facts: Facts, names: tuple[str, ...]) -> Answer:
    asked = "Which names do drafts and their segments have?"
    keys = draft_keys(facts.draft)
    drawn = "; ".join(f"{place}: {_list(tuple(found))}" for place, found in keys.items())
    if any(place.startswith("segment") for place in keys):
        return Answer("draft_keys", asked, Certainty.ANSWERED, drawn, evidence=names)
    why = "No draft with segments was seen."
    return Answer("draft_keys", asked, Certainty.OPEN, drawn, why, names)


def answer_cost(facts: Facts, recorder: Recorder) -> list[Answer]:
    """What the balance says."""
    asked = f"What does an edit cost (documented: about {EDIT_CREDITS})?"
    before, edited = facts.balances.get("before"), facts.balances.get("edited")
    steps = ("credits_before", "credits_edited", "credits_dropped", "credits_after")
    names = files_of(recorder.of_step(*steps))
    if before is None or edited is None or not facts.edit.sent:
        return [open_question("cost", asked, "There was no edit between two balances.")]
    told = f"{before.available - edited.available} credits"
    told += f", {edited.frozen} frozen just after it" if edited.frozen else ""
    dropped, rest = facts.balances.get("dropped"), facts.balances.get("after")
    if dropped is not None:
        told += "; the second message in the same session, which was hung up on: "
        told += f"{edited.available - dropped.available}"
    last = dropped or edited
    told += f"; everything after it: {last.available - rest.available}" if rest else ""
    return [Answer("cost", asked, Certainty.ANSWERED, f"{told}.", evidence=names)]


def answer_disconnect(facts: Facts, recorder: Recorder) -> list[Answer]:
    """Whether a run survives its client."""
    asked = "Does an edit go on when the client hangs up?"
    found = facts.disconnect
    if found is None:
        return [open_question("disconnect", asked, "It costs one more edit: run with --full.")]
    names = files_of(recorder.of_step("edit_dropped", "state_at_drop", "state_dropped"))
    why = found.inconclusive or ("" if found.edit.sent else "The message was not sent.")
    if why:
        return [Answer("disconnect", asked, Certainty.OPEN, why=why, evidence=names)]
    if found.edit.changed:
        return [Answer("disconnect", asked, Certainty.ANSWERED, _survived(found), evidence=names)]
    told = f"Probably not. The connection was dropped after {found.dropped_after_s} s, and the "
    told += "state never changed while we looked."
    why = "It may also have been slower than we looked."
    return [Answer("disconnect", asked, Certainty.HINT, told, why, names)]


def _survived(found: DisconnectFacts) -> str:
    return (
        f"Yes. The connection was dropped after {found.dropped_after_s} s; "
        f"{found.edit.changed_after_s} s later the edit was there."
    )


def _list(values: tuple[str, ...]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def _counts(tracks: Mapping[str, int]) -> str:
    return ", ".join(f"{kind}: {count}" for kind, count in tracks.items()) or "none"
