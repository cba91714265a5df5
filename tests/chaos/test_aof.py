"""What of a log was on the disk is read rightly from what strace saw."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.aof import AofLog

AOF = "/d/a.1.incr.aof"


def read(folder: Path, *lines: str) -> AofLog:
    log = folder / "calls"
    log.write_text("".join(f"{line}\n" for line in lines))
    found = AofLog(log, folder)
    found.read_on()
    return found


def test_a_sync_covers_what_was_written_before_it(tmp_path):
    found = read(
        tmp_path,
        f'7 write(9<{AOF}>, ""..., 10) = 10',
        f"7 fdatasync(9<{AOF}>) = 0",
        f'7 write(9<{AOF}>, ""..., 5) = 5',
    )
    assert found.written == {AOF: 15}
    assert found.synced == {AOF: 10}


def test_a_sync_in_another_thread_covers_only_what_came_before_its_beginning(tmp_path):
    found = read(
        tmp_path,
        f'7 write(9<{AOF}>, ""..., 10) = 10',
        f"8 fdatasync(9<{AOF}> <unfinished ...>",
        f'7 write(9<{AOF}>, ""..., 5) = 5',
        "8 <... fdatasync resumed>) = 0",
    )
    assert found.synced == {AOF: 10}


def test_a_sync_that_failed_or_did_not_return_covers_nothing(tmp_path):
    found = read(
        tmp_path,
        f'7 write(9<{AOF}>, ""..., 10) = 10',
        f"7 fdatasync(9<{AOF}>) = -1 EIO (Input/output error)",
        f"8 fdatasync(9<{AOF}> <unfinished ...>",
    )
    assert found.synced == {}


def test_a_file_keeps_its_length_under_its_new_name(tmp_path):
    found = read(
        tmp_path,
        '7 write(9</d/temp.aof>, ""..., 10) = 10',
        "7 fsync(9</d/temp.aof>) = 0",
        '7 rename("/d/temp.aof", "/d/a.2.incr.aof") = 0',
    )
    assert found.synced == {"/d/a.2.incr.aof": 10}


def test_losing_power_cuts_the_file_back(tmp_path):
    file = tmp_path / "a.1.incr.aof"
    file.write_bytes(b"0123456789")
    found = read(tmp_path, f"7 write(9<{file}>, ..., 6) = 6", f"7 fdatasync(9<{file}>) = 0")
    assert found.lose_power() == 4
    assert file.read_bytes() == b"012345"
