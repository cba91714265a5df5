"""How a share link is told on the command line."""

from __future__ import annotations

from cli.share import tell

LINK = {
    "id": "shr_1",
    "status": "active",
    "expires_at": "2026-11-26T00:00:00.000Z",
    "preferences": True,
}


def test_a_link_is_told_in_a_line():
    assert tell(LINK) == "shr_1  active   until 2026-11-26T00:00:00.000Z  look and prefer"
    assert tell({**LINK, "preferences": False, "status": "revoked"}).endswith("Z  look")
