"""What a sandbox process is started with."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sandbox.switches import Switches

#: Byte limit of one uploaded file (SEED).
MAX_UPLOAD_BYTES = 500_000_000


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """Start-up choices; everything that changes behaviour at run time is in `switches`."""

    data: Path
    host: str = "127.0.0.1"
    port: int = 0
    switches: Switches = field(default_factory=Switches)
    preset: str = "veryfast"
    seed: int = 1
    render_workers: int = 1
    fonts_dirs: tuple[Path, ...] = ()
    max_upload_bytes: int = MAX_UPLOAD_BYTES
