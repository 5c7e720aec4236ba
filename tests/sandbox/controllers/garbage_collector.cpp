// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/controllers/garbage_collector.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "tests/sandbox/controllers/kinds.hpp"

namespace kredis::sandbox {
namespace {

constexpr const char* k_foreground = "foregroundDeletion";
constexpr const char* k_orphan = "orphan";

struct Entry {
  Key key;
  Object object;
};

struct Graph {
  std::vector<Entry> all;
  std::set<std::string> alive;                             // uids
  std::multimap<std::string, const Entry*> dependents_of;  // by owner's uid
};

Graph build_graph(const Store& store) {
  Graph graph;
  for (const Kind& kind : k_kinds) {
    for (const Object& object : store.list(kind.group, kind.resource)) {
      graph.all.push_back({key_of(kind.group, kind.resource, *object), object});
    }
  }
  for (const Entry& entry : graph.all) {
    graph.alive.insert(uid_of(*entry.object));
    for (const Json& owner : at(*entry.object, "metadata.ownerReferences")) {
      graph.dependents_of.emplace(text_at(owner, "uid"), &entry);
    }
  }
  return graph;
}

// An owner of a kind that nobody lists cannot be known to be gone.
bool is_gone(const Graph& graph, const Json& owner) {
  const bool listed = std::any_of(k_kinds.begin(), k_kinds.end(), [&](const Kind& kind) {
    return text_at(owner, "kind") == kind.kind;
  });
  return listed && !graph.alive.contains(text_at(owner, "uid"));
}

bool lost_all_owners(const Graph& graph, const Json& object) {
  const Json& owners = at(object, "metadata.ownerReferences");
  return !owners.empty() && std::all_of(owners.begin(), owners.end(), [&](const Json& owner) {
    return is_gone(graph, owner);
  });
}

void drop_owner(Store& store, const Key& key, const std::string& uid) {
  update_status(store, key, [&](Json& changed) {
    Json kept = Json::array();
    for (const Json& owner : at(changed, "metadata.ownerReferences")) {
      if (text_at(owner, "uid") != uid) {
        kept.push_back(owner);
      }
    }
    if (kept.empty()) {
      changed["metadata"].erase("ownerReferences");
    } else {
      changed["metadata"]["ownerReferences"] = std::move(kept);
    }
  });
}

bool blocks(const Json& dependent, const std::string& owner_uid) {
  const Json& owners = at(dependent, "metadata.ownerReferences");
  return std::any_of(owners.begin(), owners.end(), [&](const Json& owner) {
    return text_at(owner, "uid") == owner_uid && true_at(owner, "blockOwnerDeletion");
  });
}

// A dependent with dependents of its own is deleted in the foreground too.
void delete_in_foreground(Context& context, const Graph& graph, const Entry& entry) {
  if (graph.dependents_of.contains(uid_of(*entry.object)) && !is_terminating(*entry.object)) {
    update_status(
        context.store, entry.key, [](Json& changed) { add_finalizer(changed, k_foreground); });
  }
  request_deletion(context.store, entry.key, context.now);
}

void finish_deletion(Context& context, const Graph& graph, const Entry& entry) {
  const std::string uid = uid_of(*entry.object);
  const auto [first, last] = graph.dependents_of.equal_range(uid);
  if (has_finalizer(*entry.object, k_orphan)) {
    for (auto item = first; item != last; ++item) {
      drop_owner(context.store, item->second->key, uid);
    }
    update_status(
        context.store, entry.key, [](Json& changed) { remove_finalizer(changed, k_orphan); });
    return;
  }
  bool blocked = false;
  for (auto item = first; item != last; ++item) {
    blocked = blocked || blocks(*item->second->object, uid);
    delete_in_foreground(context, graph, *item->second);
  }
  if (!blocked) {
    update_status(
        context.store, entry.key, [](Json& changed) { remove_finalizer(changed, k_foreground); });
  }
}

}  // namespace

void collect_garbage(Context& context) {
  const Graph graph = build_graph(context.store);
  for (const Entry& entry : graph.all) {
    if (lost_all_owners(graph, *entry.object)) {
      request_deletion(context.store, entry.key, context.now);
    } else if (is_terminating(*entry.object) && (has_finalizer(*entry.object, k_foreground) ||
                                                 has_finalizer(*entry.object, k_orphan))) {
      finish_deletion(context, graph, entry);
    }
  }
}

}  // namespace kredis::sandbox
