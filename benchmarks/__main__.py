"""Runs every benchmark, one after the other; fails when one misses its goal."""

from __future__ import annotations

import subprocess
import sys

NAMES = ("accept", "uploads", "memory", "listeners")

if __name__ == "__main__":
    failed = 0
    for name in NAMES:
        print(f"\n== {name}", flush=True)
        failed += bool(
            subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode
        )
    sys.exit(failed)
