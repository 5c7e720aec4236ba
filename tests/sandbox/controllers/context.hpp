// SPDX-License-Identifier: Apache-2.0
//
// What one pass of the controllers works with: the store, the time, the sandbox's options, and the
// next moment at which something is due though nothing changes.
#pragma once

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "tests/sandbox/controllers/addresses.hpp"
#include "tests/sandbox/controllers/objects.hpp"

namespace kredis::sandbox {

struct NodeSpec {
  std::string name;
  std::string zone;
};

/// Whether claims that name no storage class get the sandbox's own.
enum class DefaultClass { present, absent };

struct ControllerOptions {
  std::filesystem::path
      state_dir;  ///< Volumes go to state_dir/volumes, hosts files to state_dir/hosts.
  std::vector<NodeSpec> nodes = {{"node-a", "zone-a"}, {"node-b", "zone-b"}, {"node-c", "zone-c"}};
  AddressPlan addresses = {};
  DefaultClass default_class = DefaultClass::present;
  int api_port = 6443;
  std::string server_version = "v1.32.0";
  std::chrono::milliseconds node_grace{2'000};        ///< Silent for longer: NotReady.
  std::chrono::milliseconds eviction_after{300'000};  ///< NotReady for longer: pods are deleted.
  /// Whether the agent of that node answers; without it every node does.
  std::function<bool(const std::string& node)> node_answers = {};
  /// Creates a pod as the API server would, with its defaults and admission; the store when empty.
  std::function<Result<Object>(const Key&, Json)> create_pod = {};
  /// What every namespace's ConfigMap kube-root-ca.crt holds; none is made without it.
  std::function<std::string()> ca_certificate = {};
};

struct Context {
  Store& store;
  const ControllerOptions& options;
  TimePoint now;
  TimePoint due = TimePoint::max();  ///< The earliest moment somebody asked to be called at.

  void call_again_at(TimePoint moment) { due = std::min(due, moment); }
};

/// The key of a namespaced or cluster-wide object that carries its own name.
Key key_of(const std::string& group, const std::string& resource, const Json& object);

/// Creates an object; somebody else having been quicker is fine.
void ensure(Store& store, const Key& key, Json object);

/// Deletes as `kubectl delete` does: finalizers and, for pods on a node, the grace period hold it.
void request_deletion(Store& store, const Key& key, TimePoint now);

enum class Severity { normal, warning };
struct Happening {
  Severity severity;
  std::string reason;
  std::string message;
  std::string component;
};
/// Writes an Event about `about`, or counts the same one up.
void record_event(Context& context, const Json& about, const Happening& happening);

/// Replaces `status` when it differs.
void update_status(Store& store, const Key& key, const std::function<void(Json&)>& change);

}  // namespace kredis::sandbox
