// SPDX-License-Identifier: Apache-2.0
//
// A KubePort over objects in memory, with tunnels that are socket pairs pumped to real addresses.
// Understands equality label selectors. What it was asked is kept for tests to look at.
#pragma once

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

  std::vector<std::string> selectors;  ///< Of every list call, in order.

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
  std::mutex mutex_;
  std::map<std::string, std::vector<Json>> objects_;
  std::map<std::string, Endpoint> routes_;
  std::map<std::string, Error> refusals_;
};

}  // namespace kredis::tests
