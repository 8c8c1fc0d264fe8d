"""receiver.py SECRET: takes webhooks on loopback and verifies each with the published `standardwebhooks` library.

Says its port, then a line a delivery: `ok ID RECORDS` or `refused ID REASON`.
"""
import http.server
import sys

from standardwebhooks.webhooks import Webhook

webhook = Webhook(sys.argv[1])


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        name = self.headers["webhook-id"]
        try:
            data = webhook.verify(body, dict(self.headers.items())).get("data")
            status, word = 204, f"ok {name} {len(data) if isinstance(data, list) else 1}"
        except Exception as refusal:
            status, word = 401, f"refused {name} {refusal}"
        print(word, flush=True)
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


# A sender that is ended in the middle of an answer is no news.
http.server.ThreadingHTTPServer.handle_error = lambda *_: None
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
print("port", server.server_port, flush=True)
server.serve_forever()
