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
    "delete_job",
    "read_story",
    "read_comparison",
    "read_report_file",
    "read_picture",
    "create_share",
    "read_shares",
    "put_experiment",
    "create_experiment",
    "read_job_experiment",
    "create_outcomes",
    "read_verdict",
    "read_snapshot",
    "create_public_key",
    "read_public_keys",
    "read_assignment",
    "read_assignments",
    "play",
)
ON_VARIANT = ("create_message", "read_variant_timeline", "read_video")
#: What else an operation needs: the name of a picture that comparisons have, a viewer.
_BESIDE: dict[str, dict[str, str]] = {
    "read_picture": {"clip": "0", "name": "contact_sheet"},
    "read_assignment": {"unit_id": "viewer-1"},
    "play": {"unit_id": "viewer-1"},
}
ON_SHARE = ("revoke_share",)
ON_PUBLIC_KEY = ("revoke_public_key",)
ON_UPLOAD = ("read_upload", "delete_upload")


def links(
    status: int,
    parameter: str,
    operations: Sequence[str],
    on_variant: Sequence[str] = (),
    *,
    of_job: bool = False,
) -> dict[str, dict[int, dict[str, Any]]]:
    """What `Routes.doc` takes: from the id of an answer to the operations on it.

    Those on a variant get the label that every job has, those `of_job` the job's id too.
    """
    to = {parameter: "$response.body#/id"}
    if of_job:
        to["job_id"] = "$response.body#/job_id"
    made = {name: _link(name, {**to, **_BESIDE.get(name, {})}) for name in operations}
    made |= {name: _link(name, {**to, "label": "A"}) for name in on_variant}
    return {"responses": {status: {"links": made}}}


def _link(operation: str, parameters: dict[str, str]) -> dict[str, Any]:
    return {"operationId": operation, "parameters": parameters}
