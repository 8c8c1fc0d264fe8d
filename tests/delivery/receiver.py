"""receiver.py SECRET: takes webhooks on loopback and verifies each with the published `standardwebhooks` library.

Says its port, then a line a delivery: `ok ID` or `refused ID REASON`.
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
            webhook.verify(body, dict(self.headers.items()))
            status, word = 204, f"ok {name}"
        except Exception as refusal:
            status, word = 401, f"refused {name} {refusal}"
        print(word, flush=True)
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
print("port", server.server_port, flush=True)
server.serve_forever()
