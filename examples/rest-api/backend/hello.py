"""The backend of the example: greets the caller, and denies a caller without roles."""

import json
import os


def handler(event, context):
    caller = event["requestContext"]["authorizer"]
    roles = caller["roles"].split()

    return {
        "statusCode": 200 if roles else 403,
        "headers": {
            "content-type": "application/json",
            "cache-control": "no-store",
            "access-control-allow-origin": os.environ["PAGE_ORIGIN"],
        },
        "body": json.dumps({"hello": caller["userName"], "roles": roles, "by": caller["authMethod"]}),
    }
