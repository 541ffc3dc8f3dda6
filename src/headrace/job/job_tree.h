// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace headrace::job {

// Where everything of a job is on disk: SageMaker's /opt/ml tree below any base directory.
class JobTree {
 public:
  explicit JobTree(std::string base_directory) : base_(std::move(base_directory)) {}

  const std::string& base() const { return base_; }
  std::string input() const { return base_ + "/input"; }
  std::string config() const { return base_ + "/input/config"; }
  std::string hyperparameters_file() const { return config() + "/hyperparameters.json"; }
  std::string input_config_file() const { return config() + "/inputdataconfig.json"; }
  std::string resource_config_file() const { return config() + "/resourceconfig.json"; }
  std::string checkpoint_config_file() const { return config() + "/checkpointconfig.json"; }
  std::string data() const { return base_ + "/input/data"; }
  std::string Channel(std::string_view name) const { return data() + "/" + std::string(name); }
  std::string model() const { return base_ + "/model"; }
  std::string output() const { return base_ + "/output"; }
  std::string output_data() const { return base_ + "/output/data"; }
  std::string output_intermediate() const { return base_ + "/output/intermediate"; }
  std::string failure_file() const { return base_ + "/output/failure"; }
  std::string success_file() const { return base_ + "/output/success"; }
  std::string report_file() const { return base_ + "/output/headrace-report.json"; }
  std::string checkpoints() const { return base_ + "/checkpoints"; }
  std::string code() const { return base_ + "/code"; }

 private:
  std::string base_;
};

}  // namespace headrace::job
