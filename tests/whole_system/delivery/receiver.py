"""A vendor's application that is sent events: verifies each with the Standard Webhooks library of PyPI, appends what it says
to a file, and only then answers.

    receiver.py PORT FILE < SECRET

Each line of the file is one call that was verified, in JSON; a call that was not is answered with 400 and leaves none.
"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

PORT, FILE = int(sys.argv[1]), sys.argv[2]
WEBHOOK = Webhook(sys.stdin.readline().strip())
KEPT = os.open(FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # An answer in two packets would wait for the other side's delayed acknowledgement.
    disable_nagle_algorithm = True

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            event = WEBHOOK.verify(body, dict(self.headers))
        except WebhookVerificationError:
            return self.answer(400)
        data = event.get("data") or {}
        kept = {
            "id": self.headers["webhook-id"],
            "object": [event["object"]["type"], event["object"]["id"]],
            "version": event["object"]["version"],
            "position": event["position"],
            "title": (data.get("state") or {}).get("title"),
        }
        # One call of the system for each line: a process that is killed leaves no half of one.
        os.write(KEPT, json.dumps(kept).encode() + b"\n")
        return self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


ThreadingHTTPServer.request_queue_size = 64
ThreadingHTTPServer(("127.0.0.1", PORT), Receiver).serve_forever()
