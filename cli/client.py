"""The API of Caption AB, called over HTTP."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import requests

_TIMEOUT_S = (10.0, 120.0)
_PIECE_BYTES = 256 * 1024
Progress = Callable[[int], None]


class Problem(Exception):
    """The API refused, or could not be reached. The fields are those of RFC 9457."""

    def __init__(self, body: Mapping[str, Any], status: int = 0) -> None:
        self.status = status
        self.code = str(body.get("code", ""))
        self.detail = str(body.get("detail") or body.get("title") or f"HTTP {status}")
        self.hint = str(body.get("hint", ""))
        self.example: Mapping[str, Any] = body.get("example") or {}
        self.fields = [
            (str(each.get("pointer", "")), str(each.get("detail", "")))
            for each in body.get("errors", [])
        ]
        self.body = dict(body)
        super().__init__(self.detail)


@dataclass(slots=True)
class Client:
    """Calls one API with one key.

    Every method raises Problem when the API refuses or cannot be reached.
    """

    url: str
    key: str = field(repr=False)
    session: requests.Session = field(default_factory=requests.Session, repr=False)

    def upload(self, path: Path, progress: Progress) -> dict[str, Any]:
        """Send a file as a raw body; `progress` gets the bytes of each piece sent."""
        with path.open("rb") as source:
            return self._call(
                "POST",
                f"/v1/uploads?filename={quote(path.name)}",
                data=_Watched(source, os.fstat(source.fileno()).st_size, progress),
                headers={"Content-Type": "application/octet-stream"},
            )

    def submit(self, job: Mapping[str, Any], idempotency_key: str) -> dict[str, Any]:
        """Ask for a job; the same key never makes two."""
        return self._call(
            "POST", "/v1/jobs", json=dict(job), headers={"Idempotency-Key": idempotency_key}
        )

    def job(self, job_id: str) -> dict[str, Any]:
        return self._call("GET", f"/v1/jobs/{job_id}")

    def story(self, job_id: str) -> dict[str, Any]:
        """All that happened to a job, in the order of time."""
        return self._call("GET", f"/v1/jobs/{job_id}/story")

    def comparison(self, job_id: str) -> dict[str, Any] | None:
        """The full report of an ended job; none where there is none."""
        try:
            return self._call("GET", f"/v1/jobs/{job_id}/comparison")
        except Problem as problem:
            if problem.status == 404:
                return None
            raise

    def share(self, job_id: str, wish: Mapping[str, Any]) -> dict[str, Any]:
        """A link that shows a job without a key; its `url` is told this once."""
        return self._call("POST", f"/v1/jobs/{job_id}/shares", json=dict(wish))

    def shares(self, job_id: str) -> list[dict[str, Any]]:
        """The links of a job, newest first."""
        return list(self._call("GET", f"/v1/jobs/{job_id}/shares")["data"])

    def revoke_share(self, job_id: str, share_id: str) -> None:
        """End a link at once."""
        self._send("DELETE", f"/v1/jobs/{job_id}/shares/{share_id}").close()

    def attach_experiment(
        self, job_id: str, plan: Mapping[str, Any], *, dry_run: bool = False
    ) -> dict[str, Any]:
        """Give a job its experiment; `dry_run` says what the plan needs and makes nothing."""
        query = "?dry_run=true" if dry_run else ""
        return self._call("PUT", f"/v1/jobs/{job_id}/experiment{query}", json=dict(plan))

    def experiment(self, job_id: str) -> dict[str, Any]:
        return self._call("GET", f"/v1/jobs/{job_id}/experiment")

    def assign(self, job_id: str, unit_ids: Sequence[str]) -> list[dict[str, Any]]:
        """Which variant each of at most 1,000 units sees, in their order."""
        wish = {"unit_ids": list(unit_ids)}
        return list(self._call("POST", f"/v1/jobs/{job_id}/assignments", json=wish)["data"])

    def create_public_key(self, job_id: str, origins: Sequence[str]) -> dict[str, Any]:
        """A key that pages of these origins may show for one experiment."""
        path = f"/v1/jobs/{job_id}/experiment/keys"
        return self._call("POST", path, json={"origins": list(origins)})

    def count_outcomes(
        self, job_id: str, items: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        """What became of each of at most 1,000 outcomes, in their order; the same again is safe."""
        body = {"outcomes": [dict(each) for each in items]}
        return list(self._call("POST", f"/v1/jobs/{job_id}/outcomes", json=body)["results"])

    def verdict(self, job_id: str) -> bytes:
        """The document of the verdict, frozen or of now, in its one form."""
        with self._send("GET", f"/v1/jobs/{job_id}/verdict") as reply:
            return reply.content

    def snapshot(self, job_id: str) -> bytes:
        """What the verdict is made from."""
        with self._send("GET", f"/v1/jobs/{job_id}/verdict/snapshot") as reply:
            return reply.content

    def download(self, url: str, target: Path, progress: Progress) -> None:
        """Fetch a file; it appears under its name only when it is whole."""
        partial = target.with_name(target.name + ".partial")
        with self._send("GET", url, stream=True) as reply, partial.open("wb") as out:
            for piece in reply.iter_content(_PIECE_BYTES):
                out.write(piece)
                progress(len(piece))
        partial.replace(target)

    def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        with self._send(method, path, **options) as reply:
            body: dict[str, Any] = reply.json()
            return body

    def _send(self, method: str, path: str, **options: Any) -> requests.Response:
        address = path if path.startswith("http") else self.url.rstrip("/") + path
        try:
            reply = self.session.request(
                method,
                address,
                auth=self._sign,
                proxies=direct_to(self.url),
                timeout=_TIMEOUT_S,
                **options,
            )
        except requests.RequestException as error:
            raise Problem(
                {
                    "detail": f"{self.url} cannot be reached ({type(error).__name__}).",
                    "hint": "Is `caption-ab up` running there? --url names another address.",
                }
            ) from None
        if reply.status_code >= 400:
            with reply:
                body = dict(_problem_body(reply))
                if reply.status_code == 401:
                    body["detail"] = f"{self.url} says: {body.get('detail', 'no')}"
                raise Problem(body, reply.status_code)
        return reply

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the key; as a header of the session ~/.netrc would replace it."""
        request.headers["Authorization"] = f"Bearer {self.key}"
        return request


def direct_to(url: str) -> dict[str, str]:
    """What tells requests to take no proxy to this machine itself: HTTP_PROXY leads away from it.

    Where it leads on from there, as to a video in a bucket, the proxies of the environment hold.
    """
    host = urlsplit(url).hostname or ""
    is_here = host == "localhost"
    with contextlib.suppress(ValueError):  # a name
        is_here = is_here or ip_address(host).is_loopback
    told = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    return {"no_proxy": ",".join(filter(None, (told, host)))} if is_here else {}


class _Watched(io.RawIOBase):
    """A file with its length known, so that requests streams it, telling each piece read."""

    def __init__(self, source: io.BufferedReader, size: int, progress: Progress) -> None:
        self._source = source
        self._progress = progress
        self.len = size

    def read(self, size: int = -1) -> bytes:
        piece = self._source.read(_PIECE_BYTES if size < 0 else size)
        self._progress(len(piece))
        return piece


def _problem_body(reply: requests.Response) -> Mapping[str, Any]:
    try:
        body = reply.json()
    except ValueError:
        body = None
    if isinstance(body, dict):
        return body
    return {"detail": f"{reply.request.method} answered {reply.status_code}."}
