// SPDX-License-Identifier: Apache-2.0
//
// Every kind of finding that the table knows occurs, and nothing else does.
#include "shared/core/findings/finding_kinds.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "shared/core/findings/finding.hpp"
#include "shared/core/findings/survival.hpp"
#include "shared/core/findings/told_apart.hpp"
#include "tests/support/builders.hpp"

namespace kredis::core {
namespace {

using testing::edit_nodes;
using testing::node_id;
using testing::ViewBuilder;
using Change = std::function<void(Member&)>;

constexpr std::int64_t k_mib = 1 << 20;

/// Replicas one Kubernetes node further than their masters.
ViewBuilder spread_out() {
  ViewBuilder builder = ViewBuilder::whole(3, 1);
  builder.on(3, "node-1", "zone-1").on(4, "node-2", "zone-2").on(5, "node-0", "zone-0");
  return builder;
}

ViewBuilder with(int pod, const Change& change) {
  ViewBuilder builder = spread_out();
  builder.edit(pod, change);
  return builder;
}

ViewBuilder with_all(const std::function<void(Member&)>& change) {
  ViewBuilder builder = spread_out();
  for (int pod = 0; pod < 6; ++pod) {
    builder.edit(pod, change);
  }
  return builder;
}

ViewBuilder with_node(const Node& node) {
  return with_all([node](Member& member) { edit_nodes(member)->push_back(node); });
}

Node stranger(bool failed, const char* slots = "") {
  Node node{.id = node_id(99)};
  node.address.ip = "10.9.9.9";
  node.flags.fail = failed;
  node.slots = SlotSet::parse(slots).value();
  return node;
}

ViewBuilder with_server(int pod, const std::function<void(ServerInfo&)>& change) {
  return with(pod, [change](Member& member) { change(*member.server); });
}

ViewBuilder without(const std::vector<int>& pods) {
  ViewBuilder builder = spread_out();
  for (const int pod : pods) {
    builder.edit(pod, [](Member& member) { member.pod.running = false; }).silent(pod);
  }
  return builder;
}

ViewBuilder two_in_one() {
  ViewBuilder builder = ViewBuilder::whole(3, 3);
  for (int pod = 0; pod < 12; ++pod) {
    const std::string name = pod < 6 ? "blue" : "red";
    builder.on(pod, "node-" + std::to_string(pod), "");
    builder.edit(pod, [name](Member& member) {
      member.pod.owner = "statefulset/" + name;
      member.pod.labels = {{"app", name}, {"tier", "cache"}};
    });
  }
  return builder;
}

/// Pod 1 has lost its slots in everybody's eyes but its own.
ViewBuilder forgotten_master() {
  ViewBuilder builder = spread_out();
  for (int pod = 0; pod < 6; ++pod) {
    builder.edit(pod, [pod](Member& member) {
      if (pod == 1) {
        std::erase_if(*edit_nodes(member), [](const Node& node) { return !node.flags.myself; });
        return;
      }
      std::erase_if(*edit_nodes(member), [](const Node& node) { return node.id == node_id(1); });
    });
  }
  return builder;
}

ViewBuilder denied() {
  return with(0, [](Member& member) {
    edit_nodes(member)[0].slots.erase(SlotSet::parse("0").value());
    edit_nodes(member)[1].slots.insert(SlotSet::parse("0").value());
  });
}

ViewBuilder on_one_zone() {
  ViewBuilder builder = spread_out();
  builder.on(0, "a", "zone-0").on(1, "b", "zone-0").on(2, "c", "zone-0");
  builder.on(3, "d", "zone-0").on(4, "e", "zone-1").on(5, "f", "zone-1");
  return builder;
}

ViewBuilder on_one_node() {
  ViewBuilder builder = spread_out();
  for (int pod = 0; pod < 6; ++pod) {
    builder.on(pod, "node-0", "zone-0");
  }
  return builder;
}

ViewBuilder uneven() {
  ViewBuilder builder{7};
  builder.slots(0, "0-5460").slots(1, "5461-10922").slots(2, "10923-16383");
  builder.replica(3, 0).replica(4, 0).replica(5, 0).replica(6, 1).all_met().shape(3, 0);
  return builder;
}

ViewBuilder piled_up_masters() {
  ViewBuilder builder = ViewBuilder::whole(9, 1);
  const std::string nodes =
      "000011122"
      "111200000";  // Nine masters, then the replica of each.
  for (int pod = 0; pod < 18; ++pod) {
    builder.on(pod, std::string("node-") + nodes[static_cast<std::size_t>(pod)], "");
  }
  return builder;
}

ViewBuilder outside() {
  ViewBuilder builder{6};
  builder.slots(0, "0-5460").slots(1, "5461-10922").slots(2, "10923-16383");
  builder.replica(3, 0).replica(4, 1).met({0, 1, 2, 3, 4}).shape(3, 1);
  return builder;
}

void say_refused(Member& member) {
  member.server.reset();
  member.trouble = Error::unauthorized("NOPERM this user has no permissions to run INFO");
}

/// What makes each of them: a table. NOLINTNEXTLINE(readability-function-size)
const std::map<std::string, std::function<ViewBuilder()>>& makers() {
  static const std::map<std::string, std::function<ViewBuilder()>> k_makers{
      {"kubernetes-node-lost",
       [] { return with(0, [](Member& it) { it.pod.node_trouble = "NodeStatusUnknown"; }); }},
      {"clusters-merged", two_in_one},
      {"twin-node",
       [] {
         return with(5, [](Member& it) {
           edit_nodes(it)[5].flags.myself = false;
           edit_nodes(it)[1].flags.myself = true;
         });
       }},
      {"not-initialised", [] { return ViewBuilder{6}; }},
      {"no-majority",
       [] {
         return without({0, 1});
       }},
      {"slots-uncovered", [] { return spread_out().slots(1, "5462-10922"); }},
      {"slots-denied", denied},
      {"slots-failed", [] { return with_node(stranger(true, "16383")); }},
      {"slots-open",
       [] {
         return with(0, [](Member& it) {
           edit_nodes(it)[0].open_slots = {
               {.slot = 7, .direction = OpenSlot::Direction::importing, .other = node_id(1)}};
         });
       }},
      {"keys-astray", [] { return with(0, [](Member& it) {
                             it.stray_keys = {{16'383, 2}};
                           }); }},
      {"keys-uncounted",
       [] {
         return with(0, [](Member& it) { it.stray_trouble = Error::timeout("it did not answer"); });
       }},
      {"slots-moving",
       [] {
         return with(0, [](Member& it) {
           it.jobs = {
               {.id = "1", .source = node_id(0), .target = node_id(1), .words = "streaming"}};
         });
       }},
      {"views-disagree",
       [] { return with(2, [](Member& it) { edit_nodes(it)[0].slots = SlotSet{}; }); }},
      {"cluster-state-fail",
       [] { return with(4, [](Member& it) { it.cluster->state_ok = false; }); }},
      {"pod-not-running", [] { return without({5}); }},
      {"pod-not-ready", [] { return with(1, [](Member& it) { it.pod.ready = false; }); }},
      {"pods-missing", [] { return spread_out().shape(3, 2); }},
      {"no-answer", [] { return spread_out().silent(5); }},
      {"info-refused", [] { return with(4, say_refused); }},
      {"loading", [] { return with_server(4, [](ServerInfo& it) { it.loading = true; }); }},
      {"only-copy-outside", forgotten_master},
      {"address-stale",
       [] {
         return with(0, [](Member& it) {
           edit_nodes(it)[3].address.ip = "10.0.0.99";
           edit_nodes(it)[3].flags.fail = true;
         });
       }},
      {"ghost-node", [] { return with_node(stranger(true)); }},
      {"foreign-node", [] { return with_node(stranger(false)); }},
      {"pod-outside", outside},
      {"replica-astray",
       [] { return with_all([](Member& it) { edit_nodes(it)[5].master = node_id(4); }); }},
      {"masters-uneven", piled_up_masters},
      {"master-without-slots",
       [] {
         return outside().met({0, 1, 2, 3, 4, 5});
       }},
      {"no-masterauth",
       [] {
         return with_server(0, [](ServerInfo& it) {
           it.wants_password = true;
           it.gives_password = false;
         });
       }},
      {"node-timeout-short",
       [] { return with_server(0, [](ServerInfo& it) { it.node_timeout_ms = 207; }); }},
      {"no-replica", outside},
      {"replicas-uneven", uneven},
      {"replica-link-down",
       [] { return with_server(4, [](ServerInfo& it) { it.master_link_up = false; }); }},
      {"replica-no-failover",
       [] { return with_all([](Member& it) { edit_nodes(it)[4].flags.nofailover = true; }); }},
      {"replication-lag",
       [] { return with_server(0, [](ServerInfo& it) { it.replication_offset = 99 * k_mib; }); }},
      {"one-node", on_one_node},
      {"replica-on-masters-node", [] { return spread_out().on(3, "node-0", "zone-0"); }},
      {"replica-in-masters-zone", on_one_zone},
      {"majority-on-one-node", [] { return spread_out().on(1, "node-0", "zone-0"); }},
      {"majority-on-one-zone", on_one_zone},
      {"node-holds-last-copy",
       [] { return with_server(4, [](ServerInfo& it) { it.master_link_up = false; }); }},
      {"snapshots-fail",
       [] { return with_server(0, [](ServerInfo& it) { it.snapshot_failed = true; }); }},
      {"memory-full",
       [] { return with_server(0, [](ServerInfo& it) { it.max_memory_bytes = 1; }); }},
      {"too-few-replicas-to-write",
       [] {
         return with_server(0, [](ServerInfo& it) {
           it.good_replicas = 1;
           it.least_replicas = 2;
         });
       }},
      {"no-persistence",
       [] {
         return with_server(0, [](ServerInfo& it) {
           it.aof_enabled = false;
           it.rdb_enabled = false;
         });
       }},
      {"maxmemory-over-limit",
       [] {
         return with(0, [](Member& it) {
           it.pod.memory_limit_bytes = 100 * k_mib;
           it.server->max_memory_bytes = 101 * k_mib;
         });
       }},
      {"fork-headroom",
       [] {
         return with(0, [](Member& it) {
           it.pod.memory_limit_bytes = 100 * k_mib;
           it.server->used_memory_bytes = 70 * k_mib;
         });
       }},
      {"maxmemory-headroom",
       [] {
         return with(0, [](Member& it) {
           it.pod.memory_limit_bytes = 100 * k_mib;
           it.server->max_memory_bytes = 80 * k_mib;
         });
       }},
      {"mixed-versions",
       [] { return with_server(0, [](ServerInfo& it) { it.version = "8.0.1"; }); }},
      {"few-masters", [] { return ViewBuilder::whole(2, 0); }},
      {"even-masters", [] { return ViewBuilder::whole(4, 0); }},
  };
  return k_makers;
}

TEST_SUITE("core/finding_kinds") {
  TEST_CASE("every kind of finding occurs, with a remedy, and reads as sentences") {
    CHECK(makers().size() == finding_kinds().size());
    for (const FindingKind& kind : finding_kinds()) {
      CAPTURE(std::string{kind.id});
      const auto maker = makers().find(std::string{kind.id});
      REQUIRE(maker != makers().end());
      const auto found = find_trouble(maker->second().build());
      const auto it = std::ranges::find(found, kind.id, &Finding::id);
      REQUIRE(it != found.end());
      CHECK_FALSE(it->message.empty());
      CHECK_FALSE(it->remedy.to_text().empty());
      CHECK((it->remedy.kind == Remedy::Kind::by_hand) == it->remedy.command.empty());
      for (const std::string_view text : {kind.why, kind.data, kind.mend}) {
        CHECK(text.ends_with('.'));
      }
      CHECK_FALSE(kind.title.ends_with('.'));
    }
  }

  TEST_CASE("no finding occurs that the table does not know") {
    for (const auto& [id, make] : makers()) {
      for (const Finding& finding : find_trouble(make().build())) {
        CAPTURE(finding.id);
        CHECK(find_finding_kind(finding.id) != nullptr);
      }
    }
  }

  TEST_CASE("a twin is named only where it came later and holds no more") {
    const auto remedy_with = [](std::int64_t uptime, std::int64_t keys) {
      ViewBuilder builder = makers().at("twin-node")();
      builder.edit(5, [=](Member& member) {
        member.server->uptime_seconds = uptime;
        member.server->keys = keys;
      });
      builder.edit(1, [](Member& member) {
        member.server->uptime_seconds = 100;
        member.server->keys = 7;
      });
      const auto found = find_trouble(builder.build());
      return std::ranges::find(found, "twin-node", &Finding::id)->remedy;
    };
    CHECK(remedy_with(5, 7).command.ends_with("node reset redis -n default --pod redis-app-5"));
    CHECK(remedy_with(500, 9).command.ends_with("--pod redis-app-1"));
    CHECK(remedy_with(5, 8).kind == Remedy::Kind::shows);
    CHECK(remedy_with(100, 7).kind == Remedy::Kind::shows);
  }

  TEST_CASE("two clusters in one are broken, and told in one finding") {
    const ClusterView view = two_in_one().build();
    const auto found = find_trouble(view);
    CHECK(health_of(view, found) == Health::broken);
    CHECK(std::ranges::count(found, Severity::error, &Finding::severity) == 1);
  }

  TEST_CASE("workloads are parts of one cluster by a label or by their names") {
    const auto named = [](const std::string& one, const std::string& other, bool label) {
      ViewBuilder builder = ViewBuilder::whole(3, 1);
      for (int pod = 0; pod < 6; ++pod) {
        builder.edit(pod, [=](Member& member) {
          member.pod.owner = "statefulset/" + (pod < 3 ? one : other);
          member.pod.labels = {{"app", label ? "x" : member.pod.owner}, {"role", "db"}};
        });
      }
      return clusters_told_apart(builder.build()).size();
    };
    CHECK(named("shop-leader", "shop-follower", false) == 1);
    CHECK(named("shop-a", "shop-b", false) == 1);
    CHECK(named("rc-zone-0", "rc-zone-1", false) == 1);
    CHECK(named("red", "blue", true) == 1);
    CHECK(named("red", "blue", false) == 2);
    CHECK(named("shop-cache", "shop-sessions", false) == 2);
  }

  TEST_CASE("the only copy of slots outside the cluster is a loss wherever it runs") {
    const ClusterView view = forgotten_master().build();
    const auto found = find_trouble(view);
    CHECK(std::ranges::find(found, "slots-uncovered", &Finding::id) == found.end());
    CHECK(loss_of(view, {"redis-app-1"}).slots == SlotSet::parse("5461-10922").value());
    CHECK_FALSE(survival_of(view).nodes.at("node-1").survived());
  }
}

}  // namespace
}  // namespace kredis::core
