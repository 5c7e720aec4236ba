// SPDX-License-Identifier: Apache-2.0
#include "webhook/observer.hpp"

#include <algorithm>
#include <ctime>
#include <utility>

#include "shared/observe/redis_access.hpp"
#include "shared/policy/names.hpp"
#include "shared/ports/redis_port.hpp"
#include "shared/redis/fleet.hpp"
#include "shared/wire/cluster_info.hpp"
#include "shared/wire/cluster_nodes.hpp"
#include "shared/wire/kube_objects.hpp"
#include "shared/wire/redis_info.hpp"

namespace kredis::webhook {
namespace {

/// For one node. A node that hangs must not make the view of the others old.
constexpr std::chrono::seconds k_patience{3};
/// An eviction that was allowed may still fail elsewhere (a budget, another webhook). After a
/// minute a pod that is still in its old life counts as staying.
constexpr std::chrono::seconds k_farewell{60};
/// For the nodes of one cluster; clusters are looked at one after the other.
constexpr std::size_t k_threads = 8;

/// "a=1,b=2". In the Service & Deployment layout each Deployment selects its own pod by the
/// ordinal; without that label the selector covers all nodes of the cluster.
std::string selector_of(const Json& workload) {
  const Json::json_pointer where("/spec/selector/matchLabels");
  std::string selector;
  const Json labels = workload.contains(where) ? workload[where] : Json::object();
  for (const auto& [key, value] : labels.items()) {
    if (key != policy::k_ordinal_label && value.is_string()) {
      selector += (selector.empty() ? "" : ",") + key + "=" + value.get<std::string>();
    }
  }
  return selector;
}

Result<core::Member> answered(core::Member member, const std::vector<core::Reply>& replies) {
  constexpr std::size_t k_info = 2;
  KREDIS_TRY(member.view, wire::parse_cluster_nodes(replies.at(0).text));
  KREDIS_TRY(member.cluster, wire::parse_cluster_info(replies.at(1).text));
  KREDIS_TRY(member.server, wire::parse_redis_info(replies.at(k_info).text));
  return member;
}

void ask(ports::RedisPort& redis, const std::string& namespace_name, core::Member& member) {
  const auto deadline = std::chrono::steady_clock::now() + k_patience;
  auto connection = redis.connect({.namespace_ = namespace_name,
                                   .pod = member.pod.name,
                                   .host = member.pod.ip,
                                   .port = member.pod.port},
                                  deadline);
  if (!connection) {
    member.trouble = connection.error();
    return;
  }
  const auto replies =
      (*connection)->pipeline({{"CLUSTER", "NODES"}, {"CLUSTER", "INFO"}, {"INFO"}}, deadline);
  // NOAUTH or LOADING in one of them: half a view is worse than none.
  const bool refused = replies && std::ranges::any_of(*replies, &core::Reply::is_error);
  if (!replies || refused) {
    member.trouble = replies ? Error::unsafe(member.pod.name + " does not tell") : replies.error();
    return;
  }
  if (auto told = answered(member, *replies)) {
    member = std::move(*told);
  } else {
    member.trouble = told.error();
  }
}

}  // namespace

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
  Clock::time_point next = Clock::now();
  while (true) {
    const bool complete = snapshot_.is_complete();
    if (!complete) {
      next = Clock::now() + k_while_listing;
    } else if (Clock::now() >= next) {
      look_around();
      next = Clock::now() + pause_;
    } else {
      look_where_wanted();
    }
    std::unique_lock lock(mutex_);
    wake_.wait_until(lock, next, [&] { return stopping_ || (complete && !wanted_.empty()); });
    if (stopping_) {
      return;
    }
  }
}

std::map<Observer::Key, std::vector<Snapshot::Object>> Observer::clusters() const {
  std::map<Key, std::vector<Snapshot::Object>> found;
  View view(snapshot_);
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

/// Looks at all clusters that there are now, one after the other; forgets those that are gone.
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
  std::erase_if(farewells_,
                [](const auto& each) { return Clock::now() - each.second.when > k_farewell; });
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
  auto opened =
      observe::open_redis(kube_, key.first, observe::access_of(workload, {}), redis::Via::auto_);
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
  const std::string selector = selector_of(workload);
  KREDIS_TRY(const Json pods,
             kube_.list({{"v1", "pods"}, key.first}, {.label_selector = selector}));
  Observation result{.view = nullptr, .seen = Clock::now()};
  core::ClusterView view{.name = key.second, .namespace_ = key.first};
  view.workload_kind = text_at(workload, "/kind");
  view.workload_name = text_at(workload, "/metadata/name");
  for (const Json& pod : pods.value("items", Json::array())) {
    const std::string phase = text_at(pod, "/status/phase");
    // Such a pod stays listed after its end, with an address that may be another's by now.
    if (phase == "Succeeded" || phase == "Failed") {
      continue;
    }
    view.members.push_back({.pod = wire::pod_from_json(pod, {}, std::time(nullptr))});
    const std::string& name = view.members.back().pod.name;
    result.uids[name] = text_at(pod, "/metadata/uid");
    if (!text_at(pod, "/metadata/deletionTimestamp").empty()) {
      result.ending.insert(name);
    }
  }
  std::ranges::sort(view.members, {}, [](const core::Member& each) {
    return std::pair(each.pod.ordinal, each.pod.name);
  });
  redis::run_indexed(
      view.members.size(),
      [&](std::size_t at) { ask(*redis, key.first, view.members[at]); },
      k_threads);
  // A cluster without pods is seen, too: it has none. Only silence of all is blindness.
  const bool nobody = view.agreed() == nullptr;
  if (nobody && !view.members.empty()) {
    const auto& trouble = view.members.front().trouble;
    return trouble ? *trouble : Error::unreachable("no node answers");
  }
  result.view = std::make_shared<const core::ClusterView>(std::move(view));
  return result;
}

/// Waits until the cluster was looked at after now, for as long as a review may be held up.
void Observer::renew(std::unique_lock<std::mutex>& lock, const Key& key) {
  // A view of a poll's age may be from before the cluster was initialised, and say that no slots
  // are at stake. A second is what a review may wait; the API server gives up after five
  // (timeoutSeconds).
  constexpr std::chrono::seconds k_fresh{1};
  const auto found = observations_.find(key);
  if (found == observations_.end() || Clock::now() - found->second.seen <= k_fresh) {
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
      std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - observation.seen);
  policy::Sight sight{
      .view = observation.view, .age_seconds = age.count(), .leaving = observation.ending};
  for (const auto& [pod, uid] : observation.uids) {
    const auto farewell = farewells_.find({key.first, pod});
    // The pods of a StatefulSet keep their names; the uid tells the next life from this one.
    const bool same_life = farewell != farewells_.end() && farewell->second.uid == uid;
    if (same_life && Clock::now() - farewell->second.when < k_farewell) {
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
      farewells_[{namespace_name, pod}] = {uid->second, Clock::now()};
    }
  }
}

std::vector<Watched> Observer::watched() const {
  std::vector<Watched> all;
  const std::lock_guard lock(mutex_);
  for (const auto& [key, observation] : observations_) {
    const auto age =
        std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - observation.seen);
    all.push_back({.namespace_name = key.first,
                   .cluster = key.second,
                   .age_seconds = age.count(),
                   .slots = core::served_slots(*observation.view).size(),
                   .seen = !complained_.contains(key)});
  }
  return all;
}

}  // namespace kredis::webhook
