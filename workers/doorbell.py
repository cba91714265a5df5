"""The doorbell: a Celery message built by Celery's own code, with blanks for the Lua to fill.

`python -m workers.doorbell` writes `service/store/doorbell.json`. Only what a consumer needs stays:
headers that say nothing are left out, and the body is plain JSON where Celery sends base64.
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from kombu.serialization import dumps

from workers.app import TASK_NAME, app

#: Blanks that `bell.lua` fills in.
ROW, ID, QUEUE = "@row@", "@id@", "@queue@"
#: Headers that only describe the sender.
_SENDER = ("argsrepr", "kwargsrepr", "origin", "replaced_task_nesting", "stamped_headers", "stamps")


def build_doorbell() -> dict[str, Any]:
    """The message for `advance(row)`, as kombu's Redis transport keeps it in a list."""
    message = app.amqp.as_task_v2(ID, TASK_NAME, args=(ROW,), kwargs={}, ignore_result=True)
    content_type, encoding, body = dumps(message.body, serializer="json")
    headers = {
        name: value
        for name, value in message.headers.items()
        if value is not None and name not in _SENDER
    }
    return {
        "body": json.dumps(json.loads(body), separators=(",", ":")),
        "content-encoding": encoding,
        "content-type": content_type,
        "headers": headers,
        "properties": {
            "correlation_id": message.properties["correlation_id"],
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": QUEUE},
            "priority": 0,
            "delivery_tag": ID,
        },
    }


def doorbell_text() -> str:
    """The template as one line of JSON."""
    return json.dumps(build_doorbell(), separators=(",", ":"))


def doorbell_path() -> Path:
    """Where the store keeps the template."""
    return Path(str(files("service.store") / "doorbell.json"))


def write_doorbell() -> None:
    """Write the template for the installed versions of Celery and kombu."""
    doorbell_path().write_text(doorbell_text() + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_doorbell()
