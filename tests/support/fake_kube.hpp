// SPDX-License-Identifier: Apache-2.0
//
// A KubePort over objects in memory, with tunnels that are socket pairs pumped to real addresses.
// Understands label selectors of equality and presence, merge patches and resource versions; keeps
// uids; knows no controllers: `on_change` is where a test plays them. What it was asked is kept for
// tests. A watch ends at once, or, with a clock, goes on until its deadline by that clock.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "shared/ports/kube_port.hpp"

namespace kredis::tests {

struct Endpoint {
  std::string address;
  int port = 6379;
};

class FakeKube : public ports::KubePort {
 public:
  /// Adds or replaces an object, under its kind's plural and its own namespace and name.
  void put(const std::string& plural, const Json& object);
  /// Makes tunnels to `pod` end at `endpoint`.
  void route(const std::string& pod, Endpoint endpoint) { routes_[pod] = std::move(endpoint); }
  /// Makes every call about `plural` fail with `error`.
  void refuse(const std::string& plural, Error error) {
    refusals_.insert_or_assign(plural, std::move(error));
  }

  /// Takes an object away, as its controller would.
  void drop(const std::string& plural, const std::string& name);
  /// The object of that plural and name in any namespace; null when there is none.
  Json object(const std::string& plural, const std::string& name);

  std::vector<std::string> selectors;  ///< Of every list call, in order.
  std::vector<std::string> changes;  ///< "apply statefulsets/redis-app", ... those of dry runs too.
  /// Called after each change that was kept: what was done ("delete"), the plural, the object.
  std::function<void(const std::string&, const std::string&, const Json&)> on_change = {};
  /// Asked before each call, by its verb ("get", "list", "create", "apply", "patch", "delete",
  /// "watch", "logs"); an error is what the call then ends with.
  std::function<Status(const std::string&, const ports::ResourcePath&)> before = {};
  /// By which a watch waits. What its sleep brought about is told when it ends.
  ports::ClockPort* clock = nullptr;

  Result<Json> get(const ports::ResourcePath& path) override;
  Result<Json> list(const ports::ResourcePath& path, const ports::ListOptions& options) override;
  Result<Json> create(const ports::ResourcePath&, const Json&, ports::DryRun) override;
  Result<Json> apply(const ports::ResourcePath&, const Json&, ports::Force, ports::DryRun) override;
  Result<Json> merge_patch(const ports::ResourcePath&, const Json&, ports::DryRun) override;
  Result<Json> remove(const ports::ResourcePath&,
                      ports::Propagation,
                      const std::string&,
                      ports::DryRun) override;
  Status watch(const ports::ResourcePath&,
               const ports::ListOptions&,
               ports::Deadline,
               const std::function<ports::WatchStep(const ports::WatchEvent&)>&) override;
  Result<std::string> logs(
      const std::string&, const std::string&, const std::string&, int, bool) override;
  Result<bool> can_i(const ports::AccessQuestion&) override;
  Result<std::unique_ptr<ports::Tunnel>> open_tunnel(const std::string& namespace_,
                                                     const std::string& pod,
                                                     int port,
                                                     ports::Deadline deadline) override;
  Result<Json> server_version() override;

 private:
  Json* find(const ports::ResourcePath& path);
  Status allowed(const std::string& verb, const ports::ResourcePath& path);
  Json keep(const ports::ResourcePath& path, Json object);
  Result<Json> changed(const std::string& what,
                       const ports::ResourcePath& path,
                       Json object,
                       ports::DryRun dry_run);

  std::recursive_mutex mutex_;
  std::int64_t version_ = 0;
  std::map<std::string, std::vector<Json>> objects_;
  std::map<std::string, Endpoint> routes_;
  std::map<std::string, Error> refusals_;
};

}  // namespace kredis::tests
