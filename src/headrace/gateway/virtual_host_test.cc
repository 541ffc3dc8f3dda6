// SPDX-License-Identifier: Apache-2.0
// Which bucket and key a request's Host and path mean.
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "headrace/gateway/s3_request.h"

namespace headrace::gateway {
namespace {

TEST(VirtualHost, HostAndPathNameBucketAndKey) {
  const std::vector<std::string> domains = {"localhost", "example.com", "s3.example.com"};
  struct Case {
    std::string host;
    std::string target;
    std::string_view bucket;
    std::string_view key;
  };
  for (const Case& one :
       {Case{"b.localhost:9000", "/k/l", "b", "k/l"}, Case{"b.localhost", "/", "b", ""},
        Case{"B.LocalHost:1", "/k", "b", "k"}, Case{"a.b.c.localhost:9000", "/k", "a.b.c", "k"},
        Case{"b.localhost.", "/k", "b", "k"}, Case{"localhost:9000", "/b/k", "b", "k"},
        Case{"127.0.0.1:9000", "/b/k", "b", "k"}, Case{"[::1]:9000", "/b/k", "b", "k"},
        Case{"[::1]", "/b/k", "b", "k"}, Case{"", "/b/k", "b", "k"},
        Case{"notlocalhost", "/b/k", "b", "k"}, Case{".localhost", "/b/k", "b", "k"},
        Case{"b.example.com", "/k", "b", "k"}, Case{"b.s3.example.com:80", "/k", "b", "k"},
        Case{"s3.example.com", "/b/k", "b", "k"}, Case{"other.org", "/b/k", "b", "k"},
        Case{"b.localhost", "/x/..//%2F", "b", "x/..///"}}) {
    net::HttpRequestHead head{.method = "GET", .target = one.target};
    head.headers.Add("Host", one.host);
    const auto target = ParseS3Target(head, domains);
    ASSERT_TRUE(target.has_value()) << one.host;
    EXPECT_EQ(target->bucket, one.bucket) << one.host;
    EXPECT_EQ(target->key, one.key) << one.host;
  }
}

}  // namespace
}  // namespace headrace::gateway
