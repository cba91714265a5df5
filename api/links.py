"""Links of the OpenAPI document: which operations take what an answer holds, and where it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

#: Operations on one job, by the names of their views; a test fails when one is missing.
ON_JOB = (
    "read_job",
    "cancel_job",
    "resume_waiting_job",
    "retry_ended_job",
    "read_events",
    "read_story",
    "create_message",
    "read_variant_timeline",
    "read_video",
)
ON_UPLOAD = ("read_upload", "delete_upload")


def links(
    status: int, operations: Sequence[str], parameter: str, **fixed: str
) -> dict[str, dict[int, dict[str, Any]]]:
    """What `Routes.doc` takes: from the id of an answer to the operations on it.

    `fixed` gives further parameters of paths that are the same for every answer.
    """
    to = {"parameters": {parameter: "$response.body#/id", **fixed}}
    return {"responses": {status: {"links": {n: {"operationId": n, **to} for n in operations}}}}
