"""The stack with the user pool: who gets into it, how the page signs people in, and what the
core and the page are told of it."""

import json
import unittest

from templates import CORE, ROOT, yaml_parse

TEMPLATE = yaml_parse((ROOT / "infra" / "sign-in.yaml").read_text())


def resource(name):
    return TEMPLATE["Resources"][name]["Properties"]


class UserPool(unittest.TestCase):
    def test_nobody_signs_up(self):
        self.assertEqual(resource("UserPool")["AdminCreateUserConfig"], {"AllowAdminCreateUserOnly": True})

    def test_people_outlive_the_stack(self):
        pool = TEMPLATE["Resources"]["UserPool"]
        self.assertEqual((pool["DeletionPolicy"], pool["UpdateReplacePolicy"]), ("Retain", "Retain"))
        self.assertEqual(pool["Properties"]["DeletionProtection"], "ACTIVE")

    def test_people_have_names_that_others_know(self):
        # With `UsernameAttributes` Cognito would make a name up, and the page would show that.
        self.assertNotIn("UsernameAttributes", resource("UserPool"))

    def test_administrators_are_the_group_that_the_core_takes_them_from(self):
        group = resource("Administrators")
        self.assertEqual((group["UserPoolId"], group["GroupName"]), ({"Ref": "UserPool"}, {"Ref": "AdminRole"}))
        core = yaml_parse(CORE.read_text())["Parameters"]
        for property in ("Default", "AllowedPattern"):
            self.assertEqual(TEMPLATE["Parameters"]["AdminRole"][property], core["AdminRole"][property])
        self.assertEqual(core["RolesClaim"]["Default"], "cognito:groups")


class Client(unittest.TestCase):
    def test_page_is_a_public_client_that_uses_a_code_and_pkce(self):
        client = resource("Client")
        # A client without a secret has to prove by PKCE that the code is its own.
        self.assertIs(client["GenerateSecret"], False)
        self.assertEqual(client["AllowedOAuthFlows"], ["code"])
        self.assertIs(client["AllowedOAuthFlowsUserPoolClient"], True)
        self.assertEqual(client["SupportedIdentityProviders"], ["COGNITO"])

    def test_no_password_is_sent_but_to_the_sign_in_page(self):
        self.assertEqual(resource("Client")["ExplicitAuthFlows"], ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"])

    def test_scopes_are_those_that_the_page_asks_for(self):
        asked = '"scope": "openid profile email"'
        self.assertIn(asked, (ROOT / "infra" / "page-config.py").read_text())
        self.assertIn(asked, (ROOT / "local" / "src" / "page.rs").read_text())
        self.assertEqual(resource("Client")["AllowedOAuthScopes"], ["openid", "profile", "email"])

    def test_people_come_back_only_to_where_the_parameters_say(self):
        client = resource("Client")
        self.assertEqual((client["CallbackURLs"], client["LogoutURLs"]), ({"Ref": "CallbackUrls"}, {"Ref": "LogoutUrls"}))
        for name in ("CallbackUrls", "LogoutUrls"):
            self.assertNotIn("Default", TEMPLATE["Parameters"][name], "nobody knows it beforehand")

    def test_session_lasts_as_long_as_the_parameter_says(self):
        client = resource("Client")
        for token in ("AccessToken", "IdToken"):
            self.assertEqual(client[f"{token}Validity"], {"Ref": "SessionMinutes"})
            self.assertEqual(client["TokenValidityUnits"][token], "minutes")


class Outputs(unittest.TestCase):
    def test_every_parameter_is_used(self):
        text = json.dumps(TEMPLATE["Resources"])
        for name in TEMPLATE["Parameters"]:
            self.assertIn(json.dumps({"Ref": name}), text, name)

    def test_core_and_page_are_told_of_this_pool_and_client(self):
        outputs = {name: output["Value"] for name, output in TEMPLATE["Outputs"].items()}
        self.assertEqual(outputs["ClientId"], {"Ref": "Client"})
        self.assertEqual(outputs["UserPoolId"], {"Ref": "UserPool"})
        issuer = "https://cognito-idp.${AWS::Region}.${AWS::URLSuffix}/${UserPool}"
        self.assertEqual(outputs["Issuer"], {"Fn::Sub": issuer})
        self.assertIn("client_id=${Client}&logout_uri={redirect}", outputs["LogoutUrl"]["Fn::Sub"])
        self.assertTrue(outputs["LogoutUrl"]["Fn::Sub"].startswith(outputs["SignInOrigin"]["Fn::Sub"]))


if __name__ == "__main__":
    unittest.main()
