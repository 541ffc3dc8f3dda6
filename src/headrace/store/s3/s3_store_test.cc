// SPDX-License-Identifier: Apache-2.0
// What an S3Store sends and what it makes of the answers, against a scripted server.
#include "headrace/store/s3/s3_store.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/base/checksum.h"
#include "headrace/base/encoding.h"
#include "testing/result_matchers.h"
#include "testing/scripted_s3.h"

namespace headrace::s3 {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using testing::HasCode;
using testing::HasMessage;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using ::testing::Not;
using testing::Reply;
using ::testing::StartsWith;

class S3StoreTest : public testing::ScriptedS3 {};

Reply HeadReply(int status, const std::string& fields) {
  return {.raw = "HTTP/1.1 " + std::to_string(status) + " X\r\n" + fields + "\r\n"};
}
Reply ErrorReply(int status, const std::string& code, testing::HeaderList headers = {}) {
  return {.status = status,
          .headers = std::move(headers),
          .body = "<?xml version=\"1.0\"?><Error><Code>" + code + "</Code><Message>text of " +
                  code + "</Message><RequestId>R1</RequestId></Error>"};
}

TEST_F(S3StoreTest, SignsEveryRequestInPathStyleForACustomEndpoint) {
  peer_.Then({.headers = {{"ETag", "\"e1\""}}, .body = "hello"});
  std::string target(5, '\0');
  const GetRequest request{.bucket = "bucket",
                           .key = "a b/\xC3\xA9=+%//../x",
                           .target = std::as_writable_bytes(std::span(target))};
  const auto got = store().Run(s3().Get(request, {}));
  ASSERT_THAT(got, IsOk());
  EXPECT_EQ(target, "hello");
  EXPECT_EQ(got->size_bytes, 5U);
  EXPECT_EQ(got->head.info.etag, "e1");
  const auto sent = peer_.requests().at(0);
  EXPECT_EQ(sent.target, "/bucket/a%20b/%C3%A9%3D%2B%25//../x");
  EXPECT_THAT(sent.Header("Authorization"), StartsWith("AWS4-HMAC-SHA256 Credential=AKEXAMPLE/"));
  EXPECT_THAT(sent.Header("Authorization"), HasSubstr("/us-east-1/s3/aws4_request"));
  EXPECT_EQ(sent.Header("Range"), "");
}

TEST_F(S3StoreTest, UnsignedRequestsCarryNoSignature) {
  S3Settings settings = Settings();
  settings.sign_requests = false;
  Open(settings, Environment());
  peer_.Then(HeadReply(200, "Content-Length: 7\r\nETag: \"x\"\r\n"));
  const auto head = store().Head("bucket", "key");
  ASSERT_THAT(head, IsOk());
  EXPECT_EQ(head->info.size_bytes, 7U);
  EXPECT_EQ(peer_.requests().at(0).Header("Authorization"), "");
}

TEST_F(S3StoreTest, ReadsAListingPageWithEncodedKeysAndPrefixes) {
  peer_.Then(
      {.body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
               "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
               "<IsTruncated>true</IsTruncated><NextContinuationToken>t/+=</NextContinuationToken>"
               "<EncodingType>url</EncodingType>"
               "<Contents><Key>p/a+b%2Bc%0A</Key><LastModified>2024-02-29T12:00:00.500Z"
               "</LastModified><ETag>&quot;e1&quot;</ETag><Size>12</Size>"
               "<StorageClass>STANDARD</StorageClass></Contents>"
               "<Contents><Key>p/b</Key><ETag>\"e2-3\"</ETag><Size>0</Size>"
               "<StorageClass>GLACIER</StorageClass></Contents>"
               "<CommonPrefixes><Prefix>p/d%3D1/</Prefix></CommonPrefixes></ListBucketResult>"});
  peer_.Then({.body = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"});
  ListRequest request{.bucket = "bucket", .prefix = "p/", .delimiter = "/"};
  const auto page = store().Run(s3().List(request, {}));
  ASSERT_THAT(page, IsOk());
  ASSERT_EQ(page->objects.size(), 2U);
  EXPECT_EQ(page->objects[0].key, "p/a b+c\n");
  EXPECT_EQ(page->objects[0].etag, "e1");
  EXPECT_EQ(page->objects[0].size_bytes, 12U);
  EXPECT_EQ(page->objects[0].storage_class, "");
  EXPECT_EQ(page->objects[0].modified,
            SystemTime(std::chrono::sys_days(std::chrono::year(2024) / 2 / 29)) +
                std::chrono::hours(12) + std::chrono::milliseconds(500));
  EXPECT_EQ(page->objects[1].storage_class, "GLACIER");
  EXPECT_THAT(page->common_prefixes, ElementsAre("p/d=1/"));
  EXPECT_EQ(page->next_token, "t/+=");

  request.continuation_token = page->next_token;
  const auto last = store().Run(s3().List(request, {}));
  ASSERT_THAT(last, IsOk());
  EXPECT_EQ(last->next_token, "");
  EXPECT_EQ(peer_.requests().at(0).target,
            "/bucket?list-type=2&delimiter=%2F&encoding-type=url&max-keys=1000&prefix=p%2F");
  EXPECT_THAT(peer_.requests().at(1).target, HasSubstr("continuation-token=t%2F%2B%3D"));
}

TEST_F(S3StoreTest, AListingThatIsNoListingIsCorrupt) {
  for (const char* body :
       {"<html></html>", "nothing",
        "<ListBucketResult><Contents><Key>a</Key><Size>x</Size>"
        "</Contents></ListBucketResult>",
        "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>"}) {
    peer_.Then({.body = body});
    const ListRequest request{.bucket = "bucket"};
    EXPECT_THAT(store().Run(s3().List(request, {})), HasCode(ErrorCode::kCorrupt)) << body;
  }
}

TEST_F(S3StoreTest, HeadTellsEverythingTheHeadersDo) {
  peer_.Then(HeadReply(200,
                       "Content-Length: 10\r\nETag: \"abc\"\r\n"
                       "Last-Modified: Thu, 29 Feb 2024 12:00:00 GMT\r\n"
                       "Content-Type: image/png\r\nCache-Control: no-cache\r\n"
                       "x-amz-storage-class: STANDARD_IA\r\nX-Amz-Meta-Name: v\r\n"
                       "x-amz-meta-u: =?UTF-8?B?w6k=?=\r\n"
                       "x-amz-checksum-crc32c: 4waSgw==\r\nx-amz-checksum-type: FULL_OBJECT\r\n"));
  const auto head = store().Head("bucket", "key");
  ASSERT_THAT(head, IsOk());
  EXPECT_EQ(head->info.key, "key");
  EXPECT_EQ(head->info.storage_class, "STANDARD_IA");
  EXPECT_EQ(head->attributes.content_type, "image/png");
  EXPECT_EQ(head->attributes.user_metadata,
            (std::map<std::string, std::string>{{"name", "v"}, {"u", "\xC3\xA9"}}));
  EXPECT_EQ(head->checksum,
            (Checksum{.algorithm = ChecksumAlgorithm::kCrc32c, .value = "4waSgw=="}));
}

TEST_F(S3StoreTest, AnUntoldSizeIsAnErrorAndNotZero) {
  peer_.Then(HeadReply(200, "ETag: \"abc\"\r\n"));
  const auto head = store().Head("bucket", "key");
  EXPECT_THAT(head, HasCode(ErrorCode::kCorrupt));
  EXPECT_THAT(head, HasMessage("s3://bucket/key"));
  EXPECT_EQ(peer_.requests().size(), 1U);
}

TEST_F(S3StoreTest, ErrorsNameTheObjectAndSayWhatToDo) {
  peer_.Then(ErrorReply(404, "NoSuchBucket"));
  peer_.Then(ErrorReply(403, "AccessDenied"));
  peer_.Then(HeadReply(404, ""));
  const ListRequest list{.bucket = "nowhere"};
  const auto listed = store().Run(s3().List(list, {}));
  EXPECT_THAT(listed, HasCode(ErrorCode::kNotFound));
  EXPECT_THAT(listed, HasMessage("list s3://nowhere: text of NoSuchBucket (NoSuchBucket); check"));
  EXPECT_EQ(listed.error().origin().request_id, "R1");
  const auto denied = store().Run(s3().List(list, {}));
  EXPECT_THAT(denied, HasCode(ErrorCode::kPermissionDenied));
  EXPECT_THAT(denied, HasMessage("credentials used: environment (AWS_ACCESS_KEY_ID)"));
  EXPECT_THAT(denied.error().message(), Not(HasSubstr("s3cr3t")));
  const auto absent = store().Head("bucket", "some/key");
  EXPECT_THAT(absent, HasCode(ErrorCode::kNotFound));
  EXPECT_THAT(absent, HasMessage("s3://bucket/some/key: there is no such object or bucket"));
}

TEST_F(S3StoreTest, SlowDownAndServerErrorsAreTriedAgain) {
  peer_.Then(ErrorReply(503, "SlowDown"));
  peer_.Then(ErrorReply(500, "InternalError"));
  peer_.Then({.status = 502, .body = "<html>"});
  peer_.Then(ErrorReply(400, "RequestTimeout"));
  peer_.ThenDropConnection();
  peer_.Then({.headers = {{"ETag", "\"e\""}}});
  EXPECT_THAT(store().Put("bucket", "key", "bytes"), IsOk());
  EXPECT_EQ(peer_.unexpected_count(), 0U);
}

TEST_F(S3StoreTest, GivesUpAfterItsTriesAndSaysHowMany) {
  S3Settings settings = Settings();
  settings.retry.attempt_count_max = 3;
  Open(settings, Keys());
  peer_.SetHandler([](const auto&) { return ErrorReply(503, "SlowDown"); });
  const auto put = store().Put("bucket", "key", "bytes");
  EXPECT_THAT(put, HasCode(ErrorCode::kThrottled));
  EXPECT_THAT(put, HasMessage("(tried 3 times)"));
  EXPECT_EQ(peer_.requests().size(), 3U);
}

TEST_F(S3StoreTest, WhatTheCallerMustChangeIsNotTriedAgain) {
  for (const auto& [status, code] :
       {std::pair(403, "AccessDenied"), std::pair(404, "NoSuchKey"),
        std::pair(412, "PreconditionFailed"), std::pair(400, "InvalidArgument")}) {
    const size_t before = peer_.requests().size();
    peer_.Then(ErrorReply(status, code));
    EXPECT_FALSE(store().Put("bucket", "key", "bytes").has_value());
    EXPECT_EQ(peer_.requests().size(), before + 1) << code;
  }
}

TEST_F(S3StoreTest, AConditionalPutWhoseAnswerWasLostKnowsItsOwnObject) {
  PutRequest request{.bucket = "bucket", .key = "key"};
  request.conditions.if_none_match_any = true;
  for (const std::string_view bytes : {"123456789", "other-one"}) {
    peer_.ThenDropConnection();
    peer_.Then(ErrorReply(412, "PreconditionFailed"));
    peer_.Then(HeadReply(200,
                         "Content-Length: 9\r\nETag: \"e9\"\r\n"
                         "x-amz-checksum-crc64nvme: rosUhgp5mIg=\r\n"));
    const auto put = store().Put(request, bytes);
    if (bytes == "123456789") {
      ASSERT_THAT(put, IsOk());
      EXPECT_EQ(put->etag, "e9");
    } else {
      EXPECT_THAT(put, HasCode(ErrorCode::kPreconditionFailed));
    }
  }
  EXPECT_EQ(peer_.unexpected_count(), 0U);
}

TEST_F(S3StoreTest, PutSendsAttributesConditionsAndACrc) {
  peer_.Then({.headers = {{"ETag", "\"e9\""}, {"x-amz-checksum-crc64nvme", "rosUhgp5mIg="}}});
  PutRequest request{.bucket = "bucket", .key = "key"};
  request.attributes.content_type = "text/plain";
  request.attributes.user_metadata = {{"m", "\xC3\xA9"}};
  request.conditions.if_none_match_any = true;
  const auto put = store().Put(request, "123456789");
  ASSERT_THAT(put, IsOk());
  EXPECT_EQ(put->etag, "e9");
  EXPECT_EQ(put->checksum->value, "rosUhgp5mIg=");
  const auto sent = peer_.requests().at(0);
  EXPECT_EQ(sent.method, "PUT");
  EXPECT_EQ(sent.body, "123456789");
  EXPECT_EQ(sent.Header("Content-Type"), "text/plain");
  EXPECT_EQ(sent.Header("If-None-Match"), "*");
  EXPECT_EQ(sent.Header("x-amz-meta-m"), "=?UTF-8?B?w6k=?=");
  EXPECT_EQ(sent.Header("x-amz-checksum-crc64nvme"), "rosUhgp5mIg=");
  // Over plain HTTP a small body is signed.
  EXPECT_EQ(sent.Header("x-amz-content-sha256"), HexEncode(Sha256("123456789")));
}

// Answers of status 200 after which nothing may be taken for stored: what a server hides in a body,
// what stands in S3's place, bytes that broke on their way.
const std::vector<std::pair<Reply, std::string>> kFalsePuts = {
    {{.headers = {{"ETag", "\"e\""}}, .body = "<Error><Code>InternalError</Code></Error>"},
     "InternalError"},
    {{.body = "<Error><Code>AccessDenied</Code></Error>"}, "AccessDenied"},
    {{.headers = {{"ETag", "\"e\""}}, .body = "<html>Please sign in</html>"}, "page"},
    {{.status = 200}, "without an ETag"},
    {{.headers = {{"ETag", "\"e\""}, {"x-amz-checksum-crc64nvme", "AAAAAAAAAAA="}}},
     "AAAAAAAAAAA="},
};

TEST_F(S3StoreTest, APutWhoseAnswerDoesNotSaySoIsNotDone) {
  for (const auto& [reply, message] : kFalsePuts) {
    peer_.SetHandler([&reply](const auto&) { return reply; });
    const auto put = store().Put("bucket", "key", "123456789");
    ASSERT_FALSE(put.has_value()) << message;
    EXPECT_THAT(put.error().message(), HasSubstr("put s3://bucket/key: "));
    EXPECT_THAT(put.error().message(), HasSubstr(message));
  }
}

TEST_F(S3StoreTest, APartWhoseAnswerDoesNotSaySoIsNotStored) {
  const UploadPartRequest request{.upload = {.bucket = "bucket", .key = "key", .upload_id = "u"},
                                  .part_number = 1};
  for (const auto& [reply, message] : kFalsePuts) {
    peer_.SetHandler([&reply](const auto&) { return reply; });
    SpanSource body(AsBytes("123456789"));
    const auto part = store().Run(s3().UploadPart(request, body, {}));
    ASSERT_FALSE(part.has_value()) << message;
    EXPECT_THAT(part.error().message(), HasSubstr(message));
  }
}

TEST_F(S3StoreTest, APutThatBrokeOnItsWayIsTriedAgain) {
  peer_.Then(kFalsePuts.back().first);
  peer_.Then({.headers = {{"ETag", "\"e9\""}, {"x-amz-checksum-crc64nvme", "rosUhgp5mIg="}}});
  const auto put = store().Put("bucket", "key", "123456789");
  ASSERT_THAT(put, IsOk());
  EXPECT_EQ(put->etag, "e9");
}

// Another algorithm's sum, or that of parts, is no reason for doubt.
TEST_F(S3StoreTest, AChecksumThatWasNotSentDoesNotMatterToAPut) {
  peer_.Then({.headers = {{"ETag", "\"e\""}, {"x-amz-checksum-crc32c", "AAAAAA=="}}});
  EXPECT_THAT(store().Put("bucket", "key", "123456789"), IsOk());
}

TEST_F(S3StoreTest, AnEmptyPutAnnouncesItsLength) {
  peer_.Then({.headers = {{"ETag", "\"e\""}}});
  EXPECT_THAT(store().Put("bucket", "key", ""), IsOk());
  EXPECT_EQ(peer_.requests().at(0).Header("Content-Length"), "0");
}

TEST_F(S3StoreTest, AFailedCopyUnderStatus200IsAnErrorAndTriedAgain) {
  peer_.Then({.body = "\n  <?xml version=\"1.0\"?><Error><Code>SlowDown</Code></Error>"});
  peer_.Then({.body = "<Error><Code>InternalError</Code></Error>"});
  peer_.Then({.body = "<CopyObjectResult><ETag>&quot;c1&quot;</ETag></CopyObjectResult>"});
  const CopyRequest request{.source_bucket = "from",
                            .source_key = "a b/\xC3\xA9",
                            .source_if_match = "s1",
                            .bucket = "to",
                            .key = "k"};
  const auto copied = store().Run(s3().Copy(request, {}));
  ASSERT_THAT(copied, IsOk());
  EXPECT_EQ(copied->etag, "c1");
  ASSERT_EQ(peer_.requests().size(), 3U);
  const auto sent = peer_.requests().at(2);
  EXPECT_EQ(sent.target, "/to/k");
  EXPECT_EQ(sent.Header("x-amz-copy-source"), "/from/a%20b/%C3%A9");
  EXPECT_EQ(sent.Header("x-amz-copy-source-if-match"), "\"s1\"");
}

TEST_F(S3StoreTest, DeleteManyReportsTheKeysThatStayed) {
  peer_.Then({.status = 204});  // The key XML cannot carry goes alone.
  peer_.Then({.body = "<DeleteResult><Error><Key>b&amp;c</Key><Code>AccessDenied</Code>"
                      "<Message>no</Message></Error></DeleteResult>"});
  const DeleteManyRequest request{.bucket = "bucket",
                                  .keys = {"a", "b&c", std::string("x\x01y"), "\n"}};
  const auto failed = store().Run(s3().DeleteMany(request, {}));
  ASSERT_THAT(failed, IsOk());
  ASSERT_EQ(failed->size(), 1U);
  EXPECT_EQ(failed->at(0).key, "b&c");
  EXPECT_EQ(failed->at(0).error.code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(peer_.requests().at(0).method, "DELETE");
  EXPECT_EQ(peer_.requests().at(0).target, "/bucket/x%01y");
  const auto batch = peer_.requests().at(1);
  EXPECT_EQ(batch.target, "/bucket?delete=");
  EXPECT_NE(batch.Header("Content-MD5"), "");
  EXPECT_THAT(batch.body,
              EndsWith("<Quiet>true</Quiet><Object><Key>a</Key></Object><Object><Key>b&amp;c</Key>"
                       "</Object><Object><Key>&#10;</Key></Object></Delete>"));
}

TEST_F(S3StoreTest, AnUploadInPartsCarriesItsChecksumsFromStartToEnd) {
  peer_.Then({.body = "<InitiateMultipartUploadResult><UploadId>u/1+</UploadId>"
                      "</InitiateMultipartUploadResult>"});
  peer_.Then({.headers = {{"ETag", "\"p1\""}, {"x-amz-checksum-crc64nvme", "rosUhgp5mIg="}}});
  peer_.Then({.body = "<CopyPartResult><ETag>\"p2\"</ETag></CopyPartResult>"});
  peer_.Then({.body = "<CompleteMultipartUploadResult><ETag>&quot;all-2&quot;</ETag>"
                      "</CompleteMultipartUploadResult>"});
  const CreateMultipartRequest create{.bucket = "bucket", .key = "big"};
  const auto upload = store().Run(s3().CreateMultipart(create, {}));
  ASSERT_THAT(upload, IsOk());
  EXPECT_EQ(upload->upload_id, "u/1+");
  SpanSource body(AsBytes("123456789"));
  const UploadPartRequest part_request{.upload = *upload, .part_number = 1};
  const auto part = store().Run(s3().UploadPart(part_request, body, {}));
  ASSERT_THAT(part, IsOk());
  const CopyPartRequest copy_request{.upload = *upload,
                                     .part_number = 2,
                                     .source_bucket = "from",
                                     .source_key = "k",
                                     .source_range = ByteRange{.begin = 5, .end = 10}};
  const auto copied = store().Run(s3().CopyPart(copy_request, {}));
  ASSERT_THAT(copied, IsOk());
  EXPECT_EQ(copied->size_bytes, 5U);
  const CompleteMultipartRequest complete{.upload = *upload, .parts = {*part, *copied}};
  const auto done = store().Run(s3().CompleteMultipart(complete, {}));
  ASSERT_THAT(done, IsOk());
  EXPECT_EQ(done->etag, "all-2");

  const auto sent = peer_.requests();
  EXPECT_EQ(sent[0].target, "/bucket/big?uploads=");
  EXPECT_EQ(sent[0].Header("x-amz-checksum-algorithm"), "CRC64NVME");
  EXPECT_EQ(sent[0].Header("x-amz-checksum-type"), "FULL_OBJECT");
  EXPECT_EQ(sent[1].target, "/bucket/big?partNumber=1&uploadId=u%2F1%2B");
  EXPECT_EQ(sent[1].Header("x-amz-checksum-crc64nvme"), "rosUhgp5mIg=");
  EXPECT_EQ(sent[2].Header("x-amz-copy-source-range"), "bytes=5-9");
  EXPECT_THAT(sent[3].body,
              EndsWith("<Part><PartNumber>1</PartNumber><ETag>&quot;p1&quot;</ETag>"
                       "<ChecksumCRC64NVME>rosUhgp5mIg=</ChecksumCRC64NVME></Part>"
                       "<Part><PartNumber>2</PartNumber><ETag>&quot;p2&quot;</ETag></Part>"
                       "</CompleteMultipartUpload>"));
}

TEST_F(S3StoreTest, ACompletionWhoseAnswerGotLostIsFoundDone) {
  const std::string md5_a = "0cc175b9c0f1b6a831c399e269772661";
  const std::string md5_b = "92eb5ffee6ae2fec3ad71c777531578f";
  const std::vector<PartInfo> parts = {{.part_number = 1, .etag = md5_a},
                                       {.part_number = 2, .etag = md5_b}};
  const auto joined = HexDecode(md5_a).value() + HexDecode(md5_b).value();
  RunningDigest digest(DigestKind::kMd5);
  digest.Update(AsBytes(joined));
  const std::string expected = HexEncode(AsBytes(digest.Finish())) + "-2";
  peer_.ThenDropConnection();
  peer_.Then(ErrorReply(404, "NoSuchUpload"));
  peer_.Then(HeadReply(200, "Content-Length: 2\r\nETag: \"" + expected + "\"\r\n"));
  const CompleteMultipartRequest request{
      .upload = {.bucket = "bucket", .key = "big", .upload_id = "u"}, .parts = parts};
  const auto done = store().Run(s3().CompleteMultipart(request, {}));
  ASSERT_THAT(done, IsOk());
  EXPECT_EQ(done->etag, expected);
}

TEST_F(S3StoreTest, ABucketMadeByATryWhoseAnswerGotLostIsMade) {
  peer_.ThenDropConnection();
  peer_.Then(ErrorReply(409, "BucketAlreadyOwnedByYou"));
  EXPECT_THAT(store().CreateBucket("made"), IsOk());
  peer_.Then(ErrorReply(409, "BucketAlreadyOwnedByYou"));
  EXPECT_THAT(store().CreateBucket("made"), HasCode(ErrorCode::kAlreadyExists));
}

TEST_F(S3StoreTest, ABucketDeletedByATryWhoseAnswerGotLostIsDeleted) {
  peer_.ThenDropConnection();
  peer_.Then(ErrorReply(404, "NoSuchBucket"));
  EXPECT_THAT(store().DeleteBucket("gone"), IsOk());
  peer_.Then(ErrorReply(503, "SlowDown"));  // Has deleted nothing.
  peer_.Then(ErrorReply(404, "NoSuchBucket"));
  EXPECT_THAT(store().DeleteBucket("gone"), HasCode(ErrorCode::kNotFound));
}

TEST_F(S3StoreTest, AnUploadThatIsGoneFromTheStartIsAnError) {
  peer_.Then(ErrorReply(404, "NoSuchUpload"));
  const CompleteMultipartRequest request{
      .upload = {.bucket = "bucket", .key = "big", .upload_id = "u"}, .parts = {}};
  EXPECT_THAT(store().Run(s3().CompleteMultipart(request, {})), HasCode(ErrorCode::kNotFound));
}

TEST_F(S3StoreTest, ABucketIsFollowedToItsRegionOnceAndRemembered) {
  peer_.Then(ErrorReply(301, "PermanentRedirect", {{"x-amz-bucket-region", "eu-west-1"}}));
  peer_.Then({.headers = {{"ETag", "\"e\""}}});
  peer_.Then({.headers = {{"ETag", "\"e\""}}});
  EXPECT_THAT(store().Put("bucket", "key", "x"), IsOk());
  EXPECT_THAT(store().Put("bucket", "key", "x"), IsOk());
  const auto sent = peer_.requests();
  ASSERT_EQ(sent.size(), 3U);
  EXPECT_THAT(sent[0].Header("Authorization"), HasSubstr("/us-east-1/s3/"));
  EXPECT_THAT(sent[1].Header("Authorization"), HasSubstr("/eu-west-1/s3/"));
  EXPECT_THAT(sent[2].Header("Authorization"), HasSubstr("/eu-west-1/s3/"));
}

TEST_F(S3StoreTest, ARegionThatDoesNotHelpIsNotFollowedTwice) {
  peer_.Then(ErrorReply(301, "PermanentRedirect", {{"x-amz-bucket-region", "eu-west-1"}}));
  peer_.Then(ErrorReply(301, "PermanentRedirect", {{"x-amz-bucket-region", "eu-west-2"}}));
  const auto put = store().Put("bucket", "key", "x");
  EXPECT_THAT(put, HasMessage("--region"));
  EXPECT_EQ(peer_.requests().size(), 2U);
}

TEST_F(S3StoreTest, AWrongClockIsCorrectedFromTheServersDate) {
  peer_.Then(ErrorReply(403, "RequestTimeTooSkewed", {{"Date", "Thu, 29 Feb 2024 12:00:00 GMT"}}));
  peer_.Then({.body = "<ListBucketResult/>"});
  peer_.Then(HeadReply(403, "Date: Thu, 29 Feb 2024 12:00:01 GMT\r\n"));
  const ListRequest list{.bucket = "bucket"};
  EXPECT_THAT(store().Run(s3().List(list, {})), IsOk());
  EXPECT_THAT(store().Head("bucket", "key"), HasCode(ErrorCode::kPermissionDenied));
  const auto sent = peer_.requests();
  ASSERT_EQ(sent.size(), 3U);
  EXPECT_THAT(sent[0].Header("x-amz-date"), Not(StartsWith("20240229T")));
  EXPECT_THAT(sent[1].Header("x-amz-date"), StartsWith("20240229T1200"));
  EXPECT_THAT(sent[2].Header("x-amz-date"), StartsWith("20240229T1200"));
}

TEST_F(S3StoreTest, BucketsAreListedCreatedAndDeleted) {
  peer_.Then({.body = "<ListAllMyBucketsResult><Buckets><Bucket><Name>b1</Name><CreationDate>"
                      "2024-02-29T12:00:00Z</CreationDate></Bucket></Buckets>"
                      "<ContinuationToken>t</ContinuationToken></ListAllMyBucketsResult>"});
  peer_.Then({.body = "<ListAllMyBucketsResult><Buckets><Bucket><Name>b2</Name></Bucket></Buckets>"
                      "</ListAllMyBucketsResult>"});
  const auto buckets = store().ListBuckets();
  ASSERT_THAT(buckets, IsOk());
  ASSERT_EQ(buckets->size(), 2U);
  EXPECT_EQ(buckets->at(1).name, "b2");
  peer_.Then({});
  EXPECT_THAT(store().CreateBucket("b3"), IsOk());
  peer_.Then(ErrorReply(409, "BucketNotEmpty"));
  EXPECT_THAT(store().DeleteBucket("b3"), HasCode(ErrorCode::kAlreadyExists));
  const auto sent = peer_.requests();
  EXPECT_EQ(sent[1].target, "/?continuation-token=t");
  EXPECT_EQ(sent[2].method, "PUT");
  EXPECT_EQ(sent[2].body, "");

  S3Settings settings = Settings();
  settings.region = "eu-west-1";
  Open(settings, Keys());
  peer_.Then({});
  EXPECT_THAT(store().CreateBucket("b4"), IsOk());
  EXPECT_THAT(peer_.requests().back().body,
              HasSubstr("<LocationConstraint>eu-west-1</LocationConstraint>"));
}

TEST_F(S3StoreTest, DeletingWhatIsNotThereSucceeds) {
  peer_.Then({.status = 204});
  peer_.Then(ErrorReply(404, "NoSuchKey"));
  const DeleteRequest request{.bucket = "bucket", .key = "key"};
  EXPECT_THAT(store().Run(s3().Delete(request, {})), IsOk());
  EXPECT_THAT(store().Run(s3().Delete(request, {})), IsOk());
}

TEST_F(S3StoreTest, PresignedUrlsNeedNoHeaders) {
  const std::string bucket = "bucket";
  const std::string key = "a b";
  const auto url = store().Run(s3().PresignGet(bucket, key, std::chrono::minutes(1), {}));
  ASSERT_THAT(url, IsOk());
  EXPECT_THAT(*url, StartsWith(peer_.url() + "/bucket/a%20b?X-Amz-Algorithm=AWS4-HMAC-SHA256&"));
  EXPECT_THAT(*url, HasSubstr("X-Amz-Expires=60"));
  EXPECT_EQ(peer_.requests().size(), 0U);
  EXPECT_THAT(store().Run(s3().PresignGet(bucket, key, std::chrono::days(8), {})),
              HasCode(ErrorCode::kInvalidArgument));
}

// A source that tells its size only at its end, or a wrong one.
class DripSource final : public ByteSource {
 public:
  DripSource(size_t size_bytes, std::optional<uint64_t> announced)
      : left_(size_bytes), announced_(announced) {}
  std::optional<uint64_t> size_bytes() const override { return announced_; }
  Task<Result<size_t>> Read(std::span<std::byte> target) override {
    const size_t step = std::min({left_, target.size(), size_t{1000}});
    std::fill_n(target.begin(), step, std::byte{'d'});
    left_ -= step;
    co_return step;
  }

 private:
  size_t left_;
  std::optional<uint64_t> announced_;
};

TEST_F(S3StoreTest, ABodyOfUnknownSizeIsCollectedSoThatItCanBeSentAgain) {
  peer_.Then(ErrorReply(503, "SlowDown"));
  peer_.Then({.headers = {{"ETag", "\"e\""}}});
  DripSource source(700'000, std::nullopt);
  const PutRequest request{.bucket = "bucket", .key = "key"};
  EXPECT_THAT(store().Run(s3().Put(request, source, {})), IsOk());
  EXPECT_EQ(peer_.requests().at(1).body, std::string(700'000, 'd'));
}

TEST_F(S3StoreTest, ABodyOfAnotherSizeThanAnnouncedIsNotSent) {
  const PutRequest request{.bucket = "bucket", .key = "key"};
  for (const uint64_t announced : {999, 1001}) {
    DripSource source(1000, announced);
    EXPECT_THAT(store().Run(s3().Put(request, source, {})), HasCode(ErrorCode::kInvalidArgument));
  }
  EXPECT_EQ(peer_.requests().size(), 0U);
}

TEST_F(S3StoreTest, StoppingEndsTheWaitForARetry) {
  S3Settings settings = Settings();
  settings.retry.delay_first = std::chrono::hours(1);
  Open(settings, Keys());
  std::stop_source stop;
  store().context.stop = stop.get_token();
  peer_.SetHandler([](const auto&) { return ErrorReply(503, "SlowDown"); });
  std::thread stopper([&] {
    peer_.AwaitRequests(1);
    stop.request_stop();
  });
  EXPECT_THAT(store().Put("bucket", "key", "x"), HasCode(ErrorCode::kCancelled));
  stopper.join();
}

TEST_F(S3StoreTest, AWaitBeyondTheDeadlineIsNotBegun) {
  peer_.Then(ErrorReply(503, "SlowDown", {{"Retry-After", "50"}}));
  store().context.deadline =
      Deadline::After(std::chrono::seconds(20), std::chrono::steady_clock::now());
  EXPECT_THAT(store().Put("bucket", "key", "x"), HasCode(ErrorCode::kThrottled));
  EXPECT_EQ(peer_.requests().size(), 1U);
}

TEST_F(S3StoreTest, CountsTriesAndRetriesByCause) {
  S3Settings settings = Settings();
  settings.metrics = std::make_shared<S3Metrics>(kS3Metrics);
  Open(settings, Keys());
  peer_.Then(ErrorReply(503, "SlowDown")).Then(ErrorReply(500, "InternalError"));
  peer_.Then({.cut_after_bytes = 10, .end = testing::PeerEnd::kReset});
  peer_.Then({.headers = {{"ETag", "\"e\""}}});
  EXPECT_THAT(store().Put("bucket", "key", "x"), IsOk());
  const auto retries = [&](RetryCause cause) {
    return settings.metrics->counter(S3Metric::kRetries, static_cast<size_t>(cause)).value();
  };
  EXPECT_EQ(retries(RetryCause::kThrottled), 1U);
  EXPECT_EQ(retries(RetryCause::kServerError), 1U);
  EXPECT_EQ(retries(RetryCause::kNoAnswer), 1U);
  EXPECT_EQ(retries(RetryCause::kCorrupt) + retries(RetryCause::kTimedOut), 0U);
  EXPECT_EQ(settings.metrics->counter(S3Metric::kTries).value(), 4U);
}

TEST_F(S3StoreTest, AFaceOfItsOwnIsCountedApartAndInAll) {
  S3Settings settings = Settings();
  settings.metrics = std::make_shared<S3Metrics>(kS3Metrics);
  Open(settings, Keys());
  const auto metrics = std::make_shared<S3Metrics>(kS3Metrics);
  const auto face = s3().CountedIn(metrics);
  std::string target(2, '\0');
  const GetRequest request{
      .bucket = "bucket", .key = "key", .target = std::as_writable_bytes(std::span(target))};
  peer_.Then(ErrorReply(503, "SlowDown")).Then({.headers = {{"ETag", "\"e\""}}, .body = "ab"});
  EXPECT_THAT(store().Run(face->Get(request, {})), IsOk());
  peer_.Then(ErrorReply(500, "InternalError")).Then({.headers = {{"ETag", "\"e\""}}});
  EXPECT_THAT(store().Put("bucket", "key", "x"), IsOk());
  EXPECT_EQ(RetryCount(*metrics), 1U);
  EXPECT_EQ(metrics->counter(S3Metric::kTries).value(), 2U);
  EXPECT_EQ(RetryCount(*settings.metrics), 2U);
  EXPECT_EQ(settings.metrics->counter(S3Metric::kTries).value(), 4U);
}

}  // namespace
}  // namespace headrace::s3
