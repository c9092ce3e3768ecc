"""The life of a token, with a client that `openapi-python-client` makes from docs/openapi.yaml."""

import os
import uuid

from patgate_client import AuthenticatedClient, Client
from patgate_client.api.caller import get_caller
from patgate_client.api.tokens import (
    check_token,
    create_token,
    list_tokens,
    revoke_current_token,
    show_token,
    update_token,
)
from patgate_client.models import NewToken, Problem, TokenChange, TokenCheck
from patgate_client.types import UNSET

API = os.environ["API"]
with_session = AuthenticatedClient(base_url=API, token=os.environ["SESSION"])

key = str(uuid.uuid4())
body = NewToken(name="from Python", description="made by a generated client")
created = create_token.sync_detailed(client=with_session, body=body, idempotency_key=key)
assert created.status_code == 201
token = created.parsed

again = create_token.sync(client=with_session, body=body, idempotency_key=key)
assert isinstance(again, Problem)
assert (again.code, again.token_id) == ("already_created", token.id)

with_token = AuthenticatedClient(base_url=API, token=token.token)
caller = get_caller.sync(client=with_token)
assert (caller.token.id, caller.roles) == (token.id, ["publisher"])

shown = show_token.sync_detailed(token.id, client=with_session)
assert shown.parsed.usable
change = {"client": with_session, "body": TokenChange(name="renamed"), "if_match": shown.headers["etag"]}
assert update_token.sync(token.id, **change).name == "renamed"
assert update_token.sync_detailed(token.id, **change).status_code == 412

listed = list_tokens.sync(client=with_session, q="RENAMED", usable=True)
assert [item.id for item in listed.items] == [token.id]
assert listed.next_cursor is UNSET

wrong = create_token.sync(client=with_session, body=NewToken(name=""))
assert [(error.pointer, error.code) for error in wrong.errors] == [("/name", "empty")]

assert revoke_current_token.sync_detailed(client=with_token).status_code == 204
assert get_caller.sync_detailed(client=with_token).status_code == 401
checked = check_token.sync(client=Client(base_url=API), body=TokenCheck(token=token.token))
assert (checked.usable, checked.because, checked.revocation_reason) == (False, "revoked", "owner")
