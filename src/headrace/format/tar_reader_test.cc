// SPDX-License-Identifier: Apache-2.0
#include "headrace/format/tar_reader.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/format/tar_layout.h"
#include "testing/read_records.h"
#include "testing/temp_dir.h"

namespace headrace::format {
namespace {

using ::testing::HasSubstr;
using testing::ReadRecords;
namespace fs = std::filesystem;

// Archives of the same tree made by the machine's tar in each of its formats.
class TarReaderTest : public ::testing::Test {
 protected:
  std::string Archive(const std::string& options) {
    const fs::path out = folder_.path() / "a.tar";
    const std::string command = fmt::format("tar {} --sort=name -cf {} -C {} .", options,
                                            out.string(), (folder_.path() / "tree").string());
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
    std::ifstream in(out, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
  void Write(const std::string& name, const std::string& contents) {
    const fs::path path = folder_.path() / "tree" / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << contents;
  }

  testing::TempDir folder_;
};

TEST_F(TarReaderTest, ReadsEveryFormatThatTarWrites) {
  const std::string deep = fmt::format("{:d>60}/{:e>60}/{:f>60}.jpg", "", "", "");
  Write("b/0001.cls", "7");
  Write("b/0001.jpg", std::string(3000, 'j'));
  Write("empty", "");
  fs::create_symlink("b/0001.cls", folder_.path() / "tree/link");
  for (const std::string format : {"v7", "ustar", "gnu", "pax"}) {
    SCOPED_TRACE(format);
    if (format != "v7") Write(deep, "deep");
    TarReader reader({});
    const auto records = ReadRecords(reader, Archive("--format=" + format), [] { return 700; });
    ASSERT_TRUE(records.has_value()) << records.error().message();
    std::vector<std::string> names;
    for (const auto& record : *records) names.push_back(record.name);
    EXPECT_THAT(names, ::testing::IsSupersetOf({"./b/0001.cls", "./b/0001.jpg", "./empty"}));
    EXPECT_EQ(names.size(), format == "v7" ? 3U : 4U);
    if (format != "v7") {
      EXPECT_THAT(names, ::testing::Contains("./" + deep));
    }
    EXPECT_EQ(records->at(1).payload, std::string(3000, 'j'));
  }
}

TEST_F(TarReaderTest, ReadsArchivesJoinedByCat) {
  Write("a", "1");
  const std::string archive = Archive("");
  TarReader reader({});
  const auto records = ReadRecords(reader, archive + archive);
  ASSERT_TRUE(records.has_value()) << records.error().message();
  ASSERT_EQ(records->size(), 2U);
  EXPECT_EQ((*records)[1].offset_bytes, archive.size() + (*records)[0].offset_bytes);
}

// As git archive writes them, of an empty tree too.
TEST_F(TarReaderTest, AttributesOfTheWholeArchiveAreOfNoMember) {
  Write("a", "1");
  const std::string attributes =
      Archive("--format=pax --pax-option=comment=x").substr(0, 2 * kTarBlockBytes);
  ASSERT_EQ(attributes.at(kTarType.offset), 'g');
  TarReader reader({});
  const auto none = ReadRecords(reader, attributes + std::string(kTarEndBytes, '\0'));
  ASSERT_TRUE(none.has_value()) << none.error().message();
  EXPECT_TRUE(none->empty());
  TarReader another({});
  const std::string members = Archive("--format=ustar").substr(kTarBlockBytes);  // But the folder.
  const auto records = ReadRecords(another, attributes + members);
  ASSERT_TRUE(records.has_value()) << records.error().message();
  ASSERT_EQ(records->size(), 1U);
  EXPECT_EQ(records->front().offset_bytes, attributes.size());
}

TEST_F(TarReaderTest, RefusesSparseFiles) {
  Write("holes", "x");
  fs::resize_file(folder_.path() / "tree/holes", 1 << 20);
  for (const std::string format : {"gnu", "pax"}) {
    TarReader reader({});
    const auto records = ReadRecords(reader, Archive("--sparse --format=" + format));
    ASSERT_FALSE(records.has_value());
    EXPECT_EQ(records.error().code(), ErrorCode::kUnsupported);
    EXPECT_THAT(records.error().message(), HasSubstr("--sparse"));
  }
}

TEST_F(TarReaderTest, SaysThatACompressedArchiveIsNone) {
  Write("a", std::string(2000, 'x'));
  TarReader reader({});
  const std::string archive = Archive("--gzip");
  const auto records = ReadRecords(reader, archive + std::string(kTarBlockBytes, 'x'));
  ASSERT_FALSE(records.has_value());
  EXPECT_THAT(records.error().message(), HasSubstr("compressed"));
}

TEST(ParseTarHeader, ReadsBase256Sizes) {
  std::string block(kTarBlockBytes, '\0');
  block[0] = 'n';
  block[kTarSize.offset] = static_cast<char>(0x80);
  block[kTarSize.offset + 7] = 2;  // 2 * 2^32.
  block.replace(kTarChecksum.offset, kTarChecksum.size_bytes, "        ");
  unsigned sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  block.replace(kTarChecksum.offset, 7, fmt::format("{:06o}", sum) + std::string(1, '\0'));
  const auto header = ParseTarHeader(AsBytes(block));
  ASSERT_TRUE(header.has_value()) << header.error().message();
  EXPECT_EQ((*header)->size_bytes, 2ULL << 32U);
}

TEST(ParsePaxAttributes, TakesPathAndSize) {
  const auto attributes = ParsePaxAttributes("16 path=a/b=c d\n18 size=123456789\n11 mtime=1\n");
  ASSERT_TRUE(attributes.has_value()) << attributes.error().message();
  EXPECT_EQ(attributes->path, "a/b=c d");
  EXPECT_EQ(attributes->size_bytes, 123456789U);
}

TEST(ParsePaxAttributes, RefusesBrokenRecords) {
  for (const std::string_view records :
       {"x path=a\n", "99 path=a\n", "8 path=a\n", "10 path a\n", "0 \n", "10 size=1x\n",
        "99999999999999999999 path=a\n", "4 =\n\n"}) {
    EXPECT_FALSE(ParsePaxAttributes(records).has_value()) << records;
  }
}

}  // namespace
}  // namespace headrace::format
