// SPDX-License-Identifier: Apache-2.0
//
// Ports that pass everything on to one that somebody else keeps: a Session owns what it is given,
// and a test wants to look at its fakes afterwards.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "shared/ports/kube_port.hpp"
#include "shared/ports/redis_port.hpp"

namespace kredis::tests {

class LentKube : public ports::KubePort {
 public:
  explicit LentKube(ports::KubePort& kube) : kube_(kube) {}

  Result<Json> get(const ports::ResourcePath& path) override { return kube_.get(path); }
  Result<Json> list(const ports::ResourcePath& path, const ports::ListOptions& options) override {
    return kube_.list(path, options);
  }
  Result<Json> create(const ports::ResourcePath& path,
                      const Json& object,
                      ports::DryRun dry_run) override {
    return kube_.create(path, object, dry_run);
  }
  Result<Json> apply(const ports::ResourcePath& path,
                     const Json& object,
                     ports::Force force,
                     ports::DryRun dry_run) override {
    return kube_.apply(path, object, force, dry_run);
  }
  Result<Json> merge_patch(const ports::ResourcePath& path,
                           const Json& patch,
                           ports::DryRun dry_run) override {
    return kube_.merge_patch(path, patch, dry_run);
  }
  Result<Json> remove(const ports::ResourcePath& path,
                      ports::Propagation propagation,
                      const std::string& uid,
                      ports::DryRun dry_run) override {
    return kube_.remove(path, propagation, uid, dry_run);
  }
  Status watch(const ports::ResourcePath& path,
               const ports::ListOptions& options,
               ports::Deadline deadline,
               const std::function<ports::WatchStep(const ports::WatchEvent&)>& on_event) override {
    return kube_.watch(path, options, deadline, on_event);
  }
  Result<std::string> logs(const std::string& namespace_,
                           const std::string& pod,
                           const std::string& container,
                           int tail_lines,
                           bool previous) override {
    return kube_.logs(namespace_, pod, container, tail_lines, previous);
  }
  Result<bool> can_i(const ports::AccessQuestion& question) override {
    return kube_.can_i(question);
  }
  Result<std::unique_ptr<ports::Tunnel>> open_tunnel(const std::string& namespace_,
                                                     const std::string& pod,
                                                     int port,
                                                     ports::Deadline deadline) override {
    return kube_.open_tunnel(namespace_, pod, port, deadline);
  }
  Result<Json> server_version() override { return kube_.server_version(); }

 private:
  ports::KubePort& kube_;
};

class LentRedis : public ports::RedisPort {
 public:
  explicit LentRedis(ports::RedisPort& redis) : redis_(redis) {}

  Result<std::unique_ptr<ports::RedisConnection>> connect(const ports::RedisTarget& target,
                                                          ports::Deadline deadline) override {
    return redis_.connect(target, deadline);
  }
  core::Command login() const override { return redis_.login(); }

 private:
  ports::RedisPort& redis_;
};

}  // namespace kredis::tests
