"""The two messages of a probe: one for captions, and, when wanted, one that is hung up on."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from service.captions.cues import parse_captions
from service.captions.instruction import build_instruction
from service.captions.style import build_style
from service.model.job import OutputSpec
from service.nemo.dialect import Event
from service.nemo.dialogue import StreamControl
from service.nemo.errors import StreamBroken
from service.nemo.fingerprints import fingerprint
from service.nemo.probe_bench import Bench, StepSkipped
from service.nemo.probe_facts import DisconnectFacts, EditFacts
from service.nemo.probe_findings import count_tracks
from service.nemo.transcript import Transcript
from service.nemo.wire import State

_CAPTIONS = (
    "1\n00:00:00,200 --> 00:00:01,000\nCaption AB probe\n\n"
    "2\n00:00:01,000 --> 00:00:01,800\nSecond caption\n"
)
_TEXT_CHARS = 400


def send_edit(bench: Bench, before: State) -> None:
    """Ask for captions once and find out what came of it."""
    edit = bench.facts.edit
    edit.tracks_before = count_tracks(before.draft)
    bench.run("edit", "Asking for captions, once", lambda: _converse(bench, edit, "outline"))
    if edit.sent:
        _look_for_change(bench, edit, fingerprint(before), "state_edited")


def send_and_hang_up(bench: Bench) -> None:
    """Ask for another look of the captions and drop the connection at the first sign of life."""
    found = bench.facts.disconnect = DisconnectFacts()
    before = bench.run("state_before_drop", "Reading the state", lambda: _state(bench))
    if before is None:
        found.inconclusive = "the state could not be read before"
        return
    stop = StreamControl()
    started_s = bench.clock.monotonic_s()

    def hang_up(_event: Event) -> None:
        if found.dropped_after_s is None:
            found.dropped_after_s = round(bench.clock.monotonic_s() - started_s, 2)
            stop.shutdown()

    bench.run(
        "edit_dropped",
        "Asking once more, and hanging up",
        lambda: _converse(bench, found.edit, "boxed", on_event=hang_up, stop=stop),
    )
    if not found.edit.sent or found.dropped_after_s is None:
        found.inconclusive = "the message was not taken, or nothing came before the stream ended"
        return
    mark = fingerprint(before)
    at_once = bench.run("state_at_drop", "Looking at once", lambda: _state(bench))
    found.changed_at_drop = at_once is not None and fingerprint(at_once) != mark
    if found.changed_at_drop:
        found.inconclusive = "the edit was already there when the connection was dropped"
        found.edit.changed = True
        return
    _look_for_change(bench, found.edit, mark, "state_dropped")


def _converse(
    bench: Bench,
    edit: EditFacts,
    preset: str,
    *,
    on_event: Callable[[Event], None] = lambda _event: None,
    stop: StreamControl | None = None,
) -> Transcript | None:
    session_id = bench.session_id

    def mark_sent() -> None:
        edit.sent, edit.ended = True, "sent, no answer yet"
        bench.save()

    try:
        transcript = bench.client.converse(
            bench.token,
            session_id,
            message(bench, preset),
            edit_id=f"edt_{uuid.uuid4()}",
            on_event=on_event,
            stop=stop or StreamControl(),
            before_send=mark_sent,
        )
    except StreamBroken as broken:
        edit.ended = f"broken ({broken.kind})"
        _keep(edit, broken.transcript)
        bench.say(edit.ended)
        return broken.transcript
    except Exception as error:
        edit.ended = f"refused ({type(error).__name__})"
        raise
    edit.ended = "cleanly" if transcript.closed_cleanly else "without a proof that it was whole"
    _keep(edit, transcript)
    words = "with words" if edit.text else "without words"
    bench.say(f"the stream ended {edit.ended}, {words}, after {transcript.duration_s:.1f} s")
    return transcript


def message(bench: Bench, preset: str) -> str:
    """The message of the product itself, for one style."""
    options = bench.options
    captions = parse_captions(options.captions_format or None, options.captions or _CAPTIONS)
    return build_instruction(
        build_style({"preset": preset}),
        captions,
        instruction="",
        language="en",
        clip_name=bench.clip_name,
        output=OutputSpec(),
        duration_ms=None,
    )


def _look_for_change(bench: Bench, edit: EditFacts, mark: str, step: str) -> None:
    """Look at once and at the times of the recovery rule until the state differs, then again."""
    started_s = bench.clock.monotonic_s()
    edit.changed = False
    for look_s in (0.0, *bench.settings.recovery_looks_s):
        bench.clock.sleep(max(0.0, started_s + look_s - bench.clock.monotonic_s()))
        state = bench.run(step, "Looking at the state", lambda: _state(bench))
        if state is not None and fingerprint(state) != mark:
            edit.changed = True
            edit.changed_after_s = round(bench.clock.monotonic_s() - started_s, 1)
            break
    else:
        return
    bench.tell(f"The edit is there; waiting {bench.settings.settle_s:.0f} s for second thoughts")
    bench.clock.sleep(bench.settings.settle_s)
    later = bench.run(f"{step}_later", "Looking once more", lambda: _state(bench))
    edit.moved_later = later is not None and fingerprint(later) != fingerprint(state)
    final = later or state
    edit.tracks_after = count_tracks(final.draft)
    bench.facts.draft = final.draft


def _state(bench: Bench) -> State:
    state = bench.client.state(bench.token, bench.session_id)
    if not state.uploaded and bench.facts.step != "state_uploaded":
        raise StepSkipped("the state holds no video any more")
    return state


def _keep(edit: EditFacts, transcript: Transcript | None) -> None:
    if transcript is not None:
        edit.text, edit.tools = transcript.text[:_TEXT_CHARS], transcript.tools
