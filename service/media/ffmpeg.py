"""ffmpeg as a program: found, checked at start-up, run with a deadline in a group of its own."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from service.errors import MediaError, StartupError

_CHECK_S = 30.0
_STDERR_CHARS = 2000


class FfmpegFailed(MediaError):
    """ffmpeg could not do what it was asked."""

    code = "ffmpeg_failed"


@dataclass(frozen=True, slots=True)
class FfmpegInfo:
    """An ffmpeg that is fit for use."""

    path: str
    version: str
    has_ass: bool
    has_libx264: bool


def find_ffmpeg(setting: str = "") -> str:
    """The ffmpeg of the setting, else the wheel's."""
    if setting:
        return setting
    import imageio_ffmpeg

    return str(imageio_ffmpeg.get_ffmpeg_exe())


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


def run_ffmpeg(path: str, args: Sequence[str], *, cwd: Path, deadline_s: float) -> None:
    """Run ffmpeg in a folder; it reads files and pipes only, and dies with its group.

    Raises:
        FfmpegFailed: it ended with an error or passed the deadline.
    """
    command = [path, "-hide_banner", "-nostdin", "-y", "-loglevel", "error", *args]
    process = subprocess.Popen(
        command,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        _, said = process.communicate(timeout=deadline_s)
    except subprocess.TimeoutExpired:
        raise FfmpegFailed(f"ffmpeg was not done after {deadline_s:.0f} s.") from None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.returncode != 0:
        raise FfmpegFailed(said.decode(errors="replace")[-_STDERR_CHARS:].strip())


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
