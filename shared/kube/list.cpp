// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <string_view>
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
      // The continue token has expired: from the start, for one consistent view.
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
