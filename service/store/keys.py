"""Names of Redis keys. `lua/include/keys.lua` builds the same; a test compares the two. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from service.model.lifecycle import Queue


def queue_key(queue: Queue) -> str:
    """The list in which Celery finds the doorbells of a queue; also the queue's name."""
    return f"caption-ab:q:{queue}"


@dataclass(frozen=True, slots=True)
class Keys:
    """All key names, below one prefix."""

    prefix: str = "cab:"

    @property
    def due(self) -> str:
        return f"{self.prefix}due"

    @property
    def clock(self) -> str:
        return f"{self.prefix}clock"

    @property
    def rooms(self) -> str:
        return f"{self.prefix}rooms"

    @property
    def retention(self) -> str:
        return f"{self.prefix}retention"

    @property
    def expiring(self) -> str:
        return f"{self.prefix}expiring"

    def overdue(self, queue: Queue) -> str:
        return f"{self.prefix}overdue:{queue}"

    @property
    def trash(self) -> str:
        return f"{self.prefix}trash"

    @property
    def orphans(self) -> str:
        return f"{self.prefix}orphans"

    @property
    def observed(self) -> str:
        return f"{self.prefix}observed"

    @property
    def store_id(self) -> str:
        return f"{self.prefix}store-id"

    @property
    def counting_id(self) -> str:
        return f"{self.prefix}counting-id"

    def row(self, row: str) -> str:
        return f"{self.prefix}row:{row}"

    def job(self, job_id: str) -> str:
        return f"{self.prefix}job:{job_id}"

    def job_rows(self, job_id: str) -> str:
        return f"{self.prefix}job:{job_id}:rows"

    def job_events(self, job_id: str) -> str:
        return f"{self.prefix}job:{job_id}:events"

    def sessions(self, job_id: str) -> str:
        return f"{self.prefix}job:{job_id}:sessions"

    def job_shares(self, job_id: str) -> str:
        return f"{self.prefix}job:{job_id}:shares"

    def job_preferences(self, job_id: str) -> str:
        return f"{self.prefix}job:{job_id}:preferences"

    def plan(self, job_id: str) -> str:
        return f"{self.prefix}job:{job_id}:plan"

    def public_key(self, key_id: str) -> str:
        return f"{self.prefix}pubkey:{key_id}"

    def job_public_keys(self, job_id: str) -> str:
        return f"{self.prefix}job:{job_id}:pubkeys"

    def experiment(self, job_id: str) -> str:
        return f"{self.prefix}job:{job_id}:experiment"

    def experiment_seen(self, job_id: str) -> str:
        return f"{self.prefix}job:{job_id}:experiment:seen"

    def experiment_units(self, job_id: str) -> str:
        return f"{self.prefix}job:{job_id}:experiment:units"

    def experiment_sources(self, job_id: str) -> str:
        return f"{self.prefix}job:{job_id}:experiment:sources"

    def experiment_looks(self, job_id: str) -> str:
        return f"{self.prefix}job:{job_id}:experiment:looks"

    def experiments(self, tenant_id: str) -> str:
        return f"{self.prefix}experiments:{tenant_id}"

    def evidence(self, edit_id: str) -> str:
        return f"{self.prefix}evidence:{edit_id}"

    def account(self, account_id: str) -> str:
        return f"{self.prefix}account:{account_id}"

    def slots(self, account_id: str) -> str:
        return f"{self.prefix}account:{account_id}:slots"

    def waiting(self, account_id: str) -> str:
        return f"{self.prefix}account:{account_id}:waiting"

    def editing(self, account_id: str) -> str:
        return f"{self.prefix}account:{account_id}:editing"

    def tenant(self, tenant_id: str) -> str:
        return f"{self.prefix}tenant:{tenant_id}"

    def tenant_jobs(self, tenant_id: str) -> str:
        return f"{self.prefix}tenant:{tenant_id}:jobs"

    def tenant_open(self, tenant_id: str) -> str:
        return f"{self.prefix}tenant:{tenant_id}:open"

    def tenant_endpoints(self, tenant_id: str) -> str:
        return f"{self.prefix}tenant:{tenant_id}:endpoints"

    def listening(self, tenant_id: str) -> str:
        return f"{self.prefix}tenant:{tenant_id}:listening"

    def endpoint(self, endpoint_id: str) -> str:
        return f"{self.prefix}endpoint:{endpoint_id}"

    def endpoint_deliveries(self, endpoint_id: str) -> str:
        return f"{self.prefix}endpoint:{endpoint_id}:deliveries"

    def reply(self, tenant_id: str, digest: str) -> str:
        return f"{self.prefix}reply:{tenant_id}:{digest}"

    def upload(self, upload_id: str) -> str:
        return f"{self.prefix}upload:{upload_id}"

    def upload_jobs(self, upload_id: str) -> str:
        return f"{self.prefix}upload:{upload_id}:jobs"

    def arrival(self, upload_id: str) -> str:
        return f"{self.prefix}arrival:{upload_id}"

    def arrival_parts(self, upload_id: str) -> str:
        return f"{self.prefix}arrival:{upload_id}:parts"

    def expired(self, job_id: str) -> str:
        return f"{self.prefix}expired:{job_id}"

    def api_key(self, digest: str) -> str:
        return f"{self.prefix}key:{digest}"

    @property
    def key_ids(self) -> str:
        return f"{self.prefix}key-ids"

    @property
    def tenants(self) -> str:
        return f"{self.prefix}tenants"

    @property
    def audit(self) -> str:
        return f"{self.prefix}audit"

    @property
    def held(self) -> str:
        return f"{self.prefix}held"

    def usage(self, owner: str, day: int | str) -> str:
        return f"{self.prefix}usage:{owner}:{day}"

    def accepts(self, key_id: str) -> str:
        return f"{self.prefix}accepts:{key_id}"

    def key_open(self, key_id: str) -> str:
        return f"{self.prefix}key-open:{key_id}"

    def requests(self, key_id: str, minute: int) -> str:
        return f"{self.prefix}requests:{key_id}:{minute}"

    def tenant_keys(self, tenant_id: str) -> str:
        return f"{self.prefix}tenant:{tenant_id}:keys"

    def idempotency(self, tenant_id: str, key: str) -> str:
        return f"{self.prefix}idempotency:{tenant_id}:{key}"
