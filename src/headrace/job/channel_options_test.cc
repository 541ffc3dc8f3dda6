// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/channel_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headrace::job {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(ParseChannel, TakesNameAndUri) {
  const ChannelSpec channel = ParseChannel("train=s3://bucket/a=b/c").value();
  EXPECT_EQ(channel.name, "train");
  EXPECT_EQ(channel.s3_uri, "s3://bucket/a=b/c");
  EXPECT_EQ(channel.mode, InputMode::kFile);
}

TEST(ParseChannel, TakesEveryOption) {
  const ChannelSpec channel =
      ParseChannel(
          "t=s3://b/p,mode=Pipe,content-type=text/csv; a,b,distribution=ShardedByS3Key,"
          "data-type=AugmentedManifestFile,compression=Gzip,record-wrapper=RecordIO,"
          "shuffle-seed=-7,attributes=source-ref,label")
          .value();
  EXPECT_EQ(channel.s3_uri, "s3://b/p");
  EXPECT_EQ(channel.mode, InputMode::kPipe);
  EXPECT_EQ(channel.content_type, "text/csv; a,b");
  EXPECT_EQ(channel.distribution, Distribution::kShardedByS3Key);
  EXPECT_EQ(channel.data_type, DataType::kAugmentedManifestFile);
  EXPECT_EQ(channel.compression, Compression::kGzip);
  EXPECT_EQ(channel.record_wrapper, RecordWrapper::kRecordIo);
  EXPECT_EQ(channel.shuffle_seed, -7);
  EXPECT_THAT(channel.attribute_names, ElementsAre("source-ref", "label"));
}

TEST(ParseChannel, KeepsCommasOfTheKey) {
  const ChannelSpec channel = ParseChannel("t=s3://b/x,y/z,mode=File").value();
  EXPECT_EQ(channel.s3_uri, "s3://b/x,y/z");
}

TEST(ParseChannel, NamesWhatIsWrong) {
  EXPECT_THAT(ParseChannel("t=s3://b/p,moed=File").error().message(),
              HasSubstr("'moed' is no option of a channel"));
  EXPECT_THAT(ParseChannel("t=s3://b/p,mode=file").error().message(),
              HasSubstr("channel t: mode is 'file', but must be one of File, FastFile, Pipe"));
  EXPECT_THAT(ParseChannel("t=s3://b/p,shuffle-seed=1x").error().message(),
              HasSubstr("64-bit integer"));
  EXPECT_THAT(ParseChannel("t=s3://b/p,mode=File,mode=Pipe").error().message(),
              HasSubstr("channel t: mode is given twice"));
  EXPECT_FALSE(ParseChannel("train").has_value());
  EXPECT_FALSE(ParseChannel("=s3://b/p").has_value());
}

}  // namespace
}  // namespace headrace::job
