-- drop_experiment: forget all that was counted of an experiment, whose job is gone; idempotent.
-- KEYS: none, all are derived from the prefix: job:*:experiment job:*:experiment:seen job:*:experiment:units job:*:experiment:sources job:*:experiment:looks experiments:*
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 job
-- Returns: {"1", or "0" when nothing was there}
-- Refuses: -9 CLOCK
-- @include keys clock
if clock_refuses() then return { -9 } end
local job = ARGV[5]
local tenant, records = unpack(redis.call('HMGET', K.experiment(job), 'tenant', 'records'))
if not tenant then return { '0' } end
-- Its tenant has room for as much again.
records = tonumber(records)
if records > 0 and redis.call('DECRBY', K.experiments(tenant), records) <= 0 then
  redis.call('DEL', K.experiments(tenant))
end
-- It may be large: Redis frees it beside its other work.
redis.call('UNLINK', K.experiment(job), K.experiment_seen(job), K.experiment_units(job),
  K.experiment_sources(job), K.experiment_looks(job))
return { '1' }
