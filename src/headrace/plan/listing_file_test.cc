// SPDX-License-Identifier: Apache-2.0
#include "headrace/plan/listing_file.h"

#include <filesystem>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/temp_dir.h"

namespace headrace::plan {
namespace {

using ::testing::HasSubstr;

class ListingFileTest : public ::testing::Test {
 protected:
  std::string Path() const { return folder_.Path("listing"); }
  void Write(std::string_view bytes) const { folder_.Write("listing", bytes); }
  std::string Read() const { return folder_.Read("listing"); }
  std::string LoadError() const {
    const auto listing = LoadListing(Path());
    return listing.has_value() ? "loads" : listing.error().message();
  }

  testing::TempDir folder_;
};

Listing Sample(size_t object_count) {
  ListingBuilder builder;
  for (size_t i = 0; i < object_count; ++i) {
    ObjectInfo object;
    object.key = fmt::format("train/{:07}", i);
    object.size_bytes = i * 1000;
    object.modified = SystemTime(std::chrono::milliseconds(1'700'000'000'000 + i));
    object.etag = fmt::format("{:032x}{}", i, i % 3 == 0 ? "-7" : "");
    if (i % 5 == 0) object.etag = fmt::format("odd-{}", i);
    if (i % 7 == 0) object.storage_class = "GLACIER";
    EXPECT_TRUE(builder.Add(object).has_value());
  }
  return builder.Finish().value();
}

void ExpectSame(const Listing& a, const Listing& b) {
  ASSERT_EQ(a.size(), b.size());
  EXPECT_EQ(a.total_size_bytes(), b.total_size_bytes());
  for (size_t i = 0; i < a.size(); ++i) ASSERT_EQ(a.ObjectAt(i), b.ObjectAt(i));
}

TEST_F(ListingFileTest, LinesMayLieAcrossTheBlocksTheyAreReadIn) {
  std::string lines;
  // Longer and longer: the blocks end at every place of a line.
  for (size_t i = 0; i < 1500; ++i) {
    lines +=
        fmt::format(R"({{"key": "{:04}{}", "size_bytes": {}}})", i, std::string(i % 300, 'k'), i);
    lines += i + 1 < 1500 ? "\n" : "";
  }
  ASSERT_GT(lines.size(), 4U * 64 * 1024);
  Write(lines);
  const auto loaded = LoadListing(Path());
  ASSERT_TRUE(loaded.has_value()) << loaded.error().message();
  ASSERT_EQ(loaded->size(), 1500U);
  for (size_t i = 0; i < 1500; ++i) {
    EXPECT_EQ(loaded->ObjectAt(i).key, fmt::format("{:04}{}", i, std::string(i % 300, 'k')));
    EXPECT_EQ(loaded->ObjectAt(i).size_bytes, i);
  }
}

TEST_F(ListingFileTest, AFolderIsNoListing) {
  std::filesystem::create_directory(Path());
  EXPECT_THAT(LoadError(), HasSubstr(Path()));
  EXPECT_THAT(LoadError(), HasSubstr("not a regular file"));
}

TEST_F(ListingFileTest, LoadsWhatWasSaved) {
  for (const size_t count : {0U, 1U, 4096U, 4097U, 10'000U}) {
    SCOPED_TRACE(count);
    const Listing listing = Sample(count);
    ASSERT_TRUE(SaveListing(listing, Path()).has_value());
    const auto loaded = LoadListing(Path());
    ASSERT_TRUE(loaded.has_value()) << loaded.error().message();
    ExpectSame(listing, *loaded);
  }
}

TEST_F(ListingFileTest, LeavesNoOtherFileBehind) {
  ASSERT_TRUE(SaveListing(Sample(10), Path()).has_value());
  ASSERT_TRUE(SaveListing(Sample(20), Path()).has_value());
  const std::filesystem::directory_iterator files(folder_.path());
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST_F(ListingFileTest, NamesTheFileThatCannotBeWrittenOrRead) {
  const auto saved = SaveListing(Sample(1), folder_.Path("absent/listing"));
  ASSERT_FALSE(saved.has_value());
  EXPECT_THAT(saved.error().message(), HasSubstr("absent/listing"));
  const auto loaded = LoadListing(folder_.Path("absent/listing"));
  ASSERT_FALSE(loaded.has_value());
  EXPECT_EQ(loaded.error().code(), ErrorCode::kNotFound);
}

TEST_F(ListingFileTest, RefusesEveryChangedByteAndEveryCut) {
  ASSERT_TRUE(SaveListing(Sample(3), Path()).has_value());
  const std::string good = Read();
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x20);
    Write(bad);
    if (LoadError() == "loads") ADD_FAILURE() << "byte " << i << " may change";
    Write(std::string_view(good).substr(0, i));
    if (i > 0 && LoadError() == "loads") ADD_FAILURE() << "may end after " << i << " bytes";
  }
  Write(good + "x");
  EXPECT_THAT(LoadError(), HasSubstr("bytes after its end"));
}

TEST_F(ListingFileTest, ANewerVersionIsUnsupported) {
  ASSERT_TRUE(SaveListing(Sample(1), Path()).has_value());
  std::string newer = Read();
  newer[8] = 2;
  Write(newer);
  EXPECT_EQ(LoadListing(Path()).error().code(), ErrorCode::kUnsupported);
}

// docs/formats/listing.md shows these bytes.
TEST_F(ListingFileTest, WritesTheBytesThatTheFormatDescribes) {
  ListingBuilder builder;
  ASSERT_TRUE(builder
                  .Add({.key = "a/b",
                        .size_bytes = 5,
                        .etag = "000102030405060708090a0b0c0d0e0f-2",
                        .modified = SystemTime(std::chrono::nanoseconds(256)),
                        .storage_class = "IA"})
                  .has_value());
  ASSERT_TRUE(SaveListing(builder.Finish().value(), Path()).has_value());
  std::string hex;
  for (const char c : Read()) hex += fmt::format("{:02x}", static_cast<uint8_t>(c));
  EXPECT_EQ(hex,
            "68726c6973740d0a"
            "01000000"
            "01000000"
            "0100000000000000"
            "0e000000"
            "458f29a2"
            "01000000"
            "02000000"
            "4941"
            "00000000"
            "01000000"
            "03000000"
            "276ca69e"
            "00000000"
            "0300"
            "0200"
            "0500000000000001"
            "0001000000000000"
            "000102030405060708090a0b0c0d0e0f"
            "612f62");
}

TEST_F(ListingFileTest, ReadsTheLinesThatLsPrints) {
  Write(R"({"key":"b","size_bytes":7,"etag":"x-1","modified":"2026-02-03T04:05:06Z"}
{"key":"a\n\u00fc","size_bytes":0,"etag":null,"modified":"1970-01-01T00:00:01.5Z","more":[1,{}]}

{"key":"c","size_bytes":1,"storage_class":"GLACIER"})");
  const auto listing = LoadListing(Path());
  ASSERT_TRUE(listing.has_value()) << listing.error().message();
  ASSERT_EQ(listing->size(), 3U);
  EXPECT_EQ(listing->ObjectAt(0),
            (ObjectInfo{.key = "a\nü", .modified = SystemTime(std::chrono::milliseconds(1500))}));
  EXPECT_EQ(listing->ObjectAt(1),
            (ObjectInfo{.key = "b",
                        .size_bytes = 7,
                        .etag = "x-1",
                        .modified = SystemTime(std::chrono::seconds(1'770'091'506))}));
  EXPECT_EQ(listing->ObjectAt(2).storage_class, "GLACIER");
}

TEST_F(ListingFileTest, NamesTheLineThatIsWrong) {
  const std::string good = R"({"key":"a","size_bytes":1})";
  for (const char* const bad :
       {"{'key':'a'}", R"({"key":"a"})", R"({"size_bytes":1})", R"({"key":1,"size_bytes":1})",
        R"({"key":"a","size_bytes":-1})", R"({"key":"a","size_bytes":1,"etag":3})",
        R"({"key":"a","size_bytes":1,"modified":"yesterday"})",
        R"({"key":"a","size_bytes":1,"modified":"2026-02-30T00:00:00Z"})", "[]", "{"}) {
    Write(fmt::format("{}\n{}\n", good, bad));
    EXPECT_THAT(LoadError(), HasSubstr("line 2: ")) << bad;
  }
  Write(fmt::format("{0}\n{0}\n", good));
  EXPECT_THAT(LoadError(), HasSubstr("'a' is listed twice"));
  Write("{" + std::string(100'000, ' '));
  EXPECT_THAT(LoadError(), HasSubstr("line 1: longer than"));
  Write("hello");
  EXPECT_THAT(LoadError(), HasSubstr("neither a saved listing"));
}

}  // namespace
}  // namespace headrace::plan
