"""Small pure parts: switches, event bytes, output sizes, drafts, content sniffing, the ledger."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sandbox.accounts import TOKEN_LIFE_S, Accounts, RateLimited
from sandbox.board import SwitchBoard
from sandbox.clock import SandboxClock
from sandbox.cues import Cue, Word
from sandbox.draft import BadDraft, Source, build_draft, read_captions, read_source
from sandbox.ffmpeg import (
    Job,
    build_command,
    glyph_warnings,
    missing_glyphs,
    output_size,
    stand_ins,
    write_fonts_conf,
)
from sandbox.media import UnsupportedMedia, inspect, sniff
from sandbox.stream import Stamp, call_event, error_event, result_event, text_event
from sandbox.style import PRESETS
from sandbox.switches import Switches, UnknownSwitch, change

STAMP = Stamp("e-1234567890", "id1", 1795397800.5)


@pytest.mark.parametrize(
    ("size", "resolution", "expected"),
    [
        ((1280, 720), "1080p", (1920, 1080)),
        ((720, 1280), "1080p", (1080, 1920)),
        ((640, 480), "1080p", (1440, 1080)),
        ((2560, 1080), "1080p", (1920, 810)),
        ((3840, 2160), "720p", (1280, 720)),
        ((853, 481), "source", (852, 480)),
        ((1000, 1000), "1080p", (1080, 1080)),
    ],
)
def test_output_sizes(size: tuple[int, int], resolution: str, expected: tuple[int, int]) -> None:
    assert output_size(*size, resolution) == expected


@given(st.integers(16, 8000), st.integers(16, 8000), st.sampled_from(["1080p", "720p", "source"]))
def test_output_sizes_are_even_and_within_1080p(width: int, height: int, resolution: str) -> None:
    out = output_size(width, height, resolution)
    assert out[0] % 2 == 0 == out[1] % 2
    if resolution != "source":
        assert max(out) <= 1920
        assert min(out) <= 1080


def test_the_command_keeps_time_and_sound() -> None:
    job = Job(Path("x"), "mov", 320, 180, 25.0, 3.0, "aac", "ultrafast", 20, 1)
    line = " ".join(build_command(job))
    assert "-fps_mode passthrough" in line
    assert "-c:a copy" in line
    assert "-g 50" in line
    assert "-protocol_whitelist file,pipe" in line
    assert "+faststart" in line


def test_fonts_conf_names_only_packaged_fonts(tmp_path: Path) -> None:
    conf = write_fonts_conf(tmp_path).read_text(encoding="utf-8")
    assert conf.count("<dir>") == 1
    assert "/usr/share" not in conf


def test_missing_glyphs_are_read_from_the_log() -> None:
    log = "[ass] failed to find any fallback with glyph 0x4E2D for font: (Inter)\n" * 2
    log += "failed to find any fallback with glyph 0x2060 for font"
    assert missing_glyphs(log) == ["中"]


def test_stand_ins_are_read_from_the_log() -> None:
    """Given a font cut into files, then another of its own is no stand-in, another family is."""
    log = (
        "[a] fontselect: (Anton, 700, 0) -> /f/Anton-Latin.ttf, 0, Anton-Regular\n"
        "[a] Glyph 0x105 not found, selecting one more font for (Anton, 700, 0)\n"
        "[a] fontselect: (Anton, 700, 0) -> /f/Anton-LatinExt.ttf, 0, Anton-Regular\n"
        "[a] Glyph 0x416 not found, selecting one more font for (Anton, 700, 0)\n"
        "[a] fontselect: (Anton, 700, 0) -> /f/DejaVuSans-Bold.ttf, 0, DejaVuSans-Bold\n"
    )
    assert stand_ins(log) == ["DejaVuSans-Bold for Anton from Ж"]
    assert glyph_warnings(log) == ["another font stands in: DejaVuSans-Bold for Anton from Ж"]
    assert glyph_warnings("") == []


def test_switches_refuse_what_they_do_not_know() -> None:
    board = SwitchBoard(Switches())
    for bad in (
        {"nope": 1},
        {"edit_s": "1"},
        {"render": "melt"},
        {"trailing_text": 1},
        {"drop_after_events": True},
    ):
        with pytest.raises(UnknownSwitch):
            board.set(bad)
    assert board.of() == Switches()


def test_a_session_has_switches_of_its_own_over_the_global_ones() -> None:
    board = SwitchBoard(Switches())
    board.set({"edit_s": 9, "render_shape": "s1"}, "55")
    board.set({"render_shape": "envelope", "silent_rate": 0.0})
    assert (board.of("55").edit_s, board.of("55").render_shape) == (9.0, "s1")
    assert (board.of("56").render_shape, board.of("55").silent_rate) == ("envelope", 0.0)


def test_changing_nothing_changes_nothing() -> None:
    assert change(Switches(), {}) == Switches()


def test_adk_events_are_one_compact_line_of_raw_utf8() -> None:
    event = text_event("字幕\u2028x", dialect="adk", stamp=STAMP)
    assert event.startswith(b'data: {"content":{"parts":[{"text":"')
    assert event.endswith(b"}\n\n")
    assert "字幕\u2028".encode() in event
    assert event.count(b"\n") == 2


def test_tool_events_pair_up_and_carry_the_state_change() -> None:
    call = json.loads(call_event("t", {"a": 1}, dialect="adk", stamp=STAMP)[6:])
    result = json.loads(
        result_event("t", {"ok": True}, delta={"draft": {}}, dialect="adk", stamp=STAMP)[6:]
    )
    called = call["content"]["parts"][0]["functionCall"]
    answered = result["content"]["parts"][0]["functionResponse"]
    assert called["id"] == answered["id"]
    assert result["actions"]["stateDelta"] == {"draft": {}}


def test_the_simple_dialect() -> None:
    assert (
        text_event("x", dialect="simple", stamp=STAMP) == b'data: {"type":"text","content":"x"}\n\n'
    )


def test_an_error_inside_the_stream_is_ascii_and_spaced() -> None:
    event = error_event("RuntimeError", "字", form="error", timestamp_s=1.0)
    assert event.startswith(b'data: {"error": "RuntimeError: \\u5b57", ')


SOURCE = Source("asset_1", "demo.mp4", 3000, 640, 360, True)


def test_a_draft_reads_back_what_was_built() -> None:
    cue = Cue(0, 1000, "a b", (Word("a", 0, 400), Word("b", 400, 1000)))
    draft = json.loads(json.dumps(build_draft(SOURCE, [cue], PRESETS["pop"], title="t")))
    assert [track["tt"] for track in draft["t"]] == [0, 1, 7]
    assert read_source(draft) == "asset_1"
    assert read_captions(draft) == [(cue, PRESETS["pop"])]


@pytest.mark.parametrize(
    "draft",
    [
        None,
        {},
        {"t": None},
        {"t": []},
        {"t": [{"tt": 0, "sg": []}]},
        {"t": [{"tt": 0, "sg": [{"src": 5}]}]},
    ],
)
def test_a_draft_without_a_video_is_refused(draft: object) -> None:
    with pytest.raises(BadDraft):
        read_source(draft)


@pytest.mark.parametrize(
    "segment", [{"d": 1}, {"start_ms": "x", "d": 1}, {"start_ms": 0, "d": 1, "style": 7}]
)
def test_an_unreadable_text_segment_is_refused(segment: dict[str, object]) -> None:
    with pytest.raises(BadDraft):
        read_captions({"t": [{"tt": 7, "sg": [segment]}]})


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\0\0\0\x18ftypisom", "isobmff"),
        (b"RIFF\0\0\0\0AVI LIST", "avi"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "webp"),
        (b"\x1aE\xdf\xa3", "ebml"),
        (b"\xff\xf1\x50\x80", "aac"),
        (b"\xff\xfb\x90\x00", "mp3"),
        (b"#EXTM3U\n", ""),
        (b"", ""),
    ],
)
def test_magic_bytes(head: bytes, name: str) -> None:
    assert sniff(head) == name


@pytest.mark.parametrize(
    ("filename", "declared"),
    [
        ("a.png", "video/mp4"),
        ("a.mp4", "video/mp4"),
        ("a.txt", ""),
        ("png", ""),
        ("a.png", "text/plain"),
    ],
)
def test_a_name_or_type_that_lies_is_refused(tmp_path: Path, filename: str, declared: str) -> None:
    # Given a real PNG
    path = tmp_path / "x"
    Image.new("RGB", (8, 4)).save(path, "PNG")
    assert inspect(path, "a.png", "image/png").width == 8
    # When its name or declared type says something else, then it is refused
    with pytest.raises(UnsupportedMedia):
        inspect(path, filename, declared)


def test_a_token_is_issued_once_in_seven_days() -> None:
    clock = SandboxClock()
    accounts = Accounts(clock, SwitchBoard(Switches()))
    first = accounts.issue("c1", "::1")
    with pytest.raises(RateLimited) as refused:
        accounts.issue("c1", "::1")
    assert 0 < refused.value.retry_after_s <= TOKEN_LIFE_S + 1
    # When the seven days are over
    clock.advance(TOKEN_LIFE_S + 1)
    # Then the old token is dead and a new one is another user
    assert accounts.find(first.token) is None
    assert accounts.issue("c1", "::1").account.user_id != first.account.user_id


def test_the_address_cap_counts_over_client_ids() -> None:
    accounts = Accounts(SandboxClock(), SwitchBoard(Switches(ip_token_cap=2)))
    accounts.issue("c1", "::1")
    accounts.issue("c2", "::1")
    with pytest.raises(RateLimited):
        accounts.issue("c3", "::1")


def test_the_ledger_never_lends() -> None:
    accounts = Accounts(SandboxClock(), SwitchBoard(Switches()))
    account = accounts.issue("c1", "::1").account
    assert accounts.freeze(account, 50)
    assert accounts.freeze(account, 50)
    assert not accounts.freeze(account, 1)
    assert accounts.balance(account) == {"available": 0, "frozen": 100, "total": 100}
    accounts.settle(account, 50, 50)
    accounts.settle(account, 50, 0)
    assert accounts.balance(account) == {"available": 50, "frozen": 0, "total": 50}


def test_registered_tokens_name_their_balance() -> None:
    accounts = Accounts(SandboxClock(), SwitchBoard(Switches()))
    account = accounts.find("nmv_usr_sbx_bench-1_1000000")
    assert account
    assert account.available == 1_000_000
    assert account.expires_s is None
    assert accounts.find("nmv_usr_other") is None


def test_the_font_list_of_a_relative_folder_is_found_from_elsewhere(tmp_path, monkeypatch):
    """Given a data folder named from here, then ffmpeg, which runs elsewhere, finds its list."""
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    conf = write_fonts_conf(Path("data"))
    monkeypatch.chdir("/")
    assert conf.is_file()
