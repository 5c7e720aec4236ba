// SPDX-License-Identifier: Apache-2.0
//
// What KubeClient is made of; for this folder's own source files.
#pragma once

#include <functional>
#include <memory>

#include "shared/kube/client.hpp"
#include "shared/kube/port_forward.hpp"
#include "shared/kube/rest.hpp"

namespace kredis::kube {

struct KubeClient::Impl {
  std::unique_ptr<RestClient> rest;
  Tunnels tunnels;

  /// Makes a call whose answer is a JSON object.
  Result<Json> call_json(const Call& call, Deadline deadline = Deadline::max());
  /// Reads a whole collection; every item says its kind.
  Result<Json> list(const ports::ResourcePath& path,
                    const ports::ListOptions& options,
                    Deadline deadline = Deadline::max());

  /// A part of a collection: `items` and `metadata`, whose resourceVersion is the same in all.
  struct Page {
    Json content;
    bool is_first = false;  ///< Also when the list had to begin anew: what came before is void.
  };
  /// Gives the pages of a collection to `take` as they come, so that only one is in memory, until
  /// it says stop.
  Status list_pages(const ports::ResourcePath& path,
                    const ports::ListOptions& options,
                    Deadline deadline,
                    const std::function<ports::WatchStep(Page)>& take);
};

/// The header that asks for as much of each object as `content` says; none for whole objects. What
/// a server sends that knows no metadata alone is taken, too.
enum class Answer { list, objects };
Headers content_headers(ports::Content content, Answer answer);

}  // namespace kredis::kube
