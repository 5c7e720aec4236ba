// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/store.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <random>
#include <utility>

namespace kredis::sandbox {
namespace {

std::string random_uid() {
  static thread_local std::mt19937_64 random{std::random_device{}()};
  constexpr std::string_view k_hex = "0123456789abcdef";
  std::string uid = "xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx";
  for (char& letter : uid) {
    if (letter == 'x') {
      letter = k_hex[random() % k_hex.size()];
    }
  }
  return uid;
}

// The core group's own kinds have no generation, but for these two.
bool counts_generations(const Key& key) {
  return !key.group.empty() || key.resource == "pods" || key.resource == "replicationcontrollers";
}

bool spec_changed(const Json& before, const Json& after) {
  return before.value("spec", Json{}) != after.value("spec", Json{});
}

// An object that is being deleted goes when nobody holds it back any more.
bool ready_to_go(const Key& key, const Json& object) {
  const Json& metadata = object.at("metadata");
  if (!metadata.contains("deletionTimestamp")) {
    return false;
  }
  if (const auto held = metadata.find("finalizers"); held != metadata.end() && !held->empty()) {
    return false;
  }
  if (key.resource == "namespaces" &&
      !object.value("/spec/finalizers"_json_pointer, Json::array()).empty()) {
    return false;  // Still being emptied.
  }
  return key.resource != "pods" || metadata.value("deletionGracePeriodSeconds", Json{}) == Json(0);
}

std::string describe(const Key& key) {
  return key.resource + (key.group.empty() ? "" : "." + key.group) + " \"" + key.name + "\"";
}

void fill_metadata(const Key& key, Json& object) {
  Json& metadata = object["metadata"];
  if (!metadata.is_object()) {
    metadata = Json::object();
  }
  metadata["name"] = key.name;
  if (!key.namespace_.empty()) {
    metadata["namespace"] = key.namespace_;
  }
  if (!metadata.contains("uid")) {
    metadata["uid"] = random_uid();
  }
  if (!metadata.contains("creationTimestamp") || metadata["creationTimestamp"].is_null()) {
    metadata["creationTimestamp"] = timestamp_now();
  }
  if (counts_generations(key) && object.contains("spec") && !metadata.contains("generation")) {
    metadata["generation"] = 1;
  }
}

}  // namespace

std::string timestamp_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text.data(), length};
}

Object Store::get(const Key& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(key);
  return found == objects_.end() ? nullptr : found->second;
}

std::vector<Object> Store::list(const std::string& group,
                                const std::string& resource,
                                const std::string& namespace_) const {
  const std::lock_guard lock(mutex_);
  return list_locked(group, resource, namespace_);
}

std::vector<Object> Store::list_locked(const std::string& group,
                                       const std::string& resource,
                                       const std::string& namespace_) const {
  std::vector<Object> found;
  for (auto at = objects_.lower_bound(Key{group, resource, namespace_, ""}); at != objects_.end();
       ++at) {
    const Key& key = at->first;
    const bool same_kind = key.group == group && key.resource == resource;
    if (!same_kind || (!namespace_.empty() && key.namespace_ != namespace_)) {
      break;
    }
    found.push_back(at->second);
  }
  return found;
}

Result<Object> Store::create(const Key& key, Json object) {
  const std::lock_guard lock(mutex_);
  if (objects_.contains(key)) {
    return Error::conflict(describe(key) + " already exists");
  }
  fill_metadata(key, object);
  return record(Event::Kind::added, key, std::move(object), nullptr);
}

Result<Object> Store::update(const Key& key, const std::function<Status(Json&)>& change) {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(key);
  if (found == objects_.end()) {
    return Error::not_found(describe(key) + " not found");
  }
  const Object before = found->second;
  Json after = *before;
  KREDIS_CHECK(change(after));
  if (after == *before) {
    return before;
  }
  if (counts_generations(key) && spec_changed(*before, after)) {
    Json& generation = after["metadata"]["generation"];
    generation = generation.is_number_integer() ? generation.get<std::int64_t>() + 1 : 1;
  }
  if (ready_to_go(key, after)) {
    return record(Event::Kind::deleted, key, std::move(after), before);
  }
  return record(Event::Kind::modified, key, std::move(after), before);
}

Result<Object> Store::remove(const Key& key) {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(key);
  if (found == objects_.end()) {
    return Error::not_found(describe(key) + " not found");
  }
  const Object before = found->second;
  return record(Event::Kind::deleted, key, *before, before);
}

// Requires: the lock. Gives the change its revision, stores it and tells the watches.
Object Store::record(Event::Kind kind, const Key& key, Json object, Object previous) {
  object["metadata"]["resourceVersion"] = std::to_string(++revision_);
  auto stored = std::make_shared<const Json>(std::move(object));
  if (kind == Event::Kind::deleted) {
    objects_.erase(key);
  } else {
    objects_[key] = stored;
  }
  history_.push_back(Event{revision_, kind, key, stored, std::move(previous)});
  while (history_.size() > history_length_) {
    forgotten_ = history_.front().revision;
    history_.pop_front();
  }
  changed_.notify_all();
  return stored;
}

Store::Snapshot Store::snapshot(const std::string& group,
                                const std::string& resource,
                                const std::string& namespace_) const {
  const std::lock_guard lock(mutex_);
  return {list_locked(group, resource, namespace_), revision_};
}

std::uint64_t Store::revision() const {
  const std::lock_guard lock(mutex_);
  return revision_;
}

std::uint64_t Store::wait_past(std::uint64_t revision, std::chrono::milliseconds at_most) const {
  std::unique_lock lock(mutex_);
  const std::uint64_t wakes = wakes_;
  changed_.wait_for(lock, at_most, [&] { return revision_ > revision || wakes_ != wakes; });
  return revision_;
}

Result<std::vector<Event>> Store::events_after(std::uint64_t revision) const {
  const std::lock_guard lock(mutex_);
  if (revision < forgotten_) {
    return Error::conflict("too old resource version: " + std::to_string(revision) + " (" +
                           std::to_string(forgotten_) + ")");
  }
  const auto first = std::upper_bound(
      history_.begin(), history_.end(), revision, [](std::uint64_t limit, const Event& event) {
        return limit < event.revision;
      });
  return std::vector<Event>(first, history_.end());
}

void Store::wake_all() {
  const std::lock_guard lock(mutex_);
  ++wakes_;
  changed_.notify_all();
}

}  // namespace kredis::sandbox
