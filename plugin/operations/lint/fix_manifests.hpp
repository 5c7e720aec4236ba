// SPDX-License-Identifier: Apache-2.0
//
// What `lint --fix` writes: the text of a file with what its objects lack.
#pragma once

#include <optional>
#include <string>

#include "plugin/operations/lint/manifest_files.hpp"

namespace kredis::plugin {

struct CompletedFile {
  std::string text;
  /// False where a document had to be written anew, so that its order and comments are gone.
  bool kept_form = true;
};

/// The text of `file` with everything filled in; nullopt when nothing is missing.
std::optional<CompletedFile> completed(const Manifests& manifests, const ManifestFile& file);

/// Replaces the file in one go, with the permissions that it has; a link stays one.
/// Errors: unsafe, when it cannot be written.
Status replace_file(const std::string& path, const std::string& text);

}  // namespace kredis::plugin
