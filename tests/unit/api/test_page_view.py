"""The addresses that a job's page names."""

from __future__ import annotations

from api.page_view import PageRights, PageView


def view(query: str = "") -> PageView:
    return PageView({}, None, "/jobs/job_1", query, 0, PageRights())


def test_every_address_carries_the_share_link_it_was_opened_with() -> None:
    """Given a page opened by a share link, every address below it goes on with the link."""
    shared = view("share=abc.def")

    assert shared.address() == "/jobs/job_1?share=abc.def"
    assert shared.address("/state") == "/jobs/job_1/state?share=abc.def"
    assert shared.video("A", 0, 2) == "/jobs/job_1/video/A?clip=0&revision=2&share=abc.def"
    assert shared.picture(1, "worst_A") == "/jobs/job_1/pictures/1/worst_A?share=abc.def"


def test_a_session_adds_nothing_to_addresses() -> None:
    """Given a page opened by a session, its addresses are plain."""
    assert view().address("/report.json") == "/jobs/job_1/report.json"
    assert view().video("A", 0) == "/jobs/job_1/video/A?clip=0"


def test_what_stands_in_an_address_cannot_leave_its_place() -> None:
    """Given a label and a name with characters of addresses, they are quoted."""
    assert view().video("A/../B", 0) == "/jobs/job_1/video/A%2F..%2FB?clip=0"
    assert view().picture(0, "x?y=z") == "/jobs/job_1/pictures/0/x%3Fy%3Dz"
