// SPDX-License-Identifier: Apache-2.0
//
// What an image name stands for in the sandbox, where nothing is pulled: programs of this machine,
// or of a folder that holds another system's root. Redis stands in for servers of its kin that are
// not here, under their names. Pure, but for a look at PATH.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "shared/core/result.hpp"

namespace kredis::sandbox {

struct Image {
  std::filesystem::path root = {};        ///< Another system's root; empty: this machine's /usr.
  std::vector<std::string> command = {};  ///< What runs when the pod says nothing.
  std::string server =
      {};  ///< "redis-server" or "valkey-server": its entrypoint takes bare options.
  std::string work_dir = "/";
  std::string entrypoint = {};  ///< Put before a pod's args; a program of the project's own.
  /// Programs of this machine that are mounted, by where the container has them.
  std::map<std::string, std::filesystem::path> programs = {};
};

class ImageTable {
 public:
  /// Where a program of that name is on this machine; empty where it is not.
  using Locate = std::function<std::filesystem::path(const std::string& program)>;

  /// `roots` maps image names ("redis:8.0", "valkey/valkey:9") to root folders.
  /// `programs` is the folder with the project's own programs, which are images too.
  explicit ImageTable(std::map<std::string, std::filesystem::path> roots = {},
                      Locate locate = {},
                      std::filesystem::path programs = {});

  /// Errors: not_found, in containerd's words.
  Result<Image> find(std::string_view name) const;

 private:
  std::map<std::string, std::filesystem::path> roots_;
  Locate locate_;
  std::filesystem::path programs_;
};

/// The argv of a container, as the image's entrypoint and the pod's command and args make it.
std::vector<std::string> argv_of(const Image& image,
                                 const std::vector<std::string>& command,
                                 const std::vector<std::string>& args);

}  // namespace kredis::sandbox
