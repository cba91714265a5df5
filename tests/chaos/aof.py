"""How much of Valkey's append-only files was on the disk, by what strace saw of its system calls.

A file counts as written up to a length at the last fdatasync that completed, and by what had been
written when that one began. What comes after is what a machine that loses power may lose. Names are
taken as kept: the server renames a file only after it has synced it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

#: What has to be watched: writes to files, syncs, and the names that files get in a rewrite.
STRACE = (
    "strace", "-f", "--seccomp-bpf", "-y", "-s", "0", "-e", "signal=none",
    "-e", "trace=write,writev,pwrite64,ftruncate,fdatasync,fsync,rename,renameat,renameat2",
)  # fmt: skip


def why_unwatched() -> str:
    """Why system calls cannot be watched on this machine; empty where they can."""
    if shutil.which("strace") is None:
        return "strace is not on the PATH"
    done = subprocess.run([*STRACE, "-o", "/dev/null", "true"], capture_output=True, text=True)
    return f"strace may not watch processes here: {done.stderr[-200:]}" if done.returncode else ""


_CALL = re.compile(r"^(?:\[pid +)?(?P<task>\d+)\]? +(?P<rest>.*)$")
_BEGUN = re.compile(r"^(?P<call>\w+)\(\d+<(?P<path>[^>]*)>")
_RESUMED = re.compile(r"^<\.\.\. (?P<call>\w+) resumed>")
_RESULT = re.compile(r"= (-?\d+)(?: \S.*)?$")
_NAMES = re.compile(r'^rename\w*\((?:AT_FDCWD[^,]*, )?"([^"]*)", (?:AT_FDCWD[^,]*, )?"([^"]*)"')
_SYNCS = frozenset({"fdatasync", "fsync"})
_WRITES = frozenset({"write", "writev", "pwrite64"})


@dataclass
class AofLog:
    """Reads the log as it grows; `synced` is by path as strace names it."""

    log: Path
    folder: Path
    written: dict[str, int] = field(default_factory=dict)
    synced: dict[str, int] = field(default_factory=dict)
    syncs: int = 0
    _begun: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    _at: int = 0

    def read_on(self) -> None:
        """Take in whole lines that have come since the last time."""
        with self.log.open("rb") as file:
            file.seek(self._at)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._at += len(whole)
        for line in whole.decode(errors="replace").splitlines():
            self.take(line)

    def take(self, line: str) -> None:
        """Take in one line."""
        found = _CALL.match(line)
        if found is None:
            return
        task, rest = found["task"], found["rest"]
        if begun := _BEGUN.match(rest):
            call, path = begun["call"], begun["path"]
            self._begun[task] = (call, path, self.written.get(path, 0))
        elif names := _NAMES.match(rest):
            self._rename(*names.groups())
            return
        elif not _RESUMED.match(rest):
            return
        result = _RESULT.search(rest)
        if result is not None and task in self._begun:
            self._end(*self._begun.pop(task), int(result[1]))

    def _end(self, call: str, path: str, before: int, result: int) -> None:
        if call in _SYNCS and result == 0:
            self.synced[path] = max(self.synced.get(path, 0), before)
            self.syncs += path.endswith(".aof")
        elif call in _WRITES and result > 0:
            self.written[path] = self.written.get(path, 0) + result

    def _rename(self, old: str, new: str) -> None:
        for lengths in (self.written, self.synced):
            for known in [each for each in lengths if Path(each).name == Path(old).name]:
                lengths[str(Path(known).with_name(Path(new).name))] = lengths.pop(known)

    def lose_power(self) -> int:
        """Cut each append-only file back to what was on the disk; how many bytes that took."""
        self.read_on()
        lost = 0
        for file in self.folder.glob("*.incr.aof"):
            on_disk = self.synced.get(str(file), 0)
            lost += file.stat().st_size - on_disk
            with file.open("r+b") as handle:
                handle.truncate(on_disk)
        return lost
