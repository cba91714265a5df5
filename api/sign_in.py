"""Signing in with an API key, and out. The key is looked up, and forgotten with the request."""

from __future__ import annotations

import logging
import re

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from api.people import answer_in_words, draw, send_page, sign_in_values
from api.state import state
from api.visitors import (
    begin_session,
    count_sign_in,
    end_session,
    require_same_site,
    wants_html,
)
from service.errors import CaptionAbError, Unauthorized
from service.jobs.submit import Caller
from service.model.scope import Scope

routes = Blueprint("sign_in", __name__, url_prefix="/jobs")
routes.register_error_handler(CaptionAbError, answer_in_words)
LIST = "/jobs"
FORM_BYTES = 4_096
#: Where a sign-in may lead: to the list, filtered or not, or to a job. Nowhere else.
_FOLLOWING = re.compile(
    r"/jobs(?:/job_[0-9a-z]{26})?(?:\?(?!.*share)[A-Za-z0-9_.~%&=+:-]{0,600})?", re.ASCII
)
_log = logging.getLogger("caption_ab.access")


@routes.get("/sign-in")
def show_form() -> Response:
    """The form."""
    following = pick_following(request.args.get("next", ""))
    return send_page(draw("sign_in.html", **sign_in_values("", following)))


@routes.post("/sign-in")
def sign_in() -> AnyResponse:
    """Take a key and give a cookie that names it."""
    request.max_content_length = FORM_BYTES
    require_same_site()
    count_sign_in()
    following = pick_following(request.form.get("next", ""))
    try:
        caller = _find(request.form.get("key", "").strip())
    except Unauthorized as error:
        if not wants_html():
            raise
        return send_page(draw("sign_in.html", **sign_in_values(error.detail, following)), 401)
    _log.info("signed_in", extra={"key": caller.key_id, "tenant": caller.tenant_id})
    return begin_session(redirect(following, 303), caller)


@routes.post("/sign-out")
def sign_out() -> AnyResponse:
    """Take the cookie away. Nothing is asked: whoever has it may always give it up."""
    request.max_content_length = FORM_BYTES
    require_same_site()
    return end_session(redirect(f"{LIST}/sign-in", 303))


def pick_following(text: str) -> str:
    """Where to go after signing in: an address of ours below `/jobs`, else the list."""
    return text if _FOLLOWING.fullmatch(text) else LIST


def _find(key: str) -> Caller:
    """Whose key this is.

    Raises:
        Unauthorized: it is none, or may not read jobs.
    """
    caller = state().keys.resolve(f"Bearer {key}")
    if Scope.JOBS_READ not in caller.scopes:
        raise Unauthorized("This key may not read jobs; it needs the scope jobs:read.")
    return caller
