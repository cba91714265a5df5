"""Write the pages of docs/ that say what the code says: `make docs`."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import Field, fields
from typing import Any

import service
from service.errors import CaptionAbError
from service.metrics import CATALOGUE
from service.settings import Settings, environment_name
from tests.architecture.error_tables import failure_lines, request_lines
from tests.architecture.styles_page import styles_page
from tests.architecture.tree import ROOT

#: What to do about an error that carries no hint of its own, by code.
ADVICE = {
    "internal": "A fault of ours: look for the request id in the log and report it.",
    "media": "Look at the file named in the text.",
    "file_missing": "Upload the file again.",
    "probe_failed": "Convert the file, for example: ffmpeg -i in.mov -c:v libx264 -c:a aac out.mp4",
    "store": "A fault of ours: look at the log and at Redis.",
    "store_refused": "Nothing: another worker has the row, and the engine goes on there.",
    "backend": "Read the text: it is what the backend said.",
    "client_id_missing": "Set `NEMO_CLIENT_ID`, or leave it empty to have one made.",
    "malformed_request": "A fault of ours: report it with the request id.",
    "backend_unavailable": "Nothing: safe calls are tried again; look at the backend if it lasts.",
    "stream_broken": "Nothing: the engine looks at the session and never sends twice.",
    "render_unknown": "Nothing: the render is submitted anew under a new id where that is safe.",
    "duplicate_render": "Nothing: the render that was accepted first is followed.",
    "result_gone": "Retry the job: the video is rendered again.",
    "backend_confused": "Report it; the reply is kept for `inspect`.",
    "event_too_long": "Report it; the reply is kept for `inspect`.",
    "lease_lost": "Nothing: the worker that took the row goes on with it.",
    "not_sent": "Nothing: the row is taken again with a fresh lease and the call sent then.",
    "token_pending": "Nothing: the row waits a moment and uses the token that the other got.",
    "outbound": "Check the address that was given.",
    "outbound_timeout": "Check that the address answers within the limits of docs/settings.md.",
    "outbound_failed": "Check that the address can be reached from the internet.",
    "body_too_large": "Give a smaller file, or raise the limit in docs/settings.md.",
    "startup": "Follow the text; the process does not start otherwise.",
}
_METRICS_HEAD = """\
# Metrics

Prometheus metrics, on a port of their own in every process, never on the API's. They are off
until `CAPTION_AB_METRICS_PORT` names a port; `CAPTION_AB_METRICS_HOST` is the address (this
machine alone by default), and the path is `/metrics`. Processes on one machine need different
ports: `caption-ab up` gives the API the port named, and `flow`, `transfer`, `media` and `hooks`
the four after it. However many interpreters a process has, one scrape of its port tells of all of
them. There is no key: let only Prometheus reach the port.

Durations are in seconds. A histogram has `_bucket`, `_count` and `_sum`. No label names a tenant,
a job or an account. `queue` is a queue of [operations.md](operations.md), `kind` and `state` are
those of a row, `code` is one of [errors.md](errors.md).

The queues' gauges are seen by every worker alike: take `max by (queue)`, not `sum`. They are what
the last look at the due set showed, `caption_ab_look_age_seconds` ago; of a look older than 30 s,
as when a ticker stands or Redis is away, they are left out rather than repeated, and the age alone
goes on. All others are of one process: `sum` them. Counters start at 0 with a process; what is
owed and charged exactly is in the jobs themselves. `make docs` writes this page from
`service/metrics.py`.
"""
_SETTINGS_HEAD = ("| name | default | meaning |", "|---|---|---|")
_FIELD = re.compile(r"^    (\w+): .*= _setting\(")
_SECTION = re.compile(r"^    # (.+)$")


def settings_page() -> str:
    """docs/settings.md: every setting with its default and meaning, in the order of the code."""
    known = {each.name: each for each in fields(Settings)}
    lines = [
        "# Settings",
        "",
        "Read once from the environment when a process starts. An unknown `CAPTION_AB_*` name",
        "stops it. Durations are in seconds, sequences are separated by commas, and an empty",
        "value means the default. `make docs` writes this page from `service/settings.py`.",
    ]
    for line in inspect.getsource(Settings).splitlines():
        if section := _SECTION.match(line):
            lines += [
                "",
                f"## {section.group(1)}",
                "",
                "| name | default | meaning |",
                "|---|---|---|",
            ]
        elif found := _FIELD.match(line):
            lines.append(_setting_row(known.pop(found.group(1))))
    assert not known, f"Not in a section of Settings: {', '.join(known)}"
    return "\n".join(lines) + "\n"


def _setting_row(setting: Field[Any]) -> str:
    meaning = setting.metadata["doc"].replace("|", "\\|")
    if setting.metadata["secret"]:
        meaning += " Secret: never logged."
    return f"| `{environment_name(setting)}` | {_default(setting.default)} | {meaning} |"


def _default(value: Any) -> str:
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        value = ",".join(_number(each) for each in value)
    text = _number(value)
    return f"`{text}`" if text else "empty"


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) and value < 1e6 else str(value)


def all_errors() -> list[type[CaptionAbError]]:
    """Every error class of service, parents first."""
    for module in pkgutil.walk_packages(service.__path__, "service."):
        importlib.import_module(module.name)
    return list(_tree(CaptionAbError))


def _tree(cls: type[CaptionAbError]) -> Iterator[type[CaptionAbError]]:
    yield cls
    for each in sorted(cls.__subclasses__(), key=lambda sub: (sub.__module__, sub.code)):
        if each.__module__.startswith("service."):
            yield from _tree(each)


def errors_page() -> str:
    """docs/errors.md: every code with its meaning and what to do."""
    lines = [
        "# Errors",
        "",
        "A reply of the API carries one as `application/problem+json`; jobs, cuts and webhooks",
        "carry the same `code`. Codes are stable, texts are not. *again* says whether the same",
        "thing may work later. `make docs` writes this page from the classes in `service/` and",
        "`api/`; a running service has the codes of all its answers at `/docs/errors`.",
        "",
        "| code | a kind of | meaning | again | what to do |",
        "|---|---|---|---|---|",
    ]
    for cls in all_errors():
        parent = "" if cls is CaptionAbError else f"`{cls.__mro__[1].code}`"  # type: ignore[attr-defined]
        again = "yes" if cls.retryable else "no"
        lines.append(f"| `{cls.code}` | {parent} | {meaning(cls)} | {again} | {advice(cls)} |")
    return "\n".join([*lines, *request_lines(), *failure_lines()]) + "\n"


def meaning(cls: type[CaptionAbError]) -> str:
    """The first sentence of an error's docstring."""
    return inspect.cleandoc(vars(cls).get("__doc__") or "").split("\n\n")[0].replace("\n", " ")


def advice(cls: type[CaptionAbError]) -> str:
    """What a reader of this error should do; empty when nobody has said."""
    return vars(cls).get("hint") or ADVICE.get(cls.code) or cls.hint


def metrics_page() -> str:
    """docs/metrics.md: every metric, its labels, and the processes that have it."""
    lines = [
        _METRICS_HEAD,
        "| name | type | labels | in | meaning |",
        "|---|---|---|---|---|",
    ]
    for each in CATALOGUE:
        labels = ", ".join(f"`{label}`" for label in each.labels)
        lines.append(f"| `{each.name}` | {each.kind} | {labels} | {each.where} | {each.doc} |")
    return "\n".join(lines) + "\n"


PAGES = {
    "docs/settings.md": settings_page,
    "docs/errors.md": errors_page,
    "docs/metrics.md": metrics_page,
    "docs/styles.md": styles_page,
}


def main() -> None:
    """Write the pages that have changed."""
    for name, page in PAGES.items():
        path, text = ROOT / name, page()
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"{name} written")


if __name__ == "__main__":
    main()
