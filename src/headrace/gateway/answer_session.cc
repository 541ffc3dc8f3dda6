// SPDX-License-Identifier: Apache-2.0
// CreateSession: keys for one bucket and five minutes, as clients of directory buckets ask for.
#include "headrace/gateway/s3_call.h"
#include "headrace/gateway/s3_failure.h"

namespace headrace::gateway {

Task<Status> AnswerCreateSession(S3Call& call) {
  const std::string_view mode = call.Header("x-amz-create-session-mode");
  if (!mode.empty() && mode != "ReadOnly" && mode != "ReadWrite") {
    co_return FailS3("InvalidArgument", "x-amz-create-session-mode is ReadOnly or ReadWrite");
  }
  HR_CO_TRY(co_await call.store.HeadBucket(call.target.bucket, call.context));
  HR_CO_TRY_ASSIGN(
      const NewSession session,
      call.authenticator.StartSession(call.identity, call.target.bucket, mode == "ReadOnly"));
  XmlAnswer xml("CreateSessionResult");
  xml.Open("Credentials").Text("SessionToken", session.keys.session_token);
  xml.Text("SecretAccessKey", session.keys.secret_access_key);
  xml.Text("AccessKeyId", session.keys.access_key_id).Time("Expiration", session.expires_at);
  xml.Close("Credentials");
  co_return co_await RespondXml(call, std::move(xml));
}

}  // namespace headrace::gateway
