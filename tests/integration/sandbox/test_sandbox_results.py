"""What may go wrong between a submitted render and its file (protocol 7)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.server import RunningSandbox


@pytest.fixture
def switch(sandbox: RunningSandbox) -> Any:
    sandbox.world.board.set({"render": "copy"})
    return lambda **changes: sandbox.world.board.set(changes)


def poll(caller: Any, render_id: str) -> requests.Response:
    reply: requests.Response = caller.get(f"/api/render/proxy/lambda/{render_id}")
    return reply


def test_a_render_is_unknown_for_a_while(
    sandbox: RunningSandbox, switch: Any, caller: Any, captioned: str
) -> None:
    switch(clock="manual", render_lost_s=60.0)
    assert caller.submit(captioned, f"r-{captioned}").status_code == 200
    assert poll(caller, f"r-{captioned}").status_code == 404
    # the id is taken all the same
    assert "duplicate" in caller.submit(captioned, f"r-{captioned}").json()["error"]
    caller.post("/_sandbox/clock", {"advance_s": 60.0})
    assert poll(caller, f"r-{captioned}").json()["data"]["status"] == "completed"


@pytest.mark.parametrize(("times", "accepted"), [("once", True), ("always", False)])
def test_a_new_id_is_called_a_duplicate(
    switch: Any, caller: Any, captioned: str, times: str, accepted: bool
) -> None:
    switch(duplicate_id=times)
    assert "duplicate" in caller.submit(captioned, f"a-{captioned}").json()["error"]
    assert poll(caller, f"a-{captioned}").status_code == 404
    assert caller.submit(captioned, f"b-{captioned}").json()["success"] is accepted


@pytest.mark.parametrize("form", ["bytes", "json", "redirect"])
def test_only_the_fallback_gives_the_result_of_a_dead_address(
    sandbox: RunningSandbox, switch: Any, caller: Any, captioned: str, clip: Path, form: str
) -> None:
    switch(result_dead=True, fallback=form)
    render_id = f"r-{captioned}"
    caller.submit(captioned, render_id)
    assert requests.get(caller.finished(render_id)["outputUrl"], timeout=10).status_code == 404
    assert render_id in sandbox.books["orphaned_renders"]
    path = f"{caller.url}/api/render/proxy/{render_id}/download"
    reply = requests.get(path, headers=caller.headers, allow_redirects=False, timeout=10)
    if form == "json":
        reply = requests.get(reply.json()["output"]["url"], timeout=10)
    if form == "redirect":
        reply = requests.get(reply.headers["Location"], timeout=10)
    assert reply.content == clip.read_bytes()
    assert render_id not in sandbox.books["orphaned_renders"]


def test_there_may_be_no_fallback(switch: Any, caller: Any, captioned: str) -> None:
    switch(fallback="none")
    caller.submit(captioned, f"r-{captioned}")
    assert caller.get(f"/api/render/proxy/r-{captioned}/download").status_code == 404


@pytest.mark.parametrize(
    ("words", "status"), [("plain", "completed"), ("upper", "COMPLETED"), ("synonym", "success")]
)
@pytest.mark.parametrize(("form", "progress"), [("percent", 100), ("share", 1.0), ("none", None)])
def test_words_and_numbers_of_a_status(
    switch: Any, caller: Any, captioned: str, words: str, status: str, form: str,
    progress: float | None,
) -> None:  # fmt: skip
    switch(status_words=words, progress_form=form)
    caller.submit(captioned, f"r-{captioned}")
    data = poll(caller, f"r-{captioned}").json()["data"]
    assert (data["status"], data.get("progress")) == (status, progress)
