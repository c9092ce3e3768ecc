"""The backend of the example: greets the caller, and denies a caller without roles.

The authorizer runs when a client connects, and not for its messages. The backend therefore serves a connection
for a limited time only, so that a client whose token has been revoked cannot use it for longer.
"""

import json
import os
import time


def handler(event, context):
    request = event["requestContext"]
    caller = request["authorizer"]

    if request["eventType"] == "CONNECT":
        # Tells an operator which connections to end after a revocation.
        fields = {"userId": caller["userId"], "tokenId": caller["tokenId"], "connectionId": request["connectionId"]}
        print(json.dumps({"connected": fields}))
        return {"statusCode": 200}

    age_seconds = time.time() - request["connectedAt"] / 1000
    if age_seconds > 60 * int(os.environ["MAX_CONNECTION_MINUTES"]):
        return respond({"error": "connect again"})

    roles = caller["roles"].split()
    if not roles:
        return respond({"error": "forbidden"})
    return respond({"hello": caller["userName"], "roles": roles, "by": caller["authMethod"]})


def respond(message):
    return {"statusCode": 200, "body": json.dumps(message)}
