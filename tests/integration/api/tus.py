"""What a client of tus sends, request by request."""

from __future__ import annotations

import base64

from tests.integration.api.conftest import MP4, Visitor

ADDRESS = "/v1/uploads/tus"
TUS = {"Tus-Resumable": "1.0.0"}
BYTES = {**TUS, "Content-Type": "application/offset+octet-stream"}
CONTENT = MP4 + bytes(range(256)) * 400


def named(filename: str) -> dict[str, str]:
    value = base64.b64encode(filename.encode()).decode()
    return {"Upload-Metadata": f"filename {value},filetype dmlkZW8vbXA0"}


def begin(visitor: Visitor, length: int = len(CONTENT), filename: str = "clip.mp4") -> str:
    """The path of a new upload."""
    headers = {**TUS, "Upload-Length": str(length), **named(filename)}
    reply = visitor.post(ADDRESS, headers=headers)
    assert reply.status_code == 201, reply.text
    return reply.headers["Location"].removeprefix("https://ab.example.com")


def send(visitor: Visitor, path: str, offset: int, data: bytes, **options):
    headers = {**BYTES, "Upload-Offset": str(offset)}
    return visitor.open(path, "PATCH", headers=headers, data=data, **options)


def offset_of(visitor: Visitor, path: str) -> int:
    reply = visitor.open(path, "HEAD", headers=TUS)
    assert reply.status_code == 200
    assert "no-store" in reply.headers["Cache-Control"]
    return int(reply.headers["Upload-Offset"])


def files_of(services, folder: str) -> list[str]:
    return sorted(each.key for each in services.files.find_all(folder))


def upload_id(path: str) -> str:
    return path.rpartition("/")[2]
