"""Music and pictures for every variant alike; clips that the backend fetches; the editor's link."""

from __future__ import annotations

import http.server
import json
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest
from PIL import Image

from service.errors import UploadMissing
from service.jobs.view import job_data
from service.model.lifecycle import CutState
from service.nemo.errors import BackendUnavailable
from tests.integration.jobs.harness import Follower, Harness, Meddler


@pytest.fixture(scope="session")
def tone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("asset") / "tone.mp3"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi"]
    command += ["-i", "sine=frequency=220:duration=1", "-b:a", "32k", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    return path


@pytest.fixture
def logo(tmp_path: Path) -> Path:
    path = tmp_path / "our logo (final).png"
    Image.new("RGB", (32, 32), "#ff0000").save(path)
    return path


def assets(engine: Harness, *items: tuple[Path, str]) -> list[dict[str, str]]:
    return [{"upload_id": engine.upload(path), "role": role} for path, role in items]


def test_assets_go_equally_into_every_session(engine, small_clip, tone, logo, sandbox):
    # When a job of two clips has music and a logo,
    clips = [{"upload_id": engine.upload(small_clip)} for _ in range(2)]
    given = assets(engine, (tone, "bgm"), (logo, "logo"))
    job = engine.submit(small_clip, clips=clips, assets=given)
    assert engine.run_job(job).status == "succeeded"
    # Then each session got each of them once and first, under clean names, the same bytes in both.
    uploads = sandbox.books["uploads"]
    sessions = {engine.doc(job, label).session_id for label in "AB"}
    names = ["asset-1.mp3", "asset-2.png", "clip-1.mp4", "clip-2.mp4"]
    for session in sessions:
        own = [each for each in uploads if each["session_id"] == session]
        assert [each["filename"] for each in own] == names
    assert len({each["sha256"] for each in uploads if "asset-1" in each["filename"]}) == 1
    assert engine.doc(job, "A").assets == ("asset-1.mp3", "asset-2.png")


@pytest.mark.parametrize("role", ["image", "bgm"])
def test_an_asset_that_is_not_what_its_role_needs_costs_nothing(
    engine, small_clip, tone, logo, sandbox, role
):
    wrong = tone if role == "image" else logo
    job = engine.submit(small_clip, assets=assets(engine, (wrong, role)))
    assert engine.run_job(job).status == "failed"
    failure = engine.doc(job, "A").failure
    assert (failure.code, role in failure.detail) == ("unsupported_file", True)
    assert (sandbox.books["uploads"], sandbox.books["charges"]) == ([], [])


def test_an_asset_that_is_not_there_is_refused_at_accept(engine, small_clip):
    with pytest.raises(UploadMissing, match="upl_missing"):
        engine.submit(small_clip, assets=[{"upload_id": "upl_missing", "role": "bgm"}])


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A folder over HTTP that counts who came for what."""

    def log_message(self, *_: object) -> None:
        return

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers.get("User-Agent", "")))  # type: ignore[attr-defined]
        super().do_GET()


@pytest.fixture
def site(small_clip: Path) -> Iterator[http.server.ThreadingHTTPServer]:
    handler = partial(Quiet, directory=str(small_clip.parent))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.asked = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def by_url(make_engine, site, **changes) -> Harness:
    ports = (site.server_port,)
    return make_engine(caller_http=True, caller_loopback_ports=ports, **changes)


def test_a_clip_by_url_is_sent_as_a_file(make_engine, small_clip, site, sandbox):
    engine = by_url(make_engine, site)
    url = f"http://127.0.0.1:{site.server_port}/small.mp4"
    job = engine.submit(small_clip, "A", clips=[{"url": url}])
    assert engine.run_job(job).status == "succeeded"
    assert [each["filename"] for each in sandbox.books["uploads"]] == ["clip-1.mp4"]
    assert len(site.asked) == 1


def test_the_backend_may_fetch_it_by_itself(make_engine, small_clip, site, sandbox):
    # Given NEMO_UPLOAD_BY_URL, when a job has a clip by url,
    engine = by_url(make_engine, site, nemo_upload_by_url=True)
    url = f"http://127.0.0.1:{site.server_port}/small.mp4?x=1"
    job = engine.submit(small_clip, clips=[{"url": url}])
    assert engine.run_job(job).status == "succeeded"
    # Then we fetched it once and the backend once for each session, under the name it gave.
    assert len(site.asked) == 3
    assert [each["filename"] for each in sandbox.books["uploads"]] == ["small.mp4"] * 2
    assert engine.doc(job, "A").uploaded_as == "small.mp4"
    assert engine.doc(job, "A").warnings == ()
    heads = [run["message_head"] for run in sandbox.books["runs"]]
    assert all('"small.mp4"' in head for head in heads)


def test_what_the_backend_has_fetched_is_not_fetched_again(make_engine, small_clip, site, sandbox):
    # Given a worker that dies after the backend has fetched the clip,
    engine = by_url(make_engine, site, nemo_upload_by_url=True)
    url = f"http://127.0.0.1:{site.server_port}/small.mp4"
    job = engine.submit(small_clip, "A", clips=[{"url": url}])
    engine.run_cut_to(job, "A", CutState.SESSION_OPEN)
    token = engine.services.tokens.token_for(engine.account)
    engine.services.nemo.upload_url(token, engine.doc(job, "A").session_id, [url])
    # When another goes on, then the state shows the file, and it is used.
    assert engine.run_job(job).status == "succeeded"
    assert len(sandbox.books["uploads"]) == 1


def test_what_the_backend_cannot_fetch_is_sent(make_engine, small_clip, site, sandbox):
    # Given an address that answers us once and nobody after that,
    engine = by_url(make_engine, site, nemo_upload_by_url=True)
    url = f"http://127.0.0.1:{site.server_port}/small.mp4"
    job = engine.submit(small_clip, "A", clips=[{"url": url}])
    engine.run_cut_to(job, "A", CutState.SESSION_OPEN)
    site.shutdown()
    site.server_close()
    assert engine.run_job(job).status == "succeeded"
    assert [each["filename"] for each in sandbox.books["uploads"]] == ["clip-1.mp4"]


def test_clips_of_one_name_are_sent_as_files(make_engine, small_clip, site, sandbox):
    engine = by_url(make_engine, site, nemo_upload_by_url=True)
    base = f"http://127.0.0.1:{site.server_port}"
    urls = [f"{base}/small.mp4?n={n}" for n in range(2)]
    job = engine.submit(small_clip, "A", clips=[{"url": url} for url in urls])
    assert engine.run_job(job).status == "succeeded"
    names = [each["filename"] for each in sandbox.books["uploads"]]
    assert names == ["clip-1.mp4", "clip-2.mp4"]


class Hiding:
    """A backend client whose states show no file, so many times after the first upload."""

    def __init__(self, nemo: Any, times: int) -> None:
        self._nemo, self._left, self._sent = nemo, times, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._nemo, name)

    def upload(self, *args: Any, **kwargs: Any) -> Any:
        self._sent = True
        return self._nemo.upload(*args, **kwargs)

    def state(self, *args: Any) -> Any:
        state = self._nemo.state(*args)
        if self._sent and self._left:
            self._left -= 1
            return replace(state, video_infos=())
        return state


@pytest.mark.rule("P-049")
def test_nothing_is_paid_until_the_state_shows_the_clip(engine, small_clip, sandbox):
    # Given a backend that shows an uploaded file late,
    worker = replace(engine.services, nemo=Hiding(engine.services.nemo, 1))
    job = engine.submit(small_clip, "A")
    engine.run(lambda: len(sandbox.books["uploads"]) == 1, worker)
    # Then the cut waits, nothing is set aside or sent,
    assert engine.cut(job, "A").state is CutState.SESSION_OPEN
    assert (engine.read(job).reserved, engine.edits_sent()) == (0, {})
    # and goes on when it is there, without a second upload.
    assert engine.run_job(job, worker).status == "succeeded"
    assert len(sandbox.books["uploads"]) == 1


@pytest.mark.rule("P-035")
def test_a_session_whose_reply_was_lost_is_noted(engine, small_clip, sandbox):
    # Given a session that was opened while its reply got lost,
    def lose_reply() -> None:
        raise BackendUnavailable("the connection broke", sent=True)

    worker = replace(
        engine.services, nemo=Follower(engine.services.nemo, "create_session", lose_reply)
    )
    job = engine.submit(small_clip, "A")
    # When the job has ended, then it went on in another one, and says what may be left behind.
    assert engine.run_job(job, worker).status == "succeeded"
    assert len(sandbox.books["sessions"]) == 2
    (warning,) = engine.doc(job, "A").warnings
    assert "may hold a session" in warning
    assert len(engine.edits_sent()) == 1


def test_a_variant_opens_in_the_editor_and_no_event_says_how(engine, small_clip):
    job = engine.submit(small_clip)
    engine.run_job(job)
    read = engine.read(job)
    units = engine.services.jobs.read_units(read)
    shown = job_data(read, *units, "https://ab.example.com", editor_links=True)
    links = [variant["links"]["open_in_editor"] for variant in shown["variants"]]
    assert len(set(links)) == 2
    assert all("/workspace/claim?ct=clm_" in link for link in links)
    told = json.dumps(engine.services.jobs.events(job))
    assert "clm_" not in told
    assert "open_in_editor" not in told


@pytest.mark.rule("P-037")
def test_without_a_link_nothing_is_lost(engine, small_clip, caplog):
    # Given a backend whose claim call fails,
    def fail() -> None:
        raise BackendUnavailable("no claims today")

    caplog.set_level("INFO")
    nemo = Meddler(engine.services.nemo, "claim_link", fail)
    worker = replace(engine.services, nemo=nemo)
    # When a job runs, then it succeeds, and the log says that there is no link.
    job = engine.submit(small_clip, "A")
    assert engine.run_job(job, worker).status == "succeeded"
    assert engine.doc(job, "A").claim_url == ""
    assert [r.message for r in caplog.records].count("no_claim_link") == 1
