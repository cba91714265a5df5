"""The answer to a dry run. Pure."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from service.captions.cues import parse_captions
from service.captions.fit import CODE as PAST_END
from service.captions.model import POINTER
from service.captions.style import build_style
from service.experiments.sizing import write_sizing
from service.jobs.rehearsal import Balance, Rehearsal
from service.model.job import JobSpec


def resolve_request(spec: JobSpec) -> dict[str, Any]:
    """A job as a request with every default filled in; sent as it is it makes the same job."""
    asked: dict[str, Any] = {
        "name": spec.name,
        "clips": [
            _given(url=each.url, upload_id=each.upload_id, instruction=each.instruction)
            for each in spec.clips
        ],
        "variants": [
            {
                "label": each.label,
                "style": _given(**asdict(build_style(each.style))),
                **_given(instruction=each.instruction),
            }
            for each in spec.variants
        ],
        "instruction": spec.instruction,
        "assets": [{"upload_id": each.upload_id, "role": each.role} for each in spec.assets],
        "language": spec.language,
        "output": asdict(spec.output),
        "allow_generation": spec.allow_generation,
        "deadline_s": spec.deadline_s,
        "metadata": dict(spec.metadata),
    }
    if spec.captions is not None:
        text = spec.captions.text
        asked["captions"] = {
            "format": parse_captions(spec.captions.format or None, text).format.value,
            "text": text,
        }
    if spec.max_credits is not None:
        asked["max_credits"] = spec.max_credits
    if spec.webhook is not None:
        asked["webhook"] = {"url": spec.webhook.url, "events": list(spec.webhook.events)}
    if spec.experiment is not None:
        asked["experiment"] = dict(spec.experiment)
    return asked


def rehearsal_data(rehearsal: Rehearsal) -> dict[str, Any]:
    """The answer to a dry run."""
    spec, balance = rehearsal.spec, rehearsal.balance
    warnings = [dict(each) for each in spec.warnings]
    warnings += [
        {"code": PAST_END, "pointer": POINTER, "detail": each.detail} for each in rehearsal.misfits
    ]
    if balance is not None and balance.total - balance.reserved < rehearsal.credits:
        text = "The account had too few credits when it was last asked; the job would wait for you."
        warnings.append({"code": "few_credits", "pointer": "#", "detail": text})
    return {
        "object": "dry_run",
        "request": resolve_request(spec),
        "clips": [asdict(each) for each in rehearsal.clips],
        "credits": {
            "per_cut": rehearsal.credits_per_cut,
            "cuts": len(spec.clips) * len(spec.variants),
            "total": rehearsal.credits,
            "max_credits": spec.max_credits,
            "balance": _told(balance),
        },
        "time": {
            "edit_s": _seconds(rehearsal.edit_ms),
            "render_s": _seconds(rehearsal.render_ms),
            "per_cut_s": _seconds(rehearsal.cut_ms),
            "total_s": _seconds(rehearsal.job_ms),
        },
        "sizing": _size(rehearsal),
        "warnings": warnings,
    }


def _size(rehearsal: Rehearsal) -> dict[str, Any] | None:
    found = rehearsal.proposal
    if found is None or found.assumed is None or found.sizing is None:
        return None
    return write_sizing(found.plan, found.assumed, found.sizing)


def _told(balance: Balance | None) -> dict[str, int] | None:
    if balance is None:
        return None
    return {**asdict(balance), "available": balance.total - balance.reserved}


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None and value != ""}


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else round(ms / 1000, 1)
