// SPDX-License-Identifier: Apache-2.0
//
// What the product needs of a Kubernetes API server. shared/kube implements it; tests fake it.
// Conventions: https://kubernetes.io/docs/reference/using-api/api-concepts/
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "shared/core/result.hpp"
#include "shared/json/json.hpp"
#include "shared/ports/clock.hpp"

namespace kredis::ports {

/// Names one kind of resource, for example {"apps/v1", "statefulsets"} or {"v1", "pods"}.
struct ResourceType {
  std::string api_version;
  std::string plural;
  friend bool operator==(const ResourceType&, const ResourceType&) = default;
};

/// Names one object, or with an empty `name` a collection; an empty `namespace_` is cluster scope
/// (or, for a collection of a namespaced type, all namespaces).
struct ResourcePath {
  ResourceType type;
  std::string namespace_;
  std::string name = {};
  std::string subresource = {};  ///< "scale", "status", "eviction", ... or empty.
};

/// How much of each object is asked for.
enum class Content {
  whole,
  metadata,  ///< No more than metadata (API Concepts, "Metadata-only fetches"); a kind of its own.
};

struct ListOptions {
  std::string label_selector = {};
  std::string field_selector = {};
  Content content = Content::whole;
  int page_size = 500;  ///< Objects an answer; kubectl's own (--chunk-size).
};

enum class DryRun { no, server };
enum class Force { no, yes };
enum class Propagation { background, foreground, orphan };

struct WatchEvent {
  enum class Kind { added, modified, deleted, bookmark };
  Kind kind;
  Json object;
};

/// Whether `event` is the bookmark after a list, in the words of streaming lists (API Concepts,
/// "Streaming lists"): all that there was has been told, and what was not told is gone.
inline bool ends_list(const WatchEvent& event) {
  return event.kind == WatchEvent::Kind::bookmark &&
         annotation_of(event.object, "k8s.io/initial-events-end") == "true";
}

/// What the watcher wants after an event.
enum class WatchStep { go_on, stop };

/// One access question, as SelfSubjectAccessReview asks it.
struct AccessQuestion {
  std::string verb;
  std::string group;     ///< "" is the core group.
  std::string resource;  ///< Plural, with "/subresource" where one is meant.
  std::string namespace_;
  std::string name = {};
};

/// A two-way byte stream to a port of a pod, through the API server.
/// `take_fd` gives a connected socket that the caller owns; closing it ends the tunnel.
class Tunnel {
 public:
  virtual ~Tunnel() = default;
  virtual int take_fd() = 0;
  /// What the far side said went wrong ("connection refused" in the pod), or empty.
  virtual std::string failure() const = 0;
};

/// Threads: every member may be called from several threads at once.
/// Errors, all calls: unreachable, unauthorized (names verb and resource, hints at the RBAC rule),
/// not_found, conflict, invalid_argument (the server refused the object), timeout, protocol.
class KubePort {
 public:
  virtual ~KubePort() = default;

  /// Calls pass again after an interruption, for who puts back what must not stay.
  virtual void let_pass() noexcept {}

  virtual Result<Json> get(const ResourcePath& path) = 0;
  /// Follows `continue`; the answer has all `items` and the list's metadata.resourceVersion.
  virtual Result<Json> list(const ResourcePath& path, const ListOptions& options) = 0;
  virtual Result<Json> create(const ResourcePath& path, const Json& object, DryRun dry_run) = 0;
  /// Server-side apply with field manager `kubectl-redis`.
  virtual Result<Json> apply(const ResourcePath& path,
                             const Json& object,
                             Force force,
                             DryRun dry_run) = 0;
  /// RFC 7386 merge patch.
  virtual Result<Json> merge_patch(const ResourcePath& path, const Json& patch, DryRun dry_run) = 0;
  /// Deletes one object. `uid` guards against deleting a namesake; empty for no guard.
  virtual Result<Json> remove(const ResourcePath& path,
                              Propagation propagation,
                              const std::string& uid,
                              DryRun dry_run) = 0;
  /// Calls `on_event` for all that is there (as `added`), then with a bookmark that says so
  /// (`ends_list`), and then for every change since, until it says stop or the deadline passes
  /// (error: timeout). Survives a dropped connection. Where the API server has forgotten the
  /// changes (410 Gone) it ends as at its deadline: the next call begins with a list again.
  virtual Status watch(const ResourcePath& path,
                       const ListOptions& options,
                       Deadline deadline,
                       const std::function<WatchStep(const WatchEvent&)>& on_event) = 0;
  virtual Result<std::string> logs(const std::string& namespace_,
                                   const std::string& pod,
                                   const std::string& container,
                                   int tail_lines,
                                   bool previous) = 0;
  virtual Result<bool> can_i(const AccessQuestion& question) = 0;
  virtual Result<std::unique_ptr<Tunnel>> open_tunnel(const std::string& namespace_,
                                                      const std::string& pod,
                                                      int port,
                                                      Deadline deadline) = 0;
  /// GET /version.
  virtual Result<Json> server_version() = 0;
};

}  // namespace kredis::ports
