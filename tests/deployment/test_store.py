"""The store against a second implementation of DynamoDB, moto's."""

import logging
import os
import subprocess
import threading

import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from templates import ROOT


def one_at_a_time(application):
    """Serialises requests. Conditional writes of DynamoDB are atomic, but moto checks a condition and
    then writes, without a lock between its threads."""
    lock = threading.Lock()

    def respond(environ, start_response):
        with lock:
            return application(environ, start_response)

    return respond


@pytest.fixture
def moto_url():
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto = one_at_a_time(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, moto, threaded=True, request_handler=MotoRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_store_works_with_a_second_implementation_of_dynamodb(moto_url):
    components = ["cargo", "test", "--workspace", "--test", "components", "--", "--test-threads=1"]
    subprocess.run(components, cwd=ROOT, env=os.environ | {"MOTO_URL": moto_url}, check=True)
