"""Takes webhooks: believes what the installation has signed, and does nothing twice.

    SECRET=whsec_… python webhook.py 8000

The secret stands in the answer that made the destination. Needs standardwebhooks (requirements.txt).
"""

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook

WEBHOOK = Webhook(os.environ["SECRET"])
LARGEST = 1024 * 1024

# An application keeps these beside what it does, in one transaction.
done: set[str] = set()


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        if length > LARGEST:
            return self.answer(413)
        # As it came, to the byte.
        body = self.rfile.read(length)
        try:
            event = WEBHOOK.verify(body, dict(self.headers.items()))
        except Exception as error:  # of whatever kind: it is not believed
            print(f"refused: {error}", flush=True)
            return self.answer(401)
        if event["id"] not in done:
            print(event["type"], event.get("object", {}).get("id", ""), flush=True)
            done.add(event["id"])
        # Only now: what is answered otherwise is sent again.
        self.answer(204)

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
