// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/object_store_contract.h"

#include <memory>

#include "headrace/base/work_pool.h"
#include "headrace/store/directory/directory_store.h"
#include "headrace/store/faulty/faulty_store.h"
#include "headrace/store/memory/memory_store.h"
#include "headrace/store/object_store_listing_contract.h"
#include "testing/temp_dir.h"

namespace headrace {
namespace {

class MemoryBackend final : public ContractBackend {
 public:
  ObjectStore& store() override { return store_; }

 private:
  MemoryStore store_{RealClock()};
};

// Small parts are refused, as S3 refuses them; the others take parts of any size.
class SmallestPartBackend final : public ContractBackend {
 public:
  ObjectStore& store() override { return store_; }
  uint64_t part_size_bytes_min() const override { return 1000; }

 private:
  MemoryStore store_{RealClock(), {.part_size_bytes_min = 1000}};
};

class FaultyBackend final : public ContractBackend {
 public:
  ObjectStore& store() override { return faulty_; }

 private:
  MemoryStore memory_{RealClock()};
  FaultyStore faulty_{memory_};
};

class DirectoryBackend final : public ContractBackend {
 public:
  ObjectStore& store() override { return *store_; }

 private:
  testing::TempDir folder_;
  WorkPool pool_{2};
  std::unique_ptr<directory::DirectoryStore> store_ =
      directory::DirectoryStore::Open(
          folder_.string(), pool_,
          {.durability = directory::Durability::kNone, .part_size_bytes_min = 1})
          .value();
};

template <typename Backend>
ContractParam Param(const char* name) {
  return {.name = name, .make = [] { return std::make_unique<Backend>(); }};
}

INSTANTIATE_TEST_SUITE_P(Stores, ObjectStoreContract,
                         ::testing::Values(Param<MemoryBackend>("Memory"),
                                           Param<SmallestPartBackend>("MemoryWithPartLimit"),
                                           Param<FaultyBackend>("FaultyWithoutFaults"),
                                           Param<DirectoryBackend>("Directory")),
                         ContractName);

}  // namespace
}  // namespace headrace
