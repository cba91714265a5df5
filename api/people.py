"""Pages for people: drawn from templates, sent under a policy that runs no script but ours."""

from __future__ import annotations

from typing import Any

from flask import Response, render_template, request

from api.problems import answer_error, title_of
from api.visitors import NOBODY, SignInNeeded, is_secure, wants_html
from service.errors import CaptionAbError, KeyScopeMissing, NotFound
from service.shares import PARAMETER

#: Nothing is loaded from elsewhere, nothing is inline, nobody frames it (page.md of the reference).
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


def draw(template: str, **values: Any) -> str:
    """A page from its template; every value is escaped."""
    return render_template(template, **values)


def send_page(text: str, status: int = 200, *, shared: bool = False) -> Response:
    """A page as an answer; kept by nobody.

    What has a link in its address tells no other page of it. Elsewhere the address holds nothing,
    and a browser may name this site to itself: by that a form shows where it comes from.
    """
    response = Response(text, status, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = CSP
    if is_secure():  # without TLS browsers pass it over, and say so aloud
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer" if shared else "same-origin"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def answer_in_words(error: CaptionAbError) -> Response:
    """An error below `/jobs`: a page for a browser, a problem for everybody else."""
    problem = answer_error(error)
    if not wants_html():
        problem.headers["Cache-Control"] = "no-store"
        return problem
    if isinstance(error, SignInNeeded | KeyScopeMissing):
        told = "" if error.detail == NOBODY else error.detail
        text = draw("sign_in.html", **sign_in_values(told, request.path))
    else:
        text = draw(
            "refused.html",
            title=title_of(type(error)),
            detail=error.detail,
            hint="" if error.hint_text == NotFound.hint else error.hint_text,  # of ids and keys
            status=problem.status_code,
        )
    page = send_page(text, problem.status_code, shared=PARAMETER in request.args)
    for name in ("Retry-After", "WWW-Authenticate"):
        if name in problem.headers:
            page.headers[name] = problem.headers[name]
    return page


def sign_in_values(told: str, following: str) -> dict[str, Any]:
    """What the form for signing in shows: why it is there, and where it leads."""
    return {"told": told, "following": following}
