"""ffmpeg as a program: found, checked at start-up, run with a deadline in a group of its own."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from service.errors import MediaError, StartupError, UnsupportedFile
from service.media.child import ended_after, read_tail
from service.media.formats import HEAD_BYTES, detect
from service.media.limits import MOST_PIXELS, MOST_STREAMS, MediaLimits, limit_process

_CHECK_S = 30.0
_STDERR_BYTES = 2000
#: What ffmpeg may know of a worker's environment: no setting, so no secret.
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "LANG", "TMPDIR", "FONTCONFIG_FILE")
_FOLDERS = re.compile(r"(?<![\w.])(?:/[^\s/:']+)+/")


class FfmpegFailed(MediaError):
    """ffmpeg could not do what it was asked."""

    code = "ffmpeg_failed"
    hint = "The text is ffmpeg's own last words; a damaged clip is the usual cause."


@dataclass(frozen=True, slots=True)
class FfmpegInfo:
    """An ffmpeg that is fit for use."""

    path: str
    version: str
    has_ass: bool
    has_libx264: bool


def find_ffmpeg(setting: str = "") -> str:
    """The ffmpeg of the setting, else the wheel's.

    Raises:
        StartupError: the setting is empty and the wheel has none for this machine.
    """
    if setting:
        return setting
    import imageio_ffmpeg

    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError:
        raise StartupError(
            "There is no packaged ffmpeg for this machine.",
            hint="Install ffmpeg and name it in CAPTION_AB_FFMPEG.",
        ) from None


def check_ffmpeg(path: str) -> FfmpegInfo:
    """Ask an ffmpeg what it can do.

    Raises:
        StartupError: it does not run, or lacks the filter `ass` or the encoder `libx264`.
    """
    version = _ask(path, "-version").partition("\n")[0]
    filters, encoders = _ask(path, "-filters").split(), _ask(path, "-encoders").split()
    info = FfmpegInfo(path, version, "ass" in filters, "libx264" in encoders)
    lacking = [
        name for name, there in (("ass", info.has_ass), ("libx264", info.has_libx264)) if not there
    ]
    if lacking:
        raise StartupError(
            f"The ffmpeg at {path} lacks {' and '.join(lacking)}.",
            hint="Use one built with libass and libx264, or leave CAPTION_AB_FFMPEG unset.",
        )
    return info


def run_ffmpeg(
    path: str,
    args: Sequence[str],
    *,
    cwd: Path,
    deadline_s: float,
    on_progress: Callable[[float], None] | None = None,
    memory_bytes: int = 4_000_000_000,
    output_bytes: int = 2_000_000_000,
) -> None:
    """Run ffmpeg in a folder and in a process group of its own, which ends at the deadline.

    `on_progress` is told the seconds of output written so far. Inputs belong to `input_args`. Not
    `-fs` but the system bounds what is written: ffmpeg would call a film cut short a success.

    Raises:
        FfmpegFailed: it ended with an error, whose last lines are told, or passed the deadline.
    """
    command = [path, "-hide_banner", "-nostdin", "-y", "-loglevel", "error"]
    command += ["-nostats", "-progress", "pipe:1", *args]
    with tempfile.TemporaryFile() as said:
        process = _start(command, cwd, said)
        limits = MediaLimits(memory_bytes, output_bytes=output_bytes, deadline_s=deadline_s)
        limit_process(limits, process.pid)
        with ended_after(process, deadline_s) as late:
            _follow(process, on_progress)
            process.wait()
        if late.is_set():
            raise FfmpegFailed(f"ffmpeg was not done after {deadline_s:g} s.")
        if process.returncode == -signal.SIGXFSZ:
            raise FfmpegFailed(f"ffmpeg wrote more than {output_bytes} bytes.")
        if process.returncode != 0:
            raise FfmpegFailed(_tail(said) or f"ffmpeg ended with {process.returncode}.")


def input_args(source: Path, *, seek_s: float | None = None) -> list[str]:
    """Arguments that read one local file, with the demuxer of its content and no other.

    `seek_s` starts there, for a single picture.

    Raises:
        UnsupportedFile: the content is nothing that plays, such as a playlist.
    """
    with source.open("rb") as file:
        found = detect(file.read(HEAD_BYTES))
    if found is None or not found.demuxer:
        raise UnsupportedFile("The file is not a video.")
    guard = ["-protocol_whitelist", "file,pipe", "-f", found.demuxer]
    guard += ["-max_streams", str(MOST_STREAMS), "-max_pixels", str(MOST_PIXELS)]
    # Many inputs of one picture each: a decoder's pool of threads would cost more than it gives.
    seek = ["-threads", "1", "-ss", f"{seek_s:.3f}"] if seek_s is not None else []
    return [*guard, *seek, "-i", str(source.absolute())]


def _passed_on() -> dict[str, str]:
    own = os.environ  # noqa: TID251 - passed on, not read
    return {name: own[name] for name in _ENVIRONMENT if name in own}


def _start(command: Sequence[str], cwd: Path, said: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        cwd=cwd,
        env=_passed_on(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=said,
        start_new_session=True,
    )


def _follow(process: subprocess.Popen[bytes], on_progress: Callable[[float], None] | None) -> None:
    with process.stdout or io.BytesIO() as lines:
        for line in lines:
            name, _, value = line.strip().partition(b"=")
            if on_progress and name == b"out_time_us" and value.isdigit():
                on_progress(int(value) / 1e6)


def _tail(said: IO[bytes]) -> str:
    # Folders of this machine are nobody's business: the error may reach a caller.
    return _FOLDERS.sub("", read_tail(said, _STDERR_BYTES).strip())


def _ask(path: str, question: str) -> str:
    try:
        answer = subprocess.run(
            [path, "-hide_banner", question], capture_output=True, timeout=_CHECK_S, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise StartupError(
            f"ffmpeg at {path} does not run: {type(error).__name__}.",
            hint="Install ffmpeg or unset CAPTION_AB_FFMPEG to use the packaged one.",
        ) from None
    return answer.stdout.decode(errors="replace")
