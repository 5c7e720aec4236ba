// SPDX-License-Identifier: Apache-2.0
//
// The Kubernetes API as the rest of the product sees it: implements ports::KubePort over HTTPS.
#pragma once

#include <memory>
#include <string>

#include "shared/core/result.hpp"
#include "shared/kube/access.hpp"
#include "shared/ports/kube_port.hpp"

namespace kredis::kube {

class KubeClient : public ports::KubePort {
 public:
  struct Impl;
  explicit KubeClient(std::unique_ptr<Impl> impl);
  ~KubeClient() override;

  /// The namespace of the flags or the context, else "default".
  const std::string& default_namespace() const;
  /// Context, cluster and server in use, for messages; the first two are empty inside a cluster.
  const std::string& context() const;
  const std::string& cluster() const;
  const std::string& server() const;

  /// Ends every call now running, and all later ones until let_pass, with "interrupted".
  /// Threads: any; safe inside a signal handler. Tunnels that are open stay open.
  void cancel() noexcept;
  void let_pass() noexcept override;

  Result<Json> get(const ports::ResourcePath& path) override;
  Result<Json> list(const ports::ResourcePath& path, const ports::ListOptions& options) override;
  Result<Json> create(const ports::ResourcePath& path,
                      const Json& object,
                      ports::DryRun dry_run) override;
  Result<Json> apply(const ports::ResourcePath& path,
                     const Json& object,
                     ports::Force force,
                     ports::DryRun dry_run) override;
  Result<Json> merge_patch(const ports::ResourcePath& path,
                           const Json& patch,
                           ports::DryRun dry_run) override;
  Result<Json> remove(const ports::ResourcePath& path,
                      ports::Propagation propagation,
                      const std::string& uid,
                      ports::DryRun dry_run) override;
  Status watch(const ports::ResourcePath& path,
               const ports::ListOptions& options,
               ports::Deadline deadline,
               const std::function<ports::WatchStep(const ports::WatchEvent&)>& on_event) override;
  Result<std::string> logs(const std::string& namespace_,
                           const std::string& pod,
                           const std::string& container,
                           int tail_lines,
                           bool previous) override;
  Result<bool> can_i(const ports::AccessQuestion& question) override;
  Result<std::unique_ptr<ports::Tunnel>> open_tunnel(const std::string& namespace_,
                                                     const std::string& pod,
                                                     int port,
                                                     ports::Deadline deadline) override;
  Result<Json> server_version() override;

 private:
  std::unique_ptr<Impl> impl_;
};

/// Reads the kubeconfig that `options` and the environment name, and makes a client of it.
/// Talks to nobody yet. Errors: not_found, invalid_argument.
Result<std::unique_ptr<KubeClient>> connect(const KubeOptions& options);

/// The same with everything already found.
Result<std::unique_ptr<KubeClient>> connect(const Access& access, const KubeOptions& options);

}  // namespace kredis::kube
