"""Uploads that arrive in parts: who goes on, what a death leaves, what is joined, what expires."""

from __future__ import annotations

import hashlib
import io
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from api.app import create_app
from service.arrivals import PART_BYTES, Arrivals
from service.clock import FakeClock
from service.errors import NotFound
from service.jobs.retention import sweep, sweep_orphans
from service.media.files import FilesUnavailable, LocalFiles
from service.store.arrivals import ArrivalStore, UploadLocked
from service.store.connection import Connection
from service.store.retention import Retention
from tests.integration.api.conftest import MP4, Visitor
from tests.integration.api.test_uploads import Endless
from tests.integration.api.tus import (
    ADDRESS,
    BYTES,
    CONTENT,
    TUS,
    begin,
    files_of,
    offset_of,
    send,
    upload_id,
)
from tests.integration.store.invariants import keys_that_stay


def test_what_came_before_a_body_broke_off_is_kept(ann: Visitor, services):
    # Given a client that vanishes after 3,000 of its bytes
    path = begin(ann)
    environ = {"wsgi.input_terminated": True, "CONTENT_LENGTH": str(len(CONTENT))}
    headers = {**BYTES, "Upload-Offset": "0"}
    broken = {"input_stream": io.BytesIO(CONTENT[:3000]), "environ_overrides": environ}
    reply = ann.open(path, "PATCH", headers=headers, **broken)
    assert (reply.status_code, reply.get_json()["code"]) == (400, "malformed_request")
    # When it comes back, then it goes on from there
    assert offset_of(ann, path) == 3000
    assert send(ann, path, 3000, CONTENT[3000:]).status_code == 204
    found = ann.get(f"/v1/uploads/{upload_id(path)}").get_json()
    assert found["sha256"] == hashlib.sha256(CONTENT).hexdigest()


class Overtaken(io.RawIOBase):
    """A body in whose middle something else happens."""

    def __init__(self, content: bytes, meanwhile) -> None:
        self._content = io.BytesIO(content)
        self._meanwhile = meanwhile

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        if self._content.tell() >= 3000 and self._meanwhile:
            meanwhile, self._meanwhile = self._meanwhile, None
            meanwhile()
        piece = self._content.read(min(len(buffer), 1000))
        buffer[: len(piece)] = piece
        return len(piece)

    def tell(self) -> int:
        return 0

    def seek(self, *_: int) -> int:
        return 0


def patch_while(visitor: Visitor, path: str, meanwhile):
    body = Overtaken(CONTENT, meanwhile)
    environ = {"wsgi.input_terminated": True, "CONTENT_LENGTH": str(len(CONTENT))}
    headers = {**BYTES, "Upload-Offset": "0"}
    options = {"input_stream": body, "environ_overrides": environ}
    return visitor.open(path, "PATCH", headers=headers, **options)


def test_of_two_at_once_the_later_goes_on(ann: Visitor, app, services):
    # Given a request in the middle of its body
    path = begin(ann)
    other = replace(ann, client=app.test_client())
    done = []
    # When another begins at the same offset
    late = lambda: done.append(send(other, path, 0, CONTENT[:7000]))  # noqa: E731
    reply = patch_while(ann, path, late)
    # Then the later has its bytes, and the earlier is told so and has written nothing
    assert done[0].status_code == 204
    assert (reply.status_code, reply.get_json()["code"]) == (423, "upload_locked")
    assert offset_of(ann, path) == 7000
    assert len(files_of(services, "parts")) == 1
    assert send(ann, path, 7000, CONTENT[7000:]).status_code == 204
    found = ann.get(f"/v1/uploads/{upload_id(path)}").get_json()
    assert found["sha256"] == hashlib.sha256(CONTENT).hexdigest()


def test_a_request_whose_upload_is_removed_meanwhile_leaves_nothing(ann: Visitor, app, services):
    path = begin(ann)
    other = replace(ann, client=app.test_client())
    reply = patch_while(ann, path, lambda: other.delete(path, headers=TUS))
    assert reply.status_code == 404
    assert files_of(services, "parts") == files_of(services, "uploads") == []
    assert ann.open(path, "HEAD", headers=TUS).status_code == 404


def on_a_clock_of_its_own(services, settings, files) -> Arrivals:
    """What another process does, whose time a test moves; nobody else's calls fit to it then."""
    clock = FakeClock(services.clock.now_ms())
    connection = Connection(services.connection.client, settings, clock)
    return Arrivals(connection, files, settings, clock)


def test_an_upload_without_news_goes_when_its_time_is_over(services, settings):
    # Given an upload that was interrupted, and one that goes on an hour before its end
    arrivals = on_a_clock_of_its_own(services, settings, services.files)
    left = arrivals.begin("ten_1", "a.mp4", len(CONTENT))
    goes_on = arrivals.begin("ten_1", "b.mp4", len(CONTENT))
    for each in (left, goes_on):
        arrivals.receive(each, 0, [CONTENT[:5000]])
    arrivals.clock.advance(settings.upload_part_ttl_s - 3600)
    arrivals.receive(goes_on, 5000, [CONTENT[5000:6000]])
    # When the time of the first is over
    arrivals.clock.advance(3601)
    sweep(
        Retention(arrivals.connection),
        services.files,
        services.experiments,
        settings,
        arrivals.clock,
    )
    # Then it is gone with its parts, and the other is not
    with pytest.raises(NotFound):
        arrivals.read(left.id, "ten_1")
    assert arrivals.read(goes_on.id, "ten_1").offset == 6000
    assert {key.split("/")[1] for key in files_of(services, "parts")} == {goes_on.id}
    assert not [k for k in keys_that_stay(services.connection.client) if "arrival" in k]


def test_parts_that_nobody_owns_are_found(services, settings):
    # Given a part that a process wrote just before it died, of an upload that is gone
    services.files.put(f"parts/upl_{'0' * 26}/000000000000-ab", [b"x"], max_bytes=10)
    arrivals = on_a_clock_of_its_own(services, settings, services.files)
    kept = arrivals.begin("ten_1", "a.mp4", len(CONTENT))
    arrivals.receive(kept, 0, [CONTENT[:5000]])
    # When files are old enough to be looked for
    arrivals.clock.advance(settings.orphan_ttl_s + 60)
    retention = Retention(arrivals.connection)
    assert sweep_orphans(retention, services.files, settings, arrivals.clock) == 1
    # Then it is deleted, and the part of an upload on its way is not
    assert {key.split("/")[1] for key in files_of(services, "parts")} == {kept.id}


def test_a_file_whose_joining_died_is_joined_by_whoever_asks(ann: Visitor, services, settings):
    # Given a process that has received everything and died while it joined the parts
    arrivals = on_a_clock_of_its_own(services, settings, broken_folder(settings.files))
    arrival = arrivals.begin(ann.tenant_id, "a.mp4", len(CONTENT))
    with pytest.raises(FilesUnavailable):
        arrivals.receive(arrival, 0, [CONTENT])
    Path(settings.files, "uploads").unlink()
    store = ArrivalStore(arrivals.connection)
    store.hold_join(arrival.id, arrivals.clock.now_ms() + 60_000)
    # While it may still be at it, others are asked to wait
    assert ann.open(f"{ADDRESS}/{arrival.id}", "HEAD", headers=TUS).status_code == 423
    working = replace(arrivals, files=services.files)
    with pytest.raises(UploadLocked):
        working.receive(arrival, len(CONTENT), [])
    # When it is not heard of any more, then whoever asks next joins them
    arrivals.clock.advance(61)
    assert working.receive(arrival, len(CONTENT), []).is_whole
    found = ann.get(f"/v1/uploads/{arrival.id}").get_json()
    assert found["sha256"] == hashlib.sha256(CONTENT).hexdigest()


def broken_folder(folder: str) -> LocalFiles:
    """A folder in which parts can be written and whole files cannot."""
    in_the_way = Path(folder, "uploads")
    in_the_way.parent.mkdir(parents=True, exist_ok=True)
    in_the_way.write_text("a file where the folder should be")
    return LocalFiles(folder)


def test_a_joining_that_was_overtaken_leaves_the_upload_alone(services, settings):
    # Given a process that began to join, and was silent for so long that another has done it
    arrivals = on_a_clock_of_its_own(services, settings, services.files)
    arrival = arrivals.begin("ten_1", "a.mp4", len(CONTENT))
    store = ArrivalStore(arrivals.connection)
    fence = store.resume(arrival, 0, join_ms=60_000, now_ms=arrivals.clock.now_ms())
    services.files.put(f"parts/{arrival.id}/0-a", [CONTENT], max_bytes=10**6)
    asked = {"ttl_ms": 10**6, "now_ms": arrivals.clock.now_ms()}
    store.append(arrival, fence, "0-a", len(CONTENT), **asked)
    slow = arrivals._resume(arrival, len(CONTENT))
    arrivals.clock.advance(61)
    arrivals.join(arrival)
    # When the first goes on, or asks anew, then it finds it done, and the file is there
    assert arrivals._join(arrival, slow) == arrivals.join(arrival) == arrival
    assert files_of(services, "uploads") == [f"uploads/{arrival.id}"]


def test_a_joining_that_failed_is_tried_again_at_once(ann: Visitor, services, settings):
    files = broken_folder(settings.files)
    arrivals = Arrivals(services.connection, files, settings, services.clock)
    arrival = arrivals.begin(ann.tenant_id, "a.mp4", len(CONTENT))
    with pytest.raises(FilesUnavailable):
        arrivals.receive(arrival, 0, [CONTENT])
    Path(settings.files, "uploads").unlink()
    assert offset_of(ann, f"{ADDRESS}/{arrival.id}") == len(CONTENT)
    assert ann.get(f"/v1/uploads/{arrival.id}").status_code == 200


def test_a_long_body_is_counted_part_by_part(ann: Visitor, services, settings):
    # Given a body of two and a half parts that breaks off
    roomy = replace(settings, upload_max_bytes=10**9)
    arrivals = Arrivals(services.connection, services.files, roomy, services.clock)
    arrival = arrivals.begin(ann.tenant_id, "a.mp4", 4 * PART_BYTES)
    seen = []

    def body():
        yield MP4
        sent = len(MP4)
        while sent < PART_BYTES * 5 // 2:
            sent += len(piece := bytes(200_000))
            seen.append(arrivals.read(arrival.id, ann.tenant_id).offset)
            yield piece

    # When it comes, then what is complete is told while the rest is still on its way
    after = arrivals.receive(arrival, 0, body())
    assert len(set(seen)) == 3
    assert after.offset == len(MP4) + 200_000 * len(seen)
    assert len(files_of(services, "parts")) == 3


def test_too_many_small_pieces_are_refused(ann: Visitor, services, monkeypatch):
    monkeypatch.setattr("service.store.arrivals.MOST_PARTS", 3)
    path = begin(ann)
    for at in range(3):
        assert send(ann, path, at, CONTENT[at : at + 1]).status_code == 204
    reply = send(ann, path, 3, CONTENT[3:])
    assert (reply.status_code, reply.get_json()["code"]) == (422, "upload_parts")
    assert len(files_of(services, "parts")) == 3


def test_without_redis_no_part_is_counted(ann: Visitor, redis_client: redis.Redis):
    path = begin(ann)
    redis_client.config_set("maxmemory", "1")
    try:
        reply = send(ann, path, 0, CONTENT)
    finally:
        redis_client.config_set("maxmemory", "0")
    assert reply.status_code == 503
    assert reply.headers["Retry-After"]
    assert offset_of(ann, path) == 0


def test_memory_does_not_grow_with_the_file(services, settings, ann: Visitor):
    # Given an API that takes large files
    roomy = replace(services, settings=replace(settings, upload_max_bytes=10**9))
    visitor = replace(ann, client=create_app(roomy).test_client())
    size = 60_000_000
    path = begin(visitor, size)
    # When one is sent and joined
    tracemalloc.start()
    reply = visitor.open(
        path,
        "PATCH",
        headers={**BYTES, "Upload-Offset": "0"},
        input_stream=Endless(size),
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": str(size)},
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Then no more than a few pieces of it were in memory at any time
    assert reply.status_code == 204
    assert peak < 4_000_000
