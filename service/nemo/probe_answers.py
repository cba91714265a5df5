"""The open questions of the protocol, each with what this run says of it. Pure."""

from __future__ import annotations

from collections.abc import Callable

from service.nemo.probe_answer import Answer, Certainty, files_of, open_question
from service.nemo.probe_answers_edits import (
    answer_cost,
    answer_disconnect,
    answer_edit,
    answer_stream,
)
from service.nemo.probe_facts import Ending, Facts
from service.nemo.probe_findings import (
    lifetime_hints,
    render_shape,
    server_headers,
)
from service.nemo.recording import Recorded, Recorder

Part = Callable[[Facts, Recorder], list[Answer]]
_BODY_CHARS = 300
_REFUSALS = {
    "unknown_session": ("1002_status", "How does it answer an unknown session (1002 or 404)?"),
    "unknown_render": ("render_404", "How does it answer an unknown render?"),
    "no_client_id": ("400_status", "How does it answer a token call without a client id?"),
    "text_file": ("4001_status", "How does it refuse a file that is no video (4001)?"),
}
_MET = {
    "TokenRejected": ("1001_status", "How does it answer a bad token (1001)?"),
    "CreditsSpent": ("2001_status", "How does it answer when the credits are spent (2001)?"),
}
_NOT_SO_FAR = "The run did not come so far."


def answer_all(facts: Facts, recorder: Recorder) -> list[Answer]:
    """Every question in the order of the report; never raises, whatever the backend sent."""
    return [answer for part in _PARTS for answer in _attempt(part, facts, recorder)]


def _attempt(part: Part, facts: Facts, recorder: Recorder) -> list[Answer]:
    try:
        return part(facts, recorder)
    except Exception as error:  # noqa: BLE001  a fault in reading must not end a run that has paid
        why = f"The recording could not be read ({type(error).__name__}): a fault of the probe."
        return [open_question("unread", f"What does {part.__name__} find?", why)]


def _renders(facts: Facts, recorder: Recorder) -> list[Answer]:
    asked = "Which shape do replies about renders have?"
    replies = [r for r in recorder.of_step("render_submit") if "/render/" in r.url]
    polls = [r for r in recorder.of_step("render_poll") if r.status]
    if not replies and not polls:
        return [open_question("render_shape", asked, "Nothing was submitted.")]
    told = [f"submit, HTTP {r.status}: {render_shape(r.reply.head)}" for r in replies[:1]]
    told += [f"last poll, HTTP {r.status}: {render_shape(r.reply.head)}" for r in polls[-1:]]
    if facts.render_seconds is not None:
        told.append(f"finished after {facts.render_seconds:.0f} s and {len(polls)} polls")
    sure = Certainty.ANSWERED if facts.result_url else Certainty.HINT
    why = "" if facts.result_url else "The shape of a finished render is still unknown."
    names = files_of([*replies, *polls[-1:]])
    return [Answer("render_shape", asked, sure, "; ".join(told) + ".", why, names)]


def _export(facts: Facts, recorder: Recorder) -> list[Answer]:
    asked = f"Does export work for this account ({facts.account})?"
    submit, download = facts.note("render_submit"), facts.note("download")
    names = files_of(recorder.of_step("render_submit", "download"))
    if submit is None or submit.ending is Ending.SKIPPED:
        why = submit.detail if submit else _NOT_SO_FAR
        return [open_question("export", asked, why)]
    if submit.error == "BackendUnavailable":
        return [Answer("export", asked, Certainty.OPEN, why=submit.detail, evidence=names)]
    if submit.ending is Ending.REFUSED:
        told = f"No: {submit.detail} (understood as {submit.error})"
        return [Answer("export", asked, Certainty.ANSWERED, told, evidence=names)]
    if download is None or download.ending is not Ending.DONE:
        why = (facts.note("render_poll") or submit).detail or "No result was downloaded."
        told = "The submit was taken, but there was no result."
        return [Answer("export", asked, Certainty.HINT, told, why, names)]
    told = f"Yes: {facts.result_bytes:,} bytes, SHA-256 {facts.result_sha256}."
    return [Answer("export", asked, Certainty.ANSWERED, told, evidence=names)]


def _refusals(facts: Facts, recorder: Recorder) -> list[Answer]:
    found = []
    for step, (name, asked) in _REFUSALS.items():
        replies = [r for r in recorder.of_step(step) if r.status]
        note = facts.note(step)
        if not replies or note is None:
            why = (note.detail if note else "") or _NOT_SO_FAR
            found.append(open_question(name, asked, why))
            continue
        told = _quote(replies[-1], facts)
        if note.error:
            told += f" The client reads it as {note.error}."
        else:
            told = f"It was not refused: {told}"
        found.append(Answer(name, asked, Certainty.ANSWERED, told, evidence=files_of(replies[-1:])))
    return found


def _met(facts: Facts, recorder: Recorder) -> list[Answer]:
    found = []
    for error, (name, asked) in _MET.items():
        steps = [note.name for note in facts.steps if note.error == error]
        replies = recorder.of_step(*steps[:1])
        if replies:
            told, names = _quote(replies[-1], facts), files_of(replies[-1:])
            found.append(Answer(name, asked, Certainty.ANSWERED, told, evidence=names))
        else:
            why = "It was not met, and a probe does not provoke it."
            found.append(open_question(name, asked, why))
    return found


def _accounts(facts: Facts, recorder: Recorder) -> list[Answer]:
    return [
        _ids(facts, recorder),
        _same_user(facts, recorder),
        open_question(
            "concurrency",
            "How much may one token do at once?",
            "A probe does one thing at a time.",
        ),
    ]


def _ids(facts: Facts, recorder: Recorder) -> Answer:
    asked = "What do ids look like, and how long does a token live?"
    told = [f"{name}: {shape}" for name, shape in facts.id_shapes.items()]
    told += [f"life of the token: {facts.token_life}"] if facts.token_life else []
    if not told:
        return open_question("ids", asked, "No session was opened.")
    names = files_of(recorder.of_step("token", "session"))
    return Answer("ids", asked, Certainty.ANSWERED, f"{'; '.join(told)}.", evidence=names)


def _same_user(facts: Facts, recorder: Recorder) -> Answer:
    asked = "Does the same client id give the same user after its token has expired?"
    if facts.same_user is None:
        why = "Probe with --anonymous, and again when that token has expired, after 7 days."
        return open_question("same_user", asked, why)
    told = "Yes." if facts.same_user else "No: it is another user."
    names = files_of(recorder.of_step("token"))
    return Answer("same_user", asked, Certainty.ANSWERED, told, evidence=names)


def _address(facts: Facts, recorder: Recorder) -> list[Answer]:
    asked = "How long does the address of a result work?"
    fetched = recorder.of_step("download")
    if not fetched or not facts.result_bytes:
        return [open_question("url_life", asked, "No result was downloaded.")]
    told = "; ".join(lifetime_hints(facts.result_url, fetched[-1].headers))
    still = facts.url_still_works_after_s
    told += f"; it still worked {still} s after the download" if still is not None else ""
    why = "These are hints: nobody waited for it to end."
    return [Answer("url_life", asked, Certainty.HINT, f"{told}.", why, files_of(fetched))]


def _other_calls(facts: Facts, recorder: Recorder) -> list[Answer]:
    size = open_question(
        "size_cap", "How large may an upload be?", "Finding out takes an upload above 500 MB."
    )
    told = "; ".join(f"`{line}`" for line in server_headers(recorder.exchanges))
    carry = "Which headers do replies carry, beyond the usual?"
    headers = open_question("headers", carry, "No reply came.")
    if told:
        headers = Answer("headers", carry, Certainty.ANSWERED, f"{told}.")
    return [_call(facts, recorder, "fallback"), _call(facts, recorder, "claim"), size, headers]


def _call(facts: Facts, recorder: Recorder, step: str) -> Answer:
    asked = {
        "fallback": "What does the other way to a result (7.2) answer?",
        "claim": "Does it give a link that opens the project?",
    }[step]
    note, replies = facts.note(step), recorder.of_step(step)
    if note is None or not replies:
        return open_question(step, asked, note.detail if note and note.detail else _NOT_SO_FAR)
    worked = "It works" if note.ending is Ending.DONE else f"It was refused: {note.detail}"
    kind = replies[0].header("Content-Type") or "no content type"
    told = f"{worked} (HTTP {replies[0].status}, {kind})."
    return Answer(step, asked, Certainty.ANSWERED, told, evidence=files_of(replies))


def _quote(recorded: Recorded, facts: Facts) -> str:
    kind = recorded.header("Content-Type") or "no content type"
    # redacted before it is cut: half a token is still half a token
    body = facts.redact(" ".join(recorded.reply.head.decode("utf-8", "replace").split()))
    return f"HTTP {recorded.status}, {kind}: `{body[:_BODY_CHARS]}`."


_PARTS: tuple[Part, ...] = (
    answer_stream, answer_edit, _renders, _export, _refusals, _met, answer_cost, _accounts,
    answer_disconnect, _address, _other_calls,
)  # fmt: skip
