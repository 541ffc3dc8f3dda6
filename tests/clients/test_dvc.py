"""DVC with an S3 remote, as a data repository uses it."""
import configparser

from tests.clients.objects import AWKWARD_NAMES, MIB, content, md5, read_tree, stored, write
from tests.conftest import ACCESS_KEY, REGION, SECRET_KEY


def test_data_is_pushed_found_unchanged_and_pulled_into_another_clone(run_client, server, s3,
                                                                      bucket, tmp_path):
    repository = tmp_path / "repository"
    files = {name: content(number, 1000 + number) for number, name in enumerate(AWKWARD_NAMES)}
    big = content(99, 20 * MIB)
    for name, data in files.items():
        write(repository / "images" / name, data)
    write(repository / "model + %.bin", big)
    settings = configparser.ConfigParser()
    settings["core"] = {"remote": "store", "analytics": "false", "check_update": "false",
                        "no_scm": "true"}
    settings["'remote \"store\"'"] = {
        "url": f"s3://{bucket}/dvc remote", "endpointurl": server.url, "region": REGION,
        "access_key_id": ACCESS_KEY, "secret_access_key": SECRET_KEY}
    (repository / ".dvc").mkdir()
    with open(repository / ".dvc/config", "w") as file:
        settings.write(file)

    def dvc(*arguments, cwd=repository):
        return run_client("dvc", *arguments, cwd=cwd)

    dvc("add", "--quiet", "images", "model + %.bin")
    assert b"files pushed" in dvc("push")
    digest = md5(big).strip('"')
    assert stored(s3, bucket, f"dvc remote/files/md5/{digest[:2]}/{digest[2:]}").data == big
    assert b"in sync" in dvc("status", "--cloud")

    clone = tmp_path / "clone"
    write(clone / ".dvc/config", (repository / ".dvc/config").read_bytes())
    for pointer in repository.glob("[!.]*.dvc"):
        write(clone / pointer.name, pointer.read_bytes())
    dvc("pull", "--quiet", cwd=clone)
    assert read_tree(clone / "images") == files
    assert (clone / "model + %.bin").read_bytes() == big
