"""The experiment of a job, read for the page that shows it."""

from __future__ import annotations

import json
import logging
from dataclasses import replace

from api.page_view import ShownExperiment
from service.errors import NotFound, StoreUnavailable
from service.experiments.ledger import Book, take_snapshot
from service.experiments.verdict import decide
from service.jobs.context import Services
from service.jobs.experiments import Experiment, judge_experiment, read_experiment
from service.model.job import Job
from service.public_keys import write_public_key
from service.store.public_keys import PublicKeyStore

_log = logging.getLogger(__name__)
#: What is shown where the counters are away: the rest of the page is not.
AWAY = ShownExperiment(access="away")
#: What is shown to whoever is asked for an opinion that nothing should sway.
HIDDEN = ShownExperiment(access="hidden")


def show_experiment(
    job: Job, services: Services, *, hidden: bool = False, owner: bool = False
) -> ShownExperiment | None:
    """A job's experiment as it stands; None where it has none.

    `hidden` is for whoever must not learn what viewers did: then nothing of it is told. The `owner`
    gets a publishable key with it, if there is one.
    """
    try:
        experiment = read_experiment(job, services)
        if hidden:
            return HIDDEN
        shown = _show(job, experiment, services)
        return replace(shown, key=_find_key(job, services)) if owner else shown
    except NotFound:
        return None
    except StoreUnavailable:
        _log.warning("experiment_not_shown", extra={"job": job.id}, exc_info=True)
        return AWAY


def _show(job: Job, experiment: Experiment, services: Services) -> ShownExperiment:
    book = experiment.book
    if book is None or not experiment.can_be_judged:
        return _describe(experiment)
    text = experiment.verdict_text
    if text is None:
        verdict = decide(take_snapshot(book, now_ms=services.clock.now_ms()))
        if not verdict.state.is_final:
            # Looking at a page writes nothing: the looks of the experiment's row are its history.
            return _describe(experiment, verdict.as_bytes().decode(), services)
        # What a page says is what is frozen, or the next look might say something else.
        text = judge_experiment(job, services)
        experiment = read_experiment(job, services)
    return _describe(experiment, text, services)


def _describe(
    experiment: Experiment, text: str = "", services: Services | None = None
) -> ShownExperiment:
    book = experiment.book
    return ShownExperiment(
        status=experiment.status.value,
        plan=experiment.plan,
        verdict=json.loads(text) if text else {},
        looks=services.experiments.read_points(experiment.job_id) if services else (),
        counted=_count(book) if book else (),
        attached_ms=experiment.kept.attached_ms,
        started_ms=experiment.started_ms,
        decided_ms=experiment.decided_ms,
    )


def _find_key(job: Job, services: Services) -> str:
    """The newest publishable key that works; empty where there is none."""
    kept = PublicKeyStore(services.connection).read_all(job.id)
    return next((write_public_key(each.id) for each in kept if each.is_open), "")


def _count(book: Book) -> tuple[int, ...]:
    """Units of each variant by now, those that came after the verdict included."""
    arms = range(len(book.plan.arms))
    return tuple(book.count(f"units:{arm}") + book.count(f"bulk:{arm}") for arm in arms)
