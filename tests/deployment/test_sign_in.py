"""The stack with the user pool: who can sign in, how the page signs users in, and what the core and
the page take from it."""

import json
import os
import subprocess
import sys

from templates import CORE, ROOT, SIGN_IN, load

TEMPLATE = load(SIGN_IN)


def resource(name):
    return TEMPLATE["Resources"][name]["Properties"]


def test_users_cannot_sign_up():
    assert resource("UserPool")["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}


def test_users_outlive_the_stack():
    pool = TEMPLATE["Resources"]["UserPool"]
    assert (pool["DeletionPolicy"], pool["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert pool["Properties"]["DeletionProtection"] == "ACTIVE"


def test_user_names_are_chosen_and_not_generated():
    # With `UsernameAttributes` Cognito would generate a name, and the page would show that.
    assert "UsernameAttributes" not in resource("UserPool")


def test_administrators_group_is_the_administrators_role_of_the_core():
    group = resource("Administrators")
    assert (group["UserPoolId"], group["GroupName"]) == ({"Ref": "UserPool"}, {"Ref": "AdminRole"})
    core = load(CORE)["Parameters"]
    for attribute in ("Default", "AllowedPattern"):
        assert TEMPLATE["Parameters"]["AdminRole"][attribute] == core["AdminRole"][attribute]
    assert core["RolesClaim"]["Default"] == "cognito:groups"


def test_page_is_a_public_client_that_uses_a_code_and_pkce():
    client = resource("Client")
    # PKCE proves that a client without a secret is the one that requested the code.
    assert client["GenerateSecret"] is False
    assert client["AllowedOAuthFlows"] == ["code"]
    assert client["AllowedOAuthFlowsUserPoolClient"] is True
    assert client["SupportedIdentityProviders"] == ["COGNITO"]


def test_passwords_are_sent_only_to_the_sign_in_page():
    assert resource("Client")["ExplicitAuthFlows"] == ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]


def test_page_requests_the_scopes_that_the_client_allows(local):
    values = {"ISSUER": "https://issuer.example", "CLIENT_ID": "page", "PAGE_URL": "https://page.example"}
    script = [sys.executable, ROOT / "scripts" / "page-config"]
    deployed = json.loads(subprocess.run(script, env=os.environ | values, check=True, capture_output=True).stdout)
    on_one_machine = json.loads(local.get("/config.json").body)
    assert deployed["scope"] == on_one_machine["scope"] == "openid profile email"
    assert resource("Client")["AllowedOAuthScopes"] == ["openid", "profile", "email"]


def test_users_return_only_to_the_urls_of_the_parameters():
    client = resource("Client")
    assert (client["CallbackURLs"], client["LogoutURLs"]) == ({"Ref": "CallbackUrls"}, {"Ref": "LogoutUrls"})
    for name in ("CallbackUrls", "LogoutUrls"):
        assert "Default" not in TEMPLATE["Parameters"][name], "no default can be right"


def test_methods_of_mfa_are_named_only_if_there_is_mfa():
    # Cognito refuses a pool with `EnabledMfas` and the configuration OFF.
    methods = {"Fn::If": ["HasMfa", ["SOFTWARE_TOKEN_MFA"], {"Ref": "AWS::NoValue"}]}
    assert resource("UserPool")["EnabledMfas"] == methods
    assert TEMPLATE["Conditions"]["HasMfa"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "Mfa"}, "OFF"]}]}


def test_session_lasts_as_long_as_the_parameter_says():
    client = resource("Client")
    for token in ("AccessToken", "IdToken"):
        assert client[f"{token}Validity"] == {"Ref": "SessionMinutes"}
        assert client["TokenValidityUnits"][token] == "minutes"


def test_every_parameter_is_used():
    text = json.dumps(TEMPLATE["Resources"])
    for name in TEMPLATE["Parameters"]:
        assert json.dumps({"Ref": name}) in text, name


def test_outputs_name_this_pool_and_client():
    outputs = {name: output["Value"] for name, output in TEMPLATE["Outputs"].items()}
    assert outputs["ClientId"] == {"Ref": "Client"}
    assert outputs["UserPoolId"] == {"Ref": "UserPool"}
    issuer = "https://cognito-idp.${AWS::Region}.${AWS::URLSuffix}/${UserPool}"
    assert outputs["Issuer"] == {"Fn::Sub": issuer}
    assert "client_id=${Client}&logout_uri={redirect}" in outputs["LogoutUrl"]["Fn::Sub"]
    assert outputs["LogoutUrl"]["Fn::Sub"].startswith(outputs["SignInOrigin"]["Fn::Sub"])
