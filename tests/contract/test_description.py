"""docs/openapi.yaml follows its rules and breaks no client, and the checks of both find mistakes."""

import copy
import subprocess

import pytest
import yaml

from description import DOCUMENT
from system import ROOT

FOLDER = ROOT / "tests/contract"


def lint(path):
    command = [FOLDER / "node_modules/.bin/redocly", "lint", path, "--config", FOLDER / "redocly.yaml"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def breaking_changes(before, after):
    command = [ROOT / "scripts/check-compatibility", before, after]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.fixture
def changed(tmp_path):
    """Writes a copy of the description after a change, and returns its path."""

    def write(change):
        document = copy.deepcopy(DOCUMENT)
        change(document)
        path = tmp_path / "openapi.yaml"
        path.write_text(yaml.safe_dump(document, sort_keys=False))
        return path

    return write


def schemas(document):
    return document["components"]["schemas"]


def list_parameters(document):
    return document["paths"]["/api/tokens"]["get"]["parameters"]


def remove_operation(document):
    del document["paths"]["/api/me"]["get"]


def remove_field_of_a_response(document):
    del schemas(document)["Token"]["properties"]["prefix"]
    schemas(document)["Token"]["required"].remove("prefix")


def require_another_field(document):
    schemas(document)["NewToken"]["required"].append("expiresAt")


def shorten_a_limit(document):
    schemas(document)["TokenName"]["maxLength"] = 50


def change_a_type(document):
    schemas(document)["Token"]["properties"]["usable"]["type"] = "string"


def remove_a_value_of_a_parameter(document):
    (status,) = [parameter for parameter in list_parameters(document) if parameter["name"] == "status"]
    status["schema"]["enum"].remove("expired")


def add_a_field_to_a_response(document):
    schemas(document)["Token"]["properties"]["access"] = {"type": "string"}


def add_an_optional_field_to_a_request(document):
    schemas(document)["NewToken"]["properties"]["roles"] = {"type": "array", "items": {"type": "string"}}


def add_an_optional_parameter(document):
    added = {"name": "sort", "in": "query", "description": "The order.", "schema": {"type": "string"}}
    list_parameters(document).append(added)


def add_a_value_to_an_open_list(document):
    schemas(document)["Status"]["x-extensible-enum"].append("suspended")


def remove_an_example(document):
    del document["paths"]["/api/me"]["get"]["responses"]["200"]["content"]["application/json"]["examples"]


def contradict_an_example(document):
    document["components"]["examples"]["Caller"]["value"]["roles"] = "publisher"


def remove_a_description(document):
    del list_parameters(document)[0]["description"]


def test_description_follows_the_rules():
    done = lint(ROOT / "docs/openapi.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("mistake", [remove_an_example, contradict_an_example, remove_a_description])
def test_rules_find_a_mistake(changed, mistake):
    done = lint(changed(mistake))
    assert done.returncode == 1, done.stdout + done.stderr


@pytest.mark.parametrize(
    "change",
    [
        remove_operation,
        remove_field_of_a_response,
        require_another_field,
        shorten_a_limit,
        change_a_type,
        remove_a_value_of_a_parameter,
    ],
)
def test_change_that_breaks_a_client_is_found(changed, change):
    done = breaking_changes(ROOT / "docs/openapi.yaml", changed(change))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "error" in done.stdout


@pytest.mark.parametrize(
    "change",
    [
        add_a_field_to_a_response,
        add_an_optional_field_to_a_request,
        add_an_optional_parameter,
        add_a_value_to_an_open_list,
    ],
)
def test_addition_breaks_no_client(changed, change):
    done = breaking_changes(ROOT / "docs/openapi.yaml", changed(change))
    assert done.returncode == 0, done.stdout + done.stderr


def test_new_line_of_versions_may_break_clients(changed):
    def break_in(version):
        def change(document):
            document["info"]["version"] = version
            remove_operation(document)

        return breaking_changes(ROOT / "docs/openapi.yaml", changed(change))

    present = DOCUMENT["info"]["version"]
    assert present == "0.1.0"
    assert (break_in("0.1.9").returncode, break_in("0.2.0").returncode, break_in("1.0.0").returncode) == (1, 0, 0)
    assert "removed" in break_in("0.2.0").stdout


def test_every_operation_says_which_credential_it_takes():
    """By the pages of the documentation: only a session may create or change a token, and only a token is current."""
    both = [{"session": []}, {"token": []}]
    taken = {
        operation["operationId"]: operation.get("security", DOCUMENT["security"])
        for path in DOCUMENT["paths"].values()
        for method, operation in path.items()
        if method != "parameters"
    }
    expected = dict.fromkeys(taken, both)
    expected |= {name: [{"session": []}] for name in ("createToken", "updateToken")}
    expected |= {name: [{"token": []}] for name in ("showCurrentToken", "revokeCurrentToken")}
    expected |= {name: [] for name in ("checkToken", "revokeLeakedTokens")}
    assert taken == expected
