-- $1 seqs and $2 bodies, row by row; $3 the box they come from.
INSERT INTO {table} AS known (
    cdr_id, version, site, appliance_id, seq, call_id, final, direction, status, caller_number, caller_name,
    dialed_number, callee_number, outbound_caller_id, started_at, ringing_at, answered_at, ended_at, clock_synced,
    duration_ms, talk_ms, ring_ms, wait_ms, hold_ms, sip_code, q850, hangup_by, cause, agent, group_name, flow, trunk,
    recording_path, origin_source, origin_id, body)
SELECT
    r.cdr_id, r.version, r.site, $3::text, sent.seq, r.call_id, r.final, r.direction, r.status, r.caller_number, r.caller_name,
    r.dialed_number, r.callee_number, r.outbound_caller_id, r.started_at, r.ringing_at, r.answered_at, r.ended_at,
    r.clock_synced, r.duration_ms, r.talk_ms, r.ring_ms, r.wait_ms, r.hold_ms, r.sip_code, r.q850, r.hangup_by, r.cause,
    r.agent, r."group", r.flow, r.trunk, r.recording ->> 'path', r.origin ->> 'source', r.origin ->> 'external_id',
    sent.body
FROM (SELECT seq, body::jsonb AS body FROM unnest($1::bigint[], $2::text[]) AS pairs (seq, body)) AS sent
CROSS JOIN LATERAL jsonb_to_record(sent.body) AS r (
    cdr_id uuid, version integer, site text, call_id uuid, final boolean, direction text, status text,
    caller_number text, caller_name text, dialed_number text, callee_number text, outbound_caller_id text,
    started_at timestamptz, ringing_at timestamptz, answered_at timestamptz, ended_at timestamptz, clock_synced boolean,
    duration_ms bigint, talk_ms bigint, ring_ms bigint, wait_ms bigint, hold_ms bigint, sip_code integer, q850 integer,
    hangup_by text, cause text, agent text, "group" text, flow text, trunk text, recording jsonb, origin jsonb)
ORDER BY sent.seq
ON CONFLICT (cdr_id, version) DO UPDATE SET
    site = excluded.site, appliance_id = excluded.appliance_id, seq = excluded.seq, call_id = excluded.call_id,
    final = excluded.final, direction = excluded.direction, status = excluded.status,
    caller_number = excluded.caller_number, caller_name = excluded.caller_name,
    dialed_number = excluded.dialed_number, callee_number = excluded.callee_number,
    outbound_caller_id = excluded.outbound_caller_id, started_at = excluded.started_at,
    ringing_at = excluded.ringing_at, answered_at = excluded.answered_at, ended_at = excluded.ended_at,
    clock_synced = excluded.clock_synced, duration_ms = excluded.duration_ms, talk_ms = excluded.talk_ms,
    ring_ms = excluded.ring_ms, wait_ms = excluded.wait_ms, hold_ms = excluded.hold_ms, sip_code = excluded.sip_code,
    q850 = excluded.q850, hangup_by = excluded.hangup_by, cause = excluded.cause, agent = excluded.agent,
    group_name = excluded.group_name, flow = excluded.flow, trunk = excluded.trunk,
    recording_path = excluded.recording_path, origin_source = excluded.origin_source, origin_id = excluded.origin_id,
    body = excluded.body, updated_at = now()
WHERE known.seq <> excluded.seq OR known.body <> excluded.body
