// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/p256_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>

#include "headrace/base/error.h"
#include "headrace/base/freed.h"

namespace headrace {
namespace {

using GroupPointer = std::unique_ptr<EC_GROUP, Freed<EC_GROUP_free>>;
using PointPointer = std::unique_ptr<EC_POINT, Freed<EC_POINT_free>>;
using NumberPointer = std::unique_ptr<BIGNUM, Freed<BN_clear_free>>;
using BuilderPointer = std::unique_ptr<OSSL_PARAM_BLD, Freed<OSSL_PARAM_BLD_free>>;
using ParametersPointer = std::unique_ptr<OSSL_PARAM, Freed<OSSL_PARAM_free>>;
using ContextPointer = std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX_free>>;

unsigned char* Raw(std::byte* bytes) { return reinterpret_cast<unsigned char*>(bytes); }
const unsigned char* Raw(const std::byte* bytes) {
  return reinterpret_cast<const unsigned char*>(bytes);
}

ContextPointer ContextOf(const std::shared_ptr<void>& key) {
  ContextPointer context(EVP_PKEY_CTX_new(static_cast<EVP_PKEY*>(key.get()), nullptr));
  HR_CHECK(context != nullptr);
  return context;
}

std::shared_ptr<void> MakeKey(const BIGNUM* number, std::span<const std::byte> public_point) {
  const BuilderPointer builder(OSSL_PARAM_BLD_new());
  HR_CHECK(builder != nullptr);
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, public_point.data(),
                                   public_point.size());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, number);
  const ParametersPointer parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  const ContextPointer context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* key = nullptr;
  HR_CHECK(parameters != nullptr && context != nullptr);
  HR_CHECK(EVP_PKEY_fromdata_init(context.get()) == 1);
  HR_CHECK(EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, parameters.get()) == 1);
  return {key, [](void* made) { EVP_PKEY_free(static_cast<EVP_PKEY*>(made)); }};
}

}  // namespace

std::optional<P256Key> P256Key::FromScalar(const Scalar& private_key) {
  const GroupPointer group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
  const NumberPointer number(
      BN_bin2bn(Raw(private_key.data()), static_cast<int>(private_key.size()), nullptr));
  HR_CHECK(group != nullptr && number != nullptr);
  if (BN_is_zero(number.get()) || BN_cmp(number.get(), EC_GROUP_get0_order(group.get())) >= 0) {
    return std::nullopt;
  }
  const PointPointer point(EC_POINT_new(group.get()));
  HR_CHECK(point != nullptr);
  HR_CHECK(EC_POINT_mul(group.get(), point.get(), number.get(), nullptr, nullptr, nullptr) == 1);
  P256Key made;
  HR_CHECK(EC_POINT_point2oct(group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED,
                              Raw(made.public_point_.data()), made.public_point_.size(),
                              nullptr) == made.public_point_.size());
  made.key_ = MakeKey(number.get(), made.public_point_);
  return made;
}

std::string P256Key::Sign(const Sha256Digest& digest) const {
  const ContextPointer context = ContextOf(key_);
  HR_CHECK(EVP_PKEY_sign_init(context.get()) == 1);
  constexpr size_t kDerBytesMax = 72;
  std::string der(kDerBytesMax, '\0');
  size_t size = der.size();
  HR_CHECK(EVP_PKEY_sign(context.get(), reinterpret_cast<unsigned char*>(der.data()), &size,
                         Raw(digest.data()), digest.size()) == 1);
  der.resize(size);
  return der;
}

bool P256Key::Verify(const Sha256Digest& digest, std::span<const std::byte> der_signature) const {
  const ContextPointer context = ContextOf(key_);
  HR_CHECK(EVP_PKEY_verify_init(context.get()) == 1);
  const int result = EVP_PKEY_verify(context.get(), Raw(der_signature.data()), der_signature.size(),
                                     Raw(digest.data()), digest.size());
  ERR_clear_error();
  return result == 1;
}

}  // namespace headrace
