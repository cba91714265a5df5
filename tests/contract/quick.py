"""The quick workflow by a client that openapi-python-client made of the document.

`python quick.py URL CLIP` with the client `client` on the path and a key in CAPTION_AB_KEY. Run by
tests/contract/run.py in a venv without this project.
"""

from __future__ import annotations

import os
import sys
import time
import uuid
from pathlib import Path

from client import AuthenticatedClient
from client.api.events import read_events
from client.api.jobs import create_job, read_job
from client.api.uploads import create_upload
from client.api.videos import read_video
from client.models import JobReply, JobRequest, UploadReply
from client.types import File

SRT = "1\n00:00:00,500 --> 00:00:02,500\nGood morning\n"
LONGEST_S = 180.0
ENDED = {"succeeded", "partial", "failed", "canceled", "expired"}


def main(url: str, clip: Path) -> None:
    """Upload, ask, wait, fetch; an assertion that fails says where it went wrong."""
    api = AuthenticatedClient(base_url=url, token=os.environ["CAPTION_AB_KEY"])
    with clip.open("rb") as source:
        upload = create_upload.sync(client=api, body=File(source), filename=clip.name)
    assert isinstance(upload, UploadReply), upload
    request = JobRequest.from_dict(
        {
            "clips": [{"upload_id": upload.id}],
            "captions": {"text": SRT},
            "variants": [{"style": {"preset": preset}} for preset in ("outline", "boxed")],
        }
    )
    job = create_job.sync(client=api, body=request, idempotency_key=uuid.uuid4().hex)
    assert isinstance(job, JobReply), job
    until_s = time.monotonic() + LONGEST_S
    while job.status not in ENDED:
        assert time.monotonic() < until_s, f"still {job.status}"
        time.sleep(1)
        job = read_job.sync(job.id, client=api)
        assert isinstance(job, JobReply), job
    assert job.status == "succeeded", job.to_dict()
    for variant in job.variants:
        video = read_video.sync(job.id, variant.label, client=api)
        assert isinstance(video, File), video
        print(variant.label, len(video.payload.read()), "bytes")
    events = read_events.sync(job.id, client=api)
    print("events:", ", ".join(each.type_ for each in events.data))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
