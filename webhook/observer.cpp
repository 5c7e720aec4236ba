// SPDX-License-Identifier: Apache-2.0
#include "webhook/observer.hpp"

#include <utility>

#include "shared/observe/cluster.hpp"
#include "shared/observe/redis_access.hpp"

namespace kredis::webhook {
namespace {

/// For one node. A node that hangs must not make the view of the others old.
constexpr std::chrono::seconds k_patience{3};
/// After a start those of all clusters have to be fetched once.
constexpr std::chrono::seconds k_patience_for_config_maps{10};
/// An eviction that was allowed may still fail elsewhere (a budget, another webhook). After a
/// minute a pod that is still in its old life counts as staying.
constexpr std::chrono::seconds k_memory_of_departures{60};

}  // namespace

Result<std::unique_ptr<ports::RedisPort>> open_by_secrets(ports::KubePort& kube,
                                                          const std::string& namespace_name,
                                                          const Json& workload) {
  return observe::open_redis(kube,
                             namespace_name,
                             observe::find_access(kube, namespace_name, workload, {}),
                             redis::Via::auto_);
}

void Observer::start() {
  looker_ = std::thread([this] { run(); });
}

void Observer::join() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  seen_.notify_all();
  if (looker_.joinable()) {
    looker_.join();
  }
}

void Observer::run() {
  // Before the first lists are complete a cluster may lack its ConfigMap and not be recognised.
  constexpr std::chrono::milliseconds k_while_listing{200};
  ports::Deadline next = clock_.now();
  while (true) {
    const bool complete = snapshot_.is_complete();
    if (!complete) {
      next = clock_.now() + k_while_listing;
    } else if (clock_.now() >= next) {
      look_around();
      next = clock_.now() + pause_;
    } else {
      look_where_wanted();
    }
    std::unique_lock lock(mutex_);
    wake_.wait_for(
        lock, next - clock_.now(), [&] { return stopping_ || (complete && !wanted_.empty()); });
    if (stopping_) {
      return;
    }
  }
}

std::map<Observer::Key, std::vector<Snapshot::Object>> Observer::clusters() const {
  std::map<Key, std::vector<Snapshot::Object>> found;
  View view(snapshot_, k_patience_for_config_maps);
  const policy::Surroundings around = view.surroundings();
  for (const char* kind : {"StatefulSet", "Deployment"}) {
    for (Snapshot::Object& workload : snapshot_.all(kind)) {
      if (policy::is_redis_cluster(*workload, around)) {
        const Key key{text_at(*workload, "/metadata/namespace"), policy::cluster_of(*workload)};
        found[key].push_back(std::move(workload));
      }
    }
  }
  return found;
}

void Observer::look_where_wanted() {
  std::set<Key> wanted;
  {
    const std::lock_guard lock(mutex_);
    wanted = wanted_;
  }
  // Recognising clusters reads every workload, so only when somebody waits.
  const auto all = wanted.empty() ? std::map<Key, std::vector<Snapshot::Object>>{} : clusters();
  for (const Key& key : wanted) {
    if (const auto found = all.find(key); found != all.end()) {
      look_at(key, found->second);
    }
  }
  const std::lock_guard lock(mutex_);
  std::erase_if(wanted_, [&wanted](const Key& key) { return wanted.contains(key); });
  seen_.notify_all();
}

void Observer::look_around() {
  const std::map<Key, std::vector<Snapshot::Object>> clusters = this->clusters();
  for (const auto& [key, workloads] : clusters) {
    look_at(key, workloads);
  }
  const auto is_gone = [&clusters](const auto& each) { return !clusters.contains(each.first); };
  std::erase_if(doors_, is_gone);
  const std::lock_guard lock(mutex_);
  std::erase_if(observations_, is_gone);
  std::erase_if(complained_, [&clusters](const Key& key) { return !clusters.contains(key); });
  std::erase_if(departures_, [this](const auto& each) {
    return clock_.now() - each.second.when > k_memory_of_departures;
  });
}

/// Without a new view the old one stays, and its age tells: a node that is slow once is no reason
/// to be blind.
void Observer::look_at(const Key& key, const std::vector<Snapshot::Object>& workloads) {
  auto observation = observed(key, workloads);
  const std::lock_guard lock(mutex_);
  if (observation) {
    complained_.erase(key);
    observations_[key] = std::move(*observation);
  } else if (!stopping_ && complained_.insert(key).second) {
    // Told once, until it is seen again: a cluster without rights would fill the log every 5 s.
    log_.write(LogLevel::warning,
               "cannot see cluster " + key.first + "/" + key.second,
               observation.error());
  }
  if (!observation) {
    doors_.erase(key);  // Its Secrets may have changed.
  }
}

ports::RedisPort* Observer::door(const Key& key, const Json& workload) {
  const auto found = doors_.find(key);
  if (found != doors_.end()) {
    return found->second.get();
  }
  // Opening reads the workload's Secrets; the way in is kept until it fails.
  auto opened = open_redis_(kube_, key.first, workload);
  if (!opened) {
    log_.write(LogLevel::debug, "cannot get into cluster " + key.second, opened.error());
    return nullptr;
  }
  return (doors_[key] = std::move(*opened)).get();
}

Result<Observer::Observation> Observer::observed(const Key& key,
                                                 const std::vector<Snapshot::Object>& workloads) {
  const Json& workload = *workloads.front();
  ports::RedisPort* const redis = door(key, workload);
  if (redis == nullptr) {
    return Error::unauthorized("the cluster's Secrets cannot be read")
        .with_hint("let the webhook get the Secrets that the workload names");
  }
  std::vector<Json> makers;
  for (const Snapshot::Object& each : workloads) {
    makers.push_back(*each);
  }
  observe::Located located = observe::located_from(makers);
  located.name = key.second;
  observe::Cluster cluster(kube_, *redis, located);
  if (const Status found = cluster.find_pods(); !found) {
    // A cluster without pods is seen, too: it has none. Only silence of all is blindness.
    if (found.error().code != ErrorCode::not_found) {
      return found.error();
    }
    core::ClusterView none{.name = key.second, .namespace_ = key.first};
    return Observation{.view = std::make_shared<const core::ClusterView>(std::move(none)),
                       .seen = clock_.now()};
  }
  cluster.ask(observe::Ask::everything, clock_.now() + k_patience);
  Observation result{.view = nullptr, .seen = clock_.now()};
  for (const core::Member& member : cluster.view().members) {
    result.uids[member.pod.name] = member.pod.uid;
    if (member.pod.ending) {
      result.ending.insert(member.pod.name);
    }
  }
  if (cluster.view().agreed() == nullptr) {
    const auto& trouble = cluster.view().members.front().trouble;
    return trouble ? *trouble : Error::unreachable("no node answers");
  }
  result.view = std::make_shared<const core::ClusterView>(cluster.view());
  return result;
}

/// Waits until the cluster was looked at after now, for as long as a review may be held up.
void Observer::renew(std::unique_lock<std::mutex>& lock, const Key& key) {
  // A view of a poll's age may be from before the cluster was initialised, and say that no slots
  // are at stake. A second is what a review may wait; the API server gives up after five
  // (timeoutSeconds).
  constexpr std::chrono::seconds k_fresh{1};
  const auto found = observations_.find(key);
  if (found == observations_.end() || clock_.now() - found->second.seen <= k_fresh) {
    return;
  }
  wanted_.insert(key);
  wake_.notify_all();
  seen_.wait_for(lock, k_fresh, [&] { return stopping_ || !wanted_.contains(key); });
}

policy::Sight Observer::sight(const Json& workload) {
  const Key key{text_at(workload, "/metadata/namespace"), policy::cluster_of(workload)};
  std::unique_lock lock(mutex_);
  renew(lock, key);
  const auto found = observations_.find(key);
  if (found == observations_.end()) {
    return {};
  }
  const Observation& observation = found->second;
  const auto age =
      std::chrono::duration_cast<std::chrono::seconds>(clock_.now() - observation.seen);
  policy::Sight sight{
      .view = observation.view, .age_seconds = age.count(), .leaving = observation.ending};
  for (const auto& [pod, uid] : observation.uids) {
    const auto departure = departures_.find({key.first, pod});
    // The pods of a StatefulSet keep their names; the uid tells the next life from this one.
    const bool same_life = departure != departures_.end() && departure->second.uid == uid;
    if (same_life && clock_.now() - departure->second.when < k_memory_of_departures) {
      sight.leaving.insert(pod);
    }
  }
  return sight;
}

/// A pod's name is all that a review has; the clusters seen last tell which life it is in.
void Observer::let_go(const std::string& namespace_name, const std::string& pod) {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, observation] : observations_) {
    const auto uid = observation.uids.find(pod);
    if (key.first == namespace_name && uid != observation.uids.end()) {
      departures_[{namespace_name, pod}] = {uid->second, clock_.now()};
    }
  }
}

std::vector<Watched> Observer::watched() const {
  std::vector<Watched> all;
  const std::lock_guard lock(mutex_);
  for (const auto& [key, observation] : observations_) {
    const auto age =
        std::chrono::duration_cast<std::chrono::seconds>(clock_.now() - observation.seen);
    all.push_back({.namespace_name = key.first,
                   .cluster = key.second,
                   .age_seconds = age.count(),
                   .slots = core::served_slots(*observation.view).size(),
                   .seen = !complained_.contains(key)});
  }
  return all;
}

}  // namespace kredis::webhook
