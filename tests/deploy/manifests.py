"""The manifests of Kubernetes: their sources, what kustomize made of them, and that both agree.

`python -m tests.deploy.manifests` (`make manifests`) renders them anew; that alone needs kubectl.
Each rendered file says which sources it was made from, so that nobody has to render to see that it
is up to date.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from service.media.limits import MediaLimits
from service.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
OVERLAYS = ("production", "single")
_SOURCES = ("base", "components", "overlays")
_HEAD = (
    "# Made by `make manifests` from overlays/{overlay}; do not edit. Sources: sha256 {digest}\n"
)


def sources_digest() -> str:
    """SHA-256 over the paths and contents of every source."""
    digest = hashlib.sha256()
    for top in _SOURCES:
        for path in sorted((FOLDER / top).rglob("*")):
            if path.is_file():
                content = path.read_bytes()
                name = path.relative_to(FOLDER).as_posix()
                digest.update(f"{name}\n{len(content)}\n".encode() + content)
    return digest.hexdigest()


def head(overlay: str) -> str:
    """The first line of a rendered file as it must be now."""
    return _HEAD.format(overlay=overlay, digest=sources_digest())


def rendered_path(overlay: str) -> Path:
    return FOLDER / "rendered" / f"{overlay}.yaml"


def render(overlay: str) -> str:
    """What kubectl's kustomize makes of an overlay."""
    command = [
        shutil.which("kubectl") or "kubectl",
        "kustomize",
        str(FOLDER / "overlays" / overlay),
    ]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@cache
def read(overlay: str) -> list[dict[str, Any]]:
    """The objects of a rendered overlay, read once: leave them as they are."""
    return list(yaml.safe_load_all(rendered_path(overlay).read_text(encoding="utf-8")))


def count_bytes(told: str) -> int:
    """Bytes of a quantity as Kubernetes (4Gi) and compose (4g) write them."""
    number, unit = re.findall(r"^(\d+)([kmg])i?$", told.lower())[0]
    return int(number) * 1024 ** " kmg".index(unit)


def media_needs_bytes(settings: Settings) -> int:
    """Memory of a media worker whose processes all make a side by side at their bounds.

    Each of them and their parent has some of its own beside: 100 MB is twice what was measured.
    """
    largest = MediaLimits(settings.media_memory_bytes).pair_memory_bytes
    return settings.media_processes * largest + (settings.media_processes + 1) * 100_000_000


def main() -> None:
    for overlay in OVERLAYS:
        text = head(overlay) + render(overlay)
        rendered_path(overlay).parent.mkdir(exist_ok=True)
        rendered_path(overlay).write_text(text, encoding="utf-8")
        print(f"{rendered_path(overlay).relative_to(ROOT)} written")


if __name__ == "__main__":
    main()
