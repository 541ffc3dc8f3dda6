"""Each command against our own server; what it left in the store is read with boto3."""
import json
import os
import urllib.error
import urllib.request

import pytest

from tests.e2e.files import (assert_one_line_error, content, put_all, read_bucket, read_tree, write,
                             write_tree)

MIB = 1 << 20
TREE = {"a.txt": b"a", "b.log": b"log", "deep/er/c.txt": b"c" * 1000, "deep/d.bin": b""}


@pytest.fixture
def bucket(s3):
    s3.create_bucket(Bucket="box")
    return "s3://box"


def test_version_and_help_need_no_store(bare_headrace):
    assert bare_headrace.ok("--version").stdout.startswith("headrace ")
    overview = bare_headrace.ok("--help").stdout
    assert "Exit codes:" in overview
    commands = "ls cp sync mv rm cat stat du mb rb presign run serve".split()
    for command in commands:
        assert f"  {command} " in overview
        own = bare_headrace.ok(command, "--help").stdout
        assert "Examples:" in own and f"headrace {command}" in own


@pytest.mark.parametrize("arguments", [
    [], ["nonsense"], ["cp", "one"], ["ls", "--nonsense"], ["cp", "a", "b"], ["ls", "s3:///key"],
    ["sync", "-", "s3://box/x"], ["presign", "s3://box"], ["rm", "s3://box"],
    ["presign", "--expires-in", "604801", "s3://box/key"], ["ls", "--read-timeout", "0"],
    ["cp", "--metadata", "novalue", "x", "s3://box/x"], ["ls", "--region", "no region"],
    ["ls", "--profile", "nowhere"], ["ls", "--endpoint-url", "ftp://somewhere"]])
def test_a_wrong_command_line_is_exit_code_2(headrace, bucket, arguments):
    write(headrace.home / "x")
    outcome = headrace(*arguments)
    assert outcome.code == 2, outcome
    assert outcome.stderr and not outcome.stdout


def test_buckets_are_made_listed_and_removed(headrace, s3):
    assert headrace.ok("mb", "s3://first").stdout == "make: s3://first\n"
    assert headrace.ok("mb", "s3://first").stdout == "exists: s3://first\n"
    headrace.ok("mb", "s3://second")
    assert [line.split()[-1] for line in headrace.ok("ls").stdout.splitlines()] == [
        "first", "second"]
    assert [line["bucket"] for line in headrace.ok("ls", "--json").json_lines()] == [
        "first", "second"]
    assert "exists" in headrace.ok("stat", "s3://first").stdout
    s3.put_object(Bucket="second", Key="k", Body=b"")
    assert_one_line_error(headrace("rb", "s3://second"), 6, "s3://second")
    headrace.ok("rb", "--force", "s3://second")
    headrace.ok("rb", "s3://first")
    assert s3.list_buckets()["Buckets"] == []
    assert_one_line_error(headrace("rb", "s3://first"), 3, "s3://first")


def test_one_file_goes_up_and_comes_down(headrace, bucket, s3, tmp_path):
    path = write(tmp_path / "one.txt", "text")
    said = headrace.ok("cp", path, f"{bucket}/folder/").stdout
    assert said == f"upload: {path} to s3://box/folder/one.txt\n"
    assert s3.get_object(Bucket="box", Key="folder/one.txt")["ContentType"] == "text/plain"
    (tmp_path / "into").mkdir()
    headrace.ok("cp", f"{bucket}/folder/one.txt", tmp_path / "into")
    headrace.ok("cp", f"{bucket}/folder/one.txt", tmp_path / "new/name.txt")
    assert read_tree(tmp_path / "into") == {"one.txt": b"text"}
    assert read_tree(tmp_path / "new") == {"name.txt": b"text"}
    assert headrace.ok("cat", f"{bucket}/folder/one.txt").stdout == "text"
    assert headrace.ok("cp", "--quiet", path, f"{bucket}/quiet").stdout == ""


def test_trees_go_up_come_down_and_move_about_in_the_store(headrace, bucket, s3, tmp_path):
    source = write_tree(tmp_path / "source", TREE)
    headrace.ok("cp", "--recursive", source, f"{bucket}/up/")
    assert read_bucket(s3, "box") == {f"up/{name}": data for name, data in TREE.items()}
    headrace.ok("cp", "--recursive", f"{bucket}/up", tmp_path / "down")
    assert read_tree(tmp_path / "down") == TREE
    headrace.ok("cp", "--recursive", f"{bucket}/up", f"{bucket}/copy")
    headrace.ok("mv", "--recursive", f"{bucket}/copy", f"{bucket}/moved")
    assert read_bucket(s3, "box") == {
        f"{place}/{name}": data for place in ("up", "moved") for name, data in TREE.items()}
    headrace.ok("mv", "--recursive", f"{bucket}/moved", tmp_path / "home")
    assert read_tree(tmp_path / "home") == TREE
    headrace.ok("mv", "--recursive", tmp_path / "home", f"{bucket}/again")
    assert read_tree(tmp_path / "home") == {}
    headrace.ok("rm", "--recursive", f"{bucket}/up")
    assert read_bucket(s3, "box") == {f"again/{name}": data for name, data in TREE.items()}
    headrace.ok("mv", f"{bucket}/again/a.txt", f"{bucket}/renamed")
    headrace.ok("rm", f"{bucket}/again/b.log")
    assert sorted(read_bucket(s3, "box")) == [
        "again/deep/d.bin", "again/deep/er/c.txt", "renamed"]


def test_filters_pick_and_dry_runs_do_nothing(headrace, bucket, s3, tmp_path):
    source = write_tree(tmp_path / "source", TREE)
    picked = ("--exclude", "*", "--include", "*.txt")
    planned = headrace.ok("cp", "-r", source, bucket, *picked, "--dry-run").stdout.splitlines()
    assert sorted(planned) == [
        f"(dryrun) upload: {source}/{name} to s3://box/{name}"
        for name in ("a.txt", "deep/er/c.txt")]
    assert read_bucket(s3, "box") == {}
    headrace.ok("cp", "-r", source, bucket, *picked)
    assert sorted(read_bucket(s3, "box")) == ["a.txt", "deep/er/c.txt"]
    headrace.ok("rm", "-r", bucket, "--exclude", "deep/*", "--dry-run")
    assert sorted(read_bucket(s3, "box")) == ["a.txt", "deep/er/c.txt"]
    headrace.ok("rm", "-r", bucket, "--exclude", "deep/*")
    assert sorted(read_bucket(s3, "box")) == ["deep/er/c.txt"]


def test_sync_moves_what_differs_and_nothing_twice(headrace, bucket, s3, tmp_path):
    source = write_tree(tmp_path / "source", TREE)
    assert len(headrace.ok("sync", source, f"{bucket}/t").stdout.splitlines()) == len(TREE)
    assert headrace.ok("sync", source, f"{bucket}/t").stdout == ""
    target = tmp_path / "target"
    assert len(headrace.ok("sync", f"{bucket}/t", target).stdout.splitlines()) == len(TREE)
    assert headrace.ok("sync", f"{bucket}/t", target).stdout == ""
    assert headrace.ok("sync", target, f"{bucket}/t").stdout == ""
    assert len(headrace.ok("sync", f"{bucket}/t", f"{bucket}/u").stdout.splitlines()) == len(TREE)
    assert headrace.ok("sync", f"{bucket}/t", f"{bucket}/u").stdout == ""

    write(source / "a.txt", "longer")
    (source / "b.log").unlink()
    planned = headrace.ok("sync", "--delete", "--dry-run", source, f"{bucket}/t").stdout
    assert sorted(planned.splitlines()) == [
        "(dryrun) delete: s3://box/t/b.log",
        f"(dryrun) upload: {source}/a.txt to s3://box/t/a.txt"]
    headrace.ok("sync", source, f"{bucket}/t")
    assert "t/b.log" in read_bucket(s3, "box")
    headrace.ok("sync", "--delete", source, f"{bucket}/t")
    headrace.ok("sync", "--delete", f"{bucket}/t", target)
    assert read_tree(target) == read_tree(source)
    s3.put_object(Bucket="box", Key="u/only-here", Body=b"1")
    headrace.ok("sync", "--delete", f"{bucket}/t", f"{bucket}/u")
    assert {key: data for key, data in read_bucket(s3, "box").items() if key[0] == "u"} == {
        f"u/{name}": data for name, data in read_tree(source).items()}


def test_sync_takes_a_file_of_its_objects_millisecond_as_it_is(headrace, bucket, s3, tmp_path):
    source = tmp_path / "source"
    file = write(source / "a.txt", "some")
    s3.put_object(Bucket="box", Key="a.txt", Body=b"some")
    listed = s3.list_objects_v2(Bucket="box")["Contents"][0]["LastModified"]
    listed_us = round(listed.timestamp() * 1e6)
    os.utime(file, ns=(0, listed_us * 1000 + 456_789))
    assert headrace.ok("sync", source, bucket).stdout == ""


def test_standard_input_and_output_are_places(headrace, bucket, s3):
    data = content(7, 20 * MIB + 1)
    headrace.ok("cp", "-", f"{bucket}/stream", stdin=data)
    assert s3.get_object(Bucket="box", Key="stream")["Body"].read() == data
    assert headrace.ok("cp", f"{bucket}/stream", "-", binary=True).stdout == data
    headrace.ok("cp", "-", f"{bucket}/small", stdin="few")
    headrace.ok("cp", "-", f"{bucket}/none", stdin="")
    objects = [f"{bucket}/small", f"{bucket}/none", f"{bucket}/small"]
    assert headrace.ok("cat", *objects).stdout == "fewfew"


def test_large_objects_travel_in_parts(headrace, bucket, s3, tmp_path):
    data = content(8, 40 * MIB + 17)
    path = write(tmp_path / "big.bin", data)
    headrace.ok("cp", path, f"{bucket}/big.bin")
    assert s3.head_object(Bucket="box", Key="big.bin")["ETag"].endswith('-6"')
    headrace.ok("cp", f"{bucket}/big.bin", tmp_path / "back.bin")
    assert (tmp_path / "back.bin").read_bytes() == data
    headrace.ok("cp", f"{bucket}/big.bin", f"{bucket}/copy.bin")
    assert s3.get_object(Bucket="box", Key="copy.bin")["Body"].read() == data
    assert s3.list_multipart_uploads(Bucket="box").get("Uploads", []) == []


def test_attributes_reach_the_object_and_follow_a_copy(headrace, bucket, s3, tmp_path):
    path = write(tmp_path / "x.bin", content(1, 9 * MIB))
    attributes = ("--storage-class", "STANDARD_IA", "--content-type", "application/x-thing",
                  "--cache-control", "max-age=1", "--metadata", "colour=blue,size=big")
    headrace.ok("cp", path, f"{bucket}/x", *attributes)
    headrace.ok("cp", f"{bucket}/x", f"{bucket}/y")
    for key in ("x", "y"):
        head = s3.head_object(Bucket="box", Key=key)
        assert head["ContentType"] == "application/x-thing"
        assert head["CacheControl"] == "max-age=1"
        assert head["Metadata"] == {"colour": "blue", "size": "big"}
    assert s3.head_object(Bucket="box", Key="x")["StorageClass"] == "STANDARD_IA"
    [told] = headrace.ok("stat", "--json", f"{bucket}/x").json_lines()
    assert told["storage_class"] == "STANDARD_IA"
    assert told["metadata"] == {"colour": "blue", "size": "big"}
    assert told["size_bytes"] == 9 * MIB
    assert "application/x-thing" in headrace.ok("stat", f"{bucket}/x").stdout


def test_ls_and_du_show_levels_sums_and_json(headrace, bucket, s3):
    put_all(s3, "other", {"a": "1", "d/b": "22", "d/e/c": "333"})
    level = [line.split()[-2:] for line in headrace.ok("ls", "s3://other/").stdout.splitlines()]
    assert level == [["PRE", "d/"], ["1", "a"]]
    everything = headrace.ok("ls", "-r", "--json", "s3://other").json_lines()
    assert [(line["key"], line["size_bytes"]) for line in everything] == [
        ("a", 1), ("d/b", 2), ("d/e/c", 3)]
    summary = headrace.ok("ls", "-r", "--summarize", "s3://other").stdout
    assert "Total objects: 3" in summary and "Total size: 6" in summary
    assert headrace.ok("du", "s3://other", "s3://other/d/", "--json").json_lines() == [
        {"uri": "s3://other/", "objects": 3, "size_bytes": 6},
        {"uri": "s3://other/d/", "objects": 2, "size_bytes": 5}]
    assert headrace.ok("ls", bucket).stdout == ""


def test_json_tells_each_step_and_each_failure(headrace, bucket, s3, tmp_path):
    source = write_tree(tmp_path / "source", {"good": b"1", "deep/good": b"22"})
    lines = headrace.ok("sync", "--json", source, bucket).json_lines()
    assert sorted((line["operation"], line["target"], line["size_bytes"]) for line in lines) == [
        ("upload", "s3://box/deep/good", 2), ("upload", "s3://box/good", 1)]
    (tmp_path / "target/good").mkdir(parents=True)
    outcome = headrace("cp", "-r", "--json", bucket, tmp_path / "target")
    assert outcome.code == 5
    [failed] = [line for line in outcome.json_lines() if "error" in line]
    assert failed["source"] == "s3://box/good" and "good" in failed["error"]
    assert (tmp_path / "target/deep/good").read_bytes() == b"22"


def test_a_presigned_url_reads_without_credentials(headrace, bucket, s3):
    s3.put_object(Bucket="box", Key="a b/+%", Body=b"signed")
    url = headrace.ok("presign", "--expires-in", "60", f"{bucket}/a b/+%").stdout.strip()
    assert urllib.request.urlopen(url, timeout=20).read() == b"signed"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(url.replace("X-Amz-Expires=60", "X-Amz-Expires=61"), timeout=20)
    [told] = headrace.ok("presign", "--json", f"{bucket}/a b/+%").json_lines()
    assert urllib.request.urlopen(told["url"], timeout=20).read() == b"signed"


def test_what_is_not_there_is_exit_code_3(headrace, bucket, tmp_path):
    target = tmp_path / "target"
    for arguments in (["cp", f"{bucket}/none", target], ["cat", f"{bucket}/none"],
                      ["stat", f"{bucket}/none"], ["ls", f"{bucket}/none"],
                      ["du", f"{bucket}/none"], ["cp", "-r", f"{bucket}/none", target],
                      ["mv", f"{bucket}/none", f"{bucket}/x"]):
        assert_one_line_error(headrace(*arguments), 3, "s3://box/none")
    for arguments in (["ls", "s3://missing"], ["cp", "-r", "s3://missing/x", target],
                      ["sync", "s3://missing", target], ["stat", "s3://missing"],
                      ["rm", "-r", "s3://missing"], ["rb", "s3://missing"]):
        assert_one_line_error(headrace(*arguments), 3, "s3://missing")
    assert_one_line_error(headrace("cp", tmp_path / "none", bucket), 3, str(tmp_path / "none"))
    source = write(tmp_path / "file")
    assert_one_line_error(headrace("cp", source, "s3://missing/x"), 3, "s3://missing")
    assert read_tree(target) == {}


ODD_KEYS = ["a b", "a=b", "a+b", "100%", "%20", "a&b?c#d", "quote'\"`$", "tab\there", "日本/é ü",
            "emoji-\U0001f600", "star*[x]", "back\\slash", "~!@#(){}|;:,<>", "-dash", "..."]


def test_odd_keys_go_up_and_come_down(headrace, bucket, s3, tmp_path):
    source = write_tree(tmp_path / "source", {key: key.encode() for key in ODD_KEYS})
    headrace.ok("sync", source, bucket)
    assert read_bucket(s3, "box") == {key: key.encode() for key in ODD_KEYS}
    headrace.ok("sync", bucket, tmp_path / "target")
    assert read_tree(tmp_path / "target") == read_tree(source)
    assert headrace.ok("sync", bucket, tmp_path / "target").stdout == ""
    listed = headrace.ok("ls", "-r", "--json", bucket).json_lines()
    assert sorted(line["key"] for line in listed) == sorted(ODD_KEYS)
    headrace.ok("mb", "s3://other")
    headrace.ok("cp", "-r", bucket, "s3://other/copy of/")
    for key in ODD_KEYS:
        assert headrace.ok("cat", f"s3://other/copy of/{key}").stdout == key
    headrace.ok("rm", "-r", bucket)
    assert read_bucket(s3, "box") == {}


# Keys that can be no file: they live in the store all the same.
KEYS_BEYOND_FILES = ["a//b", "/begins", "a/../b", "./x", "../up", "..", "n" * 300, "end/"]


def test_keys_that_can_be_no_file_live_in_the_store(headrace, bucket, s3):
    for key in KEYS_BEYOND_FILES:
        headrace.ok("cp", "-", f"{bucket}/{key}" if key != "end/" else f"{bucket}/end2/x",
                    stdin=key)
    s3.put_object(Bucket="box", Key="end/", Body=b"end/")
    keys = sorted(key if key != "end/" else "end2/x" for key in KEYS_BEYOND_FILES) + ["end/"]
    listed = [line["key"] for line in headrace.ok("ls", "-r", "--json", bucket).json_lines()]
    assert sorted(listed) == sorted(keys)
    for key in keys:
        assert s3.get_object(Bucket="box", Key=key)["Body"].read()
        assert headrace.ok("cat", f"{bucket}/{key}").stdout in (key, "end/")
    headrace.ok("mb", "s3://other")
    headrace.ok("cp", "-r", bucket, "s3://other/copy/")
    assert headrace.ok("cat", "s3://other/copy/a/../b").stdout == "a/../b"
    assert headrace.ok("cat", "s3://other/copy//begins").stdout == "/begins"
    headrace.ok("rm", "-r", bucket)
    assert headrace.ok("ls", bucket).stdout == ""


def test_json_lines_are_json_for_any_key(headrace, bucket, s3):
    s3.put_object(Bucket="box", Key='line\nbreak"quote', Body=b"")
    lines = headrace.ok("ls", "-r", "--json", bucket).stdout.splitlines()
    assert [json.loads(line)["key"] for line in lines] == ['line\nbreak"quote']


@pytest.mark.parametrize("arguments, option", [
    (["ls", ""], "PREFIX"), (["ls", "--endpoint-url", ""], "--endpoint-url"),
    (["--region", "", "ls"], "--region"),
    (["run", "--base", "job", "--job-name", "", "--", "true"], "--job-name")])
def test_an_empty_value_is_not_taken_for_the_default(bare_headrace, arguments, option):
    outcome = bare_headrace(*arguments)
    assert outcome.code == 2 and option in outcome.stderr and "empty" in outcome.stderr, outcome


@pytest.mark.parametrize("arguments", [
    ["ls", "--read-timeout", "nan"], ["ls", "--connect-timeout", "nan"], ["ls", "--timeout", "nan"],
    ["run", "--base", "job", "--stop-grace", "nan", "--", "true"],
    ["cp", "--expected-size", "-5", "-", "s3://box/key"],
    ["cp", "--expected-size", "99999999999999999999999", "-", "s3://box/key"],
    ["inspect", "--limit", "-1", "-"]])
def test_a_number_that_is_none_is_refused(bare_headrace, arguments):
    outcome = bare_headrace(*arguments)
    assert outcome.code == 2 and f"headrace {arguments[0]} --help" in outcome.stderr, outcome


def test_a_broken_configuration_file_is_named_with_its_line(bare_headrace, tmp_path):
    config = tmp_path / "config"
    config.write_text("[default]\nregion = x\nfoo\n")
    outcome = bare_headrace("ls", env={"AWS_CONFIG_FILE": str(config)})
    assert_one_line_error(outcome, 2, f"{config}, line 3")
