"""Names of rows: `kind:id`, where the id tells the job it belongs to. Pure.

| row | id |
|---|---|
| clip | `<job>.<clip>` |
| cut | `<job>.<clip>.<label>.<revision>` |
| finish | `<job>` |
| event | `<job>.<sequence>` |
| delivery | `<job>.<sequence>.<endpoint>` |
| experiment | `<job>` |
| token | `<account>` |

An event that belongs to a tenant and no job stands in the place of the job, with sequence 0.
"""

from __future__ import annotations

import re

from service.model.lifecycle import RowKind

#: What may follow `delivery:`, so that no text of a caller becomes the name of another row.
_DELIVERY = re.compile(r"(?:job|evt)_[0-9a-z]{26}\.\d{1,9}\.(?:job|whe_[0-9a-z]{26})", re.ASCII)


def clip_row(job_id: str, clip: int) -> str:
    """The row of a clip of a job."""
    return f"{RowKind.CLIP}:{job_id}.{clip}"


def clips_account(account_id: str) -> str:
    """In whose turn the clips of an account's jobs are fetched: beside its cuts, not among them."""
    return f"{account_id}/clips"


def cut_row(job_id: str, clip: int, label: str, revision: int = 1) -> str:
    """The row of a cut."""
    return f"{RowKind.CUT}:{job_id}.{clip}.{label}.{revision}"


def finish_row(job_id: str) -> str:
    """The row that ends a job."""
    return f"{RowKind.FINISH}:{job_id}"


def event_row(job_id: str, sequence: int) -> str:
    """The row of an event on its way to its deliveries."""
    return f"{RowKind.EVENT}:{job_id}.{sequence}"


def delivery_row(job_id: str, sequence: int, endpoint: str) -> str:
    """The row of one event on its way to one endpoint."""
    return f"{RowKind.DELIVERY}:{job_id}.{sequence}.{endpoint}"


def is_delivery_id(text: str, endpoint: str) -> bool:
    """Whether a text names a delivery to this endpoint."""
    return _DELIVERY.fullmatch(text) is not None and text.endswith(f".{endpoint}")


def experiment_row(job_id: str) -> str:
    """The row of a running experiment."""
    return f"{RowKind.EXPERIMENT}:{job_id}"


def token_row(account_id: str) -> str:
    """The row of an account's token."""
    return f"{RowKind.TOKEN}:{account_id}"


def row_kind(row: str) -> RowKind:
    """The kind of a row.

    Raises:
        ValueError: the text is not a row's name.
    """
    return RowKind(row.partition(":")[0])


def row_id(row: str) -> str:
    """What follows the kind in a row's name."""
    return row.partition(":")[2]
