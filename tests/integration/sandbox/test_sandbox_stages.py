"""What the agent does beside what it was asked for, and whether clips share a timeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sandbox.server import RunningSandbox

ONLY = "Edit captions, and captions only. Change nothing else: no music, no titles.\n"
UNDO = "Remove the music and everything else that was added. Edit captions only."


@pytest.fixture
def uploaded(caller: Any, clip: Path) -> str:
    session_id: str = caller.session()
    caller.upload(session_id, clip)
    return session_id


@pytest.fixture
def switch(sandbox: RunningSandbox) -> Any:
    return lambda **changes: sandbox.world.board.set(changes)


def tracks(caller: Any, session_id: str) -> list[tuple[int, str]]:
    """Returns type and name or text of the first segment of every track."""
    draft = caller.state(session_id)["draft"] or {"t": []}
    first = [(track["tt"], track["sg"][0]) for track in draft["t"]]
    return [(kind, segment.get("name") or segment["text"]) for kind, segment in first]


CLIP = [(0, "demo.mp4"), (1, "demo.mp4")]
CAPTION = (7, "Cold brew")


def test_the_state_changes_a_second_time_after_an_edit(
    switch: Any, caller: Any, uploaded: str, caption_message: str
) -> None:
    switch(clock="leap", two_stage="both", two_stage_s=20.0)
    caller.say(uploaded, caption_message)
    assert tracks(caller, uploaded) == [*CLIP, CAPTION]
    caller.post("/_sandbox/clock", {"advance_s": 19.0})
    assert len(tracks(caller, uploaded)) == 3
    # When 20 s have passed, then there are music and a title, and the clip is as it was
    caller.post("/_sandbox/clock", {"advance_s": 1.0})
    *same, music, title = tracks(caller, uploaded)
    assert same == [*CLIP, CAPTION]
    assert (music[0], title) == (1, (7, "project"))
    # and a later edit keeps them
    caller.say(uploaded, "Make the captions yellow")
    assert tracks(caller, uploaded)[-2:] == [music, title]


def test_a_raw_upload_gets_music_by_itself(switch: Any, caller: Any, clip: Path) -> None:
    switch(clock="manual", two_stage="bgm", two_stage_on="upload", two_stage_s=5.0)
    session_id = caller.session()
    caller.upload(session_id, clip)
    assert caller.state(session_id)["draft"] is None
    caller.post("/_sandbox/clock", {"advance_s": 5.0})
    assert [kind for kind, _ in tracks(caller, session_id)] == [0, 1, 1]


def test_captions_only_is_obeyed(
    switch: Any, caller: Any, uploaded: str, caption_message: str
) -> None:
    switch(clock="leap", two_stage="both", two_stage_s=20.0)
    caller.say(uploaded, ONLY + caption_message)
    caller.post("/_sandbox/clock", {"advance_s": 60.0})
    assert tracks(caller, uploaded) == [*CLIP, CAPTION]


def test_an_agent_that_does_not_obey_adds_music_until_it_is_told_again(
    switch: Any, caller: Any, uploaded: str, caption_message: str, read_texts: Any
) -> None:
    # Given an agent that ignores what it must not do
    switch(obedience=0.0)
    caller.say(uploaded, ONLY + caption_message)
    assert [kind for kind, _ in tracks(caller, uploaded)] == [0, 1, 7, 1]
    # When it is told to undo that and still does not obey, then nothing is undone
    caller.say(uploaded, UNDO)
    assert [kind for kind, _ in tracks(caller, uploaded)] == [0, 1, 7, 1]
    # When it obeys, then the captions stay and the music goes
    switch(obedience=1.0)
    assert "removed" in read_texts(caller.say(uploaded, UNDO))[-1]
    assert tracks(caller, uploaded) == [*CLIP, CAPTION]


def test_half_of_the_sessions_get_the_second_stage_and_the_same_ones_each_time(
    sandbox: RunningSandbox, switch: Any, caller: Any, clip: Path
) -> None:
    switch(clock="manual", two_stage="bgm", two_stage_on="upload", two_stage_rate=0.5)

    def added() -> list[bool]:
        sandbox.world.clear()
        ids = [caller.session() for _ in range(16)]
        for session_id in ids:
            caller.upload(session_id, clip)
        caller.post("/_sandbox/clock", {"advance_s": 60.0})
        return [bool(tracks(caller, session_id)) for session_id in ids]

    first = added()
    assert 2 <= sum(first) <= 14
    assert added() == first


@pytest.mark.parametrize(("batch", "clips"), [("own", 1), ("join", 2)])
def test_later_clips_join_the_timeline_or_do_not(
    switch: Any,
    caller: Any,
    uploaded: str,
    clip: Path,
    caption_message: str,
    batch: str,
    clips: int,
) -> None:
    switch(batch=batch)
    caller.say(uploaded, caption_message)
    caller.upload(uploaded, clip, "other.mp4")
    caller.say(uploaded, "In the file other.mp4: " + caption_message)
    draft = caller.state(uploaded)["draft"]
    video, sound, text = draft["t"]
    assert [segment["name"] for segment in video["sg"]] == ["demo.mp4", "other.mp4"][-clips:]
    assert len(sound["sg"]) == clips
    # the second clip's captions come after the first clip
    assert len(text["sg"]) == 2 * clips
    assert text["sg"][-2]["start_ms"] == 200 + (clips - 1) * video["sg"][0]["d"]
    assert draft["d"] == clips * video["sg"][0]["d"]
    assert len({segment["id"] for segment in text["sg"]}) == 2 * clips


def test_one_session_can_differ_from_the_others(
    sandbox: RunningSandbox, caller: Any, make_caller: Any, clip: Path, caption_message: str
) -> None:
    # Given a switch for an account, and another for its second session alone
    sandbox.world.clear()
    account = {"account": "user_solo", "gui_phrases": "none"}
    assert caller.post("/_sandbox/switches", account).json()["gui_phrases"] == "none"
    caller.post("/_sandbox/switches", {"session_id": "#2", "silent_rate": 1.0})
    solo = make_caller("nmv_usr_sbx_solo_500")
    answers = []
    for _ in range(2):
        session_id = solo.session()
        solo.upload(session_id, clip)
        answers.append(solo.say(session_id, caption_message).text)
    assert "Done" in answers[0]
    assert "Export" not in answers[0]
    assert "Done" not in answers[1]
    # and nobody else is touched
    other = caller.session()
    caller.upload(other, clip)
    assert "Export" in caller.say(other, caption_message).text
