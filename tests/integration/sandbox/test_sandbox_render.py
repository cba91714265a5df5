"""Export over HTTP (protocol 7): real renders, shapes, refusals, the CDN path."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import requests

from sandbox.server import RunningSandbox


def picture_at(video: bytes, at_s: float) -> Any:
    """Decodes the frame shown at a time as an RGB array."""
    with av.open(io.BytesIO(video)) as container:
        for frame in container.decode(video=0):
            if frame.time is not None and frame.time >= at_s - 1e-6:
                return frame.to_ndarray(format="rgb24")
    raise AssertionError("no such frame")


def ink(picture: Any) -> Any:
    """Returns where a grey picture was drawn on."""
    return np.abs(picture.astype(int) - 128).max(axis=2) > 60


@pytest.mark.parametrize("sound", [True, False])
def test_captions_are_really_burned_in_time_and_place(
    caller: Any, make_clip: Callable[..., Path], caption_message: str, sound: bool
) -> None:
    # Given a grey clip with captions from 0.2 s to 1.8 s
    clip = make_clip(f"grey{sound}.mp4", "-c:v", "libx264", "-c:a", "aac", sound=sound)
    session_id = caller.session()
    caller.upload(session_id, clip)
    caller.say(session_id, caption_message)
    # When it is rendered
    assert caller.submit(session_id, f"r-{session_id}", resolution="source").json()["success"]
    done = caller.finished(f"r-{session_id}")
    video = requests.get(done["outputUrl"], timeout=20).content
    # Then the captions are there, at the bottom, in their time only
    assert not ink(picture_at(video, 0.0)).any()
    assert not ink(picture_at(video, 1.88)).any()
    rows = np.flatnonzero(ink(picture_at(video, 0.6)).any(axis=1))
    assert rows.min() > 90
    assert rows.max() < 175
    # and the file is H.264 of the same size, length and frames, with its sound
    with av.open(io.BytesIO(video)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width, stream.height, stream.frames) == (320, 180, 50)
        assert bool(container.streams.audio) == sound
        assert float(stream.duration * stream.time_base) == pytest.approx(2.0, abs=0.04)
    assert video.find(b"moov") < video.find(b"mdat")


def test_1080p_is_the_default(sandbox: RunningSandbox, caller: Any, captioned: str) -> None:
    caller.submit(captioned, f"r-{captioned}")
    done = caller.finished(f"r-{captioned}")
    with av.open(io.BytesIO(requests.get(done["outputUrl"], timeout=20).content)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (1920, 1080)
    assert "Cold brew" in caller.get(f"/_sandbox/renders/r-{captioned}/ass").text


def test_the_colour_and_place_asked_for_are_what_is_seen(caller: Any, captioned: str) -> None:
    caller.say(captioned, 'Style parameters: {"preset":"plain","color":"#FF0000","position":"top"}')
    caller.submit(captioned, f"r-{captioned}", resolution="source")
    url = caller.finished(f"r-{captioned}")["outputUrl"]
    picture = picture_at(requests.get(url, timeout=20).content, 0.6)
    drawn = ink(picture)
    assert np.flatnonzero(drawn.any(axis=1)).max() < 90
    red, green, blue = picture[drawn].mean(axis=0)
    assert red > 120
    assert max(green, blue) < 100


def test_missing_glyphs_are_reported(sandbox: RunningSandbox, caller: Any, captioned: str) -> None:
    caller.say(captioned, "```text\n中文 and Ω Ж\n```")
    caller.submit(captioned, f"r-{captioned}", resolution="source")
    assert caller.finished(f"r-{captioned}")["status"] == "completed"
    assert sandbox.books["renders"][f"r-{captioned}"]["warnings"] == ["missing glyphs: 中 文"]


def test_emoji_and_right_to_left_text_have_glyphs(
    sandbox: RunningSandbox, caller: Any, captioned: str
) -> None:
    caller.say(captioned, "```text\nHello 👋 🎬 שלום مرحبا\n```")
    caller.submit(captioned, f"r-{captioned}", resolution="source")
    assert caller.finished(f"r-{captioned}")["status"] == "completed"
    # Inter has neither; which fonts stand in is said
    (warning,) = sandbox.books["renders"][f"r-{captioned}"]["warnings"]
    assert warning.startswith("another font stands in: ")
    assert "for Inter from 👋" in warning


def test_a_font_that_has_all_glyphs_is_no_matter_for_a_warning(
    sandbox: RunningSandbox, caller: Any, captioned: str
) -> None:
    caller.say(captioned, 'Style parameters: {"font": "Anton"}\n```text\nTiếng Việt, Łódź!\n```')
    caller.submit(captioned, f"r-{captioned}", resolution="source")
    assert caller.finished(f"r-{captioned}")["status"] == "completed"
    assert sandbox.books["renders"][f"r-{captioned}"]["warnings"] == []


def test_a_render_waits_as_long_as_set(
    sandbox: RunningSandbox, caller: Any, captioned: str
) -> None:
    sandbox.world.board.set({"pending_s": 0.3, "processing_s": 0.3, "render": "copy"})
    first = caller.submit(captioned, f"r-{captioned}").json()["data"]
    assert (first["status"], first["progress"]) == ("pending", 5)
    seen = [first["status"]]
    while seen[-1] != "completed":
        status = caller.get(f"/api/render/proxy/lambda/r-{captioned}").json()["data"]["status"]
        seen += [status] if status != seen[-1] else []
        time.sleep(0.02)
    assert seen == ["pending", "processing", "completed"]


@pytest.mark.parametrize("shape", ["s1", "s2", "envelope"])
def test_reply_shapes(sandbox: RunningSandbox, caller: Any, captioned: str, shape: str) -> None:
    sandbox.world.board.set({"render_shape": shape, "render": "copy"})
    caller.submit(captioned, f"r-{captioned}")
    body = caller.get(f"/api/render/proxy/lambda/r-{captioned}").json()
    if shape == "s1":
        assert body["taskId"] == f"r-{captioned}"
        assert body["output"]["size"] > 0
    else:
        assert body["data"]["outputUrl"].startswith(caller.url)
        assert body.get("success") is (True if shape == "s2" else None)


def test_a_render_id_is_good_for_one_render(
    sandbox: RunningSandbox, caller: Any, captioned: str
) -> None:
    sandbox.world.board.set({"render": "copy"})
    assert caller.submit(captioned, f"r-{captioned}").json()["success"]
    again = caller.submit(captioned, f"r-{captioned}").json()
    assert again["success"] is False
    assert "duplicate" in again["error"]
    assert sandbox.books["duplicate_render_ids"] == [f"r-{captioned}"]


def test_export_without_attribution_is_402(caller: Any, captioned: str) -> None:
    headers = {"Authorization": f"Bearer {caller.token}"}
    body = {"id": "r", "sessionId": captioned, "draft": caller.state(captioned)["draft"]}
    url = f"{caller.url}/api/render/proxy/lambda"
    assert requests.post(url, json=body, headers=headers, timeout=10).status_code == 402


def test_a_plan_can_block_export(sandbox: RunningSandbox, caller: Any, captioned: str) -> None:
    sandbox.world.board.set({"plan_blocks_export": True}, captioned)
    assert caller.submit(captioned, f"r-{captioned}").status_code == 402


@pytest.mark.parametrize(
    "change",
    [
        {"draft": None},
        {"draft": {"t": []}},
        {"output": {"format": "gif"}},
        {"output": {"resolution": "8k"}},
    ],
)
def test_what_cannot_be_rendered_is_400(
    caller: Any, captioned: str, change: dict[str, Any]
) -> None:
    body = {"id": "rx", "sessionId": captioned, "draft": caller.state(captioned)["draft"], **change}
    assert caller.post("/api/render/proxy/lambda", body).status_code == 400


def test_another_sessions_video_cannot_be_rendered(caller: Any, captioned: str) -> None:
    draft = caller.state(captioned)["draft"]
    body = {"id": "ry", "sessionId": caller.session(), "draft": draft}
    assert caller.post("/api/render/proxy/lambda", body).status_code == 400


@pytest.mark.parametrize(
    ("mode", "statuses"), [("once", ["failed", "completed"]), ("always", ["failed"] * 2)]
)
def test_failing_renders(
    sandbox: RunningSandbox, caller: Any, captioned: str, mode: str, statuses: list[str]
) -> None:
    sandbox.world.board.set({"render_fail": mode, "render": "copy"})
    ended = []
    for n in range(2):
        caller.submit(captioned, f"r{n}-{captioned}")
        ended.append(caller.finished(f"r{n}-{captioned}"))
    assert [data["status"] for data in ended] == statuses
    assert ended[0]["error"]


def test_completed_without_an_address_can_still_be_downloaded(
    sandbox: RunningSandbox, caller: Any, captioned: str
) -> None:
    sandbox.world.board.set({"completed_without_url": True, "render": "copy"})
    caller.submit(captioned, f"r-{captioned}")
    assert "outputUrl" not in caller.finished(f"r-{captioned}")
    reply = caller.get(f"/api/render/proxy/r-{captioned}/download")
    assert reply.headers["Content-Type"] == "video/mp4"
    assert len(reply.content) > 1000


def test_the_cdn_serves_ranges_and_refuses_our_bearer(
    sandbox: RunningSandbox, caller: Any, captioned: str
) -> None:
    sandbox.world.board.set({"render": "copy"})
    caller.submit(captioned, f"r-{captioned}")
    url = caller.finished(f"r-{captioned}")["outputUrl"]
    part = requests.get(url, headers={"Range": "bytes=4-7"}, timeout=10)
    assert (part.status_code, part.content) == (206, b"ftyp")
    assert requests.get(url, headers=caller.headers, timeout=10).status_code == 400
    assert sandbox.books["auth_on_cdn"][-1] in url


def test_a_render_can_be_cancelled(sandbox: RunningSandbox, caller: Any, captioned: str) -> None:
    sandbox.world.board.set({"pending_s": 30.0})
    caller.submit(captioned, f"r-{captioned}", resolution="source")
    reply = caller.post(f"/api/render/proxy/lambda/r-{captioned}/cancel")
    assert reply.json()["data"]["status"] == "cancelled"


def test_other_accounts_see_no_render(
    sandbox: RunningSandbox, caller: Any, captioned: str, make_caller: Any
) -> None:
    sandbox.world.board.set({"render": "copy"})
    caller.submit(captioned, f"r-{captioned}")
    other = make_caller("nmv_usr_sbx_other_1")
    assert other.get(f"/api/render/proxy/lambda/r-{captioned}").status_code == 404


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("n.mov", ["-c:v", "libx264", "-c:a", "pcm_s16le"]),
        ("n.mkv", ["-c:v", "libx264", "-bf", "3", "-c:a", "libvorbis"]),
        ("n.avi", ["-c:v", "mpeg4", "-c:a", "mp3"]),
        ("n.webm", ["-c:v", "libvpx", "-c:a", "libopus"]),
        ("odd.mp4", ["-vf", "crop=317:179", "-c:v", "libx264", "-pix_fmt", "yuv444p"]),
        ("vfr.mp4", ["-vf", "select='not(mod(n,7)*mod(n,3))'", "-fps_mode", "vfr"]),
    ],
)
def test_every_kind_of_source_keeps_its_length_and_sound(
    caller: Any, make_clip: Callable[..., Path], name: str, options: list[str]
) -> None:
    clip = make_clip(name, *options)
    session_id = caller.session()
    caller.upload(session_id, clip)
    caller.say(session_id, "```text\nCold brew\n```")
    caller.submit(session_id, f"r-{session_id}", resolution="source")
    done = caller.finished(f"r-{session_id}")
    assert done["status"] == "completed", done
    video = requests.get(done["outputUrl"], timeout=20).content
    with av.open(str(clip)) as source, av.open(io.BytesIO(video)) as result:
        assert len(result.streams.audio) == 1
        times = [[f.time for f in c.decode(video=0)] for c in (source, result)]
    # every frame is there, at its own time
    assert times[1] == pytest.approx(times[0], abs=0.002)
