"""Render jobs: a bounded pool that burns captions, and the states a poll may see."""

from __future__ import annotations

import os
import secrets
import shutil
import threading
from collections import deque
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sandbox.ass import write_ass
from sandbox.clock import SandboxClock
from sandbox.config import SandboxConfig
from sandbox.draft import BadDraft, read_captions, read_source
from sandbox.ffmpeg import CRF, Burner, Job, RenderFailed, output_size, write_fonts_conf
from sandbox.pages import ROWS
from sandbox.render_job import Order, Render
from sandbox.sessions import Asset, Session, Sessions
from sandbox.switches import Switches

PACKAGED_FAMILIES = frozenset({"inter", "anton", "dejavu sans"})


class DuplicateRender(Exception):
    """A render id that was used before (V44: take a new id)."""


class BadRender(Exception):
    """A render request that cannot be carried out; the message says why."""


class Renders:
    """Accepts, runs, reports and cancels renders."""

    def __init__(self, config: SandboxConfig, clock: SandboxClock, sessions: Sessions) -> None:
        self._config, self._clock, self._sessions = config, clock, sessions
        self._folder = config.data / "renders"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._burner = Burner(write_fonts_conf(config.data, config.fonts_dirs))
        self._pool = ThreadPoolExecutor(config.render_workers, thread_name_prefix="render")
        self._lock = threading.Lock()
        self._renders: dict[str, Render] = {}
        self.duplicates: deque[str] = deque(maxlen=ROWS)

    def submit(self, session: Session, order: Order, switches: Switches) -> Render:
        """Accepts a render. Raises DuplicateRender, or BadRender for what it cannot do."""
        render_id, draft = order.render_id, order.draft
        if self._refuses(session, switches):
            raise DuplicateRender(render_id)
        resolution, crf = _output(order.output, draft)
        try:
            asset = self._sessions.asset(read_source(draft))
            captions = read_captions(draft)
        except BadDraft as error:
            raise BadRender(str(error)) from error
        if asset is None or asset not in session.assets:
            raise BadRender("the draft's video is not a file of this session")
        render = Render(
            render_id, session.session_id, session.user_id, self._clock.now_ms(), resolution,
            switches.pending_s, switches.processing_s, secrets.token_urlsafe(18),
            secrets.token_urlsafe(18), self._clock, self._clock.running_s(),
            switches.render_lost_s, order.request_id,
        )  # fmt: skip
        render.width, render.height = output_size(asset.media.width, asset.media.height, resolution)
        render.ass = write_ass(captions, width=render.width, height=render.height)
        asked = sorted({style.font for _, style in captions})
        render.warnings = [f"font not packaged: {f}" for f in asked if not self._has_font(f)]
        with self._lock:
            if render_id in self._renders:
                self.duplicates.append(render_id)
                raise DuplicateRender(render_id)
            self._renders[render_id] = render
        if self._must_fail(session, switches):
            render.error, render.state = "render node lost", "failed"
        elif switches.render == "copy":
            self._finish(render, _linked(asset.path, self._new_file()), asset.media.duration_s)
        else:
            self._pool.submit(self._work, render, asset, crf)
        return render

    def find(self, render_id: str, user_id: str | None = None) -> Render | None:
        """Returns a render, of this user when one is named."""
        with self._lock:
            render = self._renders.get(render_id)
        return render if render and user_id in {None, render.user_id} else None

    def by_cdn_key(self, key: str) -> Render | None:
        """Returns the render whose result address holds this key."""
        with self._lock:
            found = (r for r in self._renders.values() if key in {r.cdn_key, r.spare_key})
            return next(found, None)

    def cancel(self, render: Render) -> None:
        """Cancels a render that is not finished; best effort."""
        if render.status() in {"pending", "processing"}:
            render.state = "cancelled"
            self._burner.kill(render.render_id)

    def rows(self) -> dict[str, dict[str, Any]]:
        """Returns all renders by id, for the books."""
        with self._lock:
            return {render_id: render.as_row() for render_id, render in self._renders.items()}

    def clear(self) -> None:
        """Cancels and forgets all renders."""
        with self._lock:
            renders = list(self._renders.values())
            self._renders.clear()
            self.duplicates.clear()
        for render in renders:
            self.cancel(render)

    def close(self) -> None:
        """Ends running ffmpeg processes and the pool."""
        self._burner.close()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _has_font(self, family: str) -> bool:
        return family.lower() in PACKAGED_FAMILIES or bool(self._config.fonts_dirs)

    @staticmethod
    def _must_fail(session: Session, switches: Switches) -> bool:
        if switches.render_fail == "once" and not session.failed_render:
            session.failed_render = True
            return True
        return switches.render_fail == "always"

    @staticmethod
    def _refuses(session: Session, switches: Switches) -> bool:
        if switches.duplicate_id == "once" and not session.refused_render:
            session.refused_render = True
            return True
        return switches.duplicate_id == "always"

    def _new_file(self) -> Path:
        return self._folder / f"{secrets.token_hex(8)}.mp4"

    def _work(self, render: Render, asset: Asset, crf: int) -> None:
        if render.state != "queued":
            return
        render.state = "working"
        folder = self._folder / f"work_{secrets.token_hex(8)}"
        folder.mkdir()
        try:
            _linked(asset.path, folder / "source.bin")
            (folder / "captions.ass").write_text(render.ass, encoding="utf-8")
            render.warnings += self._burner.run(
                render.render_id, self._job(render, asset, folder, crf), _share(render)
            )
            target = self._new_file()
            (folder / "out.mp4").replace(target)
            self._finish(render, target, asset.media.duration_s)
        except (RenderFailed, OSError) as error:
            if render.state != "cancelled":
                render.error, render.state = str(error), "failed"
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _job(self, render: Render, asset: Asset, folder: Path, crf: int) -> Job:
        threads = max(1, (os.cpu_count() or 1) // self._config.render_workers)
        media = asset.media
        return Job(
            folder, media.demuxer, render.width, render.height, media.fps, media.duration_s,
            media.audio_codec, self._config.preset, crf, threads,
        )  # fmt: skip

    def _finish(self, render: Render, path: Path, duration_s: float) -> None:
        if render.state == "cancelled":
            path.unlink(missing_ok=True)
            return
        render.path, render.size, render.duration_s = (
            path,
            path.stat().st_size,
            round(duration_s, 3),
        )
        waits_ms = (render.pending_s + render.processing_s) * 1000
        render.completed_ms = int(max(self._clock.now_ms(), render.created_ms + waits_ms))
        render.done_share, render.state = 1.0, "done"


def _share(render: Render) -> Any:
    def note(share: float) -> None:
        render.done_share = share

    return note


def _linked(source: Path, target: Path) -> Path:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
    return target


def _output(output: Mapping[str, Any], draft: Mapping[str, Any]) -> tuple[str, int]:
    if str(output.get("format", "mp4")).lower() != "mp4":
        raise BadRender("only the format mp4 can be rendered")
    meta = draft.get("m")
    asked = output.get("resolution") or (
        meta.get("resolution") if isinstance(meta, Mapping) else None
    )
    resolution = str(asked or "1080p").lower()
    if resolution not in {"1080p", "720p", "source"}:
        raise BadRender(f"the resolution {resolution} cannot be rendered")
    crf = output.get("crf")
    if isinstance(crf, int) and not isinstance(crf, bool):
        return resolution, min(51, max(0, crf))
    return resolution, CRF.get(str(output.get("quality", "high")).lower(), CRF["high"])
