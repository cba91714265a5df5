"""The page of a job as HTML, and the same as one file. Pure: values in, text out."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl

from jinja2 import ChainableUndefined, Environment, PackageLoader

from api.page_choice import choose
from api.page_curve import draw_curve, list_moments
from api.page_measures import list_cues, list_findings, list_measures, list_parts, rank_variants
from api.page_progress import tell_progress
from api.page_verdict import tell_trust, tell_verdict
from api.page_view import PageView
from api.page_words import clock, day, items, moment, part, percent, size

#: The keys of the comparison, as `compare.js` has them.
KEYS = (
    (("space", "k"), "play and pause"),
    ((",", "."), "one frame back, forward"),
    (("j", "l"), "one second back, forward"),
    (("d",), "side by side"),
    (("s",), "split"),
    (("x",), "in place; again to flip"),
    (("[", "]"), "loop from here, to here"),
    (("\\",), "no loop"),
    (("1", "2"), "hear the first, the second"),
    (("m",), "next moment worth a look"),
    (("?",), "these keys"),
)


def render_job_page(view: PageView, asked: Mapping[str, str] | None = None) -> str:
    """The page. `asked` are the query's `clip`, `revision`, `left` and `right`, if any."""
    return _templates().get_template("job/page.html").render(_context(view, asked or {}))


def render_report(
    view: PageView,
    pictures: Mapping[tuple[int, str], tuple[str, bytes]],
    site: str,
    asked: Mapping[str, str] | None = None,
) -> str:
    """The same as one file that needs no network: style and pictures inside, videos as links.

    `pictures` are type and bytes by clip and name; one that is missing is left out. `site` is put
    before links back to the page, such as `https://captions.example`.
    """
    style = _read_static("compare.css")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    context = _context(view, asked or {})
    context |= {
        "standalone": True,
        "style": style,
        "policy": f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:",
        "site": site.rstrip("/"),
        "pictures": [
            {**each, "url": _inline(*pictures[context["choice"].clip, each["name"]])}
            for each in context["pictures"]
            if (context["choice"].clip, each["name"]) in pictures
        ],
    }
    return _templates().get_template("job/page.html").render(context)


def _context(view: PageView, asked: Mapping[str, str]) -> dict[str, Any]:
    choice = choose(view, asked)
    return {
        "view": view,
        "job": view.job,
        "choice": choice,
        "verdict": tell_verdict(view, choice),
        "trust": tell_trust(view, choice),
        "progress": tell_progress(view),
        "curve": draw_curve(choice),
        "moments": list_moments(choice),
        "cues": list_cues(choice),
        "measures": list_measures(choice),
        "labels": list(part(choice.report, "measures")),
        "parts": list_parts(choice),
        "findings": list_findings(choice),
        "places": rank_variants(choice),
        "pictures": items(part(choice.report, "pictures"), "files"),
        "no_pictures": str(part(choice.report, "pictures").get("reason") or ""),
        "clips": items(view.job, "clips"),
        "revisions": sorted({each.revision for each in choice.videos}),
        "may_prefer": view.rights.may_prefer and len({each.label for each in choice.sides}) == 2,
        "kept": parse_qsl(view.query),
        "keys": KEYS,
        "version": _version(),
        "standalone": False,
        "site": "",
    }


def _inline(kind: str, body: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(body).decode()}"


@cache
def _read_static(name: str) -> str:
    return (files("api") / "static" / name).read_text(encoding="utf-8")


@cache
def _version() -> str:
    """Changes with script and style, so that no browser takes those of another release."""
    both = _read_static("compare.js") + _read_static("compare.css")
    return hashlib.sha256(both.encode()).hexdigest()[:12]


@cache
def _templates() -> Environment:
    """The templates. All text is escaped; what a job has not is left out and breaks nothing."""
    made = Environment(
        loader=PackageLoader("api", "templates"),
        autoescape=True,
        undefined=ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(clock=clock, day=day, moment=moment, percent=percent, size=size)
    return made
