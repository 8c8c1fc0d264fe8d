-- The newest version of each call under the names and types of the table CallCenterRecord, for programs that read it.
-- Internal calls are OUTBOUND and messages NO_ANSWER, as in the pull API: their readers know no other words. A duration
-- is the difference of the epochs, as the PBX counts, unless somebody set the clock in between.
DO $$ BEGIN
    CREATE TYPE {schema}"CallDirection" AS ENUM ('INBOUND', 'OUTBOUND');
EXCEPTION WHEN duplicate_object THEN NULL; END $$;
DO $$ BEGIN
    CREATE TYPE {schema}"CallStatus" AS ENUM ('ANSWER', 'CANCELED', 'BUSY', 'NO_ANSWER', 'FAILED');
EXCEPTION WHEN duplicate_object THEN NULL; END $$;
CREATE OR REPLACE VIEW {schema}"CallCenterRecord" AS
SELECT
    cdr_id::text AS "id",
    coalesce(origin_id, cdr_id::text) AS "externalUuid",
    (CASE direction WHEN 'inbound' THEN 'INBOUND' ELSE 'OUTBOUND' END)::{schema}"CallDirection" AS "direction",
    caller_number AS "callerIdNumber",
    outbound_caller_id AS "outboundCallerIdNumber",
    dialed_number AS "destinationNumber",
    epochs.start::text AS "startEpoch",
    epochs.finish::text AS "endEpoch",
    epochs.answer::text AS "answerEpoch",
    (CASE WHEN abs(epochs.finish - epochs.start - measured.whole) <= 1
        THEN epochs.finish - epochs.start ELSE measured.whole END)::text AS "duration",
    (CASE WHEN epochs.answer IS NULL THEN 0 WHEN abs(epochs.finish - epochs.answer - measured.talk) <= 1
        THEN epochs.finish - epochs.answer ELSE measured.talk END)::text AS "billsec",
    CASE WHEN hangup_by = 'caller' THEN 'by_caller' WHEN hangup_by = 'callee' AND answered_at IS NULL THEN 'recv_refuse'
        WHEN hangup_by = 'callee' THEN 'by_callee' ELSE '' END AS "sipHangupDisposition",
    (CASE status WHEN 'VOICEMAIL' THEN 'NO_ANSWER' ELSE status END)::{schema}"CallStatus" AS "callStatus",
    recording_path AS "recordPath",
    site AS "domain",
    body AS "rawData",
    (received_at AT TIME ZONE 'UTC')::timestamp(3) AS "syncedAt",
    (updated_at AT TIME ZONE 'UTC')::timestamp(3) AS "updatedAt"
FROM {table} AS newest
CROSS JOIN LATERAL (
    SELECT floor(extract(epoch FROM started_at))::bigint AS start, floor(extract(epoch FROM ended_at))::bigint AS finish,
        floor(extract(epoch FROM answered_at))::bigint AS answer) AS epochs
CROSS JOIN LATERAL (SELECT (duration_ms + 500) / 1000 AS whole, (talk_ms + 500) / 1000 AS talk) AS measured
WHERE NOT EXISTS (
    SELECT FROM {table} AS later WHERE later.cdr_id = newest.cdr_id AND later.version > newest.version);
CREATE OR REPLACE VIEW {schema}call_center_records AS
SELECT
    "id" AS id, "externalUuid" AS external_uuid, "direction" AS direction, "callerIdNumber" AS caller_id_number,
    "outboundCallerIdNumber" AS outbound_caller_id_number, "destinationNumber" AS destination_number,
    "startEpoch" AS start_epoch, "endEpoch" AS end_epoch, "answerEpoch" AS answer_epoch, "duration" AS duration,
    "billsec" AS billsec, "sipHangupDisposition" AS sip_hangup_disposition, "callStatus" AS call_status,
    "recordPath" AS record_path, "domain" AS domain, "rawData" AS raw_data, "syncedAt" AS synced_at,
    "updatedAt" AS updated_at
FROM {schema}"CallCenterRecord";
