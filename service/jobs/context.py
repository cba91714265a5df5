"""What the rooms above share: the parts of a process, built once by `service.wiring`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from service.clock import Clock
from service.jobs.leases import Lease, Leases
from service.media.files import Files
from service.model.cut import ClipDoc, CutDoc, MediaInfo
from service.model.job import Job
from service.nemo.client import NemoClient
from service.nemo.tokens import Tokens
from service.outbound.guard import Policy
from service.outbound.session import GuardedSession
from service.settings import Settings
from service.store.accounts import AccountStore
from service.store.commands import Claim, Commands
from service.store.connection import Connection
from service.store.deliveries import DeliveryStore
from service.store.endpoints import EndpointStore
from service.store.experiments import ExperimentStore
from service.store.jobs import JobStore
from service.store.plans import PlanStore
from service.store.replies import ReplyStore
from service.vault import Vault

if TYPE_CHECKING:  # flow steps know these parts, and must not load what measures videos
    from service.compare.platforms import Platform


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of one process."""

    settings: Settings
    clock: Clock
    connection: Connection
    commands: Commands
    jobs: JobStore
    accounts: AccountStore
    endpoints: EndpointStore
    deliveries: DeliveryStore
    replies: ReplyStore
    plans: PlanStore
    experiments: ExperimentStore
    vault: Vault
    files: Files
    nemo: NemoClient
    tokens: Tokens
    leases: Leases
    caller_policy: Policy
    caller_session: GuardedSession
    probe: Callable[[Path], MediaInfo]
    platforms: tuple[Platform, ...]
    owner: str


@dataclass(frozen=True, slots=True)
class CutContext:
    """A cut in work: what it is, what is known, and the lease that allows it."""

    claim: Claim
    lease: Lease
    job: Job
    doc: CutDoc
    services: Services


@dataclass(frozen=True, slots=True)
class ClipContext:
    """A clip in work."""

    claim: Claim
    lease: Lease
    job: Job
    doc: ClipDoc
    services: Services
