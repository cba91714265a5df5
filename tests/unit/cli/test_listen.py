"""What `caption-ab listen` prints of what came."""

from __future__ import annotations

from cli.listen import show_delivery

CLEAR = "\x1b[2J\x1b]0;owned\x07\x9b2J"


def test_a_delivery_that_anybody_sent_moves_no_cursor(capsys):
    # Given what a page in a browser of this machine may send
    body = {"type": CLEAR, "sequence": CLEAR, "data": {CLEAR: [CLEAR, "视频"]}}
    headers = {"webhook-id": CLEAR}
    show_delivery({"body": body, "headers": headers, "verified": False, "status": 400})
    # Then its words are there, and none of its controls
    shown = capsys.readouterr().out
    assert shown.startswith("\n?   [2J ]0;owned  2J  NOT VERIFIED, answered 400\n")
    assert '"视频"' in shown
    assert all(each.isprintable() for each in shown.split("\n"))
