"""A caller, and a reader of what is left of its calls. Runs inside the machine that `packaging/boot.sh` boots."""
import datetime, json, socket, sys, time

ME, BOX = ("127.0.0.20", 5060), ("127.0.0.1", 5060)


def call(seconds):
    """Calls the box, tells when it has answered, hangs up after so many seconds."""
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    line.bind(ME)
    line.settimeout(1)
    id, tag = f"{time.monotonic_ns()}@{ME[0]}", "probe"
    sdp = f"v=0\r\no=- 1 1 IN IP4 {ME[0]}\r\ns=-\r\nc=IN IP4 {ME[0]}\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"

    def say(method, number, to, body=""):
        contents = "Content-Type: application/sdp\r\n" if body else ""
        line.sendto(
            (
                f"{method} sip:1000@{BOX[0]} SIP/2.0\r\nVia: SIP/2.0/UDP {ME[0]};branch=z9hG4bK-{method}-{id}\r\n"
                f"From: <sip:0501234567@{ME[0]}>;tag={tag}\r\nTo: {to}\r\nCall-ID: {id}\r\nCSeq: {number} {method}\r\n"
                f"Contact: <sip:probe@{ME[0]}>\r\nMax-Forwards: 70\r\n{contents}Content-Length: {len(body)}\r\n\r\n{body}"
            ).encode(),
            BOX,
        )

    to, until = f"<sip:1000@{BOX[0]}>", time.monotonic() + 60
    say("INVITE", 1, to, sdp)
    while time.monotonic() < until:
        try:
            answer = line.recv(8192).decode()
        except TimeoutError:
            continue
        status = int(answer.split(" ", 2)[1]) if answer.startswith("SIP/2.0") else 0
        if status >= 200:
            to = next(row[4:] for row in answer.split("\r\n") if row.lower().startswith("to: "))
            say("ACK", 1, to)
            if status == 200:
                print("answered", flush=True)
                time.sleep(seconds)
                say("BYE", 2, to)
                time.sleep(1)
                return 0
            print("PROBE the box answers", answer.split("\r\n", 1)[0])
            return 1
    return 1


def records():
    """Of the lines on standard input: each call with its day, and whether its clock had been set."""
    for line in sys.stdin:
        record = json.loads(line)
        print(record["cdr_id"], record["started_at"][:10], "set" if record["clock_synced"] else "unset")
    return 0


def talked():
    """Of the lines on standard input: how long the last call went on, in milliseconds."""
    record = json.loads(sys.stdin.readlines()[-1])
    began, ended = (datetime.datetime.fromisoformat(record[key]) for key in ("started_at", "ended_at"))
    print(round((ended - began).total_seconds() * 1000))
    return 0


what = sys.argv[1] if sys.argv[1:] else "2"
sys.exit(records() if what == "records" else talked() if what == "talked" else call(int(what)))
