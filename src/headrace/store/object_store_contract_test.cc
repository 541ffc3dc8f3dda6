// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/object_store_contract.h"

#include <memory>

#include "headrace/store/memory/memory_store.h"
#include "headrace/store/object_store_listing_contract.h"

namespace headrace {
namespace {

class MemoryBackend final : public ContractBackend {
 public:
  ObjectStore& store() override { return store_; }

 private:
  MemoryStore store_{RealClock()};
};

const ContractParam kMemory{"Memory", [] { return std::make_unique<MemoryBackend>(); }};

INSTANTIATE_TEST_SUITE_P(Stores, ObjectStoreContract, ::testing::Values(kMemory), ContractName);

}  // namespace
}  // namespace headrace
