// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3/s3_error.h"

#include <errno.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/store/s3/request_runner.h"

namespace headrace::s3 {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Error Made(int status, const std::string& code = {}, const std::string& message = {}) {
  return MakeS3Error(
      status, {}, {.code = code, .message = message},
      {.verb = "get", .bucket = "b", .key = "k", .credentials_source = "profile 'p'"});
}

TEST(S3Error, CodesFollowTheS3CodeAndThenTheStatus) {
  EXPECT_EQ(Made(503, "SlowDown").code(), ErrorCode::kThrottled);
  EXPECT_EQ(Made(503).code(), ErrorCode::kThrottled);
  EXPECT_EQ(Made(429).code(), ErrorCode::kThrottled);
  EXPECT_EQ(Made(500, "InternalError").code(), ErrorCode::kUnavailable);
  EXPECT_EQ(Made(502).code(), ErrorCode::kUnavailable);
  EXPECT_EQ(Made(400, "RequestTimeout").code(), ErrorCode::kTimedOut);
  EXPECT_EQ(Made(400, "ExpiredToken").code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(Made(400, "BadDigest").code(), ErrorCode::kCorrupt);
  EXPECT_EQ(Made(404, "NoSuchKey").code(), ErrorCode::kNotFound);
  EXPECT_EQ(Made(409, "BucketAlreadyExists").code(), ErrorCode::kAlreadyExists);
  EXPECT_EQ(Made(409, "ConditionalRequestConflict").code(), ErrorCode::kUnavailable);
  EXPECT_EQ(Made(507).code(), ErrorCode::kResourceExhausted);
  EXPECT_EQ(Made(412).code(), ErrorCode::kPreconditionFailed);
  EXPECT_EQ(Made(501, "NotImplemented").code(), ErrorCode::kUnsupported);
  EXPECT_EQ(Made(416, "InvalidRange").code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(Made(200, "SomethingNew").code(), ErrorCode::kUnavailable);
}

TEST(S3Error, MessagesAreOneLineAndSayWhatToDo) {
  const Error error = Made(400, "ExpiredToken", "line one\nline\ttwo\x1b[31m");
  EXPECT_THAT(error.message(), HasSubstr("get s3://b/k: line one line two [31m (ExpiredToken)"));
  EXPECT_THAT(error.message(), HasSubstr("renew the credentials (profile 'p')"));
  EXPECT_EQ(error.origin().s3_code, "ExpiredToken");
  EXPECT_EQ(error.origin().http_status, 400);
  EXPECT_LT(Made(400, "X", std::string(100'000, 'x')).message().size(), 1000U);
  EXPECT_THAT(Made(403, "RequestTimeTooSkewed").message(), HasSubstr("set this machine's clock"));
}

TEST(S3Error, ABareRefusalOfASignedHeadIsTheCredentials) {
  RequestSubject head{.verb = "look up",
                      .bucket = "b",
                      .key = "k",
                      .credentials_source = "profile 'p'",
                      .is_head = true};
  EXPECT_EQ(MakeS3Error(400, {}, {}, head).code(), ErrorCode::kPermissionDenied);
  EXPECT_THAT(MakeS3Error(400, {}, {}, head).message(),
              HasSubstr("malformed or expired (profile 'p')"));
  head.credentials_source = "";
  EXPECT_EQ(MakeS3Error(400, {}, {}, head).code(), ErrorCode::kInvalidArgument);
  // Where S3 says why, another body is another server's.
  EXPECT_EQ(Made(400).code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(Made(400).message(), HasSubstr("check the endpoint and the proxy"));
  EXPECT_EQ(Made(407).code(), ErrorCode::kPermissionDenied);
  EXPECT_THAT(Made(407).message(), HasSubstr("http_proxy"));
}

TEST(S3Error, ARedirectNamesTheRegionWhereItIsKnown) {
  EXPECT_THAT(Made(307).message(), HasSubstr("--endpoint-url"));
  net::HttpHeaders headers;
  headers.Add("x-amz-bucket-region", "eu-west-9");
  const Error error = MakeS3Error(301, headers, {.code = "PermanentRedirect"},
                                  {.verb = "get", .bucket = "b", .key = "k"});
  EXPECT_THAT(error.message(), HasSubstr("--region eu-west-9"));
}

TEST(S3Error, ARefusedConnectionAsksAboutTheEndpointThatTheUserNamed) {
  const auto message = [](int os_error, const S3Config& config) {
    const Error error(ErrorCode::kUnavailable, "list buckets: connect to h:9: refused",
                      Origin{.os_error = os_error});
    const Error advised = WithEndpointAdvice(error, config);
    EXPECT_EQ(advised.code(), ErrorCode::kUnavailable);
    EXPECT_EQ(advised.origin().os_error, os_error);
    return advised.message();
  };
  S3Config config;
  EXPECT_THAT(message(ECONNREFUSED, config), Not(HasSubstr("--endpoint-url")));
  config.has_custom_endpoint = true;
  EXPECT_THAT(message(ECONNREFUSED, config),
              HasSubstr("h:9: refused; is the store running, and is --endpoint-url or"));
  EXPECT_THAT(message(ECONNRESET, config), Not(HasSubstr("--endpoint-url")));
  config.is_proxied = true;
  EXPECT_THAT(message(ECONNREFUSED, config), Not(HasSubstr("--endpoint-url")));
}

TEST(S3Error, DocumentsAreReadInTheFormsServersSend) {
  const ErrorDocument plain = ParseErrorDocument(
      "\n <?xml version=\"1.0\"?><Error xmlns=\"x\"><Code>AuthorizationHeaderMalformed</Code>"
      "<Message>a &amp; b</Message><Region>eu-west-1</Region></Error>");
  EXPECT_EQ(plain.code, "AuthorizationHeaderMalformed");
  EXPECT_EQ(plain.message, "a & b");
  EXPECT_EQ(plain.region, "eu-west-1");
  EXPECT_EQ(ParseErrorDocument("<ErrorResponse><Error><Code>C</Code></Error></ErrorResponse>").code,
            "C");
  EXPECT_EQ(ParseErrorDocument("<html>gateway</html>").code, "");
  EXPECT_EQ(ParseErrorDocument("<Error><Code>cut off").code, "");
  EXPECT_FALSE(IsErrorDocument("<CopyObjectResult><Error/></CopyObjectResult>"));
}

}  // namespace
}  // namespace headrace::s3
