#!/usr/bin/env python3
"""Holds what the functions did to DynamoDB against what their roles allow.

    least_privilege.py <folder with records>

The end-to-end suite writes the operations down (PATGATE_RECORDS), each with the
function that signed it. An operation that was used and is not granted fails, and so
does one that is granted and was never used.
"""

import json
import pathlib
import re
import sys

from templates import CORE, PACKAGE_API, as_list, translate


def used(folder):
    """What was done: function, action, table, and the index that it went by, or an empty text."""
    operations = set()
    for file in pathlib.Path(folder).glob("*.jsonl"):
        for line in file.read_text().splitlines():
            done = json.loads(line)
            operations.add((done["function"], done["action"], done["table"], done["index"] or ""))
    # The tests look into the tables as well, as themselves.
    return {operation for operation in operations if operation[0] not in ("", "tests")}


def granted(template):
    """What the roles allow, in the same form."""
    permissions = set()
    types = {resource["Type"] for resource in template["Resources"].values()}
    assert not types & {"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"}, "policies that are not looked at here"
    for function, resource in template["Resources"].items():
        if resource["Type"] != "AWS::Lambda::Function":
            continue
        role = template["Resources"][resource["Properties"]["Role"]["Fn::GetAtt"][0]]["Properties"]
        # It lets a function write its log, and nothing else.
        (managed,) = role["ManagedPolicyArns"]
        assert managed.endswith(":policy/service-role/AWSLambdaBasicExecutionRole"), f"{function}: {managed}"
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                assert statement.keys() == {"Effect", "Action", "Resource"}, statement
                assert statement["Effect"] == "Allow", statement
                for action in as_list(statement["Action"]):
                    for resource_arn in as_list(statement["Resource"]):
                        service, name = action.split(":")
                        assert service == "dynamodb" and "*" not in name, f"{function}: {action}"
                        permissions.add((function, name, *table_of(resource_arn)))
    return permissions


def table_of(arn):
    """The logical id of a table, and the index that the permission is for, or an empty text."""
    if "Fn::GetAtt" in arn:
        table, attribute = arn["Fn::GetAtt"]
        assert attribute == "Arn", arn
        return table, ""
    named = re.fullmatch(r"\$\{(\w+)\.Arn\}/index/([\w-]+)", arn["Fn::Sub"])
    assert named, arn
    return named[1], named[2]


def main():
    did = used(sys.argv[1])
    may = granted(translate(CORE)) | granted(translate(PACKAGE_API))
    faults = [f"used and not granted: {show(operation)}" for operation in sorted(did - may)]
    faults += [f"granted and never used: {show(operation)}" for operation in sorted(may - did)]
    for fault in faults:
        print(fault)
    if faults or not did:
        sys.exit("The roles and the functions do not match." if did else "No operation was recorded.")
    functions = len({function for function, *_ in did})
    print(f"{len(did)} permissions of {functions} functions, each used and each granted")


def show(operation):
    function, action, table, index = operation
    return f"{function}: dynamodb:{action} on {table}{f' by {index}' if index else ''}"


if __name__ == "__main__":
    main()
