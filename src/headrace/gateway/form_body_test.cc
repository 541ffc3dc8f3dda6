// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/form_body.h"

#include <algorithm>
#include <cstring>
#include <string>

#include <gtest/gtest.h>

#include "headrace/base/event_loops.h"
#include "headrace/gateway/s3_failure.h"

namespace headrace::gateway {
namespace {

// Gives the bytes in pieces of one size.
class Pieces final : public ByteSource {
 public:
  Pieces(std::string_view text, size_t piece_size) : rest_(text), piece_size_(piece_size) {}
  std::optional<uint64_t> size_bytes() const override { return std::nullopt; }
  Task<Result<size_t>> Read(std::span<std::byte> target) override {
    const size_t count = std::min({target.size(), rest_.size(), piece_size_});
    std::memcpy(target.data(), rest_.data(), count);
    rest_.remove_prefix(count);
    co_return count;
  }

 private:
  std::string_view rest_;
  size_t piece_size_;
};

struct Form {
  FormFields fields;
  std::string file_name;
  std::string file;
  std::string s3_code;  // Of the refusal; empty: none.
};

Task<Form> Read(std::string_view text, size_t piece_size, FileSizeRange range) {
  Pieces raw(text, piece_size);
  FormBody body(raw, "AaB");
  Form form;
  auto fields = co_await body.ReadFields();
  if (!fields) {
    form.s3_code = S3CodeOf(fields.error());
    co_return form;
  }
  form.fields = std::move(*fields);
  form.file_name = body.file_name();
  body.SetSizeRange(range);
  std::string piece(5, '\0');
  while (true) {
    const auto room = std::as_writable_bytes(std::span(piece));
    const auto count = co_await body.Read(room);
    if (!count) form.s3_code = S3CodeOf(count.error());
    if (!count || *count == 0) co_return form;
    form.file.append(piece, 0, *count);
  }
}

class FormBodyTest : public ::testing::Test {
 protected:
  Form Run(std::string_view text, size_t piece_size = SIZE_MAX, FileSizeRange range = {}) {
    return RunBlocking(loops_.At(0), Read(text, piece_size, range));
  }
  EventLoops loops_{1};
};

std::string Field(const std::string& name, const std::string& value) {
  return "--AaB\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
}
std::string FormWith(const std::string& file) {
  return Field("Key", "a") + Field("empty", "") +
         "--AaB\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f.txt\"\r\n"
         "Content-Type: text/plain\r\n\r\n" +
         file + "\r\n--AaB\r\nContent-Disposition: form-data; name=\"submit\"\r\n\r\nx\r\n--AaB--";
}

TEST_F(FormBodyTest, GivesFieldsAndFileHoweverTheBytesArrive) {
  for (const std::string file : {"", "bytes", "\r\n--Aa", "\r\n\r\n--\r\n--AaA\r\n"}) {
    const std::string text = FormWith(file);
    for (const size_t piece_size : {size_t{1}, size_t{2}, size_t{7}, text.size()}) {
      const Form form = Run(text, piece_size);
      ASSERT_EQ(form.s3_code, "");
      EXPECT_EQ(form.fields, (FormFields{{"key", "a"}, {"empty", ""}}));
      EXPECT_EQ(form.file_name, "f.txt");
      EXPECT_EQ(form.file, file);
    }
  }
}

TEST_F(FormBodyTest, TestsTheFilesSize) {
  const std::string text = FormWith("bytes");
  EXPECT_EQ(Run(text, 7, {.size_bytes_min = 5, .size_bytes_max = 5}).s3_code, "");
  EXPECT_EQ(Run(text, 7, {.size_bytes_min = 6}).s3_code, "EntityTooSmall");
  EXPECT_EQ(Run(text, 7, {.size_bytes_max = 4}).s3_code, "EntityTooLarge");
}

TEST_F(FormBodyTest, RefusesWhatIsNoForm) {
  const std::string text = FormWith("bytes");
  for (const std::string& broken :
       {std::string(), std::string("--other"), text.substr(0, text.find("bytes") + 3),
        Field("key", "a") + "--AaB--", std::string("--AaBx\r\n\r\n"),
        std::string("--AaB\r\nno head\r\n\r\nx\r\n--AaB--")}) {
    EXPECT_EQ(Run(broken, 7).s3_code, "MalformedPOSTRequest") << broken;
  }
  EXPECT_EQ(Run(Field("a", "1") + text, 7).s3_code, "");
  EXPECT_EQ(Run(Field("key", "b") + text, 7).s3_code, "InvalidArgument");
  EXPECT_EQ(Run(Field("a", std::string(21'000, 'x')) + text).s3_code,
            "MaxPostPreDataLengthExceededError");
}

TEST(FormBoundary, IsReadFromTheContentType) {
  EXPECT_EQ(FormBoundary("multipart/form-data; boundary=AaB"), "AaB");
  EXPECT_EQ(FormBoundary("Multipart/Form-Data; charset=x;boundary=\"a b\""), "a b");
  EXPECT_EQ(FormBoundary("multipart/form-data"), std::nullopt);
  EXPECT_EQ(FormBoundary("text/plain; boundary=x"), std::nullopt);
}

}  // namespace
}  // namespace headrace::gateway
