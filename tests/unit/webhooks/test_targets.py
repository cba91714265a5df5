"""Where an event goes: each receiver that wants it once, and in which line its deliveries wait."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.model.job import WebhookSpec
from service.webhooks.events import EventType, is_wanted
from service.webhooks.targets import Target, choose_targets
from tests.unit.webhooks.test_health import HEALTHY

HOOK = WebhookSpec("https://hooks.example.com:8443/in?token=1", ("job.*",))


def test_the_jobs_own_webhook_and_every_endpoint_that_wants_it():
    one = replace(HEALTHY, id="whe_1", events=("job.*",), generation=4)
    two = replace(HEALTHY, id="whe_2", events=("cut.*",))
    off = replace(HEALTHY, id="whe_3", enabled=False)
    assert choose_targets("job.failed", "ten_1", HOOK, [one, two, off]) == [
        Target("job", HOOK.url, "ten_1.hooks.example.com"),
        Target("whe_1", one.url, "whe_1", 4),
    ]


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("https://you.example/a", "ten_1.you.example"),
        ("https://YOU.example/b?c", "ten_1.you.example"),
        ("https://[2a00::1]:8443/", "ten_1.2a00--1"),
    ],
)
def test_jobs_of_one_tenant_share_a_line_for_each_host(url, line):
    [target] = choose_targets("job.failed", "ten_1", WebhookSpec(url), [])
    assert target.line == line


patterns = st.lists(
    st.sampled_from(["*", "job.*", "cut.*", "job.progress", "endpoint.*"]), max_size=3
)
endpoints = st.lists(st.builds(lambda p, on: (tuple(p), on), patterns, st.booleans()), max_size=4)


@given(st.sampled_from(list(EventType)), endpoints)
def test_each_that_is_on_and_wants_it_gets_it_once_and_no_other(kind, drawn):
    made = [
        replace(HEALTHY, id=f"whe_{n}", events=events, enabled=on)
        for n, (events, on) in enumerate(drawn)
    ]
    got = [each.endpoint for each in choose_targets(kind, "ten_1", None, made)]
    assert got == [each.id for each in made if each.enabled and is_wanted(kind, each.events)]
