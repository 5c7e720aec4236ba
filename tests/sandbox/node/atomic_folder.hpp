// SPDX-License-Identifier: Apache-2.0
//
// A folder whose files change all at once, laid out as the kubelet does: the files are links
// through
// `..data` into a hidden folder, and replacing that one link replaces them all.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "shared/core/result.hpp"

namespace kredis::sandbox {

struct PayloadFile {
  std::string bytes;
  unsigned mode = 0644;
  friend bool operator==(const PayloadFile&, const PayloadFile&) = default;
};
/// Files by path relative to the folder.
using Payload = std::map<std::string, PayloadFile>;

/// Makes `folder` hold exactly `payload`. A reader sees the old files or the new, never a mixture.
/// Errors: invalid_argument for a path that leads out; internal when the disk refuses.
Status write_atomic_folder(const std::filesystem::path& folder, const Payload& payload);

}  // namespace kredis::sandbox
