// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/controllers/node_lifecycle.hpp"

#include <algorithm>
#include <set>

#include "tests/sandbox/controllers/scheduler_parts.hpp"

namespace kredis::sandbox {
namespace {

constexpr const char* k_unreachable = "node.kubernetes.io/unreachable";
constexpr const char* k_unschedulable = "node.kubernetes.io/unschedulable";
constexpr auto k_heartbeat = std::chrono::milliseconds(500);
constexpr auto k_lease_renewal = std::chrono::seconds(10);

bool has_taint(const Json& node, const char* key) {
  const Json& taints = at(node, "spec.taints");
  return std::any_of(taints.begin(), taints.end(), [&](const Json& taint) {
    return text_at(taint, "key") == key;
  });
}

void put_taint(Json& node, const char* key, const char* effect, TimePoint now) {
  if (!has_taint(node, key)) {
    node["spec"]["taints"].push_back(
        {{"key", key}, {"effect", effect}, {"timeAdded", format_time(now)}});
  }
}

void drop_taint(Json& node, const char* key) {
  if (!has_taint(node, key)) {
    return;
  }
  Json kept = Json::array();
  for (const Json& taint : at(node, "spec.taints")) {
    if (text_at(taint, "key") != key) {
      kept.push_back(taint);
    }
  }
  if (kept.empty()) {
    node["spec"].erase("taints");
  } else {
    node["spec"]["taints"] = std::move(kept);
  }
}

void renew_lease(Context& context, const std::string& node) {
  const Key key{"coordination.k8s.io", "leases", "kube-node-lease", node};
  const Object lease = context.store.get(key);
  if (lease == nullptr) {
    ensure(context.store,
           key,
           {{"apiVersion", "coordination.k8s.io/v1"},
            {"kind", "Lease"},
            {"metadata", {{"name", node}, {"namespace", "kube-node-lease"}}},
            {"spec",
             {{"holderIdentity", node},
              {"leaseDurationSeconds", 40},
              {"renewTime", format_micro_time(context.now)}}}});
    return;
  }
  const auto renewed = parse_time(text_at(*lease, "spec.renewTime"));
  if (!renewed || *renewed + k_lease_renewal <= context.now) {
    update_status(context.store, key, [&](Json& changed) {
      changed["spec"]["renewTime"] = format_micro_time(context.now);
    });
  }
}

void mark_ready(Context& context, const Json& node) {
  if (condition_is_true(node, "Ready") && !has_taint(node, k_unreachable)) {
    return;
  }
  update_status(context.store, key_of("", "nodes", node), [&](Json& changed) {
    set_condition(
        changed, {"Ready", "True", "KubeletReady", "kubelet is posting ready status"}, context.now);
    drop_taint(changed, k_unreachable);
  });
}

void mark_unknown(Context& context, const Json& node) {
  update_status(context.store, key_of("", "nodes", node), [&](Json& changed) {
    set_condition(changed,
                  {"Ready", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status."},
                  context.now);
    put_taint(changed, k_unreachable, "NoExecute", context.now);
  });
  if (text_at(condition_of(node, "Ready"), "status") == "True") {
    record_event(context,
                 node,
                 {Severity::normal,
                  "NodeNotReady",
                  "Node " + name_of(node) + " status is now: NodeNotReady",
                  "node-controller"});
  }
}

// Cordoning shows as a taint too.
void sync_cordon_taint(Context& context, const Json& node) {
  if (true_at(node, "spec.unschedulable") == has_taint(node, k_unschedulable)) {
    return;
  }
  update_status(context.store, key_of("", "nodes", node), [&](Json& changed) {
    if (true_at(changed, "spec.unschedulable")) {
      put_taint(changed, k_unschedulable, "NoSchedule", context.now);
    } else {
      drop_taint(changed, k_unschedulable);
    }
  });
}

void fail_pods_of(Context& context, const Json& node) {
  const auto silent_since = parse_time(text_at(condition_of(node, "Ready"), "lastTransitionTime"));
  const TimePoint eviction = silent_since.value_or(context.now) + context.options.eviction_after;
  for (const Object& pod : context.store.list("", "pods")) {
    if (text_at(*pod, "spec.nodeName") != name_of(node) || pod_is_finished(*pod)) {
      continue;
    }
    const Key key = key_of("", "pods", *pod);
    update_status(context.store, key, [&](Json& changed) {
      if (condition_is_true(changed, "Ready")) {
        set_condition(changed, {"Ready", "False", "NodeNotReady"}, context.now);
      }
    });
    if (context.now >= eviction) {
      request_deletion(context.store, key, context.now);
    } else {
      context.call_again_at(eviction);
    }
  }
}

}  // namespace

void NodeLifecycle::look_at(Context& context, const Json& node) {
  const std::string name = name_of(node);
  const bool answers = !context.options.node_answers || context.options.node_answers(name);
  const auto known = last_answer_.try_emplace(name, context.now).first;
  if (answers) {
    known->second = context.now;
    renew_lease(context, name);
    mark_ready(context, node);
  } else if (context.now - known->second >= context.options.node_grace) {
    mark_unknown(context, node);
    if (const Object changed = context.store.get(key_of("", "nodes", node))) {
      fail_pods_of(context, *changed);
    }
  } else {
    context.call_again_at(known->second + context.options.node_grace);
  }
  sync_cordon_taint(context, node);
}

void NodeLifecycle::reconcile(Context& context) {
  for (const Object& node : context.store.list("", "nodes")) {
    look_at(context, *node);
  }
  context.call_again_at(context.now + k_heartbeat);
}

void collect_orphaned_pods(Context& context) {
  std::set<std::string> nodes;
  for (const Object& node : context.store.list("", "nodes")) {
    nodes.insert(name_of(*node));
  }
  for (const Object& pod : context.store.list("", "pods")) {
    const std::string node = text_at(*pod, "spec.nodeName");
    if (!node.empty() && !nodes.contains(node)) {
      static_cast<void>(context.store.remove(key_of("", "pods", *pod)));
    }
  }
}

}  // namespace kredis::sandbox
