"""Uploads over HTTP (protocol 3): thirteen formats, lies, sizes, addresses."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image

from sandbox.ffmpeg import ffmpeg_binary
from sandbox.server import RunningSandbox

VIDEOS = {
    "mp4": ["-c:v", "libx264", "-c:a", "aac"],
    "mov": ["-c:v", "libx264", "-c:a", "aac"],
    "mkv": ["-c:v", "libx264", "-c:a", "aac"],
    "avi": ["-c:v", "mpeg4", "-c:a", "mp3"],
    "webm": ["-c:v", "libvpx", "-c:a", "libopus"],
}
SOUNDS = {"mp3": [], "wav": [], "m4a": ["-c:a", "aac"], "aac": ["-c:a", "aac"]}


@pytest.mark.parametrize("extension", sorted(VIDEOS))
def test_videos(caller: Any, make_clip: Callable[..., Path], extension: str) -> None:
    path = make_clip(f"v.{extension}", *VIDEOS[extension])
    (info,) = caller.upload(caller.session(), path).json()["data"]["files"]
    assert (info["file_type"], info["width"], info["height"], info["fps"]) == (
        "video",
        320,
        180,
        25,
    )
    assert info["duration"] == pytest.approx(2.0, abs=0.1)
    assert requests.get(info["cdn_url"], timeout=10).content == path.read_bytes()


@pytest.mark.parametrize("extension", sorted(SOUNDS))
def test_sounds(caller: Any, make_clip: Callable[..., Path], extension: str) -> None:
    path = make_clip(f"s.{extension}", "-vn", *SOUNDS[extension])
    (info,) = caller.upload(caller.session(), path).json()["data"]["files"]
    assert info["file_type"] == "audio"
    assert info["duration"] == pytest.approx(2.0, abs=0.2)


@pytest.mark.parametrize("extension", ["jpg", "png", "gif", "webp", "jpeg"])
def test_images(caller: Any, tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"i.{extension}"
    Image.new("RGB", (12, 8)).save(path)
    (info,) = caller.upload(caller.session(), path).json()["data"]["files"]
    assert (info["file_type"], info["width"], info["height"]) == ("image", 12, 8)


def test_a_rotated_clip_has_its_displayed_size(caller: Any, make_clip: Any) -> None:
    rotated = make_clip("r.mp4", "-c:v", "libx264", size="320x180")
    turned = rotated.with_name("turned.mp4")
    command = [
        "-y",
        "-loglevel",
        "error",
        "-display_rotation",
        "90",
        "-i",
        str(rotated),
        "-c",
        "copy",
    ]
    subprocess.run([ffmpeg_binary(), *command, str(turned)], check=True)
    (info,) = caller.upload(caller.session(), turned).json()["data"]["files"]
    assert (info["width"], info["height"]) == (180, 320)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.mp4", b"just some text, not a film"),
        ("a.mp4", b""),
        ("a.mp4", b"\0\0\0\x18ftypisom" + b"\0" * 100),
        ("a.m3u8", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hosts\n"),
        ("a.mp4", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hosts\n"),
        ("a.exe", b"MZ"),
    ],
    ids=["text", "empty", "broken", "playlist", "playlist as mp4", "program"],
)
def test_what_is_no_media_is_4001_and_leaves_nothing(
    sandbox: RunningSandbox, caller: Any, tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    before = len(list(sandbox.world.uploads.iterdir()))
    session_id = caller.session()
    reply = caller.upload(session_id, path, name, "video/mp4")
    assert (reply.status_code, reply.json()["code"]) == (200, 4001)
    assert caller.state(session_id)["video_infos"] == []
    assert len(list(sandbox.world.uploads.iterdir())) == before


def test_a_file_over_the_limit_is_4002_and_leaves_nothing(
    sandbox: RunningSandbox, caller: Any, tmp_path: Path
) -> None:
    path = tmp_path / "big.mp4"
    path.write_bytes(b"\0" * 9_000_000)
    before = len(list(sandbox.world.uploads.iterdir()))
    assert caller.upload(caller.session(), path).json()["code"] == 4002
    sandbox.world.board.set({"real_http_status": True})
    assert caller.upload(caller.session(), path).status_code == 413
    assert len(list(sandbox.world.uploads.iterdir())) == before


def test_several_files_in_one_form(caller: Any, clip: Path) -> None:
    session_id = caller.session()
    parts = [("files", (name, clip.read_bytes())) for name in ("a.mp4", "b.mp4")]
    url = f"{caller.url}/api/upload-video/nemo_agent/me/{session_id}"
    reply = requests.post(url, files=parts, headers=caller.headers, timeout=20)
    assert reply.json()["data"]["session_state_applied"] is True
    assert [v["filename"] for v in caller.state(session_id)["video_infos"]] == ["a.mp4", "b.mp4"]


def test_a_form_without_files_is_422(caller: Any) -> None:
    url = f"/api/upload-video/nemo_agent/me/{caller.session()}"
    assert caller.post(url, {"urls": []}).status_code == 422


def test_an_address_is_fetched(caller: Any, clip: Path) -> None:
    # Given a clip that some server offers: here, this sandbox's own result path
    first = caller.session()
    caller.upload(first, clip)
    caller.say(first, "```text\nCold brew\n```")
    caller.submit(first, f"r-{first}", resolution="source")
    address = caller.finished(f"r-{first}")["outputUrl"]
    # When it is uploaded by address
    session_id = caller.session()
    path = f"/api/upload-video/nemo_agent/me/{session_id}"
    reply = caller.post(path, {"urls": [address], "source_type": "url"}).json()
    # Then it is a file of the session
    assert reply["data"]["files"][0]["filename"] == f"r-{first}.mp4"
    assert len(caller.state(session_id)["video_infos"]) == 1


@pytest.mark.parametrize("tail", ["/cdn/none/none.mp4", ""])
def test_an_address_that_cannot_be_fetched_is_400(caller: Any, tail: str) -> None:
    address = caller.url + tail if tail else "file:///etc/hosts"
    body = {"urls": [address], "source_type": "url"}
    reply = caller.post(f"/api/upload-video/nemo_agent/me/{caller.session()}", body)
    assert reply.status_code == 400
