from __future__ import annotations

import pytest
import requests

from service.clock import FakeClock
from service.nemo.client import NemoClient
from service.nemo.limits import Limits
from tests.integration.nemo.scripted import ScriptedServer


@pytest.fixture
def server():
    started = ScriptedServer()
    yield started
    started.close()


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def make_client(server, clock):
    sessions = []

    def make(url=None, **limits):
        api, results = requests.Session(), requests.Session()
        sessions.extend((api, results))
        return NemoClient(
            url or server.url,
            api,
            results,
            platform="unknown",
            limits=Limits(**{"connect_s": 2.0, "read_s": 2.0, "silence_s": 2.0, **limits}),
            clock=clock,
            open_session=requests.Session,
        )

    yield make
    for session in sessions:
        session.close()


@pytest.fixture
def client(make_client):
    return make_client()
