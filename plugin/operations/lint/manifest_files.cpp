// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/lint/manifest_files.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <istream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <utility>

namespace kredis::plugin {
namespace {

constexpr std::size_t k_most_files = 10'000;

bool is_manifest(const std::filesystem::path& path) {
  const std::string end = path.extension().string();
  return end == ".yaml" || end == ".yml" || end == ".json";
}

template <typename Iterator>
std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code ignored;
  for (auto each = Iterator(folder, ignored); each != Iterator() && files.size() < k_most_files;
       each.increment(ignored)) {
    if (is_manifest(each->path()) && each->is_regular_file(ignored)) {
      files.push_back(each->path().string());
    }
  }
  std::ranges::sort(files);
  return files;
}

Result<std::vector<std::string>> all_files(const std::vector<std::string>& paths, Folders folders) {
  std::vector<std::string> all;
  for (const std::string& path : paths) {
    std::error_code ignored;
    if (path != "-" && std::filesystem::is_directory(path, ignored)) {
      const auto files = folders == Folders::all
                             ? files_in<std::filesystem::recursive_directory_iterator>(path)
                             : files_in<std::filesystem::directory_iterator>(path);
      if (files.empty()) {
        return Error::invalid_argument("no .yaml, .yml or .json file in " + path)
            .with_hint(folders == Folders::all ? "give another folder"
                                               : "-R looks into its folders too");
      }
      all.insert(all.end(), files.begin(), files.end());
    } else {
      all.push_back(path);
    }
  }
  return all;
}

/// As much as is ever read, and a byte more to know that there was more.
std::string read_all(std::istream& stream) {
  constexpr std::size_t k_most_bytes = (std::size_t{16} << 20) + 1;
  std::string text;
  std::array<char, std::size_t{1} << 16> buffer{};
  while (text.size() < k_most_bytes &&
         (stream.read(buffer.data(), buffer.size()), stream.gcount() > 0)) {
    text.append(buffer.data(), static_cast<std::size_t>(stream.gcount()));
  }
  return text;
}

Result<std::string> text_of(const std::string& path, std::istream& standard_input) {
  if (path == "-") {
    return read_all(standard_input);
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return Error::invalid_argument("cannot read " + path).with_hint("check the path given to -f");
  }
  return read_all(file);
}

Result<ManifestFile> read_file(const std::string& path, std::istream& standard_input) {
  KREDIS_TRY(std::string text, text_of(path, standard_input));
  auto documents = kube::parse_yaml_documents(text);
  if (!documents) {
    Error error = documents.error();
    error.message = path + ": " + error.message;
    return error;
  }
  return ManifestFile{path, std::move(text), std::move(*documents)};
}

const Json& metadata_entry(const Json& object, const char* key) {
  static const Json k_none = "";
  const auto metadata = object.find("metadata");
  if (metadata == object.end() || !metadata->is_object()) {
    return k_none;
  }
  const auto found = metadata->find(key);
  return found == metadata->end() ? k_none : *found;
}

bool is_in_namespace(const Json& object, std::string_view namespace_) {
  const Json& own = metadata_entry(object, "namespace");
  return namespace_.empty() || own == namespace_ ||
         (own.is_string() && own.get_ref<const std::string&>().empty());
}

void add_objects(Manifests& manifests, const ManifestFile& file, std::size_t document) {
  const Json& value = file.documents[document].value;
  if (!value.is_object()) {
    return;
  }
  const auto items = value.find("items");
  const auto kind = value.find("kind");
  const bool list = kind != value.end() && kind->is_string() &&
                    kind->get_ref<const std::string&>().ends_with("List") && items != value.end() &&
                    items->is_array();
  if (!list) {
    manifests.objects.push_back({.file = file.name, .document = document, .object = value});
    return;
  }
  for (std::size_t i = 0; i < items->size(); ++i) {
    if ((*items)[i].is_object()) {
      manifests.objects.push_back({.file = file.name,
                                   .document = document,
                                   .pointer = "/items/" + std::to_string(i),
                                   .object = (*items)[i]});
    }
  }
}

/// How many steps through folders lead from one file to the other.
std::size_t distance(const std::string& from, const std::string& to) {
  if (from == to) {
    return 0;
  }
  const std::filesystem::path one = std::filesystem::path(from).lexically_normal().parent_path();
  const std::filesystem::path other = std::filesystem::path(to).lexically_normal().parent_path();
  const auto [at, there] = std::mismatch(one.begin(), one.end(), other.begin(), other.end());
  return 1 +
         static_cast<std::size_t>(std::distance(at, one.end()) + std::distance(there, other.end()));
}

/// The objects of a namespace; of those with one name, the nearest to `file`.
std::vector<const Json*> nearest(const std::vector<const FileObject*>& all,
                                 std::string_view namespace_,
                                 const std::string& file) {
  std::vector<const FileObject*> chosen;
  std::map<std::string, std::size_t> places;
  for (const FileObject* each : all) {
    if (!is_in_namespace(each->object, namespace_)) {
      continue;
    }
    const std::string name = metadata_entry(each->object, "namespace").dump() +
                             metadata_entry(each->object, "name").dump();
    const auto [place, is_new] = places.emplace(name, chosen.size());
    if (is_new) {
      chosen.push_back(each);
    } else if (distance(file, each->file) < distance(file, chosen[place->second]->file)) {
      chosen[place->second] = each;
    }
  }
  std::vector<const Json*> found;
  std::ranges::transform(
      chosen, std::back_inserter(found), [](const FileObject* each) { return &each->object; });
  return found;
}

}  // namespace

kube::TextPlace Manifests::place_of(const FileObject& object, const std::string& pointer) const {
  for (const ManifestFile& file : files) {
    if (file.name == object.file) {
      return kube::place_of(file.documents[object.document], object.pointer + pointer);
    }
  }
  return {};
}

Result<Manifests> read_manifests(const std::vector<std::string>& paths,
                                 Folders folders,
                                 std::istream& standard_input) {
  KREDIS_TRY(const auto names, all_files(paths, folders));
  Manifests manifests;
  std::optional<Error> first;
  for (const std::string& name : names) {
    auto file = read_file(name, standard_input);
    if (!file) {
      manifests.unread.push_back({name, file.error().message});
      first = first ? first : std::optional(file.error());
      continue;
    }
    manifests.files.push_back(std::move(*file));
    for (std::size_t i = 0; i < manifests.files.back().documents.size(); ++i) {
      add_objects(manifests, manifests.files.back(), i);
    }
  }
  if (manifests.files.empty() && first) {
    return *first;
  }
  return manifests;
}

ManifestIndex::ManifestIndex(const Manifests& manifests) {
  ByKind by_kind;
  for (const FileObject& each : manifests.objects) {
    const auto kind = each.object.find("kind");
    if (kind != each.object.end() && kind->is_string()) {
      by_kind[kind->get<std::string>()].push_back(&each);
    }
  }
  by_kind_ = std::make_shared<const ByKind>(std::move(by_kind));
}

policy::Surroundings ManifestIndex::beside(const std::string& file) const {
  const auto list = [by_kind = by_kind_, file](std::string_view kind, std::string_view namespace_) {
    const auto all = by_kind->find(kind);
    return all == by_kind->end() ? std::vector<const Json*>{}
                                 : nearest(all->second, namespace_, file);
  };
  const auto find = [list](
                        std::string_view kind, std::string_view namespace_, std::string_view name) {
    const auto all = list(kind, namespace_);
    const auto found = std::ranges::find_if(
        all, [name](const Json* each) { return metadata_entry(*each, "name") == name; });
    return found == all.end() ? nullptr : *found;
  };
  return {.find = find, .list = list};
}

}  // namespace kredis::plugin
