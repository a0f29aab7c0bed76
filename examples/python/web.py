"""A web process as psctl wants it: it listens on PORT, says when it is healthy, and ends without losing a request.

On SIGTERM it takes no new connection, answers the requests that are under way, and tells clients that kept their
connection to come back on another one.
"""

import os
import signal
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

RELEASE = Path("release.txt").read_text().strip()
GREETING = os.environ.get("GREETING", "Hello")
REPLICA = os.environ.get("DYNO", "web.0")
stopping = threading.Event()


class Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body leave in one piece, so that a small answer waits for nobody's acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True
    # A kept connection is looked at this often while nothing comes, to end it when the process ends.
    timeout = 0.5

    def handle(self):
        self.close_connection = False
        while not self.close_connection:
            if not self.wait_for_request():
                return
            self.handle_one_request()

    def wait_for_request(self):
        """Whether a request has begun; not, when the client has gone or the process ends."""
        while not stopping.is_set():
            try:
                return self.connection.recv(1, socket.MSG_PEEK) != b""
            except TimeoutError:
                continue
            except OSError:
                return False
        return self.has_request_already()

    def has_request_already(self):
        self.connection.settimeout(0.1)
        try:
            return self.connection.recv(1, socket.MSG_PEEK) != b""
        except OSError:
            return False

    def do_GET(self):
        if self.path == "/health":
            return self.answer("ok\n")
        if self.path == "/slow":
            time.sleep(2)
        return self.answer(f"{GREETING} from python\nreplica: {REPLICA}\nrelease: {RELEASE}\n")

    def do_POST(self):
        self.connection.settimeout(5)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return self.answer(f"{len(body)} bytes for python\nreplica: {REPLICA}\nrelease: {RELEASE}\n")

    def answer(self, text):
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        if stopping.is_set():
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    # server_close() waits for the requests under way.
    daemon_threads = False
    block_on_close = True


def main():
    server = Server(("", int(os.environ.get("PORT", "5000"))), Page)

    def stop(*_):
        stopping.set()
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(f"{REPLICA} of release {RELEASE} listens on port {server.server_port}", flush=True)
    server.serve_forever(poll_interval=0.05)
    server.server_close()
    print(f"{REPLICA} answered its last request", flush=True)


if __name__ == "__main__":
    main()
