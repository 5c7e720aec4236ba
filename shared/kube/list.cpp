// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <string_view>
#include <utility>

#include "shared/kube/client_impl.hpp"
#include "shared/kube/resource_url.hpp"

namespace kredis::kube {
namespace {

/// kubectl's own (--chunk-size): one answer stays small for the server and for etcd.
constexpr const char* k_page_size = "500";
/// A collection that changes faster than it can be read is read at most so often.
constexpr int k_restarts = 3;

/// 410 Gone is the only conflict that a read can meet: etcd has compacted the version that the
/// continue token names, usually after five minutes.
bool is_gone(const Error& error) { return error.code == ErrorCode::conflict; }

/// Items of a list carry neither kind nor apiVersion; objects from everywhere else do.
void name_kind(Json& item, const std::string& list_kind, const std::string& api_version) {
  constexpr std::string_view k_suffix = "List";
  const bool is_list = list_kind.size() > k_suffix.size() && list_kind.ends_with(k_suffix);
  if (is_list && item.is_object() && !item.contains("kind")) {
    item["kind"] = list_kind.substr(0, list_kind.size() - k_suffix.size());
    item["apiVersion"] = api_version;
  }
}

/// Moves the items of `page` behind those of `whole`.
void add_page(Json& whole, Json page, const std::string& api_version) {
  Json items =
      page.contains("items") && page["items"].is_array() ? std::move(page["items"]) : Json::array();
  Json all = whole.is_object() ? std::move(whole["items"]) : Json::array();
  const std::string kind = text_at(page, "/kind");
  for (Json& item : items) {
    name_kind(item, kind, api_version);
    all.push_back(std::move(item));
  }
  // The last page's metadata is kept: its resourceVersion is the one of all pages.
  whole = std::move(page);
  whole["items"] = std::move(all);
}

}  // namespace

Result<Json> KubeClient::Impl::list(const ports::ResourcePath& path,
                                    const ports::ListOptions& options,
                                    Deadline deadline) {
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
                           .repeat = Repeat::always},
                          deadline);
    if (!page && !next.empty() && is_gone(page.error()) && restarts++ < k_restarts) {
      // The continue token has expired. The answer may bring another that goes on from a newer
      // version, but the list would then mix two (API reference, ListOptions.continue): from the
      // start, for one consistent view.
      next.clear();
      whole = Json();
      continue;
    }
    if (!page) {
      return page;
    }
    add_page(whole, std::move(*page), path.type.api_version);
    next = text_at(whole, "/metadata/continue");
    if (next.empty()) {
      return whole;
    }
  }
}

}  // namespace kredis::kube
