// SPDX-License-Identifier: Apache-2.0
//
// The manifests that `lint -f` names, read into objects that each know where they stand.
#pragma once

#include <deque>
#include <iosfwd>
#include <string>
#include <vector>

#include "shared/core/result.hpp"
#include "shared/json/json.hpp"
#include "shared/kube/yaml_documents.hpp"
#include "shared/policy/review.hpp"

namespace kredis::plugin {

/// One object of a file; `pointer` leads to it in its document, which is a List where it is not "".
struct FileObject {
  std::string file;
  std::size_t document = 0;  ///< In `documents` of the file.
  std::string pointer = {};
  Json object = {};
};

struct ManifestFile {
  std::string name;  ///< As it was given; "-" for standard input.
  std::string text = {};
  std::vector<kube::YamlDocument> documents = {};
};

struct Manifests {
  std::deque<ManifestFile> files = {};
  std::deque<FileObject> objects = {};

  /// Where something in that object stands.
  kube::TextPlace place_of(const FileObject& object, const std::string& pointer) const;
};

enum class Folders { one_level, all };

/// Reads files, the .yaml, .yml and .json files of folders, and standard input for "-".
/// Errors: invalid_argument, with file and line, for what cannot be read.
Result<Manifests> read_manifests(const std::vector<std::string>& paths,
                                 Folders folders,
                                 std::istream& standard_input);

/// Lets rules look up what lies in the files beside; objects without a namespace are in any.
policy::Surroundings surroundings_of(const Manifests& manifests);

}  // namespace kredis::plugin
