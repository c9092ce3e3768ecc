"""An authorizer for personal access tokens as a team would write it in Python: boto3, one
client. For a token it does what Patgate's authorizer does (format and checksum, one batch
read of a known token and its owner, verdict, context, last use once a minute). It leaves
out sessions, metrics and retries of unprocessed keys.
"""

import hashlib
import os
import re
import zlib
from datetime import UTC, datetime, timedelta

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
TOKENS_TABLE = os.environ["TOKENS_TABLE"]
USERS_TABLE = os.environ["USERS_TABLE"]
TOKEN = re.compile(r"fdp_[0-9A-Za-z]{38}")
BEARER = re.compile(r"bearer (\S+)", re.IGNORECASE)

client = boto3.client("dynamodb", config=Config(retries={"max_attempts": 3}))
owners = {}


def checksum(payload):
    rest = zlib.crc32(payload.encode())
    digits = ""
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        digits = BASE62[digit] + digits
    return digits


def is_token(text):
    return TOKEN.fullmatch(text) is not None and checksum(text[:-6]) == text[-6:]


def get_item(table, key):
    return client.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")


def read(token_hash):
    known = owners.get(token_hash)
    if known is None:
        token = get_item(TOKENS_TABLE, {"token_hash": {"S": token_hash}})
        return token, token and get_item(USERS_TABLE, {"user_id": token["user_id"]})
    response = client.batch_get_item(
        RequestItems={
            TOKENS_TABLE: {"Keys": [{"token_hash": {"S": token_hash}}], "ConsistentRead": True},
            USERS_TABLE: {"Keys": [{"user_id": {"S": known}}], "ConsistentRead": True},
        }
    )["Responses"]
    return next(iter(response[TOKENS_TABLE]), None), next(iter(response[USERS_TABLE]), None)


def is_allowed(token, user, now):
    if not token or "revoked_at" in token or not user or user.get("disabled", {}).get("BOOL"):
        return False
    if token["generation"]["N"] != user.get("token_generation", {"N": "0"})["N"]:
        return False
    return "expires_at" not in token or token["expires_at"]["S"] > now


def record_use(token_hash, now, address):
    try:
        client.update_item(
            TableName=TOKENS_TABLE,
            Key={"token_hash": {"S": token_hash}},
            UpdateExpression="SET last_used_at = :now, last_used_ip = :ip",
            ConditionExpression="attribute_exists(token_hash)",
            ExpressionAttributeValues={":now": {"S": now}, ":ip": {"S": address}},
        )
    except ClientError as error:
        print(error)


def text_of(time):
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def handler(event):
    bearer = BEARER.fullmatch(event["headers"].get("authorization", ""))
    if bearer is None or not is_token(bearer[1]):
        raise PermissionError("Unauthorized")

    token_hash = hashlib.sha256(bearer[1].encode()).hexdigest()
    token, user = read(token_hash)
    time = datetime.now(UTC)
    now = text_of(time)
    if not is_allowed(token, user, now):
        raise PermissionError("Unauthorized")

    owners[token_hash] = token["user_id"]["S"]
    last_used = token.get("last_used_at")
    if last_used is None or last_used["S"] < text_of(time - timedelta(minutes=1)):
        record_use(token_hash, now, event["requestContext"]["http"]["sourceIp"])

    return {
        "isAuthorized": True,
        "context": {
            "userId": user["user_id"]["S"],
            "userName": user["name"]["S"],
            "roles": " ".join(role["S"] for role in user["roles"]["L"]),
            "authMethod": "pat",
            "tokenId": token["token_id"]["S"],
            "tokenName": token["name"]["S"],
        },
    }
