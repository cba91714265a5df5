"""What webhooks send, for the `webhooks` part of the OpenAPI document: a schema for each type."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from apispec import APISpec

from api.event_schemas import (
    ClipFailedData,
    ClipReadyData,
    CutData,
    CutEndedData,
    CutStoredData,
    EndpointOffData,
    ExperimentData,
    JobCreatedData,
    JobEndData,
    JobExpiringData,
    JobProgressData,
    JobStatusData,
    JobWaitsData,
    TestData,
)
from service.webhooks.events import OF_NO_JOB, EventType

#: The shape of `data` by type; a test fails for a type without one.
SHAPES: dict[EventType, type[ma.Schema]] = {
    EventType.JOB_CREATED: JobCreatedData,
    EventType.JOB_RUNNING: JobStatusData,
    EventType.JOB_ACTION_REQUIRED: JobWaitsData,
    EventType.JOB_RESUMED: JobStatusData,
    EventType.JOB_PROGRESS: JobProgressData,
    EventType.JOB_CANCELING: JobStatusData,
    EventType.JOB_SUCCEEDED: JobEndData,
    EventType.JOB_PARTIAL: JobEndData,
    EventType.JOB_FAILED: JobEndData,
    EventType.JOB_CANCELED: JobEndData,
    EventType.JOB_EXPIRED: JobEndData,
    EventType.JOB_EXPIRING: JobExpiringData,
    EventType.CLIP_READY: ClipReadyData,
    EventType.CLIP_FAILED: ClipFailedData,
    EventType.CUT_CREATED: CutData,
    EventType.CUT_CAPTIONED: CutData,
    EventType.CUT_RENDERING: CutData,
    EventType.CUT_SUCCEEDED: CutStoredData,
    EventType.CUT_FAILED: CutEndedData,
    EventType.CUT_ACTION_REQUIRED: CutEndedData,
    EventType.CUT_CANCELED: CutEndedData,
    EventType.CUT_EXPIRED: CutEndedData,
    EventType.EXPERIMENT_DECIDED: ExperimentData,
    EventType.EXPERIMENT_INVALID: ExperimentData,
    EventType.ENDPOINT_DISABLED: EndpointOffData,
    EventType.WEBHOOK_TEST: TestData,
}

#: When an event is told, as docs/webhooks.md says it; a test compares.
WHEN: dict[EventType, str] = {
    EventType.JOB_CREATED: "the job was accepted",
    EventType.JOB_RUNNING: "work on it has begun",
    EventType.JOB_ACTION_REQUIRED: (
        "it waits for a person: credits, a plan, a token; `data` says what to do"
    ),
    EventType.JOB_RESUMED: "somebody said that it goes on",
    EventType.JOB_PROGRESS: (
        "a stream still runs, told every two minutes; or videos are compared and pictured, with "
        "`done` of `total`. Only to those who name it in `events`"
    ),
    EventType.JOB_CANCELING: "it was told to stop, and something still runs",
    EventType.JOB_SUCCEEDED: "every cut is there, and so is the comparison",
    EventType.JOB_PARTIAL: "some cuts are there, some are not; `data` says which are missing",
    EventType.JOB_FAILED: "no cut could be made",
    EventType.JOB_CANCELED: "it was stopped",
    EventType.JOB_EXPIRED: "it was not done by its deadline",
    EventType.JOB_EXPIRING: (
        "it and its files go at `data.expires_at`, a day from now "
        "(`CAPTION_AB_JOB_EXPIRING_S`): fetch what you want to keep. Sent once; it prolongs "
        "nothing. A job that is kept no longer than that ends without it"
    ),
    EventType.CLIP_READY: "a source video was fetched and checked",
    EventType.CLIP_FAILED: "a source video cannot be used",
    EventType.CUT_CREATED: (
        "a message asked for another revision of it; `data.cut.revision` says which"
    ),
    EventType.CUT_CAPTIONED: "one variant of one clip has its captions, confirmed in the draft",
    EventType.CUT_RENDERING: "its render was submitted",
    EventType.CUT_SUCCEEDED: "its video is stored",
    EventType.CUT_FAILED: "it could not be made; `data` says why",
    EventType.CUT_ACTION_REQUIRED: "it waits for a person",
    EventType.CUT_CANCELED: "it was stopped",
    EventType.CUT_EXPIRED: "it was not done by its deadline",
    EventType.EXPERIMENT_DECIDED: (
        "the test on viewers has its verdict: a winner, a leader, no difference, or an end without "
        "an answer; `data` says it in one sentence. Sent once"
    ),
    EventType.EXPERIMENT_INVALID: (
        "it has none and will have none: its data is spoiled, variants did not get their shares, "
        "or the job ended without their videos (`reason` is `videos_missing`), or what was counted "
        "has been lost (`counts_lost`). Sent once"
    ),
    EventType.ENDPOINT_DISABLED: (
        "an endpoint of yours was switched off by 410 or after days of failures; `data` has "
        "`endpoint_id`, `reason`, `failing_since`, `last_error`; told to your other endpoints"
    ),
    EventType.WEBHOOK_TEST: (
        "you asked for it; sent to the endpoint under test whatever its `events` are"
    ),
}
_HEADERS = (
    ("webhook-id", "The event; the same in every try."),
    ("webhook-timestamp", "When this try was signed, in seconds since 1970."),
    ("webhook-signature", "One or more of `v1,<base64>`, separated by spaces; any that fits."),
)


def document_events(spec: APISpec) -> None:
    """Put every event type into the document's `webhooks` (OpenAPI 3.1)."""
    for shape in dict.fromkeys(SHAPES.values()):
        spec.components.schema(shape.__name__, schema=shape)
    webhooks = {}
    for kind, shape in SHAPES.items():
        name = "".join(part.capitalize() for part in kind.replace("_", ".").split("."))
        spec.components.schema(f"{name}Event", _envelope(kind, shape))
        webhooks[str(kind)] = {"post": _delivery(kind, f"{name}Event")}
    spec.options["webhooks"] = webhooks


def _envelope(kind: EventType, shape: type[ma.Schema]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["sequence", "id", "type", "timestamp", "data"],
        "properties": {
            "sequence": {"type": "integer", "minimum": 0 if kind in OF_NO_JOB else 1},
            "id": {"type": "string", "pattern": "^evt_[0-9a-z]+$"},
            "type": {"const": str(kind)},
            "timestamp": {"type": "string", "format": "date-time"},
            "data": {"$ref": f"#/components/schemas/{shape.__name__}"},
        },
    }


def _delivery(kind: EventType, schema: str) -> dict[str, Any]:
    body = {"schema": {"$ref": f"#/components/schemas/{schema}"}}
    return {
        "operationId": f"receive_{kind.replace('.', '_')}",
        "summary": str(kind),
        "description": f"Sent when: {WHEN[kind]}.\n\nSigned by Standard Webhooks.",
        "tags": ["webhooks"],
        "security": [],
        "parameters": [
            {
                "in": "header",
                "name": name,
                "required": True,
                "schema": {"type": "string"},
                "description": text,
            }
            for name, text in _HEADERS
        ],
        "requestBody": {"required": True, "content": {"application/json": body}},
        "responses": {
            "2XX": {"description": "Taken."},
            "410": {"description": "Nothing more is wanted."},
            "default": {"description": "Not taken: it is tried again."},
        },
    }
