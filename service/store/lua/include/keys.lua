-- Names of keys, as service/store/keys.py builds them; a test compares the two.
local P = ARGV[1]
local K = {
  due = P .. 'due',
  clock = P .. 'clock',
  rooms = P .. 'rooms',
  retention = P .. 'retention',
  expiring = P .. 'expiring',
  trash = P .. 'trash',
  key_ids = P .. 'key-ids',
  tenants = P .. 'tenants',
  held = P .. 'held',
}
function K.overdue(queue) return P .. 'overdue:' .. queue end
function K.row(row) return P .. 'row:' .. row end
function K.job(id) return P .. 'job:' .. id end
function K.job_rows(id) return P .. 'job:' .. id .. ':rows' end
function K.job_events(id) return P .. 'job:' .. id .. ':events' end
function K.sessions(id) return P .. 'job:' .. id .. ':sessions' end
function K.job_shares(id) return P .. 'job:' .. id .. ':shares' end
function K.job_preferences(id) return P .. 'job:' .. id .. ':preferences' end
function K.plan(id) return P .. 'job:' .. id .. ':plan' end
function K.public_key(id) return P .. 'pubkey:' .. id end
function K.job_public_keys(id) return P .. 'job:' .. id .. ':pubkeys' end
function K.experiment(id) return P .. 'job:' .. id .. ':experiment' end
function K.experiment_seen(id) return P .. 'job:' .. id .. ':experiment:seen' end
function K.experiment_units(id) return P .. 'job:' .. id .. ':experiment:units' end
function K.experiment_sources(id) return P .. 'job:' .. id .. ':experiment:sources' end
function K.experiment_looks(id) return P .. 'job:' .. id .. ':experiment:looks' end
function K.experiments(tenant) return P .. 'experiments:' .. tenant end
function K.evidence(edit) return P .. 'evidence:' .. edit end
function K.account(id) return P .. 'account:' .. id end
function K.slots(id) return P .. 'account:' .. id .. ':slots' end
function K.waiting(id) return P .. 'account:' .. id .. ':waiting' end
function K.editing(id) return P .. 'account:' .. id .. ':editing' end
function K.tenant(id) return P .. 'tenant:' .. id end
function K.tenant_jobs(id) return P .. 'tenant:' .. id .. ':jobs' end
function K.tenant_open(id) return P .. 'tenant:' .. id .. ':open' end
function K.tenant_endpoints(id) return P .. 'tenant:' .. id .. ':endpoints' end
function K.listening(id) return P .. 'tenant:' .. id .. ':listening' end
function K.endpoint(id) return P .. 'endpoint:' .. id end
function K.endpoint_deliveries(id) return P .. 'endpoint:' .. id .. ':deliveries' end
function K.reply(tenant, digest) return P .. 'reply:' .. tenant .. ':' .. digest end
function K.upload_jobs(id) return P .. 'upload:' .. id .. ':jobs' end
function K.expired(id) return P .. 'expired:' .. id end
function K.upload(id) return P .. 'upload:' .. id end
function K.arrival(id) return P .. 'arrival:' .. id end
function K.arrival_parts(id) return P .. 'arrival:' .. id .. ':parts' end
function K.tenant_keys(id) return P .. 'tenant:' .. id .. ':keys' end
function K.usage(owner, day) return P .. 'usage:' .. owner .. ':' .. day end
function K.accepts(id) return P .. 'accepts:' .. id end
function K.key_open(id) return P .. 'key-open:' .. id end
function K.api_key(digest) return P .. 'key:' .. digest end
function K.idempotency(tenant, key) return P .. 'idempotency:' .. tenant .. ':' .. key end
function K.queue(name) return 'caption-ab:q:' .. name end
