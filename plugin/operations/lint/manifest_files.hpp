// SPDX-License-Identifier: Apache-2.0
//
// The manifests that `lint -f` names, read into objects that each know where they stand.
#pragma once

#include <deque>
#include <functional>
#include <iosfwd>
#include <map>
#include <memory>
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

/// A file that is no YAML. The others are read all the same.
struct UnreadFile {
  std::string name;
  std::string message = {};
};

struct Manifests {
  std::deque<ManifestFile> files = {};
  std::deque<FileObject> objects = {};
  std::vector<UnreadFile> unread = {};

  /// Where something in that object stands.
  kube::TextPlace place_of(const FileObject& object, const std::string& pointer) const;
};

enum class Folders { one_level, all };

/// Reads files, the .yaml, .yml and .json files of folders, and standard input for "-".
/// Errors: invalid_argument, with file and line, where none of them can be read.
Result<Manifests> read_manifests(const std::vector<std::string>& paths,
                                 Folders folders,
                                 std::istream& standard_input);

/// Lets rules look up what lies in the files beside; objects without a namespace are in any. Of
/// several of one name (a folder for each environment) the one in the nearest file counts.
class ManifestIndex {
 public:
  /// Requires: `manifests` outlives the index and all that it gives out.
  explicit ManifestIndex(const Manifests& manifests);

  policy::Surroundings beside(const std::string& file) const;

 private:
  using ByKind = std::map<std::string, std::vector<const FileObject*>, std::less<>>;
  std::shared_ptr<const ByKind> by_kind_;
};

}  // namespace kredis::plugin
