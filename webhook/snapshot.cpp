// SPDX-License-Identifier: Apache-2.0
#include "webhook/snapshot.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace kredis::webhook {
namespace {

using ports::ResourceType;
using ports::WatchEvent;
using ports::WatchStep;

struct Followed {
  const char* kind;
  const char* api_version;
  const char* plural;
};
constexpr std::array k_followed{
    Followed{"Namespace", "v1", "namespaces"},
    Followed{"ConfigMap", "v1", "configmaps"},
    Followed{"Service", "v1", "services"},
    Followed{"StatefulSet", "apps/v1", "statefulsets"},
    Followed{"Deployment", "apps/v1", "deployments"},
    Followed{"PodDisruptionBudget", "policy/v1", "poddisruptionbudgets"},
    Followed{"PersistentVolumeClaim", "v1", "persistentvolumeclaims"}};
constexpr unsigned k_all_listed = (1U << k_followed.size()) - 1;
/// A watch is ended and begun again after this time, which also lists what may have been missed.
/// API servers end them after 30 to 60 minutes by themselves (--min-request-timeout).
constexpr auto k_watch_life = std::chrono::minutes(30);
/// An API server that is down is asked by seven threads of each replica.
constexpr auto k_pause_after_failure = std::chrono::seconds(2);

/// What no rule reads, and most of an object's size: `status` changes all the time, and the
/// last-applied annotation is the whole object once more.
Json without_ballast(Json object) {
  if (object.contains("metadata") && object["metadata"].is_object()) {
    object["metadata"].erase("managedFields");
    if (object["metadata"].contains("annotations") &&
        object["metadata"]["annotations"].is_object()) {
      object["metadata"]["annotations"].erase("kubectl.kubernetes.io/last-applied-configuration");
    }
  }
  object.erase("status");
  object.erase("binaryData");
  return object;
}

}  // namespace

Snapshot::Key Snapshot::key_of(const Json& object) {
  return {text_at(object, "/kind"),
          text_at(object, "/metadata/namespace"),
          text_at(object, "/metadata/name")};
}

Snapshot::Snapshot(ports::KubePort& kube, Log& log) : kube_(kube), log_(log) {}

Snapshot::~Snapshot() { join(); }

/// A thread a kind: `watch` blocks, and a kind that is not permitted must not hold up the others.
void Snapshot::start() {
  for (std::size_t i = 0; i < k_followed.size(); ++i) {
    const ResourceType type{k_followed[i].api_version, k_followed[i].plural};
    followers_.emplace_back([this, type, i] { follow(type, i); });
  }
}

void Snapshot::join() {
  stopping_ = true;
  for (std::thread& follower : followers_) {
    if (follower.joinable()) {
      follower.join();
    }
  }
  followers_.clear();
}

/// Watches one kind for ever. A list comes first, for two reasons: only it tells that a kind is
/// empty, and that an object is gone whose deletion no watch has told.
void Snapshot::follow(const ResourceType& type, std::size_t place) {
  while (!stopping_) {
    const ports::ResourcePath path{type, ""};
    const auto listed = kube_.list(path, {});
    Status outcome = listed ? Status{} : Status{listed.error()};
    if (listed) {
      take_all(k_followed[place].kind, listed->value("items", Json::array()));
      hear(place);
      listed_ |= 1U << place;
      outcome =
          kube_.watch(path, {}, ports::Clock::now() + k_watch_life, [&](const WatchEvent& event) {
            take(event);
            hear(place);
            return stopping_ ? WatchStep::stop : WatchStep::go_on;
          });
    }
    // The end of a watch's life comes as a timeout.
    if (!outcome && !stopping_ && outcome.error().code != ErrorCode::timeout) {
      log_.write(LogLevel::warning, "cannot watch " + type.plural, outcome.error());
      std::this_thread::sleep_for(k_pause_after_failure);
    }
  }
}

/// What a list says of a kind: what it does not name is gone, though no watch may have told.
void Snapshot::take_all(std::string_view kind, const Json& items) {
  std::set<Key> present;
  for (const Json& item : items) {
    take({WatchEvent::Kind::added, item});
    present.insert(key_of(item));
  }
  const std::lock_guard lock(mutex_);
  std::erase_if(objects_, [&](const auto& each) {
    return std::get<0>(each.first) == kind && !present.contains(each.first);
  });
}

void Snapshot::hear(std::size_t place) {
  static_assert(k_followed.size() <= std::tuple_size_v<decltype(heard_)>);
  heard_[place] = ports::Clock::now().time_since_epoch().count();
}

/// The kind that was silent longest counts. A watch that lives is never silent for long: bookmarks
/// come about once a minute (Kubernetes docs, API Concepts, "Watch bookmarks").
std::chrono::duration<double> Snapshot::age() const {
  const auto now = ports::Clock::now().time_since_epoch();
  ports::Clock::duration longest{};
  for (std::size_t i = 0; i < k_followed.size(); ++i) {
    const ports::Clock::rep heard = heard_[i];
    longest = heard != 0 ? std::max(longest, now - ports::Clock::duration(heard)) : longest;
  }
  return longest;
}

void Snapshot::take(const WatchEvent& event) {
  const Json& object = event.object;
  const Key key = key_of(object);
  // It has a version and no object; that it came is what counts (`hear`).
  if (event.kind == WatchEvent::Kind::bookmark) {
    return;
  }
  // Copied and cleaned outside of the lock, which every review takes.
  Object kept = event.kind == WatchEvent::Kind::deleted
                    ? nullptr
                    : std::make_shared<const Json>(without_ballast(object));
  const std::lock_guard lock(mutex_);
  if (kept) {
    objects_[key] = std::move(kept);
  } else {
    objects_.erase(key);
  }
}

Snapshot::Object Snapshot::find(std::string_view kind,
                                std::string_view namespace_,
                                std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find({std::string(kind), std::string(namespace_), std::string(name)});
  return found != objects_.end() ? found->second : nullptr;
}

std::vector<Snapshot::Object> Snapshot::list(std::string_view kind,
                                             std::string_view namespace_) const {
  std::vector<Object> found;
  const std::lock_guard lock(mutex_);
  for (auto it = objects_.lower_bound({std::string(kind), std::string(namespace_), ""});
       it != objects_.end() && std::get<0>(it->first) == kind &&
       std::get<1>(it->first) == namespace_;
       ++it) {
    found.push_back(it->second);
  }
  return found;
}

std::vector<Snapshot::Object> Snapshot::all(std::string_view kind) const {
  std::vector<Object> found;
  const std::lock_guard lock(mutex_);
  for (auto it = objects_.lower_bound({std::string(kind), "", ""});
       it != objects_.end() && std::get<0>(it->first) == kind;
       ++it) {
    found.push_back(it->second);
  }
  return found;
}

std::optional<std::string> Snapshot::namespace_label(std::string_view namespace_,
                                                     std::string_view label) const {
  const Object found = find("Namespace", "", namespace_);
  if (!found) {
    return std::nullopt;
  }
  const Json::json_pointer labels("/metadata/labels");
  if (!found->contains(labels) || !(*found)[labels].is_object()) {
    return std::nullopt;
  }
  const auto value = (*found)[labels].find(std::string(label));
  return value != (*found)[labels].end() && value->is_string()
             ? std::optional(value->get<std::string>())
             : std::nullopt;
}

bool Snapshot::is_complete() const { return listed_ == k_all_listed; }

std::size_t Snapshot::size() const {
  const std::lock_guard lock(mutex_);
  return objects_.size();
}

policy::Surroundings View::surroundings() {
  policy::Surroundings around;
  around.find = [this](std::string_view kind, std::string_view namespace_, std::string_view name) {
    auto found = snapshot_.find(kind, namespace_, name);
    const Json* const object = found.get();
    if (found) {
      held_.push_back(std::move(found));
    }
    return object;
  };
  around.list = [this](std::string_view kind, std::string_view namespace_) {
    std::vector<const Json*> objects;
    for (Snapshot::Object& object : snapshot_.list(kind, namespace_)) {
      objects.push_back(object.get());
      held_.push_back(std::move(object));
    }
    return objects;
  };
  return around;
}

}  // namespace kredis::webhook
