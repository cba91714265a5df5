"""What the administration's routes take and give. Pure: shapes and bounds."""

from __future__ import annotations

from marshmallow import Schema, fields
from marshmallow.validate import Length, OneOf, Range, Regexp

from api.fields import ListField, LiteralInteger, StrictSchema
from service.audit import Act
from service.model.scope import DEFAULT_SCOPES, Mode, Scope

MAX_KEY_NAME = 100
MIN_EXPIRY_S = 60
MAX_EXPIRY_S = 10 * 365 * 86_400
DAY_S = 86_400
MAX_OVERLAP_S = 30 * DAY_S
MAX_LIMIT = 1_000_000_000
_TENANT = Regexp(r"^ten_[0-9a-z]{26}$", error="Must be the id of a tenant.")
_SCOPES = sorted(each.value for each in Scope)
_TENANT_DOC = "An operator's key may name any tenant; the default is the key's own."


def _tenant() -> fields.String:
    metadata = {"description": _TENANT_DOC, "pattern": "^ten_[0-9a-z]{26}$"}
    return fields.String(validate=_TENANT, metadata=metadata)


def _time() -> fields.String:
    return fields.String(required=True, allow_none=True, metadata={"format": "date-time"})


def _limit(text: str) -> LiteralInteger:
    return LiteralInteger(
        validate=Range(0, MAX_LIMIT), metadata={"description": f"{text}; 0: any."}
    )


class PageQuery(StrictSchema):
    """Which part of a list."""

    limit = fields.Integer(load_default=20, validate=Range(1, 100))
    cursor = fields.String(load_default="", validate=Length(max=100))


class TenantPageQuery(PageQuery):
    """Which part of a tenant's list."""

    tenant_id = _tenant()


class RotateQuery(StrictSchema):
    """How long the old key lives on."""

    old_key_lives_s = fields.Integer(load_default=DAY_S, validate=Range(0, MAX_OVERLAP_S))


class UsageQuery(StrictSchema):
    """Whose usage, and of how many days."""

    days = fields.Integer(load_default=30, validate=Range(1, 30))
    of = fields.String(
        load_default="key",
        validate=OneOf(["key", "tenant"]),
        metadata={"description": "`tenant`: of all its keys, which needs the scope admin."},
    )
    key_id = fields.String(
        validate=Regexp(r"^key_[0-9a-z]{26}$", error="Must be the id of a key."),
        metadata={
            "description": "Another key of the tenant, which needs the scope admin.",
            "pattern": "^key_[0-9a-z]{26}$",
        },
    )


class LimitsRequest(StrictSchema):
    """Limits of this key instead of the installation's."""

    jobs_per_minute = _limit("Accepted jobs in a minute")
    open_jobs = _limit("Unfinished jobs")
    month_credits = _limit("Credits in a calendar month (UTC)")


class TenantRequest(StrictSchema):
    """A tenant to be made, with its first key."""

    name = fields.String(required=True, validate=Length(1, MAX_KEY_NAME))
    scopes = ListField(
        fields.String(validate=OneOf(_SCOPES)),
        load_default=sorted(DEFAULT_SCOPES),
        validate=Length(1, len(_SCOPES)),
    )
    mode = fields.String(load_default=Mode.LIVE.value, validate=OneOf([m.value for m in Mode]))
    expires_in_s = LiteralInteger(
        validate=Range(MIN_EXPIRY_S, MAX_EXPIRY_S),
        metadata={"description": "Seconds until the key ends; without it, never."},
    )


class KeyRequest(TenantRequest):
    """A key to be made."""

    limits = fields.Nested(LimitsRequest)
    tenant_id = _tenant()


class KeyLimitsReply(Schema):
    """Limits as they hold for a key; 0 means none."""

    jobs_per_minute = fields.Integer(required=True)
    open_jobs = fields.Integer(required=True)
    month_credits = fields.Integer(required=True)


class KeyReply(Schema):
    """An API key. Its text is shown by the call that makes it, and never again."""

    object = fields.Constant("api_key")
    id = fields.String(required=True)
    tenant_id = fields.String(required=True)
    name = fields.String(required=True)
    scopes = fields.List(fields.String(), required=True)
    mode = fields.String(required=True)
    operator = fields.Boolean(required=True)
    last4 = fields.String(required=True)
    status = fields.String(
        required=True, metadata={"description": "Known: active, expired, revoked."}
    )
    created_at = _time()
    expires_at = _time()
    revoked_at = fields.String(
        required=True,
        allow_none=True,
        metadata={"format": "date-time", "description": "A revoked key is listed for 30 days."},
    )
    last_used_at = fields.String(
        required=True,
        allow_none=True,
        metadata={"format": "date-time", "description": "Written once a minute at most."},
    )
    replaced_by = fields.String(
        required=True, allow_none=True, metadata={"description": "The key that a rotation made."}
    )
    limits = fields.Nested(KeyLimitsReply, required=True)


class NewKeyReply(KeyReply):
    """A key just made."""

    key = fields.String(required=True, metadata={"description": "Its text, shown this once."})


class KeysReply(Schema):
    """A page of keys, newest first."""

    data = fields.List(fields.Nested(KeyReply), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class TenantReply(Schema):
    """A tenant."""

    object = fields.Constant("tenant")
    id = fields.String(required=True)
    name = fields.String(required=True)
    account_id = fields.String(required=True)


class NewTenantReply(Schema):
    """A tenant just made. Both secrets are shown this once."""

    object = fields.Constant("tenant")
    tenant_id = fields.String(required=True)
    key_id = fields.String(required=True)
    api_key = fields.String(required=True)
    webhook_secret = fields.String(required=True)


class TenantsReply(Schema):
    """A page of tenants, newest first."""

    data = fields.List(fields.Nested(TenantReply), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class CountsReply(Schema):
    """What was used."""

    jobs = fields.Integer(required=True, metadata={"description": "Accepted jobs."})
    cuts = fields.Integer(required=True, metadata={"description": "Cuts of jobs and messages."})
    messages = fields.Integer(required=True, metadata={"description": "Accepted edits."})
    credits = fields.Integer(required=True, metadata={"description": "Credits charged."})
    uploads = fields.Integer(required=True)
    upload_bytes = fields.Integer(required=True)


class DayReply(CountsReply):
    """One day (UTC)."""

    date = fields.String(required=True, metadata={"format": "date"})


class UsageReply(Schema):
    """What a key or a tenant has used, today first."""

    object = fields.Constant("usage")
    of = fields.String(required=True, metadata={"description": "A key's or a tenant's id."})
    total = fields.Nested(CountsReply, required=True)
    days = fields.List(fields.Nested(DayReply), required=True)
    held_credits = fields.Integer(
        metadata={"description": "Of a key: what its unfinished work is expected to cost yet."}
    )


class ActReply(Schema):
    """Something that was done to the installation."""

    object = fields.Constant("audit_entry")
    id = fields.String(required=True)
    at = fields.String(required=True, metadata={"format": "date-time"})
    act = fields.String(
        required=True, metadata={"description": f"Known: {', '.join(sorted(Act))}."}
    )
    actor = fields.String(
        required=True, metadata={"description": "The id of a key, or `command line`."}
    )
    tenant_id = fields.String(required=True)
    object_id = fields.String(required=True)


class AuditReply(Schema):
    """A page of the audit log, newest first."""

    data = fields.List(fields.Nested(ActReply), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
