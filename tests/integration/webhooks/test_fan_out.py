"""An event goes to the job's own webhook and to every endpoint of its tenant that wants it."""

from __future__ import annotations

from service.webhooks.endpoints import rotate_secret
from tests.builders import TENANT
from tests.receiver import Receiver


def test_all_get_the_same_bytes_under_the_same_id_each_signed_for_itself(make_post):
    # Given a job with a webhook of its own, and two endpoints, one of which wants other events,
    with Receiver() as own, Receiver() as one, Receiver() as other:
        post = make_post(own, one, other)
        first = post.endpoint(one, "job.*")
        post.endpoint(other, "cut.*")
        # When it is accepted,
        post.accept(webhook=own.url)
        post.send()
        # Then two were told, in the same words, and each by its own secret.
        [to_job], [to_one] = own.received, one.received
        assert other.received == []
        assert to_job.body == to_one.body
        assert to_job.headers["webhook-id"] == to_one.headers["webhook-id"]
        assert to_job.verify(post.secret, check_time=False)
        assert to_one.verify(post.secrets[first], check_time=False)
        assert not to_one.verify(post.secret, check_time=False)


def test_an_endpoint_made_while_a_job_runs_hears_what_happens_from_then_on(make_post):
    with Receiver() as receiver:
        post = make_post(receiver)
        # Given a job that nobody listens to,
        job = post.accept()
        assert not [row for row in post.due_now() if row.startswith("event:")]
        # When an endpoint is made and something happens,
        post.endpoint(receiver)
        post.happen(job)
        post.send()
        # Then it hears of that, and not of what was before.
        assert [each.event["sequence"] for each in receiver.received] == [2]


def test_nothing_is_made_for_a_tenant_whose_endpoints_are_off(make_post):
    with Receiver() as receiver:
        post = make_post(receiver)
        endpoint = post.endpoint(receiver)
        post.change(endpoint, enabled=False)
        post.accept()
        assert post.due_now() == []
        post.change(endpoint, enabled=True)
        post.accept()
        post.send()
        assert len(receiver.received) == 1


def test_another_tenants_endpoint_hears_nothing(make_post):
    with Receiver() as mine, Receiver() as his:
        post = make_post(mine, his)
        post.endpoint(mine)
        post.endpoint(his, tenant="ten_2")
        post.accept()
        post.send()
        assert (len(mine.received), len(his.received)) == (1, 0)


def test_an_endpoint_deleted_before_the_fan_out_gets_no_delivery(make_post):
    with Receiver() as receiver:
        post = make_post(receiver)
        endpoint = post.endpoint(receiver)
        # Given a worker that has looked for endpoints before one was deleted,
        post.accept()
        read = post.services.endpoints.read_listening
        found = read(TENANT)
        post.services.endpoints.read_listening = lambda _tenant: found
        post.services.endpoints.drop(TENANT, endpoint, now_ms=post.clock.now_ms())
        # When it writes the deliveries, then there is none, and nothing of the endpoint is left.
        post.send()
        assert receiver.received == []
        assert post.client.keys("cab:row:delivery:*") == []
        assert post.client.keys("cab:endpoint:*") == []


def test_both_secrets_sign_while_one_is_rotated(make_post):
    with Receiver() as receiver:
        post = make_post(receiver)
        endpoint = post.endpoint(receiver)
        _, new = rotate_secret(TENANT, endpoint, post.services)
        _, of_jobs = rotate_secret(TENANT, "", post.services)
        post.accept(webhook=receiver.url)
        post.send()
        signed_by = [
            {
                secret
                for secret in (post.secret, of_jobs, post.secrets[endpoint], new)
                if each.verify(secret, check_time=False)
            }
            for each in receiver.received
        ]
        assert {post.secret, of_jobs} in signed_by
        assert {post.secrets[endpoint], new} in signed_by
        # A day later the new ones sign alone.
        post.clock.advance(86_401)
        post.accept(webhook=receiver.url)
        post.send()
        assert not receiver.received[-1].verify(post.secret, check_time=False)
        assert not receiver.received[-1].verify(post.secrets[endpoint], check_time=False)
