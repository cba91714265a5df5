"""Uploads that arrive in parts, with a bucket as the store of files."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace

import pytest

from service.arrivals import PART_BYTES, Arrivals
from service.clock import FakeClock
from service.errors import MediaError, UnsupportedFile
from service.media.objects import open_client
from service.store.accounts import AccountStore
from service.store.connection import Connection
from service.store.pool import connect
from tests.integration.api.conftest import MP4

pytestmark = pytest.mark.s3


@pytest.fixture
def arrivals(bucket, bucket_settings, redis_url) -> Arrivals:
    settings = replace(bucket_settings, redis_url=redis_url)
    clock = FakeClock()
    connection = Connection(connect(settings, connections=2, name="test"), settings, clock)
    yield Arrivals(connection, bucket, settings, clock)
    connection.client.connection_pool.disconnect()


def keys(bucket, folder: str) -> list[str]:
    return sorted(each.key for each in bucket.find_all(folder))


class BrokeOff(MediaError):
    """The line is down."""

    code = "broke_off"


def test_an_interrupted_upload_is_joined_in_the_bucket(arrivals: Arrivals, bucket):
    # Given a clip of three parts, whose client vanishes in the second
    content = MP4 + random.Random(3).randbytes(PART_BYTES * 5 // 2)
    arrival = arrivals.begin("ten_1", "a.mp4", len(content))

    def broken():
        yield content[: PART_BYTES + 1000]
        yield content[PART_BYTES + 1000 : PART_BYTES + 2000]
        raise BrokeOff

    with pytest.raises(BrokeOff):
        arrivals.receive(arrival, 0, broken())
    # When it goes on with another process
    other = replace(arrivals)
    now = other.read(arrival.id, "ten_1")
    assert now.offset == PART_BYTES + 2000
    assert other.receive(now, now.offset, [content[now.offset :]]).is_whole
    # Then the bucket holds the whole and no part, and the upload says its hash
    assert b"".join(bucket.open_range(f"uploads/{arrival.id}")) == content
    assert keys(bucket, "parts") == []
    found = AccountStore(arrivals.connection).read_upload(arrival.id)
    assert found.sha256 == hashlib.sha256(content).hexdigest()


def test_what_is_refused_or_removed_leaves_no_object(arrivals: Arrivals, bucket):
    words = arrivals.begin("ten_1", "a.mp4", 1000)
    with pytest.raises(UnsupportedFile):
        arrivals.receive(words, 0, [b"words " * 100])
    removed = arrivals.begin("ten_1", "a.mp4", 10_000)
    arrivals.receive(removed, 0, [MP4])
    assert len(keys(bucket, "parts")) == 1
    arrivals.drop(removed.id)
    assert keys(bucket, "parts") == keys(bucket, "uploads") == []


def test_a_plain_upload_that_was_killed_half_way_is_swept(bucket, bucket_settings):
    # Given the parts of an upload whose process was killed
    name = bucket_settings.files.removeprefix("s3://").partition("/")[0]
    client = open_client(bucket_settings)
    begun = client.create_multipart_upload(Bucket=name, Key="ab/uploads/upl_1")
    where = {"Bucket": name, "Key": "ab/uploads/upl_1", "UploadId": begun["UploadId"]}
    client.upload_part(**where, PartNumber=1, Body=bytes(6_000_000))
    uploads = client.list_multipart_uploads(Bucket=name)["Uploads"]
    began_ms = int(uploads[0]["Initiated"].timestamp() * 1000)
    # When it is younger than `part_ttl_s` it stays; later it goes
    assert bucket.drop_unfinished(began_ms) == 0
    assert bucket.drop_unfinished(began_ms + 1) == 1
    assert client.list_multipart_uploads(Bucket=name).get("Uploads", []) == []
    assert keys(bucket, "uploads") == []
