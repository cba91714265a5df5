"""The few pages that are the same for everybody: the documentation (offline), the list of errors.

Static files are read once at start, so that no request waits for the disk.
"""

from __future__ import annotations

import html
import json
import re
from functools import cache
from importlib.resources import files

from flask import Blueprint, Response, redirect
from werkzeug.wrappers import Response as AnyResponse

from api.http_errors import HTTP_CODES, HTTP_HINTS
from api.openapi import ProblemApi
from api.postman import to_postman
from api.problems import status_of, title_of
from service.captions.pictures import picture_name
from service.captions.style import PRESETS
from service.errors import CaptionAbError, NotFound

_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".webp": "image/webp",
}
_FILES = (
    "compare.js",
    "compare.css",
    "docs.js",
    "docs.css",
    "embed.css",
    "embed-plain.css",
    "player.js",
    "pages.css",
    "swagger-ui-bundle.js",
    "swagger-ui-bundle.js.LICENSE.txt",
    "swagger-ui.css",
    "LICENSE-swagger-ui.txt",
    "NOTICE-swagger-ui.txt",
    *(picture_name(preset) for preset in PRESETS),
)
_CODE = re.compile(r"`([^`]+)`")
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_DOCS = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Caption AB: API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/static/swagger-ui.css"></head>
<body><p class="swagger-ui wrapper"><a href="/docs/errors">All codes of errors</a> ·
<a href="/docs/postman.json">Postman collection</a></p>
<div id="swagger-ui"></div>
<script src="/static/swagger-ui-bundle.js"></script><script src="/static/docs.js"></script>
</body></html>
"""


def page_routes(api: ProblemApi) -> Blueprint:
    """The routes of one app."""

    def send_collection() -> Response:
        """The document as a Postman collection."""
        collection = json.dumps(to_postman(json.loads(api.text)), ensure_ascii=False)
        return Response(collection, content_type="application/json")

    routes = Blueprint("pages", __name__)
    routes.add_url_rule("/", view_func=show_start)
    routes.add_url_rule("/docs", view_func=show_docs)
    routes.add_url_rule("/docs/errors", view_func=show_errors)
    routes.add_url_rule("/docs/postman.json", view_func=send_collection)
    routes.add_url_rule("/docs/errors/<code>", view_func=show_error)
    routes.add_url_rule("/static/<name>", view_func=send_static)
    load_static()
    return routes


def show_start() -> AnyResponse:
    """Lead to the documentation."""
    return redirect("/docs")


def show_docs() -> Response:
    """Every route, to be read and tried."""
    return _page(_DOCS)


def show_errors() -> Response:
    """Every code of a problem: what `type` in a problem points to."""
    lines = "".join(
        f'<tr id="{html.escape(code)}"><td><a href="/docs/errors/{html.escape(code)}"><code>'
        f"{html.escape(code)}</code></a></td>"
        + "".join(f"<td>{_marked(cell)}</td>" for cell in cells)
        + "</tr>"
        for code, cells in sorted(list_errors().items())
    )
    head = "<tr><th>Code</th><th>Status</th><th>Meaning</th><th>What to do</th><th>Retry</th></tr>"
    return _text_page("Errors", f"<table>{head}{lines}</table>")


def show_error(code: str) -> Response:
    """One code by itself."""
    found = list_errors().get(code)
    if found is None:
        raise NotFound("There is no such code.", hint="`/docs/errors` has all of them.")
    status, meaning, advice, again = (_marked(cell) for cell in found)
    return _text_page(
        f"Error {code}",
        f"<p><code>{code}</code>, HTTP status {status}: {meaning}</p>"
        f"<p>{advice or 'Nothing more is to be said about it; read the text of the problem.'}</p>"
        f"<p>May the same request succeed later: {again}.</p>"
        '<p><a href="/docs/errors">All errors</a></p>',
    )


def list_errors() -> dict[str, tuple[str, str, str, str]]:
    """Status, meaning, advice and whether to try again, by code."""
    found = {
        each.code: (
            str(status_of(each)),
            title_of(each),
            each.hint,
            "yes" if each.retryable else "no",
        )
        for each in known_errors()
    }
    for status, code, title in HTTP_CODES:
        found.setdefault(code, (str(status), title, HTTP_HINTS.get(code, ""), "no"))
    return found


def send_static(name: str) -> Response:
    """A file of the documentation page, or a picture of a style."""
    found = load_static().get(name)
    if found is None:
        raise NotFound("There is no such file.")
    body, kind = found
    response = Response(body, content_type=kind)
    response.headers["Cache-Control"] = "public, max-age=86400"
    if kind.startswith("image/"):  # a form for styles may be on a page of another site
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@cache
def load_static() -> dict[str, tuple[bytes, str]]:
    """The packaged files by name, with their content type."""
    folder = files("api") / "static"
    return {
        name: ((folder / name).read_bytes(), _TYPES[f".{name.rpartition('.')[2]}"])
        for name in _FILES
    }


def known_errors() -> list[type[CaptionAbError]]:
    """Every class of error with a code of its own, by code."""
    found: dict[str, type[CaptionAbError]] = {}
    waiting: list[type[CaptionAbError]] = [CaptionAbError]
    while waiting:
        each = waiting.pop(0)
        found.setdefault(each.code, each)
        waiting.extend(each.__subclasses__())
    return [found[code] for code in sorted(found)]


def _marked(text: str) -> str:
    """A text as HTML; what stands between backticks is code."""
    return _CODE.sub(r"<code>\1</code>", html.escape(text))


def _text_page(title: str, body: str) -> Response:
    return _page(
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>Caption AB: {title}</title>"
        f'<link rel="stylesheet" href="/static/docs.css"></head>'
        f"<body><h1>{title}</h1>{body}</body></html>\n"
    )


def _page(text: str) -> Response:
    response = Response(text, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = _CSP
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    return response
