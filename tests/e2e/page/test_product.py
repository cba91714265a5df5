"""The page of a real job, from the link to the verdict: every process and a real browser."""

from __future__ import annotations

import re

import pytest
import requests

from cli.children import free_port
from cli.client import Client
from cli.credentials import read_first_key
from cli.interrupt import Interrupt
from cli.jobs import captions_of, follow, job_request
from tests.e2e.conftest import SRT, Desk
from tests.e2e.page.test_access import check

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """A running system with a key for it."""
    folder = tmp_path_factory.mktemp("product")
    desk, port = Desk(folder, []), free_port()
    up = desk.run("up", "--data", str(folder / "data"), "--port", str(port))
    up.wait_for("Ctrl-C stops")
    yield Client(f"http://127.0.0.1:{port}", read_first_key(folder / "data")["api_key"])
    up.process.terminate()
    up.wait(60)
    desk.close()


@pytest.fixture(scope="module")
def job(service, small_clip, tmp_path_factory) -> str:
    """The id of a job that has just begun; the tests look at it one after the other."""
    captions = tmp_path_factory.mktemp("captions") / "small.srt"
    captions.write_text(SRT, encoding="utf-8")
    upload = service.upload(small_clip, lambda _: None)
    request = job_request(upload["id"], captions_of(captions), {"A": "outline", "B": "boxed"})
    request["output"] = {"resolution": "source"}
    return service.submit(request, "page")["id"]


@pytest.fixture
def page(chromium, service):
    """A page whose browser may ask nobody else, and on which nothing may go wrong."""
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    complaints, hosts = [], set()
    page.on("console", lambda each: complaints.append(each.text) if each.type == "error" else None)
    page.on("pageerror", lambda each: complaints.append(str(each)))
    page.on("request", lambda each: hosts.add(re.sub(r"^(\w+://[^/]*).*", r"\1", each.url)))
    yield page
    page.close()
    # (Chromium also tells of the answer that asks to sign in)
    assert [each for each in complaints if "status of 401" not in each] == []
    assert {each for each in hosts if not each.startswith(("data:", "file:"))} == {service.url}


def share(service, job: str) -> str:
    """A link to a job, with leave to say a preference."""
    headers = {"Authorization": f"Bearer {service.key}"}
    url = f"{service.url}/v1/jobs/{job}/shares"
    made = requests.post(url, json={"preferences": True}, headers=headers, timeout=20)
    assert made.status_code == 201, made.text
    return made.json()["url"]


def test_a_link_shows_a_job_from_its_beginning_to_its_verdict(service, job, page, tmp_path):
    # Given a link to a job that has just begun
    page.goto(share(service, job))
    assert "There is no result yet" in page.inner_text(".verdict")
    # Then it follows the job by itself until both videos are there, exact in both
    page.wait_for_selector(".compare", timeout=200_000)
    ended = follow(service, job, Interrupt(), lambda _: None)
    verdict = ended["comparison"]["verdict"]["text"]
    page.wait_for_selector(f"text={verdict[:40]}", timeout=200_000)
    first = int(page.wait_for_selector("[data-shown]").get_attribute("data-shown"))
    page.click("[data-do=on]")
    page.wait_for_selector(f'[data-shown="{first + 1}"]')
    page.wait_for_selector("text=exact in both")
    # and says what the job's result says, to everybody
    assert verdict in page.inner_text(".verdict")
    assert "Hello there" in page.inner_text(".cues")
    assert page.locator("svg path").count() == 2
    assert check(page) == []
    # When its viewer chooses blind
    page.click("[data-do=blind]")
    page.click("[data-prefer=first]")
    page.wait_for_selector("text=It was noted.")
    # Then the choice is counted
    page.reload()
    assert "was preferred once" in page.text_content("main")
    # and the one file that the page offers opens from a disk
    link = page.get_attribute("a[download$='.html']", "href")
    file = tmp_path / "report.html"
    file.write_bytes(requests.get(service.url + link, timeout=20).content)
    page.goto(file.as_uri())
    assert verdict in page.inner_text(".verdict")


def test_its_owner_signs_in_and_sees_all_that_happened(service, job, page):
    # Given the job has ended, and its owner opens it
    follow(service, job, Interrupt(), lambda _: None)
    page.goto(f"{service.url}/jobs/{job}")
    # When they sign in with their key
    page.fill("[name=key]", service.key)
    page.keyboard.press("Enter")
    # Then the page is there, with the story that a link does not show
    page.wait_for_selector("[data-shown]")
    page.click("text=Everything that happened")
    assert "job.succeeded" in page.inner_text(".story")
    assert check(page) == []
    # and what they prefer is counted as well
    page.click("[data-do=blind]")
    page.click("[data-prefer=none]")
    page.wait_for_selector("text=It was noted.")
    # and the list of their jobs leads back to it
    page.click("text=Caption AB")
    page.click(f"a[href*='{job}']")
    page.wait_for_selector("[data-shown]")
