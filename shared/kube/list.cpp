// SPDX-License-Identifier: Apache-2.0
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "shared/kube/client_impl.hpp"
#include "shared/kube/resource_url.hpp"

namespace kredis::kube {
namespace {

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

/// Makes `page` one whose items say what they are.
void name_items(Json& page, const std::string& api_version) {
  if (!page.contains("items") || !page["items"].is_array()) {
    page["items"] = Json::array();
  }
  const std::string kind = text_at(page, "/kind");
  for (Json& item : page["items"]) {
    name_kind(item, kind, api_version);
  }
}

}  // namespace

Headers content_headers(ports::Content content, Answer answer) {
  if (content == ports::Content::whole) {
    return {};
  }
  // What a watch sends is no list: asked for one first, an API server sends nothing at all.
  const std::string kind =
      answer == Answer::list ? "PartialObjectMetadataList" : "PartialObjectMetadata";
  return {{"Accept", "application/json;as=" + kind + ";g=meta.k8s.io;v=v1,application/json"}};
}

Status KubeClient::Impl::list_pages(const ports::ResourcePath& path,
                                    const ports::ListOptions& options,
                                    Deadline deadline,
                                    const std::function<ports::WatchStep(Page)>& take) {
  KREDIS_TRY(const std::string url, resource_url(path));
  std::string next;
  for (int restarts = 0;;) {
    Query query;
    query.add("limit", std::to_string(options.page_size)).add("continue", next);
    query.add("labelSelector", options.label_selector);
    query.add("fieldSelector", options.field_selector);
    auto page = call_json({.method = "GET",
                           .target = url + query.to_text(),
                           .request = {"list", path},
                           .repeat = Repeat::always,
                           .headers = content_headers(options.content, Answer::list)},
                          deadline);
    if (!page && !next.empty() && is_gone(page.error()) && restarts++ < k_restarts) {
      // The continue token has expired. The answer may bring another that goes on from a newer
      // version, but the list would then mix two (API reference, ListOptions.continue): from the
      // start, for one consistent view.
      next.clear();
      continue;
    }
    if (!page) {
      return page.error();
    }
    const bool is_first = next.empty();
    next = text_at(*page, "/metadata/continue");
    name_items(*page, path.type.api_version);
    if (take({std::move(*page), is_first}) == ports::WatchStep::stop || next.empty()) {
      return {};
    }
  }
}

Result<Json> KubeClient::Impl::list(const ports::ResourcePath& path,
                                    const ports::ListOptions& options,
                                    Deadline deadline) {
  Json whole;
  KREDIS_CHECK(list_pages(path, options, deadline, [&whole](Page page) {
    Json all = page.is_first ? Json::array() : std::move(whole["items"]);
    for (Json& item : page.content["items"]) {
      all.push_back(std::move(item));
    }
    // The last page's metadata is kept: its resourceVersion is the one of all pages.
    whole = std::move(page.content);
    whole["items"] = std::move(all);
    return ports::WatchStep::go_on;
  }));
  return whole;
}

}  // namespace kredis::kube
