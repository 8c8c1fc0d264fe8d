-- $1 the box the records come from; the others hold a column each, row by row.
INSERT INTO {table} AS known (appliance_id, {columns})
SELECT $1::text, {values}
FROM unnest({arrays}) AS sent ({columns})
ON CONFLICT (cdr_id, version) DO UPDATE SET
    appliance_id = excluded.appliance_id, {updates}, updated_at = now()
WHERE known.seq <> excluded.seq OR known.body <> excluded.body
