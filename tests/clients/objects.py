"""What the client tests compare: keys that are hard to carry, and objects as boto3 sees them."""
import datetime
import hashlib
import typing

from tests.e2e.files import content, read_tree, write

__all__ = ["AWKWARD_NAMES", "MIB", "Stored", "content", "just_now", "md5", "multipart_etag",
           "read_tree", "stored", "write"]

MIB = 1 << 20

# Each is a legal file name too, so that one list serves tools that copy folders.
AWKWARD_NAMES = ["plain.txt", "with space/two  spaces.txt", "日本/é.txt", "plus+sign.txt",
                 "per%cent%20.txt", "a=b&c;d@e,f.txt", "quote'(1)!*~.txt", "#hash?mark.txt"]


class Stored(typing.NamedTuple):
    data: bytes
    etag: str
    content_type: str
    metadata: dict


def stored(client, bucket, key):
    """The object as boto3 reads it: another opinion than the client under test."""
    answer = client.get_object(Bucket=bucket, Key=key)
    data = answer["Body"].read()
    assert answer["ContentLength"] == len(data)
    assert just_now(answer["LastModified"])
    return Stored(data, answer["ETag"], answer["ContentType"], answer["Metadata"])


def just_now(moment):
    """S3 tells whole seconds; a test runs for less than two minutes."""
    age = datetime.datetime.now(datetime.timezone.utc) - moment
    return datetime.timedelta(seconds=-2) < age < datetime.timedelta(seconds=120)


def md5(data):
    return f'"{hashlib.md5(data).hexdigest()}"'


def multipart_etag(data, part_bytes):
    """What S3 makes of an upload in parts: the MD5 of the parts' MD5s, and their number."""
    digests = [hashlib.md5(data[begin:begin + part_bytes]).digest()
               for begin in range(0, len(data), part_bytes)]
    return f'"{hashlib.md5(b"".join(digests)).hexdigest()}-{len(digests)}"'
