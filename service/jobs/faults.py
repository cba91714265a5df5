"""Faults of a job's request, collected with their places before any of them is raised."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from service.errors import AddressRefused, FieldError, InvalidRequest
from service.model.job import JobSpec
from service.outbound.guard import Policy, check_url

T = TypeVar("T")


@dataclass(slots=True)
class Faults:
    """What is wrong so far; `hints` are those of addresses, which say more than the usual one."""

    errors: list[FieldError] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)

    def check(self, pointer: str, check: Callable[..., T], *args: Any) -> T | None:
        """Run a check and keep what it refuses; None then. `#/style` in it becomes `pointer`."""
        try:
            return check(*args)
        except InvalidRequest as error:
            found = error.errors or (FieldError(pointer, error.detail),)
            self.errors += [
                FieldError(_place(each.pointer, pointer), each.detail) for each in found
            ]
        except AddressRefused as error:
            self.errors.append(FieldError(pointer, error.detail))
            self.hints.append(error.hint_text)
        return None

    def check_addresses(self, request: Mapping[str, Any], policy: Policy) -> None:
        """Look at the addresses of clips and webhook under the guard."""
        for index, clip in enumerate(request["clips"]):
            if clip.get("url"):
                self.check(f"#/clips/{index}/url", check_url, clip["url"], policy)
        if request.get("webhook"):
            self.check("#/webhook/url", check_url, request["webhook"]["url"], policy)

    @property
    def hint(self) -> str:
        """What to do: the usual, unless an address alone is at fault."""
        others = len(self.errors) > len(self.hints)
        return " ".join(dict.fromkeys([*([InvalidRequest.hint] if others else []), *self.hints]))


def find_uploads(spec: JobSpec, upload_id: str) -> list[FieldError]:
    """Every place of a job that names an upload which is not there."""
    named = {
        **{f"#/clips/{index}": each.upload_id for index, each in enumerate(spec.clips)},
        **{f"#/assets/{index}": each.upload_id for index, each in enumerate(spec.assets)},
    }
    detail = f"There is no upload {upload_id}."
    return [
        FieldError(f"{place}/upload_id", detail)
        for place, used in named.items()
        if used == upload_id
    ]


def _place(inner: str, pointer: str) -> str:
    return inner.replace("#/style", pointer) if inner.startswith("#/style") else inner
