"""The store against two other implementations of DynamoDB: moto and dynalite."""

import contextlib
import http.client
import io
import json
import logging
import os
import subprocess
import threading

import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from programs import free_addresses, is_open, require, wait_until
from templates import ROOT

DYNALITE = ROOT / "tests" / "deployment" / "node_modules" / "dynalite" / "cli.js"


class LikeDynamoDb:
    """Another implementation, with two guarantees of DynamoDB that it may lack.

    Conditional writes are atomic: moto checks a condition and then writes, without a lock between its
    threads. A transaction that is repeated with its `ClientRequestToken` happens once: moto ignores the token.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
    """

    def __init__(self, other):
        self.other = other
        self.lock = threading.Lock()
        self.transactions = {}

    def __call__(self, environ, start_response):
        with self.lock:
            token = self.request_token(environ)
            if token in self.transactions:
                return self.transactions[token](environ, start_response)

            response = Response.from_app(self.other, environ, buffered=True)
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


class Dynalite:
    """dynalite, with two operations that it lacks. dynalite itself evaluates all conditions and expressions.

    - Transactions (2018) are made of single writes, which are undone if one of them fails.
    - The item that made a condition fail (2023) is read afterwards.

    Both rely on LikeDynamoDb, which passes on one request at a time. What DynamoDB refuses in a transaction as a whole is
    accepted here: two operations on one item, more than 100 items, and a token with another body.
    """

    def __init__(self, address):
        self.address = address

    def __call__(self, environ, start_response):
        request = Request(environ)
        operation = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
        if operation == "TransactWriteItems":
            status, body = self.transact(json.loads(request.data)["TransactItems"])
        else:
            status, body = self.call(operation, request.data)
            if b"ConditionalCheckFailedException" in body:
                body = self.with_item(json.loads(request.data), json.loads(body))
        return Response(body, status, content_type="application/x-amz-json-1.0")(environ, start_response)

    def call(self, operation, body):
        headers = {
            "Authorization": "AWS4-HMAC-SHA256 Credential=TESTS/20260101/us-east-1/dynamodb/aws4_request, "
            "SignedHeaders=host;x-amz-date, Signature=0",
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Date": "20260101T000000Z",
            "X-Amz-Target": f"DynamoDB_20120810.{operation}",
        }
        with contextlib.closing(http.client.HTTPConnection(self.address, timeout=30)) as connection:
            connection.request("POST", "/", body, headers)
            response = connection.getresponse()
            return response.status, response.read()

    def with_item(self, parameters, error):
        """The error with the item, as `ReturnValuesOnConditionCheckFailure` of a request with a key asks for it."""
        if parameters.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD":
            read = {"TableName": parameters["TableName"], "Key": parameters["Key"], "ConsistentRead": True}
            _, found = self.call("GetItem", json.dumps(read))
            error |= json.loads(found)
        return json.dumps(error)

    def transact(self, items):
        reasons, undo = [], []
        for item in items:
            ((action, parameters),) = item.items()
            undo.append(self.undoing(action, parameters))
            status, body = self.write(action, parameters)
            # A check changes nothing.
            if action == "ConditionCheck":
                self.call(*undo.pop())

            error = json.loads(body).get("__type", "") if status != 200 else ""
            if error and not error.endswith("ConditionalCheckFailedException"):
                self.undo(undo)
                return status, body
            reasons.append({"Code": "ConditionalCheckFailed" if error else "None"})

        if all(reason["Code"] == "None" for reason in reasons):
            return 200, b"{}"
        self.undo(undo)
        codes = ", ".join(reason["Code"] for reason in reasons)
        cancelled = {
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "message": f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
            "CancellationReasons": reasons,
        }
        return 400, json.dumps(cancelled).encode()

    def undo(self, operations):
        for operation, body in reversed(operations):
            self.call(operation, body)

    def write(self, action, parameters):
        operation = {"ConditionCheck": "UpdateItem"}.get(action, f"{action}Item")
        return self.call(operation, json.dumps(parameters))

    def undoing(self, action, parameters):
        """The operation that restores the item as it is now."""
        table = {"TableName": parameters["TableName"]}
        key = parameters.get("Key") or self.key_of(table, parameters["Item"])
        _, found = self.call("GetItem", json.dumps(table | {"Key": key, "ConsistentRead": True}))
        item = json.loads(found).get("Item")
        if item is None:
            return "DeleteItem", json.dumps(table | {"Key": key})
        return "PutItem", json.dumps(table | {"Item": item})

    def key_of(self, table, item):
        _, described = self.call("DescribeTable", json.dumps(table))
        return {
            part["AttributeName"]: item[part["AttributeName"]] for part in json.loads(described)["Table"]["KeySchema"]
        }


@contextlib.contextmanager
def serve(other):
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, LikeDynamoDb(other), threaded=True, request_handler=MotoRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def moto_url():
    with serve(DomainDispatcherApplication(create_backend_app)) as url:
        yield url


@pytest.fixture
def dynalite_url():
    require("node", "install Node 20.19 or newer")
    (address,) = free_addresses(1)
    host, port = address.split(":")
    options = ["--host", host, "--port", port, "--createTableMs", "0", "--deleteTableMs", "0"]
    process = subprocess.Popen(["node", DYNALITE, *options], stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: is_open(address) or process.poll() is not None)
        assert process.poll() is None, "dynalite does not start; `make tools-deployment` brings it"
        with serve(Dynalite(address)) as url:
            yield url
    finally:
        process.terminate()
        process.wait()


def run_components(url, *filters):
    components = ["cargo", "test", "--workspace", "--test", "components", "--", "--test-threads=1", *filters]
    subprocess.run(components, cwd=ROOT, env=os.environ | {"OTHER_DYNAMODB_URL": url}, check=True)


def test_store_works_with_moto(moto_url):
    run_components(moto_url)


def test_store_works_with_dynalite(dynalite_url):
    run_components(dynalite_url)
