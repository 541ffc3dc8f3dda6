// SPDX-License-Identifier: Apache-2.0
// Client and server against each other: an S3Store that talks to a gateway over a folder keeps the
// contract that the folder's own store keeps.
#include <memory>
#include <string>

#include "headrace/base/environment.h"
#include "headrace/base/event_loops.h"
#include "headrace/base/work_pool.h"
#include "headrace/gateway/gateway.h"
#include "headrace/net/http_server.h"
#include "headrace/store/directory/directory_store.h"
#include "headrace/store/object_store_contract.h"
#include "headrace/store/object_store_listing_contract.h"
#include "headrace/store/s3/s3_store.h"
#include "testing/temp_dir.h"

namespace headrace {
namespace {

class GatewayBackend final : public ContractBackend {
 public:
  ObjectStore& store() override { return *client_; }

 private:
  std::unique_ptr<s3::S3Store> Connect() const {
    const s3::S3Settings settings{.endpoint_url =
                                      "http://127.0.0.1:" + std::to_string(server_->port())};
    // Nothing of the machine's own configuration.
    const Environment environment({{"AWS_ACCESS_KEY_ID", "USER"},
                                   {"AWS_SECRET_ACCESS_KEY", "secret"},
                                   {"AWS_REGION", "us-east-1"},
                                   {"AWS_CONFIG_FILE", "/dev/null"},
                                   {"AWS_SHARED_CREDENTIALS_FILE", "/dev/null"}});
    return s3::OpenS3Store(settings, environment, RealClock()).value();
  }

  testing::TempDir folder_;
  EventLoops loops_{1};
  WorkPool pool_{2};  // Ends before the loops that it hands results to.
  std::unique_ptr<directory::DirectoryStore> folder_store_ =
      directory::DirectoryStore::Open(
          folder_.string(), pool_,
          {.durability = directory::Durability::kNone, .part_size_bytes_min = 1})
          .value();
  gateway::Gateway gateway_{*folder_store_,
                            {.authenticator = {.users = {{.access_key_id = "USER",
                                                          .secret_access_key = "secret",
                                                          .session_token = ""}}}},
                            RealClock()};
  std::unique_ptr<net::HttpServer> server_ = net::HttpServer::Start(loops_, gateway_, {}).value();
  std::unique_ptr<s3::S3Store> client_ = Connect();
};

INSTANTIATE_TEST_SUITE_P(Stores, ObjectStoreContract,
                         ::testing::Values(ContractParam{
                             .name = "S3OverGateway",
                             .make = [] { return std::make_unique<GatewayBackend>(); }}),
                         ContractName);

}  // namespace
}  // namespace headrace
