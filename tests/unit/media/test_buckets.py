"""The store of files in a bucket, against moto. What a signature is worth only Swift can show."""

from __future__ import annotations

import hashlib
import threading
from datetime import UTC, datetime

import boto3
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from moto import mock_aws

from service.clock import FakeClock
from service.errors import FileMissing, FileTooLarge, StartupError
from service.media.buckets import SETTLE_S, BucketFiles, open_bucket
from service.media.files import PIECE_BYTES, FilesUnavailable, run_directly
from service.media.objects import PART_BYTES, Bucket, open_client, read_address
from service.settings import Settings

KEY = "jobs/job_1/A-1-1.mp4"
SETTINGS = Settings(
    files="s3://clips/ab", s3_region="us-east-1", s3_access_key="key", s3_secret_key="not-for-logs"
)


@pytest.fixture
def client():
    with mock_aws():
        found = boto3.client(
            "s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
        )
        found.create_bucket(Bucket="clips")
        yield found


@pytest.fixture
def files(client):
    return open_bucket(SETTINGS, clock=FakeClock(), offload=run_directly)


def names(client):
    return [each["Key"] for each in client.list_objects_v2(Bucket="clips").get("Contents", [])]


def unfinished(client):
    return client.list_multipart_uploads(Bucket="clips").get("Uploads", [])


@pytest.mark.parametrize(
    ("address", "bucket"),
    [
        ("s3://clips", Bucket("clips", "")),
        ("s3://clips/", Bucket("clips", "")),
        ("s3://my.clips-2/a/b/", Bucket("my.clips-2", "a/b/")),
    ],
)
def test_an_address_names_a_bucket_and_a_prefix(address, bucket):
    assert read_address(address) == bucket


@pytest.mark.parametrize("address", ["s3://", "s3:///a", "s3://UPPER", "s3://a b", "s3://clips/ü"])
def test_an_address_that_is_none_stops_the_process(address):
    with pytest.raises(StartupError, match="CAPTION_AB_FILES"):
        read_address(address)


def test_half_a_pair_of_keys_stops_the_process():
    with pytest.raises(StartupError, match="go together"):
        open_client(Settings(files="s3://clips", s3_access_key="key"))


def test_an_endpoint_that_is_no_address_stops_the_process():
    with pytest.raises(StartupError, match="cannot be used") as caught:
        open_client(Settings(files="s3://clips", s3_endpoint="not an address"))
    assert "S3_ENDPOINT" in caught.value.hint_text


def test_the_secret_is_in_no_repr():
    assert "not-for-logs" not in repr(SETTINGS)


def test_a_small_stream_is_one_object_below_the_prefix(files, client):
    stored = files.put(KEY, [b"he", b"", b"llo"], max_bytes=5)
    assert (stored.key, stored.size) == (KEY, 5)
    assert stored.sha256 == hashlib.sha256(b"hello").hexdigest()
    assert names(client) == ["ab/" + KEY]
    assert b"".join(files.open_range(KEY)) == b"hello"
    assert files.put("jobs/job_1/empty.bin", [], max_bytes=5).size == 0
    assert list(files.open_range("jobs/job_1/empty.bin")) == []


@pytest.mark.parametrize("size", [PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES])
def test_sizes_around_a_part_read_back_whole(files, client, size):
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    stored = files.put(KEY, [body], max_bytes=size)
    assert (stored.size, stored.sha256) == (size, hashlib.sha256(body).hexdigest())
    assert b"".join(files.open_range(KEY)) == body
    assert unfinished(client) == []


@pytest.mark.rule("P-045")
def test_a_stream_above_the_limit_is_refused_while_it_comes(files, client):
    """Given an endless stream, when it passes the limit, then it stops there and nothing stays."""
    read = []

    def endless():
        while True:
            read.append(1)
            yield b"x" * PIECE_BYTES

    with pytest.raises(FileTooLarge):
        files.put(KEY, endless(), max_bytes=PART_BYTES + 1)
    assert len(read) == PART_BYTES // PIECE_BYTES + 1
    assert names(client) == []
    assert unfinished(client) == []


def test_a_source_that_breaks_leaves_the_old_file_and_no_part(files, client):
    files.put(KEY, [b"first"], max_bytes=100)

    def broken():
        yield b"x" * (PART_BYTES + 1)
        raise RuntimeError("line down")

    with pytest.raises(RuntimeError):
        files.put(KEY, broken(), max_bytes=10**9)
    assert b"".join(files.open_range(KEY)) == b"first"
    assert unfinished(client) == []


@given(start=st.integers(0, 700_000), length=st.integers(0, 700_000))
@hypothesis_settings(suppress_health_check=list(HealthCheck), max_examples=40)
def test_a_range_is_the_slice_of_the_file(files, client, start, length):
    body = bytes(range(256)) * 2344
    if not names(client):
        files.put(KEY, [body], max_bytes=10**7)
    pieces = list(files.open_range(KEY, start, start + length))
    assert b"".join(pieces) == body[start : start + length]
    assert all(len(piece) <= PIECE_BYTES for piece in pieces)


def test_a_range_may_be_left_half_way(files):
    files.put(KEY, [b"x" * PIECE_BYTES * 2], max_bytes=10**7)
    pieces = files.open_range(KEY)
    assert len(next(pieces)) == PIECE_BYTES
    pieces.close()
    assert list(pieces) == []


def test_missing_files_are_told_at_once(files):
    for call in (
        lambda: files.open_range(KEY),
        lambda: files.open_range(KEY, 5, 5),
        lambda: files.size(KEY),
    ):
        with pytest.raises(FileMissing):
            call()
    with pytest.raises(FileMissing), files.local_copy(KEY):
        pass


def test_a_local_copy_is_gone_after_its_use(files):
    files.put(KEY, [b"hello"], max_bytes=10)
    with files.local_copy(KEY) as path:
        assert (path.read_bytes(), path.name) == (b"hello", "A-1-1.mp4")
    assert not path.parent.exists()


def test_a_local_copy_that_finds_no_room_asks_to_try_again(files, monkeypatch, tmp_path):
    files.put(KEY, [b"hello"], max_bytes=10)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "not-there"))
    with pytest.raises(FilesUnavailable, match="no room"), files.local_copy(KEY):
        pass


def test_delete_and_delete_prefix_are_idempotent_and_touch_nothing_else(files, client):
    for key in (KEY, "jobs/job_1/B-1-1.mp4", "jobs/job_1/sub/deep.bin", "jobs/job_10/A-1-1.mp4"):
        files.put(key, [b"x"], max_bytes=10)
    client.create_multipart_upload(Bucket="clips", Key="ab/jobs/job_1/C-1-1.mp4")
    for _ in range(2):
        files.delete(KEY)
        files.delete_prefix("jobs/job_1/")
    assert names(client) == ["ab/jobs/job_10/A-1-1.mp4"]
    assert unfinished(client) == []


@pytest.mark.parametrize(
    "key", ["", "file", "store-id", "jobs/../x", "/x/y", "jobs/a b", "jobs/x/"]
)
def test_malformed_keys_are_a_bug_of_ours(files, key):
    for call in (
        lambda: files.put(key, [b"x"], max_bytes=1),
        lambda: files.open_range(key),
        lambda: files.size(key),
        lambda: files.delete(key),
    ):
        with pytest.raises(ValueError, match="not a file key"):
            call()


def test_what_computes_is_offloaded_and_what_waits_is_not(client):
    """Given an offload that counts, then hashes run elsewhere and every call to the store here."""
    here, elsewhere, calls = threading.get_ident(), [], []

    def offload(work):
        box = []
        thread = threading.Thread(target=lambda: box.append(work()))
        thread.start()
        thread.join()
        elsewhere.append(work)
        return box[0]

    files = open_bucket(SETTINGS, clock=FakeClock(), offload=offload)
    hook = files._client.meta.events
    hook.register("before-send.s3", lambda **_: calls.append(threading.get_ident()))
    files.put(KEY, [b"x" * (PIECE_BYTES * 2 + 1)], max_bytes=10**7)
    assert len(elsewhere) == 3
    assert set(calls) == {here}


def test_without_a_time_there_are_no_links(files, client):
    assert files.link(KEY, media_type="video/mp4", disposition="") == ""
    linking = BucketFiles(
        client, Bucket("clips", "ab/"), clock=FakeClock(), offload=run_directly, link_s=60
    )
    link = linking.link(KEY, media_type="video/mp4", disposition='attachment; filename="a.mp4"')
    assert f"clips.s3.amazonaws.com/ab/{KEY}?" in link
    assert "response-content-type=video%2Fmp4" in link


def test_the_store_id_is_made_once_and_waited_for(files, client):
    """Given a new bucket, when asked twice, then one id is written, after a pause for peers."""
    clock = FakeClock()
    before_ms = clock.now_ms()
    first = BucketFiles(client, Bucket("clips", "ab/"), clock=clock, offload=run_directly)
    identity = first.store_id()
    assert clock.now_ms() - before_ms == SETTLE_S * 1000
    assert names(client) == [f"ab/store-id/{identity}"]
    assert files.store_id() == identity
    assert clock.now_ms() - before_ms == SETTLE_S * 1000


def test_of_several_store_ids_all_see_the_oldest(client):
    """Given peers that wrote an id each, when each looks, then all take the one written first."""

    class Listing:
        """Pages as a store gives them, with times that moto would not let us choose."""

        def paginate(self, **_):
            early, late = (datetime(2026, 1, 1, 0, 0, n, tzinfo=UTC) for n in (1, 2))
            prefix = "ab/store-id/"
            yield {"Contents": [{"Key": prefix + "a" * 32, "LastModified": late}]}
            yield {"Contents": [{"Key": prefix + "c" * 32, "LastModified": early}]}
            yield {"Contents": [{"Key": prefix + "b" * 32, "LastModified": early}]}

    files = open_bucket(SETTINGS, clock=FakeClock(), offload=run_directly)
    files._client.get_paginator = lambda _: Listing()
    assert files.store_id() == "b" * 32


def test_a_bucket_that_is_not_there_is_unavailable_not_missing(client):
    settings = Settings(
        files="s3://absent", s3_region="us-east-1", s3_access_key="k", s3_secret_key="s"
    )
    files = open_bucket(settings, clock=FakeClock(), offload=run_directly)
    for call in (
        files.store_id,
        lambda: files.put(KEY, [b"x"], max_bytes=1),
        lambda: files.open_range(KEY),
    ):
        with pytest.raises(FilesUnavailable, match="NoSuchBucket") as caught:
            call()
        assert caught.value.retryable


def test_files_are_found_with_the_time_of_their_writing(files, client):
    # Given files of two folders, and another's beside the prefix
    for key in (KEY, "uploads/upl_1"):
        files.put(key, [b"x"], max_bytes=10)
    client.put_object(Bucket="clips", Key="other/jobs/job_1/a", Body=b"x")
    # When those of one folder are looked for; then they come with their keys and times
    (found,) = files.find_all("jobs")
    at_ms = client.head_object(Bucket="clips", Key="ab/" + KEY)["LastModified"].timestamp() * 1000
    assert (found.key, found.modified_ms) == (KEY, int(at_ms))


def test_uploads_that_broke_off_are_dropped_when_they_are_old(files, client):
    # Given an upload in parts that nobody completed
    client.create_multipart_upload(Bucket="clips", Key="ab/jobs/job_1/C-1-1.mp4")
    (begun,) = client.list_multipart_uploads(Bucket="clips")["Uploads"]
    at_ms = int(begun["Initiated"].timestamp() * 1000)
    # When it is younger than asked for; then it stays, else it is gone
    assert files.drop_unfinished(at_ms) == 0
    assert files.drop_unfinished(at_ms + 1) == 1
    assert "Uploads" not in client.list_multipart_uploads(Bucket="clips")
