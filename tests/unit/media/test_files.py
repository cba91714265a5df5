"""The local store of job files."""

from __future__ import annotations

import errno
import hashlib
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import FileMissing, FileTooLarge
from service.media.files import PIECE_BYTES, FilesUnavailable, LocalFiles, read_pieces

KEY = "jobs/job_1/A-1-1.mp4"


@pytest.fixture
def files(tmp_path):
    return LocalFiles(tmp_path / "files")


def leftovers(tmp_path):
    return [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_stored_stream_reads_back_with_its_size_and_hash(files):
    """Given chunks of odd sizes, when stored, then the same bytes, size and hash come back."""
    chunks = [b"a" * 5, b"", b"b" * (PIECE_BYTES * 2 + 3), b"c"]
    stored = files.put(KEY, chunks, max_bytes=10**7)
    whole = b"".join(chunks)
    assert (stored.key, stored.size) == (KEY, len(whole))
    assert stored.sha256 == hashlib.sha256(whole).hexdigest()
    assert b"".join(files.open_range(KEY)) == whole
    assert files.size(KEY) == len(whole)


def test_every_disk_call_is_offloaded_and_no_piece_is_above_256_kib(tmp_path):
    """Given an offload that counts, when a file is written and read, then all of it went there."""
    here, calls = threading.get_ident(), []

    def elsewhere(work):
        box = []
        thread = threading.Thread(target=lambda: box.append(work()))
        thread.start()
        thread.join()
        calls.append(thread.ident != here)
        return box[0]

    files = LocalFiles(tmp_path, elsewhere)
    files.put(KEY, [b"x" * (PIECE_BYTES * 3 + 1)], max_bytes=10**7)
    sizes = [len(piece) for piece in files.open_range(KEY)]
    assert sizes == [PIECE_BYTES, PIECE_BYTES, PIECE_BYTES, 1]
    # temp, 4 writes, publish; open, 4 reads, end of file
    assert len(calls) == 6 + 6
    assert all(calls)


@given(start=st.integers(0, 700_000), length=st.integers(0, 700_000))
def test_a_range_is_the_slice_of_the_file(tmp_path_factory, start, length):
    files = LocalFiles(tmp_path_factory.getbasetemp() / "ranges")
    body = bytes(range(256)) * 2344
    try:
        files.size(KEY)
    except FileMissing:
        files.put(KEY, [body], max_bytes=10**7)
    pieces = files.open_range(KEY, start, start + length)
    assert b"".join(pieces) == body[start : start + length]


def test_a_range_may_be_left_half_way(files):
    """Given a reader that stops early, when it closes, then no more bytes come."""
    files.put(KEY, [b"x" * PIECE_BYTES * 2], max_bytes=10**7)
    pieces = files.open_range(KEY)
    assert len(next(pieces)) == PIECE_BYTES
    pieces.close()
    assert list(pieces) == []


@pytest.mark.rule("P-045")
def test_a_stream_above_the_limit_is_refused_before_it_is_read_whole(files, tmp_path):
    """Given an endless stream, when it passes the limit, then it stops there and nothing stays."""
    read = []

    def endless():
        while True:
            read.append(1)
            yield b"x" * PIECE_BYTES

    with pytest.raises(FileTooLarge):
        files.put(KEY, endless(), max_bytes=PIECE_BYTES * 3)
    assert len(read) == 4
    assert leftovers(tmp_path) == []


def test_exactly_the_limit_is_accepted(files):
    assert files.put(KEY, [b"x" * 1000], max_bytes=1000).size == 1000
    with pytest.raises(FileTooLarge):
        files.put("jobs/job_1/other.mp4", [b"x" * 1001], max_bytes=1000)


def test_a_source_that_breaks_leaves_the_old_file(files, tmp_path):
    """Given a stored file, when its replacement breaks off, then the first one is still there."""
    files.put(KEY, [b"first"], max_bytes=100)

    def broken():
        yield b"second"
        raise RuntimeError("line down")

    with pytest.raises(RuntimeError):
        files.put(KEY, broken(), max_bytes=100)
    assert b"".join(files.open_range(KEY)) == b"first"
    assert len(leftovers(tmp_path)) == 1


def test_a_full_disk_is_retryable_and_leaves_nothing(tmp_path):
    """Given a disk that fills up while writing, when it does, then the error asks to try again."""
    calls = []

    def filling(work):
        calls.append(work)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return work()

    files = LocalFiles(tmp_path, filling)
    with pytest.raises(FilesUnavailable) as caught:
        files.put(KEY, [b"x" * PIECE_BYTES * 3], max_bytes=10**7)
    assert caught.value.retryable
    assert leftovers(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_unavailable_not_missing(tmp_path):
    """Given a file where the store's folder should be, when storing, then try again, not 404."""
    (tmp_path / "files").write_text("in the way")
    with pytest.raises(FilesUnavailable):
        LocalFiles(tmp_path / "files").put(KEY, [b"x"], max_bytes=10)


def test_missing_files_are_told_at_once(files):
    with pytest.raises(FileMissing):
        files.open_range(KEY)
    with pytest.raises(FileMissing):
        files.size(KEY)
    with pytest.raises(FileMissing), files.local_copy(KEY):
        pass


def test_a_folder_is_not_a_file(files):
    files.put(KEY, [b"x"], max_bytes=10)
    with pytest.raises(FileMissing):
        files.size("jobs/job_1")
    with pytest.raises(FileMissing):
        files.open_range("jobs/job_1")


def test_delete_and_delete_prefix_are_idempotent_and_touch_nothing_else(files):
    """Given two jobs, when one is deleted twice, then only its files are gone."""
    for key in (KEY, "jobs/job_1/B-1-1.mp4", "jobs/job_1/sub/deep.bin", "jobs/job_10/A-1-1.mp4"):
        files.put(key, [b"x"], max_bytes=10)
    files.delete(KEY)
    files.delete(KEY)
    with pytest.raises(FileMissing):
        files.size(KEY)
    files.delete_prefix("jobs/job_1/")
    files.delete_prefix("jobs/job_1")
    with pytest.raises(FileMissing):
        files.size("jobs/job_1/sub/deep.bin")
    assert files.size("jobs/job_10/A-1-1.mp4") == 1


def test_local_copy_is_a_path_with_the_bytes(files):
    files.put(KEY, [b"hello"], max_bytes=10)
    with files.local_copy(KEY) as path:
        assert path.read_bytes() == b"hello"
        assert path.suffix == ".mp4"


def test_a_picture_made_elsewhere_is_put_through_read_pieces(files, tmp_path):
    (tmp_path / "made.png").write_bytes(b"p" * (PIECE_BYTES + 1))
    stored = files.put("jobs/job_1/sheet.png", read_pieces(tmp_path / "made.png"), max_bytes=10**6)
    assert stored.size == PIECE_BYTES + 1


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/",
        "file",
        "store-id",
        "/etc/passwd",
        "jobs/../store-id",
        "jobs/..",
        "../x/y",
        "jobs/.hidden",
        "jobs//x",
        "jobs/x/",
        "jobs/a b",
        "jobs/a\nb",
        "jobs/a\x00",
        "jobs/a\n",
        "jobs\\x\\y",
        "jobs/é",
        "jobs/a..b",
        "jobs/" + "x" * 129,
        "a/b/c/d/e/f/g/h/i",
        "jobs/-x",
        "~/x",
    ],
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


@given(st.text(max_size=40))
def test_no_key_leads_out_of_the_folder(tmp_path_factory, key):
    root = tmp_path_factory.getbasetemp() / "root"
    try:
        path = LocalFiles(root)._path(key)
    except ValueError:
        return
    assert path.resolve().is_relative_to(root.resolve())
    assert path.name != "store-id" or len(path.relative_to(root).parts) > 1


def test_the_store_id_is_made_once_even_by_many_at_once(tmp_path):
    """Given 16 processes that start together, when each asks, then all see one id."""
    seen, barrier = [], threading.Barrier(16)

    def ask():
        barrier.wait()
        seen.append(LocalFiles(tmp_path / "new").store_id())

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 16
    assert len(set(seen)) == 1
    assert len(seen[0]) == 32
    assert [path.name for path in leftovers(tmp_path)] == ["store-id"]
    assert LocalFiles(tmp_path / "other").store_id() != seen[0]
