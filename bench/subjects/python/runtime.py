"""A minimal Lambda runtime loop, which is lighter than the managed runtime."""

import http.client
import json
import os

from authorizer import handler

connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])


def call(method, path, body=None):
    connection.request(method, f"/2018-06-01/runtime/{path}", body)
    response = connection.getresponse()
    return response.headers, response.read()


while True:
    headers, body = call("GET", "invocation/next")
    request_id = headers["lambda-runtime-aws-request-id"]
    try:
        call("POST", f"invocation/{request_id}/response", json.dumps(handler(json.loads(body))))
    except Exception as error:
        failure = {"errorType": type(error).__name__, "errorMessage": str(error)}
        call("POST", f"invocation/{request_id}/error", json.dumps(failure))
