// SPDX-License-Identifier: Apache-2.0
//
// The Redis Clusters as guards see them: every few seconds all nodes of all clusters are asked, so
// that a review has an answer even when Redis gives none. Where it does, a guard waits for a look
// of its own, but not for long.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "shared/policy/guard.hpp"
#include "shared/ports/clock.hpp"
#include "shared/ports/kube_port.hpp"
#include "shared/ports/redis_port.hpp"
#include "shared/system/steady_clock.hpp"
#include "webhook/log.hpp"
#include "webhook/snapshot.hpp"

namespace kredis::webhook {

/// How one cluster was seen, for /metrics.
struct Watched {
  std::string namespace_name;
  std::string cluster;
  std::int64_t age_seconds = 0;
  std::size_t slots = 0;  ///< That a master in sight serves.
  bool seen = false;
};

/// A way into the nodes of the cluster of `workload`, which lies in that namespace.
using OpenRedis = std::function<Result<std::unique_ptr<ports::RedisPort>>(
    ports::KubePort& kube, const std::string& namespace_name, const Json& workload)>;

/// By the Secrets that the workload names. Errors: those of observe::open_redis.
Result<std::unique_ptr<ports::RedisPort>> open_by_secrets(ports::KubePort& kube,
                                                          const std::string& namespace_name,
                                                          const Json& workload);

/// Threads: any.
class Observer {
 public:
  /// Finds the clusters in `snapshot`. All must outlive the Observer.
  Observer(ports::KubePort& kube,
           const Snapshot& snapshot,
           std::chrono::seconds pause,
           Log& log,
           OpenRedis open_redis = &open_by_secrets,
           ports::ClockPort& clock = system::steady_clock())
      : kube_(kube),
        snapshot_(snapshot),
        pause_(pause),
        log_(log),
        open_redis_(std::move(open_redis)),
        clock_(clock) {}
  ~Observer() { join(); }
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;

  void start();
  void join();
  /// What is done every `pause`: looks at all clusters that there are now, one after the other, and
  /// forgets those that are gone. Requires: not started, or ended again.
  void look_around();

  /// The cluster of that workload. A view of more than a second is renewed first, for which the
  /// caller waits a second at the most; then it has to do.
  policy::Sight sight(const Json& workload);
  /// A pod may go: until its next life is seen, it counts as gone.
  void let_go(const std::string& namespace_name, const std::string& pod);
  std::vector<Watched> watched() const;

 private:
  using Key = std::pair<std::string, std::string>;  // Namespace, cluster.

  struct Observation {
    std::shared_ptr<const core::ClusterView> view;
    ports::Deadline seen = {};
    std::map<std::string, std::string> uids = {};  // By pod.
    std::set<std::string> ending = {};             // Pods that are being deleted.
  };
  struct Departure {
    std::string uid;
    ports::Deadline when;
  };

  void run();
  void look_where_wanted();
  std::map<Key, std::vector<Snapshot::Object>> clusters() const;
  void renew(std::unique_lock<std::mutex>& lock, const Key& key);
  void look_at(const Key& key, const std::vector<Snapshot::Object>& workloads);
  Result<Observation> observed(const Key& key, const std::vector<Snapshot::Object>& workloads);
  ports::RedisPort* door(const Key& key, const Json& workload);

  ports::KubePort& kube_;
  const Snapshot& snapshot_;
  const std::chrono::seconds pause_;
  Log& log_;
  const OpenRedis open_redis_;
  ports::ClockPort& clock_;
  std::map<Key, std::unique_ptr<ports::RedisPort>> doors_;  // Of the looking thread.

  mutable std::mutex mutex_;      // Guards what follows.
  std::condition_variable wake_;  // Of the looking thread.
  std::condition_variable seen_;  // Somebody was looked at.
  bool stopping_ = false;
  std::set<Key> wanted_;  // Clusters that a review waits to see.
  std::map<Key, Observation> observations_;
  std::map<Key, Departure> departures_;  // By namespace and pod.
  std::set<Key> complained_;             // Clusters whose trouble is in the log already.
  std::thread looker_;
};

}  // namespace kredis::webhook
