"""The headers that every call to the backend carries (SEED: without them export answers 402)."""

from __future__ import annotations

from enum import StrEnum

SKILL_SOURCE = "caption-ab"
#: The version in the commissioning document's front matter, not the product's own.
SKILL_VERSION = "1.0.0"


class Platform(StrEnum):
    CLAWHUB = "clawhub"
    CURSOR = "cursor"
    UNKNOWN = "unknown"


def detect_platform(install_path: str) -> Platform:
    """Tell the platform from the folder this is installed in (SEED).

    A folder counts by its name, with or without a leading dot: `~/.cursor/skills/caption-ab`.
    """
    folders = [part.lstrip(".").lower() for part in install_path.replace("\\", "/").split("/")]
    known = (Platform.CLAWHUB, Platform.CURSOR)
    return next((each for each in known if each in folders), Platform.UNKNOWN)


def attribution(platform: str) -> dict[str, str]:
    """The three attribution headers."""
    return {
        "X-Skill-Source": SKILL_SOURCE,
        "X-Skill-Version": SKILL_VERSION,
        "X-Skill-Platform": platform,
    }
