// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/media_type.h"

#include <gtest/gtest.h>

namespace headrace {
namespace {

TEST(MediaTypeOf, GoesByTheLastExtensionWhateverItsCase) {
  EXPECT_EQ(MediaTypeOf("a/b.PNG"), "image/png");
  EXPECT_EQ(MediaTypeOf("data.tar.gz"), "application/gzip");
}

TEST(MediaTypeOf, IsEmptyForWhatItDoesNotKnow) {
  EXPECT_EQ(MediaTypeOf("README"), "");
  EXPECT_EQ(MediaTypeOf("a.unknown"), "");
  EXPECT_EQ(MediaTypeOf("dir.png/file"), "");
  EXPECT_EQ(MediaTypeOf("."), "");
}

}  // namespace
}  // namespace headrace
