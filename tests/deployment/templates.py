"""The templates, as they are written and as CloudFormation receives them after SAM's own translation."""

import os
import pathlib

# SAM's translator needs a region from boto3. It sends no request to AWS.
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORE = ROOT / "infra" / "core.yaml"
MONITORING = ROOT / "infra" / "monitoring.yaml"
SIGN_IN = ROOT / "infra" / "sign-in.yaml"
PAGE = ROOT / "infra" / "page.yaml"
EXAMPLES = ROOT / "examples"
PACKAGE_API = EXAMPLES / "package-api" / "template.yaml"

# The core's parameters without a default, except ReleaseOf, which follows from all parameters.
PARAMETERS = {"OidcIssuer": "https://issuer.example", "OidcAudience": "patgate", "Release": "1764042000abcdef"}


class ManagedPolicies:
    """The one managed policy that SAM attaches to the role of every function."""

    @staticmethod
    def load():
        name = "AWSLambdaBasicExecutionRole"
        return {name: f"arn:aws:iam::aws:policy/service-role/{name}"}


def load(path):
    """A template as it is written; short forms such as `!Ref` become their long form."""
    return yaml_parse(path.read_text())


def translate(template, code="s3://code/function.zip", **parameters):
    """Turns SAM's resources into those of CloudFormation. The code of every function is at `code`."""
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = code
    return transform(template, PARAMETERS | {"ReleaseOf": "x"} | parameters, ManagedPolicies())


def names_of_release(template):
    """The parameters whose values ReleaseOf contains, in its order."""
    _, joined = template["Conditions"]["ReleaseIsStale"]["Fn::Not"][0]["Fn::Equals"]
    separator, values = joined["Fn::Join"]
    assert separator == "|"
    return [value["Ref"] for value in values]


def release_of(template, parameters):
    """The value of ReleaseOf that belongs to these parameters and the defaults of others."""
    defaults = {name: str(one["Default"]) for name, one in template["Parameters"].items() if "Default" in one}
    return "|".join((defaults | parameters)[name] for name in names_of_release(template))


def of_type(template, resource_type):
    """The properties of all resources of a type, by logical ID."""
    return {
        name: resource.get("Properties", {})
        for name, resource in template["Resources"].items()
        if resource["Type"] == resource_type
    }


def the_only(template, *resource_types):
    """The properties of the only resource of these types."""
    (properties,) = [one for resource_type in resource_types for one in of_type(template, resource_type).values()]
    return properties


def as_list(value):
    """IAM accepts a single value in place of a list."""
    return value if isinstance(value, list) else [value]
