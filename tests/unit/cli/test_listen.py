"""What `caption-ab listen` prints of what came."""

from __future__ import annotations

import json

from cli.listen import show_delivery
from cli.receiver import Receiver

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


def test_a_line_of_json_holds_what_came_and_no_controls(tmp_path, socket_enabled):
    # Given bodies of which one has half of a character and one cannot be read
    kept = tmp_path / "deliveries.jsonl"
    told: list[dict] = []
    receiver = Receiver(told.append, file=kept)
    receiver.start()
    try:
        body = {"type": CLEAR, "data": "\ud800视频"}
        receiver.keep({}, json.dumps(body).encode())
        receiver.keep({}, b"[" * 100_000)
    finally:
        receiver.stop()
    # Then each is a line that reads as it came
    lines = kept.read_text(encoding="utf-8").splitlines()
    assert [json.loads(each)["body"] for each in lines] == [body, {"raw": "[" * 100_000}]
    assert all(each.isprintable() for each in lines)
    assert "视频" in lines[0]
    assert len(told) == 2
