#!/usr/bin/env python3
"""Runs a command beside a moto server, whose address it gets as MOTO_URL.

    with_moto.py cargo test --test components -- --test-threads=1
"""

import logging
import os
import subprocess
import sys

from moto.server import ThreadedMotoServer


def main():
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        done = subprocess.run(sys.argv[1:], env=os.environ | {"MOTO_URL": f"http://{host}:{port}"}, check=False)
    finally:
        server.stop()
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
