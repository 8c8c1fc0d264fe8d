"""The synchronisation loop of the program described in seed 0, with its rules for a row: what it would skip is told.

Usage: sync.py URL DOMAIN FROM TO LIMIT [name=value …]; the token is in TOKEN, if any.
"""
import json
import os
import sys
import time
import urllib.parse
import urllib.request

FIELDS = [
    "direction", "caller_id_number", "outbound_caller_id_number", "destination_number", "start_epoch", "end_epoch",
    "answer_epoch", "duration", "billsec", "sip_hangup_disposition", "record_path", "call_status",
]
DIRECTIONS = {"INBOUND", "OUTBOUND"}
STATUSES = {"ANSWER", "CANCELED", "BUSY", "NO_ANSWER", "FAILED"}


def fetch(url):
    request = urllib.request.Request(url, headers={"Accept": "application/json"})
    token = os.environ.get("TOKEN")
    if token:
        request.add_header("Authorization", "Bearer " + token)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def row(record):
    """What the program stores, or an exception, upon which it skips the row."""
    if not isinstance(record["uuid"], str):
        raise TypeError("uuid is the key of the table")
    for field in FIELDS:
        # Columns are `String?`: a JSON number makes the insert fail.
        if record[field] is not None and not isinstance(record[field], str):
            raise TypeError(field + " is no string")
    if record["direction"].upper() not in DIRECTIONS:
        raise ValueError(record["direction"])
    if record["call_status"].upper() not in STATUSES:
        raise ValueError(record["call_status"])
    for field in ("start_epoch", "end_epoch", "answer_epoch", "duration", "billsec"):
        int(record[field])
    return record["uuid"]


def main():
    url, domain, begin, end, limit = sys.argv[1:6]
    extra = dict(pair.split("=", 1) for pair in sys.argv[6:])
    limit = int(limit)
    stored, skipped, fetched, pages, offset = {}, [], 0, 0, 0
    order = []
    clock = time.monotonic()
    while True:
        query = {"domain": domain, "limit": limit, "from": begin, "to": end, "offset": offset, **extra}
        page = fetch(url + "?" + urllib.parse.urlencode(query))
        pages += 1
        if page["status"] != "success":
            raise SystemExit("status " + page["status"])
        assert type(page["result_in_page"]) is int and type(page["next_offset"]) is int, page
        assert page["start_offset"] == str(offset), page["start_offset"]
        records = page["data"]
        assert page["result_in_page"] == len(records)
        for record in records:
            fetched += 1
            order.append((int(record["start_epoch"]), record["uuid"]))
            try:
                stored[row(record)] = record
            except Exception as mistake:
                skipped.append(str(mistake))
        if len(records) < limit:
            break
        assert page["next_offset"] > offset, "an offset that does not grow would loop for ever"
        offset = page["next_offset"]
    print(json.dumps({
        "pages": pages, "fetched": fetched, "stored": len(stored), "skipped": skipped[:5],
        "sorted": order == sorted(order), "seconds": time.monotonic() - clock,
        "first": next(iter(stored.values()), None),
    }))


main()
