// SPDX-License-Identifier: Apache-2.0
#include "webhook/kept.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace kredis::webhook {
namespace {

constexpr std::string_view k_own_prefix = "kubectl-redis.dev/";

Json own_annotations(const Json& annotations) {
  Json own = Json::object();
  for (const auto& [key, value] : annotations.items()) {
    if (key.starts_with(k_own_prefix)) {
      own[key] = value;
    }
  }
  return own;
}

}  // namespace

Json without_ballast(const Json& object) {
  constexpr std::array k_members{"apiVersion", "kind", "spec", "data"};
  constexpr std::array k_metadata{
      "name", "namespace", "uid", "resourceVersion", "labels", "deletionTimestamp"};
  Json kept = Json::object();
  for (const char* member : k_members) {
    if (object.contains(member)) {
      kept[member] = object[member];
    }
  }
  const auto metadata = object.find("metadata");
  if (metadata == object.end() || !metadata->is_object()) {
    return kept;
  }
  for (const char* member : k_metadata) {
    if (metadata->contains(member)) {
      kept["metadata"][member] = (*metadata)[member];
    }
  }
  const auto annotations = metadata->find("annotations");
  if (annotations != metadata->end() && annotations->is_object()) {
    // Anybody may write some 256 KiB of them on any object; rules read their own.
    if (Json own = own_annotations(*annotations); !own.empty()) {
      kept["metadata"]["annotations"] = std::move(own);
    }
  }
  return kept;
}

std::size_t memory_of(const Json& value) {
  constexpr std::size_t k_allocation = 16;  // What malloc adds and rounds up.
  constexpr std::size_t k_member = 96;      // A node of std::map with its key and value.
  const auto text = [](const std::string& each) { return each.capacity() + k_allocation; };
  std::size_t bytes = sizeof(Json);
  if (value.is_string()) {
    bytes += sizeof(std::string) + text(value.get_ref<const std::string&>());
  } else if (value.is_array()) {
    for (const Json& each : value) {
      bytes += memory_of(each);
    }
  } else if (value.is_object()) {
    for (const auto& [key, each] : value.get_ref<const Json::object_t&>()) {
      bytes += k_member + text(key) + memory_of(each);
    }
  }
  return bytes;
}

void Ledger::set(const Key& key, std::size_t bytes) {
  const std::string& name = std::get<1>(key);
  const auto known = sizes_.find(key);
  if (known != sizes_.end()) {
    Space& space = spaces_[name];
    space.by_size.erase({known->second, key});
    space.bytes -= known->second;
    bytes_ -= known->second;
    sizes_.erase(known);
  }
  if (bytes > 0) {
    Space& space = spaces_[name];
    space.by_size.insert({bytes, key});
    space.bytes += bytes;
    bytes_ += bytes;
    sizes_[key] = bytes;
  } else if (const auto space = spaces_.find(name);
             space != spaces_.end() && space->second.by_size.empty()) {
    spaces_.erase(space);
  }
}

std::optional<Ledger::Key> Ledger::excess() const {
  if (bytes_ <= limit_ || spaces_.empty()) {
    return std::nullopt;
  }
  const auto most =
      std::ranges::max_element(spaces_, {}, [](const auto& each) { return each.second.bytes; });
  return most->second.by_size.rbegin()->second;
}

}  // namespace kredis::webhook
