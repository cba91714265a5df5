"""The store of files against Debian's Swift: signatures are checked, memory stays flat."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
import textwrap
import time
from urllib.parse import urlsplit

import pytest
import requests

from service.errors import FileMissing, FileTooLarge
from service.media.files import PIECE_BYTES, FilesUnavailable
from service.media.objects import PART_BYTES, open_client
from tests.integration.files.conftest import with_changes

pytestmark = pytest.mark.s3
KEY = "jobs/job_1/A-1-1.mp4"


def parts_under_way(settings):
    bucket = urlsplit(settings.files).netloc
    return open_client(settings).list_multipart_uploads(Bucket=bucket).get("Uploads", [])


def names(settings):
    bucket = urlsplit(settings.files).netloc
    found = open_client(settings).list_objects_v2(Bucket=bucket).get("Contents", [])
    return [each["Key"] for each in found]


def test_a_stream_of_several_parts_reads_back_whole_and_by_range(bucket):
    """Given a stream of 2.5 parts, when stored, then its bytes, ranges, size and hash are right."""
    body = random.Random(1).randbytes(PART_BYTES * 5 // 2)
    chunks = (body[at : at + 100_000] for at in range(0, len(body), 100_000))
    stored = bucket.put(KEY, chunks, max_bytes=10**9)
    assert (stored.size, stored.sha256) == (len(body), hashlib.sha256(body).hexdigest())
    assert bucket.size(KEY) == len(body)
    pieces = list(bucket.open_range(KEY))
    assert b"".join(pieces) == body
    assert max(map(len, pieces)) <= PIECE_BYTES
    # across the border of two parts, to the end, behind it, nothing at all
    edge = PART_BYTES
    assert b"".join(bucket.open_range(KEY, edge - 10, edge + 10)) == body[edge - 10 : edge + 10]
    assert b"".join(bucket.open_range(KEY, len(body) - 7)) == body[-7:]
    assert list(bucket.open_range(KEY, len(body))) == []
    assert list(bucket.open_range(KEY, 5, 5)) == []
    with bucket.local_copy(KEY) as path:
        assert path.suffix == ".mp4"
        assert hashlib.sha256(path.read_bytes()).hexdigest() == stored.sha256
    assert not path.exists()


def test_a_stream_above_the_limit_leaves_no_part(bucket, bucket_settings):
    """Given a stream that passes the limit in its third part, then nothing of it stays."""
    read = []

    def endless():
        while True:
            read.append(1)
            yield b"x" * PIECE_BYTES

    with pytest.raises(FileTooLarge):
        bucket.put(KEY, endless(), max_bytes=PART_BYTES * 2 + 1)
    assert len(read) == PART_BYTES * 2 // PIECE_BYTES + 1
    assert parts_under_way(bucket_settings) == []
    with pytest.raises(FileMissing):
        bucket.size(KEY)


def test_a_source_that_breaks_leaves_the_old_file(bucket, bucket_settings):
    bucket.put(KEY, [b"first"], max_bytes=100)

    def broken():
        yield b"x" * (PART_BYTES + 1)
        raise RuntimeError("line down")

    with pytest.raises(RuntimeError):
        bucket.put(KEY, broken(), max_bytes=10**9)
    assert b"".join(bucket.open_range(KEY)) == b"first"
    assert parts_under_way(bucket_settings) == []


def test_a_job_is_deleted_with_the_parts_that_a_killed_process_left(bucket, bucket_settings):
    """Given two jobs and an upload nobody finished, when one is deleted, then only it is gone."""
    for key in (KEY, "jobs/job_1/sub/deep.bin", "jobs/job_10/A-1-1.mp4"):
        bucket.put(key, [b"x"], max_bytes=10)
    name = urlsplit(bucket_settings.files).netloc
    open_client(bucket_settings).create_multipart_upload(Bucket=name, Key="ab/jobs/job_1/B-1-1.mp4")
    assert len(parts_under_way(bucket_settings)) == 1
    bucket.delete_prefix("jobs/job_1")
    bucket.delete_prefix("jobs/job_1/")
    bucket.delete(KEY)
    assert parts_under_way(bucket_settings) == []
    assert names(bucket_settings) == ["ab/jobs/job_10/A-1-1.mp4"]


def test_a_wrong_secret_is_refused(bucket, bucket_settings):
    """Given a file, when somebody with another secret reads or writes, then the store says no."""
    bucket.put(KEY, [b"x"], max_bytes=10)
    other = with_changes(bucket_settings, s3_secret_key="guessed")
    with pytest.raises(FilesUnavailable, match="SignatureDoesNotMatch") as caught:
        other.put("jobs/job_1/B-1-1.mp4", [b"y"], max_bytes=10)
    assert caught.value.retryable
    assert "guessed" not in str(caught.value)
    with pytest.raises(FilesUnavailable):
        other.open_range(KEY)
    with pytest.raises(FilesUnavailable):
        other.size(KEY)
    assert names(bucket_settings) == ["ab/" + KEY]


def test_a_link_reads_the_file_without_a_key(bucket):
    """Given a link, when somebody follows it, then the file comes, in ranges, named to be saved."""
    bucket.put(KEY, [b"0123456789"], max_bytes=10)
    link = bucket.link(KEY, media_type="video/mp4", disposition='attachment; filename="a.mp4"')
    whole = requests.get(link, timeout=10)
    assert (whole.status_code, whole.content) == (200, b"0123456789")
    assert whole.headers["Content-Disposition"] == 'attachment; filename="a.mp4"'
    assert whole.headers["Content-Type"] == "video/mp4"
    part = requests.get(link, headers={"Range": "bytes=2-4"}, timeout=10)
    assert (part.status_code, part.content) == (206, b"234")


def test_a_link_that_was_changed_or_has_expired_is_refused(bucket, bucket_settings):
    """Given links, when one names another file, another signature, or is late, then 403."""
    bucket.put(KEY, [b"mine"], max_bytes=10)
    bucket.put("jobs/job_2/A-1-1.mp4", [b"theirs"], max_bytes=10)
    link = bucket.link(KEY, media_type="video/mp4", disposition="")
    stolen = link.replace("job_1", "job_2")
    forged = link[:-4] + ("0000" if not link.endswith("0000") else "1111")
    longer = link.replace("X-Amz-Expires=60", "X-Amz-Expires=6000")
    assert len({link, stolen, forged, longer}) == 4
    for each in (stolen, forged, longer):
        assert requests.get(each, timeout=10).status_code == 403
    short = with_changes(bucket_settings, s3_link_s=1.0)
    late = short.link(KEY, media_type="video/mp4", disposition="")
    assert requests.get(late, timeout=10).status_code == 200
    time.sleep(2.2)
    assert requests.get(late, timeout=10).status_code == 403


def test_the_store_id_is_made_once(bucket, bucket_settings):
    first = bucket.store_id()
    assert len(first) == 32
    assert with_changes(bucket_settings).store_id() == first
    assert with_changes(bucket_settings, files=bucket_settings.files + "2").store_id() != first


def test_a_bucket_that_is_not_there_is_unavailable(bucket_settings):
    absent = with_changes(bucket_settings, files="s3://no-such-bucket/ab")
    for call in (
        absent.store_id,
        lambda: absent.put(KEY, [b"x"], max_bytes=1),
        lambda: absent.open_range(KEY),
    ):
        with pytest.raises(FilesUnavailable, match="NoSuchBucket"):
            call()


FLAT = textwrap.dedent("""
    import hashlib
    from pathlib import Path
    from service.clock import FakeClock
    from service.media.buckets import open_bucket
    from service.media.files import run_directly
    from service.settings import load_settings

    def peak_mb():
        # not getrusage: that still counts the process which forked this one
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024

    files = open_bucket(load_settings(), clock=FakeClock(), offload=run_directly)
    key = "jobs/job_1/A-1-1.mp4"
    files.put(key, (bytes(65_536) for _ in range(320)), max_bytes=10**9)
    for _ in files.open_range(key):
        pass
    before = peak_mb()
    chunks = (bytes([n % 251]) * 65_536 for n in range(3200))
    stored = files.put(key, chunks, max_bytes=10**9)
    digest = hashlib.sha256()
    for piece in files.open_range(key):
        digest.update(piece)
    assert stored.size == 209_715_200 and stored.sha256 == digest.hexdigest()
    print(before, peak_mb())
""")


def test_two_hundred_megabytes_go_through_in_flat_memory(bucket_settings):
    """Given a process that has moved 20 MB, when it moves 200, then its peak hardly grows."""
    done = subprocess.run(
        [sys.executable, "-c", FLAT],
        env={
            "CAPTION_AB_FILES": bucket_settings.files,
            "CAPTION_AB_S3_ENDPOINT": bucket_settings.s3_endpoint,
            "CAPTION_AB_S3_REGION": bucket_settings.s3_region,
            "CAPTION_AB_S3_ACCESS_KEY": bucket_settings.s3_access_key,
            "CAPTION_AB_S3_SECRET_KEY": bucket_settings.s3_secret_key,
        },
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr
    before, after = map(float, done.stdout.split())
    print(f"peak memory: {before:.0f} MB after 20 MB, {after:.0f} MB after 200 MB")
    assert after - before < 2 * PART_BYTES / 2**20
