"""The rows that a job is accepted with: its clips, its cuts, its experiment. Pure."""

from __future__ import annotations

from service.experiments.ledger import plan_digest, plan_text
from service.experiments.plan import read_plan
from service.model.cut import ClipDoc, CutDoc
from service.model.documents import write_document
from service.model.job import JobSpec
from service.model.lifecycle import ClipState, CutState, Queue
from service.model.rows import clip_row, clips_account, cut_row, experiment_row
from service.settings import Settings
from service.store.acceptance import NewRow


def list_rows(job_id: str, spec: JobSpec, account_id: str, settings: Settings) -> list[NewRow]:
    """All rows of a new job."""
    rows = [
        *_list_clips(job_id, spec, account_id),
        *_list_cuts(job_id, spec, account_id, settings),
    ]
    if spec.experiment is not None:
        rows.append(_list_experiment(job_id, settings))
    return rows


def plan_of(spec: JobSpec, job_id: str) -> tuple[str, str] | None:
    """The plan of a job's experiment in its one form, with its digest; none where none is asked."""
    if spec.experiment is None:
        return None
    plan = read_plan({"seed": job_id, **spec.experiment})
    text = plan_text(plan)
    return text, plan_digest(text)


def _list_experiment(job_id: str, settings: Settings) -> NewRow:
    look_ms = int(settings.look_every_s * 1000)
    row = experiment_row(job_id)
    return NewRow(row, Queue.MEDIA, "waiting", "{}", look_ms=look_ms)


def _list_clips(job_id: str, spec: JobSpec, account_id: str) -> list[NewRow]:
    return [
        NewRow(
            row=clip_row(job_id, index),
            queue=Queue.TRANSFER,
            state=ClipState.PENDING,
            doc=write_document(ClipDoc(index)),
            account_id=clips_account(account_id),
            limit_ms=int(spec.deadline_s * 1000),
        )
        for index in range(len(spec.clips))
    ]


def _list_cuts(job_id: str, spec: JobSpec, account_id: str, settings: Settings) -> list[NewRow]:
    rows = []
    for index in range(len(spec.clips)):
        for variant in spec.variants:
            after = [clip_row(job_id, index)]
            if index:  # the cuts of a session run one after another
                after.append(cut_row(job_id, index - 1, variant.label))
            rows.append(
                NewRow(
                    row=cut_row(job_id, index, variant.label),
                    queue=Queue.FLOW,
                    state=CutState.QUEUED,
                    doc=write_document(CutDoc(index, variant.label)),
                    account_id=account_id,
                    after=tuple(after),
                    limit_ms=int(spec.deadline_s * 1000),
                    look_ms=int(settings.look_every_s * 1000),
                )
            )
    return rows
