#!/usr/bin/env python3
"""Runs a command beside a moto server, whose address it gets as MOTO_URL.

    with_moto.py cargo test --test components -- --test-threads=1
"""

import logging
import os
import subprocess
import sys
import threading

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server


def one_at_a_time(application):
    """moto checks a condition and then writes, with nothing between its threads. DynamoDB's
    conditional writes are atomic, so here only one request runs at a time."""
    lock = threading.Lock()

    def answer(environ, start_response):
        with lock:
            return application(environ, start_response)

    return answer


def main():
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto = one_at_a_time(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, moto, threaded=True, request_handler=MotoRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        done = subprocess.run(sys.argv[1:], env=os.environ | {"MOTO_URL": url}, check=False)
    finally:
        server.shutdown()
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
