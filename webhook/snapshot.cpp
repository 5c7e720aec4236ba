// SPDX-License-Identifier: Apache-2.0
#include "webhook/snapshot.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace kredis::webhook {
namespace {

using ports::WatchEvent;
using ports::WatchStep;

struct Followed {
  const char* kind;
  const char* api_version;
  const char* plural;
  ports::Content content;
};
/// Of a namespace only a label is read, and ConfigMaps are fetched one by one (config_maps.hpp).
constexpr std::array k_followed{
    Followed{"Namespace", "v1", "namespaces", ports::Content::metadata},
    Followed{"ConfigMap", "v1", "configmaps", ports::Content::metadata},
    Followed{"Service", "v1", "services", ports::Content::whole},
    Followed{"StatefulSet", "apps/v1", "statefulsets", ports::Content::whole},
    Followed{"Deployment", "apps/v1", "deployments", ports::Content::whole},
    Followed{"PodDisruptionBudget", "policy/v1", "poddisruptionbudgets", ports::Content::whole}};
constexpr std::size_t k_config_map_place = 1;
static_assert(k_followed[k_config_map_place].kind == std::string_view("ConfigMap"));
constexpr unsigned k_all_listed = (1U << k_followed.size()) - 1;
/// Objects may have 1.5 MiB each (etcd's limit), and all kinds are listed at once.
constexpr int k_whole_page = 10;
/// A watch is ended and begun again after this time, which also lists what may have been missed.
/// API servers end them after 30 to 60 minutes by themselves (--min-request-timeout).
constexpr auto k_watch_life = std::chrono::minutes(30);
/// An API server that is down is asked by six threads of each replica.
constexpr auto k_pause_after_failure = std::chrono::seconds(2);
constexpr auto k_between_complaints = std::chrono::seconds(10);

/// Not by the object's own word: metadata alone comes as a kind of its own.
Ledger::Key key_of(const Followed& followed, const Json& object) {
  return {followed.kind, text_at(object, "/metadata/namespace"), text_at(object, "/metadata/name")};
}

}  // namespace

Snapshot::Snapshot(ports::KubePort& kube, Log& log, KeptLimits limits)
    : kube_(kube),
      log_(log),
      config_maps_(std::make_unique<ConfigMaps>(kube, log, limits.config_maps)),
      ledger_(limits.objects) {}

Snapshot::~Snapshot() { join(); }

/// A thread a kind: `watch` blocks, and a kind that is not permitted must not hold up the others.
void Snapshot::start() {
  config_maps_->start();
  for (std::size_t i = 0; i < k_followed.size(); ++i) {
    followers_.emplace_back([this, i] { follow(i); });
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
  config_maps_->join();
}

/// Watches one kind for ever. Each watch begins with a list, for two reasons: only that tells that
/// a kind is empty, and that an object is gone whose deletion no watch has told.
void Snapshot::follow(std::size_t place) {
  const Followed& followed = k_followed[place];
  const ports::ResourcePath path{{followed.api_version, followed.plural}, ""};
  ports::ListOptions options{.content = followed.content};
  if (followed.content == ports::Content::whole) {
    options.page_size = k_whole_page;
  }
  while (!stopping_) {
    {
      const std::lock_guard lock(mutex_);
      ++watches_[place];
    }
    if (place == k_config_map_place) {
      config_maps_->begin_list();
    }
    const Status outcome = kube_.watch(
        path, options, ports::Clock::now() + k_watch_life, [&](const WatchEvent& event) {
          take(place, event);
          hear(place);
          return stopping_ ? WatchStep::stop : WatchStep::go_on;
        });
    // The end of a watch's life comes as a timeout.
    if (!outcome && !stopping_ && outcome.error().code != ErrorCode::timeout) {
      log_.write(
          LogLevel::warning, std::string("cannot watch ") + followed.plural, outcome.error());
      std::this_thread::sleep_for(k_pause_after_failure);
    }
  }
}

/// What this watch has not named is gone, though no watch may have told.
void Snapshot::end_list(std::size_t place) {
  if (place == k_config_map_place) {
    config_maps_->end_list();
  }
  const std::lock_guard lock(mutex_);
  std::vector<Key> gone;
  for (const auto& [key, kept] : objects_) {
    if (std::get<0>(key) == k_followed[place].kind && kept.watch != watches_[place]) {
      gone.push_back(key);
    }
  }
  for (const Key& key : gone) {
    forget(key);
  }
  listed_ |= 1U << place;
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

void Snapshot::take(std::size_t place, const WatchEvent& event) {
  if (event.kind == WatchEvent::Kind::bookmark) {
    // Any other one has a version and no object; that it came is what counts (`hear`).
    if (ports::ends_list(event)) {
      end_list(place);
    }
    return;
  }
  if (place == k_config_map_place) {
    take_config_map(event);
    return;
  }
  const Key key = key_of(k_followed[place], event.object);
  const Json kept =
      event.kind == WatchEvent::Kind::deleted ? Json() : without_ballast(event.object);
  const std::lock_guard lock(mutex_);
  if (event.kind == WatchEvent::Kind::deleted) {
    forget(key);
  } else {
    keep(key, kept, watches_[place]);
  }
}

void Snapshot::take_config_map(const WatchEvent& event) {
  const bool gone = event.kind == WatchEvent::Kind::deleted;
  config_maps_->changed(
      {text_at(event.object, "/metadata/namespace"), text_at(event.object, "/metadata/name")},
      gone ? std::string{} : text_at(event.object, "/metadata/resourceVersion"));
}

void Snapshot::keep(const Key& key, const Json& object, std::uint64_t watch) {
  objects_[key] = {std::make_shared<const Json>(object), watch};
  ledger_.set(key, memory_of(object));
  relieve();
}

void Snapshot::forget(const Key& key) {
  objects_.erase(key);
  ledger_.set(key, 0);
}

/// Rules and guards pass over what is left out. It is taken in again at its next change, when there
/// is room for it; a workload's status may change at any moment, so not each time is told.
void Snapshot::relieve() {
  while (const auto key = ledger_.excess()) {
    forget(*key);
    ++left_out_;
    if (ports::Clock::now() < next_complaint_) {
      continue;
    }
    next_complaint_ = ports::Clock::now() + k_between_complaints;
    log_.write(LogLevel::warning,
               "an object is left out of the view, as there is too much to keep",
               Json{{"kind", std::get<0>(*key)},
                    {"namespace", std::get<1>(*key)},
                    {"name", std::get<2>(*key)}});
  }
}

Snapshot::Object Snapshot::find(std::string_view kind,
                                std::string_view namespace_,
                                std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find({std::string(kind), std::string(namespace_), std::string(name)});
  return found != objects_.end() ? found->second.object : nullptr;
}

Snapshot::Object Snapshot::config_map(std::string_view namespace_,
                                      std::string_view name,
                                      ports::Deadline until) const {
  return config_maps_->find(namespace_, name, until);
}

std::vector<Snapshot::Object> Snapshot::list(std::string_view kind,
                                             std::string_view namespace_) const {
  std::vector<Object> found;
  const std::lock_guard lock(mutex_);
  for (auto it = objects_.lower_bound({std::string(kind), std::string(namespace_), ""});
       it != objects_.end() && std::get<0>(it->first) == kind &&
       std::get<1>(it->first) == namespace_;
       ++it) {
    found.push_back(it->second.object);
  }
  return found;
}

std::vector<Snapshot::Object> Snapshot::all(std::string_view kind) const {
  std::vector<Object> found;
  const std::lock_guard lock(mutex_);
  for (auto it = objects_.lower_bound({std::string(kind), "", ""});
       it != objects_.end() && std::get<0>(it->first) == kind;
       ++it) {
    found.push_back(it->second.object);
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
  return objects_.size() + config_maps_->size();
}

std::size_t Snapshot::bytes() const {
  const std::lock_guard lock(mutex_);
  return ledger_.bytes() + config_maps_->bytes();
}

policy::Surroundings View::surroundings() {
  policy::Surroundings around;
  around.find = [this](std::string_view kind, std::string_view namespace_, std::string_view name) {
    auto found = kind == "ConfigMap" ? snapshot_.config_map(namespace_, name, until_)
                                     : snapshot_.find(kind, namespace_, name);
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
