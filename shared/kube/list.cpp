// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "shared/kube/client_impl.hpp"
#include "shared/kube/resource_url.hpp"

namespace kredis::kube {
namespace {

constexpr const char* k_page_size = "500";
/// A collection that changes faster than it can be read is read at most so often.
constexpr int k_restarts = 3;

/// 410 Gone is the only conflict that a read can meet.
bool is_gone(const Error& error) { return error.code == ErrorCode::conflict; }

}  // namespace

Result<Json> KubeClient::Impl::list(const ports::ResourcePath& path,
                                    const ports::ListOptions& options) {
  KREDIS_TRY(const std::string url, resource_url(path));
  Json whole;
  std::string next;
  for (int restarts = 0;;) {
    Query query;
    query.add("limit", k_page_size).add("continue", next);
    query.add("labelSelector", options.label_selector);
    query.add("fieldSelector", options.field_selector);
    auto page = call_json({.method = "GET",
                           .target = url + query.to_text(),
                           .request = {"list", path},
                           .repeat = Repeat::always});
    if (!page && !next.empty() && is_gone(page.error()) && restarts++ < k_restarts) {
      next.clear();  // The continue token has expired: from the start, for one consistent view.
      continue;
    }
    if (!page) {
      return page;
    }
    Json& items = (*page)["items"];
    if (!items.is_array()) {
      items = Json::array();
    }
    if (next.empty()) {
      whole = std::move(*page);
    } else {
      for (Json& item : items) {
        whole["items"].push_back(std::move(item));
      }
      whole["metadata"] = (*page)["metadata"];
    }
    const Json& metadata = whole["metadata"];
    next = metadata.is_object() ? metadata.value("continue", "") : "";
    if (next.empty()) {
      return whole;
    }
  }
}

}  // namespace kredis::kube
