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
from markupsafe import Markup

from api.page_choice import choose, list_videos
from api.page_counts import PAIR_HEADS
from api.page_curve import draw_curve, find_opening, list_moments
from api.page_experiment import tell_experiment, tell_viewers
from api.page_measures import list_cues, list_findings, list_measures, list_parts, rank_variants
from api.page_progress import tell_progress
from api.page_sizing import offer_sizing
from api.page_verdict import tell_trust, tell_verdict
from api.page_view import PageView
from api.page_words import clock, day, figure, items, moment, part, percent, reached, size

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
    """The page. `asked` are the query's `clip`, `revision`, `left`, `right` and sizes, if any."""
    return (
        _templates()
        .get_template("job/page.html")
        .render(
            {
                **_job_context(view),
                **_clip_context(view, asked or {}),
                "sizing": offer_sizing(view, asked or {}),
            }
        )
    )


def render_report(
    view: PageView,
    pictures: Mapping[tuple[int, str], tuple[str, bytes]],
    site: str,
) -> str:
    """The same as one file that needs no network: style and pictures inside, videos as links.

    `pictures` are type and bytes by clip and name; one that is missing is left out. `site` is put
    before links back to the page, such as `https://captions.example`.
    """
    style = _read_static("compare.css")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    whole = {
        **_job_context(view),
        "standalone": True,
        "style": style,
        "policy": f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:",
        "site": site.rstrip("/"),
    }
    clips = [str(each.get("index", 0)) for each in whole["clips"]] or [""]
    drawn = [{**whole, **_clip_context(view, {"clip": each})} for each in clips]
    for place, each in enumerate(drawn):
        # No two things in the one file have the same id.
        each["suffix"] = f"-{place}" if place else ""
        clip = each["choice"].clip
        each["pictures"] = [_inline(one, clip, pictures) for one in each["pictures"]]
    template = _templates().get_template("job/clip.html")
    whole["drawn"] = [Markup(template.render(each)) for each in drawn]  # noqa: S704  escaped there
    return _templates().get_template("job/report.html").render(whole)


def _job_context(view: PageView) -> dict[str, Any]:
    """What of a job is the same for each of its clips."""
    clips = items(view.job, "clips")
    panel = tell_experiment(view)
    indexes = [int(figure(each, "index", 0)) for each in clips] or [0]
    return {
        "view": view,
        "job": view.job,
        "clips": clips,
        "progress": tell_progress(view),
        "panel": panel,
        "viewers": tell_viewers(panel),
        "pair_heads": PAIR_HEADS,
        "downloads": [(each, list_videos(view, each, {})) for each in indexes],
        "kept": parse_qsl(view.query),
        "keys": KEYS,
        "version": _version(),
        "standalone": False,
        "site": "",
        "suffix": "",
    }


def _clip_context(view: PageView, asked: Mapping[str, str]) -> dict[str, Any]:
    choice = choose(view, asked)
    cues = list_cues(choice)
    return {
        "choice": choice,
        "verdict": tell_verdict(view, choice),
        "trust": tell_trust(view, choice),
        "curve": draw_curve(choice),
        "moments": list_moments(choice),
        "opening": find_opening(choice, [(each.frame, each.last) for each in cues]),
        "cues": cues,
        "measures": list_measures(choice),
        "labels": list(part(choice.report, "measures")),
        "parts": list_parts(choice),
        "findings": list_findings(choice),
        "places": rank_variants(choice),
        "pictures": items(part(choice.report, "pictures"), "files"),
        "no_pictures": str(part(choice.report, "pictures").get("reason") or ""),
        "revisions": sorted({each.revision for each in choice.videos}),
        "may_prefer": view.rights.may_prefer and len({each.label for each in choice.sides}) == 2,
    }


def _inline(
    picture: Mapping[str, Any], clip: int, bodies: Mapping[tuple[int, str], tuple[str, bytes]]
) -> dict[str, Any]:
    """A picture with its bytes as its address; with none where it is not there."""
    kind, body = bodies.get((clip, str(picture.get("name"))), ("", b""))
    encoded = base64.b64encode(body).decode()
    return {**picture, "url": f"data:{kind};base64,{encoded}" if body else ""}


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
    made.filters["reached"] = reached
    return made
