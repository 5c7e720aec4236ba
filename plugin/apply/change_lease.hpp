// SPDX-License-Identifier: Apache-2.0
//
// One at a time: who changes a cluster holds a Lease, which everybody else sees. Looks are free.
// https://kubernetes.io/docs/concepts/architecture/leases/
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "plugin/apply/conduct.hpp"
#include "shared/core/cluster_view.hpp"
#include "shared/json/json.hpp"
#include "shared/ports/kube_port.hpp"

namespace kredis::plugin {

/// Who is about to change what.
struct ChangeWish {
  std::string namespace_;
  std::string cluster;
  std::string doing;  ///< "kubectl redis create", for whoever else wants to change it.
  std::chrono::milliseconds renewal = std::chrono::seconds(5);  ///< How often it is renewed.
};

/// Threads: renews itself on a thread of its own.
class ChangeLease {
 public:
  /// Takes the Lease `kubectl-redis-CLUSTER`. A holder of this machine whose process is gone has
  /// left it; any other has when it was not renewed for as long as it says (15 s), which is waited
  /// for. Who may not write Leases changes without one, and it is said.
  /// Errors: conflict (somebody renews it: says who, what and since when), cancelled, those of the
  /// server.
  static Result<std::unique_ptr<ChangeLease>> take(ports::KubePort& kube,
                                                   const ChangeWish& wish,
                                                   const Conduct& conduct);
  /// Gives it back; with what was kept, where that did not come to its end.
  ~ChangeLease();
  ChangeLease(const ChangeLease&) = delete;
  ChangeLease& operator=(const ChangeLease&) = delete;

  /// What whoever looks at the cluster is told of the change with the next renewal.
  void note(std::string progress);
  /// Keeps with the Lease what was set out to be done, for the same change begun again should this
  /// one not come to its end; "" once it has. Nothing is kept where Leases may not be written.
  /// Errors: conflict (it was lost), those of the server.
  Status keep(const std::string& begun);
  /// Whether somebody took it over, as after this machine slept: then nothing may be changed.
  bool lost() const noexcept { return lost_; }
  /// Waits until it is lost, for so long at the most.
  bool wait_until_lost(std::chrono::milliseconds time);

 private:
  ChangeLease(ports::KubePort& kube,
              ports::ResourcePath path,
              Json lease,
              std::chrono::milliseconds renewal);
  void renew(std::chrono::milliseconds pace);

  ports::KubePort& kube_;
  ports::ResourcePath path_;
  Json lease_;  ///< As the server has it; null where it may not be written.
  std::atomic<bool> lost_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
  bool ending_ = false;
  std::string progress_;
  std::string begun_;
  std::thread renewer_;
};

/// Who changes that cluster now. Nothing where nobody does, the Lease may not be read, or its
/// holder's process is gone from this machine.
std::optional<core::Change> change_under_way(ports::KubePort& kube,
                                             const std::string& namespace_,
                                             const std::string& cluster);

/// What the last one that did just that to the cluster had set out to do, did not end and kept;
/// empty where there is nothing of the kind.
std::string begun_by_earlier(ports::KubePort& kube,
                             const std::string& namespace_,
                             const std::string& cluster,
                             const std::string& doing);

}  // namespace kredis::plugin
