"""The authorizer with the tokens of a Cognito user pool, as moto issues them."""

import re
from unittest import mock

import boto3
import pytest
from moto.cognitoidp import urls
from moto.cognitoidp.models import CognitoIdpUserPool
from moto.server import ThreadedMotoServer

from emulator import UNAUTHORIZED, authorizer_event

DISCOVERY = "{0}/(?P<user_pool_id>[^/]+)/.well-known/openid-configuration$"
PASSWORD = "A-secret-0f-tests"
CREDENTIALS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}


class UserPool:
    """A user pool with the user carol, who is in the group `publisher`."""

    def __init__(self, server_url):
        self.cognito = boto3.client("cognito-idp", "us-east-1", endpoint_url=server_url, **CREDENTIALS)
        self.id = self.cognito.create_user_pool(PoolName="people")["UserPool"]["Id"]
        self.issuer = f"{server_url}/{self.id}"
        user = {"UserPoolId": self.id, "Username": "carol"}
        self.cognito.admin_create_user(**user)
        self.cognito.admin_set_user_password(**user, Password=PASSWORD, Permanent=True)
        self.cognito.create_group(UserPoolId=self.id, GroupName="publisher")
        self.cognito.admin_add_user_to_group(**user, GroupName="publisher")
        attributes = self.cognito.admin_get_user(**user)["UserAttributes"]
        self.sub = next(attribute["Value"] for attribute in attributes if attribute["Name"] == "sub")

    def create_client(self, name):
        created = self.cognito.create_user_pool_client(UserPoolId=self.id, ClientName=name)
        return created["UserPoolClient"]["ClientId"]

    def sign_in(self, client):
        parameters = {"USERNAME": "carol", "PASSWORD": PASSWORD}
        started = self.cognito.admin_initiate_auth(
            UserPoolId=self.id, ClientId=client, AuthFlow="ADMIN_USER_PASSWORD_AUTH", AuthParameters=parameters
        )
        return started["AuthenticationResult"]


@pytest.fixture
def pool():
    """A user pool on moto, which is its own issuer. moto names AWS's address there, which cannot be reached."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    issuer = {}
    create_jwt = CognitoIdpUserPool.create_jwt
    describe = urls.url_paths[DISCOVERY]

    def create_jwt_of_this_issuer(pool, *arguments, extra_data, **others):
        return create_jwt(pool, *arguments, extra_data=extra_data | {"iss": f"{issuer['url']}/{pool.id}"}, **others)

    def describe_this_issuer(*arguments):
        status, headers, document = describe(*arguments)
        return status, headers, re.sub(rb"https://cognito-idp[^/]*", issuer["url"].encode(), document)

    with (
        mock.patch.dict(urls.url_paths, {DISCOVERY: describe_this_issuer}),
        mock.patch.object(CognitoIdpUserPool, "create_jwt", create_jwt_of_this_issuer),
    ):
        server.start()
        host, port = server.get_host_and_port()
        issuer["url"] = f"http://{host}:{port}"
        try:
            yield UserPool(issuer["url"])
        finally:
            server.stop()


def test_access_token_of_the_pages_client_is_a_session(pool, start_function):
    client = pool.create_client("page")
    authorizer = start_function("Authorizer", OIDC_ISSUER=pool.issuer, OIDC_AUDIENCE=client)

    session = pool.sign_in(client)
    response = authorizer.send(authorizer_event("http-api-2.0", session["AccessToken"]))
    assert response["isAuthorized"] is True
    expected = {"userId": pool.sub, "userName": "carol", "roles": "publisher", "authMethod": "session"}
    assert response["context"] == response["context"] | expected

    for other in (session["IdToken"], pool.sign_in(pool.create_client("other"))["AccessToken"]):
        assert authorizer.send(authorizer_event("http-api-2.0", other)) == UNAUTHORIZED
