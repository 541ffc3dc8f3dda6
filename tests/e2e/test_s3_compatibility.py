"""docs/s3-compatibility.md against the AWS SDK's own list of operations."""
import pathlib
import re

import boto3

TABLE = pathlib.Path(__file__).parents[2] / "docs/s3-compatibility.md"
# Forms of browsers: no SDK has a call for them.
OF_NO_SDK = {"PostObject"}


def test_every_operation_of_the_sdk_stands_in_the_table():
    client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="x",
                          aws_secret_access_key="x")
    rows = re.findall(r"^\| (\w+) \| (?:yes|partly|no) \|", TABLE.read_text(), re.MULTILINE)
    assert len(rows) == len(set(rows))
    assert set(rows) - OF_NO_SDK == set(client.meta.service_model.operation_names)
