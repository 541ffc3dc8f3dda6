// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/python_text.h"

#include <gtest/gtest.h>

namespace headrace::job {
namespace {

std::string Recoded(std::string_view text) { return PythonJson(DecodeHyperparameter(text)); }

// The right-hand sides are what CPython 3.11 prints for
// json.dumps(json.loads(text), sort_keys=True, separators=(",", ":")).
TEST(PythonJson, WritesNumbersAsPythonDoes) {
  EXPECT_EQ(Recoded("10"), "10");
  EXPECT_EQ(Recoded("-0.0"), "-0.0");
  EXPECT_EQ(Recoded("1.0"), "1.0");
  EXPECT_EQ(Recoded("2.50"), "2.5");
  EXPECT_EQ(Recoded("1e15"), "1000000000000000.0");
  EXPECT_EQ(Recoded("1e16"), "1e+16");
  EXPECT_EQ(Recoded("0.0001"), "0.0001");
  EXPECT_EQ(Recoded("0.00001"), "1e-05");
  EXPECT_EQ(Recoded("1.5e300"), "1.5e+300");
  EXPECT_EQ(Recoded("0.1"), "0.1");
  EXPECT_EQ(Recoded("9007199254740993"), "9007199254740993");
  EXPECT_EQ(Recoded("NaN"), "NaN");
  EXPECT_EQ(Recoded("-Infinity"), "-Infinity");
}

TEST(PythonJson, SortsKeysAndEscapesBeyondAscii) {
  EXPECT_EQ(Recoded(R"({"b": 1, "a": [true, null, "é\n"]})"),
            R"({"a":[true,null,"\u00e9\n"],"b":1})");
  EXPECT_EQ(Recoded(R"("\ud83d\ude00")"), R"("\ud83d\ude00")");
}

TEST(DecodeHyperparameter, KeepsTextThatIsNotJson) {
  EXPECT_EQ(DecodeHyperparameter("abc"), "abc");
  EXPECT_EQ(DecodeHyperparameter(""), "");
  EXPECT_EQ(DecodeHyperparameter("{'a': 1}"), "{'a': 1}");
  EXPECT_EQ(DecodeHyperparameter("\"abc\""), "abc");
  EXPECT_EQ(DecodeHyperparameter(" 3 "), 3);
  EXPECT_EQ(DecodeHyperparameter("3 4"), "3 4");
}

TEST(PythonArgument, IsWhatStrMakes) {
  EXPECT_EQ(PythonArgument(DecodeHyperparameter("true")), "True");
  EXPECT_EQ(PythonArgument(DecodeHyperparameter("null")), "");
  EXPECT_EQ(PythonArgument(DecodeHyperparameter(R"([1, 2.50, "é", "it's"])")),
            R"([1, 2.5, 'é', "it's"])");
  EXPECT_EQ(PythonArgument(DecodeHyperparameter(R"({"b":1,"a":null})")), "a=None,b=1");
}

}  // namespace
}  // namespace headrace::job
