"""The ffmpeg side of rendering: fonts, command line, one run with progress and missing glyphs."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import imageio_ffmpeg

PACKAGED_FONTS = Path(__file__).parent / "fonts"
#: Sound that is both legal in MP4 and played by browsers; anything else becomes AAC.
COPIED_AUDIO = frozenset({"aac", "mp3", "opus"})
CRF = {"high": 20, "medium": 23, "low": 28}
RENDER_LIMIT_S = 900

_LONG_SIDE, _KEYFRAMES_S = 1920, 2
_GLYPH = re.compile(r"failed to find any fallback with glyph 0x([0-9A-Fa-f]+)")
_SELECTED = re.compile(
    r"(?:Glyph 0x(?P<code>[0-9A-F]+) not found, selecting one more font for \((?P<for>[^,]+),"
    r"|fontselect: \((?P<family>[^,]+), \d+, \d+\) -> .*, \d+, (?P<name>\S+)$)",
    re.MULTILINE,
)
_WORD_JOINER = 0x2060


class RenderFailed(Exception):
    """ffmpeg did not make the video; the message ends with its last line."""


@dataclass(frozen=True, slots=True)
class Job:
    """Everything one ffmpeg run needs; fixed file names inside `folder` are its cwd."""

    folder: Path
    demuxer: str
    width: int
    height: int
    fps: float
    duration_s: float
    audio_codec: str
    preset: str
    crf: int
    threads: int


def ffmpeg_binary() -> str:
    """Returns the ffmpeg in use: CAPTION_AB_FFMPEG, else the one of imageio-ffmpeg."""
    return os.environ.get("CAPTION_AB_FFMPEG") or str(imageio_ffmpeg.get_ffmpeg_exe())


def lacks() -> list[str]:
    """Returns what the ffmpeg in use cannot do of what renders need; empty when it can do all."""
    needs = {"-filters": " ass ", "-encoders": " libx264 "}
    missing = []
    for option, word in needs.items():
        command = [ffmpeg_binary(), "-hide_banner", option]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        except OSError as error:
            return [f"ffmpeg itself ({error.strerror})"]
        if word not in done.stdout:
            missing.append(word.strip())
    return missing


def output_size(width: int, height: int, resolution: str) -> tuple[int, int]:
    """Returns the even output size: short side 1080 (or 720), long at most 1920, aspect kept."""
    if resolution == "source":
        return max(2, width // 2 * 2), max(2, height // 2 * 2)
    short = 720 if resolution == "720p" else 1080
    limit = _LONG_SIDE * short // 1080
    scale = min(short / min(width, height), limit / max(width, height))
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def write_fonts_conf(folder: Path, extra: Sequence[Path] = ()) -> Path:
    """Writes the private fonts.conf that keeps host fonts out of renders, and returns its path."""
    dirs = "".join(f"<dir>{escape(str(path.resolve()))}</dir>" for path in (PACKAGED_FONTS, *extra))
    cache = escape(str((folder / "fontcache").resolve()))
    conf = folder / "fonts.conf"
    conf.write_text(
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>'
        f"{dirs}<cachedir>{cache}</cachedir>"
        '<match target="pattern"><edit name="family" mode="append_last" binding="weak">'
        "<string>DejaVu Sans</string></edit></match></fontconfig>",
        encoding="utf-8",
    )
    return conf.resolve()  # ffmpeg runs in another folder


def build_command(job: Job) -> list[str]:
    """Builds the ffmpeg command: burn, H.264 yuv420p, sound kept, streamable MP4."""
    picture = (
        f"scale={job.width}:{job.height}:flags=bicubic:out_range=tv,format=yuv420p,setsar=1,"
        "ass=captions.ass"
    )
    keyframes = str(max(1, round((job.fps or 30) * _KEYFRAMES_S)))
    sound = ["-c:a", "copy"] if job.audio_codec in COPIED_AUDIO else ["-c:a", "aac", "-b:a", "192k"]
    return [
        ffmpeg_binary(), "-hide_banner", "-nostdin", "-y", "-loglevel", "verbose",
        "-progress", "pipe:1", "-protocol_whitelist", "file,pipe", "-f", job.demuxer,
        "-i", "source.bin", "-map", "0:v:0", "-map", "0:a:0?", "-sn", "-dn", "-map_metadata", "-1",
        "-vf", picture, "-fps_mode", "passthrough", "-c:v", "libx264", "-preset", job.preset,
        "-crf", str(job.crf), "-pix_fmt", "yuv420p", "-g", keyframes,
        "-threads", str(job.threads), *sound, "-movflags", "+faststart", "-f", "mp4", "out.mp4",
    ]  # fmt: skip


def missing_glyphs(log: str) -> list[str]:
    """Returns the characters libass had no glyph for, in order of code point."""
    codes = {int(match, 16) for match in _GLYPH.findall(log)} - {_WORD_JOINER}
    return [chr(code) for code in sorted(codes)]


def stand_ins(log: str) -> list[str]:
    """Returns which fonts libass took beside the one asked for, and the first glyph of each."""
    found, code = dict[tuple[str, str], str](), ""
    for match in _SELECTED.finditer(log):
        if match["code"]:
            code = match["code"]
            continue
        family, name = match["family"], match["name"]
        if code and not name.startswith(family.replace(" ", "")):
            found.setdefault((name, family), chr(int(code, 16)))
        code = ""
    return [f"{name} for {family} from {char}" for (name, family), char in found.items()]


def glyph_warnings(log: str) -> list[str]:
    """Returns what a render must say of glyphs: none is drawn from another font in silence."""
    missing, others = missing_glyphs(log), stand_ins(log)
    return [
        *(["missing glyphs: " + " ".join(missing)] if missing else []),
        *(["another font stands in: " + "; ".join(others)] if others else []),
    ]


class Burner:
    """Runs ffmpeg processes and can end every one it started."""

    def __init__(self, fonts_conf: Path) -> None:
        self._env = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": str(fonts_conf.parent),
            "LANG": "C.UTF-8",
            "FONTCONFIG_FILE": str(fonts_conf),
        }
        self._lock = threading.Lock()
        self._running: dict[str, subprocess.Popen[str]] = {}
        self._closed = False

    def run(self, key: str, job: Job, progress: Callable[[float], None]) -> list[str]:
        """Burns one job into `out.mp4` of its folder and returns warnings about glyphs.

        `progress` is called with 0..1. Raises RenderFailed, also when killed.
        """
        log = job.folder / "ffmpeg.log"
        with log.open("w") as stderr, self._lock:
            if self._closed:
                raise RenderFailed("the sandbox is closing")
            process = subprocess.Popen(
                _tethered(build_command(job)), cwd=job.folder, env=self._env,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, text=True,
                start_new_session=True,
            )  # fmt: skip
            self._running[key] = process
        watchdog = threading.Timer(RENDER_LIMIT_S, _kill, (process,))
        watchdog.daemon = True
        watchdog.start()
        try:
            _follow(process, job.duration_s, progress)
            code = process.wait()
        finally:
            watchdog.cancel()
            if process.stdout:
                process.stdout.close()
            with self._lock:
                self._running.pop(key, None)
        text = log.read_text(encoding="utf-8", errors="replace")
        if code != 0:
            last = [line for line in text.splitlines() if line.strip()][-1:] or [""]
            raise RenderFailed(f"ffmpeg ended with {code}: {last[0][:300]}")
        return glyph_warnings(text)

    def kill(self, key: str) -> None:
        """Ends one running job, if it runs."""
        with self._lock:
            process = self._running.get(key)
        if process:
            _kill(process)

    def close(self) -> None:
        """Ends every running job and refuses new ones."""
        with self._lock:
            self._closed = True
            running = list(self._running.values())
        for process in running:
            _kill(process)


def _tethered(command: list[str]) -> list[str]:
    tether = str(Path(__file__).parent / "tether.py")
    binary = shutil.which(command[0]) or command[0]
    return [sys.executable, "-I", "-S", tether, str(os.getpid()), binary, *command[1:]]


def _follow(
    process: subprocess.Popen[str], duration_s: float, progress: Callable[[float], None]
) -> None:
    for line in process.stdout or ():
        name, _, value = line.strip().partition("=")
        if name == "out_time_us" and value.lstrip("-").isdigit() and duration_s > 0:
            progress(min(1.0, max(0.0, int(value) / 1e6 / duration_s)))


def _kill(process: subprocess.Popen[str]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
