"""Lambda's runtime for a Python function, in the least that the backend of the REST example needs."""

import importlib
import json
import os
import urllib.request

INVOCATIONS = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"

module, function = os.environ["_HANDLER"].split(".")
handler = getattr(importlib.import_module(module), function)

while True:
    with urllib.request.urlopen(f"{INVOCATIONS}/next") as invocation:
        request_id = invocation.headers["Lambda-Runtime-Aws-Request-Id"]
        response = json.dumps(handler(json.load(invocation), None)).encode()
    urllib.request.urlopen(f"{INVOCATIONS}/{request_id}/response", response).close()
