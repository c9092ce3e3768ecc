"""The store against a second implementation of DynamoDB, moto's."""

import io
import json
import logging
import os
import subprocess
import threading

import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from templates import ROOT


class LikeDynamoDb:
    """moto, with two guarantees of DynamoDB that it lacks.

    Conditional writes are atomic: moto checks a condition and then writes, without a lock between its
    threads. A transaction that is repeated with its `ClientRequestToken` happens once: moto ignores the token.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
    """

    def __init__(self):
        self.moto = DomainDispatcherApplication(create_backend_app)
        self.lock = threading.Lock()
        self.transactions = {}

    def __call__(self, environ, start_response):
        with self.lock:
            token = self.request_token(environ)
            if token in self.transactions:
                return self.transactions[token](environ, start_response)

            response = Response.from_app(self.moto, environ, buffered=True)
            if token is not None and response.status_code == 200:
                self.transactions[token] = response
            return response(environ, start_response)

    @staticmethod
    def request_token(environ):
        if not environ.get("HTTP_X_AMZ_TARGET", "").endswith(".TransactWriteItems"):
            return None
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        environ["wsgi.input"] = io.BytesIO(body)
        return json.loads(body)["ClientRequestToken"]


@pytest.fixture
def moto_url():
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, LikeDynamoDb(), threaded=True, request_handler=MotoRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_store_works_with_a_second_implementation_of_dynamodb(moto_url):
    components = ["cargo", "test", "--workspace", "--test", "components", "--", "--test-threads=1"]
    subprocess.run(components, cwd=ROOT, env=os.environ | {"MOTO_URL": moto_url}, check=True)
