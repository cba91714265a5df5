"""A picture of a page, taken by a Chromium that is on the PATH."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_WINDOW = "1280,2600"
#: How long the page may take to draw itself, and the browser to end.
_PAGE_MS, _LIMIT_S = 8000, 60.0


def find_browser() -> str | None:
    """The Chromium on the PATH, if there is one."""
    return next((path for path in map(shutil.which, _NAMES) if path), None)


def take_picture(browser: str, url: str, target: Path) -> bool:
    """Draw a page into a PNG file; whether that was done."""
    target.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(
        prefix="caption-ab-browser-", ignore_cleanup_errors=True
    ) as profile:
        command = [
            *(browser, "--headless=new", "--disable-gpu", "--hide-scrollbars", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--mute-audio"),
            # Chromium does not start as root with its sandbox, as in a container
            *(("--no-sandbox",) if os.geteuid() == 0 else ()),
            *(f"--user-data-dir={profile}", f"--window-size={_WINDOW}", f"--timeout={_PAGE_MS}"),
            *(f"--screenshot={target.resolve()}", url),
        ]
        try:
            subprocess.run(
                command,
                # The path of its socket must be short, and would lie there
                env={name: value for name, value in os.environ.items() if name != "TMPDIR"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_LIMIT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
    return target.exists()
