"""A webhook receiver in Python 3.11, of the standard library alone.

WEBHOOK_SECRET=whsec_... python3 receiver.py 9000
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))
MOST_BYTES = 1_000_000
seen = set()  # in your database: the ids of events that you have had


def is_ours(headers, body):
    """Whether the sender knows the secret, and signed this not long ago."""
    sent_at = headers.get("webhook-timestamp", "")
    if not (sent_at.isascii() and sent_at.isdigit() and len(sent_at) < 12):
        return False
    if abs(time.time() - int(sent_at)) > 300:
        return False
    signed = f"{headers.get('webhook-id', '')}.{sent_at}.".encode() + body
    wanted = b"v1," + base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256))
    given = headers.get("webhook-signature", "").encode("utf-8", "replace").split(b" ")
    return any(hmac.compare_digest(wanted, each) for each in given)


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        length = self.headers.get("content-length", "")
        if not length.isdigit() or int(length) > MOST_BYTES:
            return self.answer(400)
        body = self.rfile.read(int(length))
        if not is_ours(self.headers, body):
            return self.answer(400)
        event = json.loads(body)
        if event["id"] not in seen:  # the same event may come twice
            seen.add(event["id"])
            print(event["type"], event.get("data", {}).get("job_id", ""), flush=True)
        return self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
