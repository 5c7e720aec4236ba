// SPDX-License-Identifier: Apache-2.0
#include "shared/core/findings/finding.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "shared/core/text.hpp"
#include "tests/support/builders.hpp"

namespace kredis::core {
namespace {

using testing::edit_nodes;
using testing::node_id;
using testing::ViewBuilder;

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string ids_of(const std::vector<Finding>& findings) {
  std::string ids;
  for (const Finding& finding : findings) {
    ids += (ids.empty() ? "" : " ") + finding.id;
  }
  return ids;
}

/// The one finding with this id; fails the test when there is none or more.
Finding only(const ViewBuilder& builder, const std::string& id) {
  const auto found = find_trouble(builder.build());
  INFO("found: ", ids_of(found));
  REQUIRE(std::ranges::count(found, id, &Finding::id) == 1);
  const Finding finding = *std::ranges::find(found, id, &Finding::id);
  CHECK_FALSE(finding.remedy.to_text().empty());
  return finding;
}

Health health(const ViewBuilder& builder) {
  const ClusterView view = builder.build();
  return health_of(view, find_trouble(view));
}

/// Replicas one Kubernetes node further than their masters.
ViewBuilder healthy() {
  ViewBuilder builder = ViewBuilder::whole(3, 1);
  builder.on(3, "node-1", "zone-1").on(4, "node-2", "zone-2").on(5, "node-0", "zone-0");
  return builder;
}

Node ghost(const char* slots) {
  Node node{.id = node_id(99)};
  node.flags.fail = true;
  node.slots = SlotSet::parse(slots).value();
  return node;
}

TEST_SUITE("core/finding") {
  TEST_CASE("find_trouble finds nothing in a healthy cluster") {
    const ClusterView view = healthy().build();
    CHECK(ids_of(find_trouble(view)) == "");
    CHECK(health_of(view, {}) == Health::ok);
    CHECK(served_slots(view) == SlotSet::all());
    CHECK(shards_of(view).size() == 3);
  }

  TEST_CASE("find_trouble says in one finding that nothing is initialised") {
    ViewBuilder strangers{6};
    strangers.shape(3, 1);
    CHECK(ids_of(find_trouble(strangers.build())) == "not-initialised");
    CHECK(only(strangers, "not-initialised").remedy.to_text() ==
          "kubectl redis init redis -n default");
    CHECK(health(strangers) == Health::down);
  }

  TEST_CASE("find_trouble names the slots that nobody serves") {
    ViewBuilder builder = healthy();
    builder.slots(1, "5462-10922");
    const Finding finding = only(builder, "slots-uncovered");
    CHECK(finding.severity == Severity::error);
    CHECK(finding.message == "nobody serves slots 5461 (1 slot)");
    CHECK(health(builder) == Health::down);
  }

  TEST_CASE("find_trouble tells a failed owner from one that is merely suspected") {
    ViewBuilder builder = healthy();
    for (int pod = 0; pod < 6; ++pod) {
      builder.edit(pod, [](Member& member) { edit_nodes(member)[1].flags.fail = true; });
    }
    const Finding finding = only(builder, "slots-failed");
    CHECK(says(finding.message, "pod redis-app-1 failed"));
    CHECK(says(finding.message, "5461-10922 (5462 slots)"));
    CHECK(finding.remedy.to_text() == "kubectl describe pod redis-app-1 -n default");
    CHECK(health(builder) == Health::down);
    CHECK(served_slots(builder.build()).size() == 16'384 - 5462);
  }

  TEST_CASE("find_trouble names open slots and both directions of their move") {
    ViewBuilder builder = healthy();
    builder.edit(0, [](Member& member) {
      edit_nodes(member)[0].open_slots = {
          {.slot = 77, .direction = OpenSlot::Direction::migrating, .other = node_id(1)},
          {.slot = 78, .direction = OpenSlot::Direction::migrating, .other = node_id(1)}};
    });
    const Finding finding = only(builder, "slots-open");
    CHECK(says(finding.message, "slot 77 and 1 more on pod redis-app-0 is half moved to node"));
    CHECK(says(finding.remedy.to_text(), "kubectl redis fix redis -n default --only slots-open"));
    CHECK(finding.remedy.kind == Remedy::Kind::mends);
    CHECK(health(builder) == Health::degraded);
  }

  TEST_CASE("find_trouble names keys that are not where clients look for them") {
    ViewBuilder builder = healthy();
    builder.edit(0, [](Member& member) { member.stray_keys = {{9000, 2}, {9001, 1}}; });
    const Finding finding = only(builder, "keys-astray");
    CHECK(finding.severity == Severity::error);
    CHECK(finding.message ==
          "no client finds 3 keys on pod redis-app-0: slots 9000-9001 are not its own");
    CHECK(finding.remedy.to_text() == "kubectl redis fix redis -n default --only keys-astray");
    CHECK(health(builder) == Health::degraded);
  }

  TEST_CASE("find_trouble says of whom it is not known whether it has such keys") {
    ViewBuilder builder = healthy();
    builder.edit(0, [](Member& member) { member.stray_trouble = Error::timeout("no answer"); });
    const Finding finding = only(builder, "keys-uncounted");
    CHECK(finding.message ==
          "whether pod redis-app-0 has keys that no client finds is not known: no answer");
    CHECK(health(builder) != Health::broken);
  }

  TEST_CASE("find_trouble names who sees the cluster differently") {
    ViewBuilder owners = healthy();
    owners.edit(2, [](Member& member) { edit_nodes(member)[0].slots = SlotSet{}; });
    const Finding finding = only(owners, "views-disagree");
    CHECK(finding.severity == Severity::error);
    CHECK(says(finding.message, "redis-app-2 does not see who serves which slots"));

    ViewBuilder nodes = healthy();
    nodes.edit(2, [](Member& member) { edit_nodes(member)[3].flags.handshake = true; });
    CHECK(only(nodes, "views-disagree").severity == Severity::warning);
  }

  TEST_CASE("find_trouble names pods that say the cluster is down") {
    ViewBuilder builder = healthy();
    builder.edit(4, [](Member& member) { member.cluster->state_ok = false; });
    CHECK(says(only(builder, "cluster-state-fail").message, "redis-app-4 says"));
    CHECK(health(builder) == Health::degraded);
  }

  TEST_CASE("find_trouble compares announced addresses with the pods' own") {
    ViewBuilder builder = healthy();
    builder.edit(0, [](Member& member) {
      edit_nodes(member)[3].address.ip = "10.0.0.99";
      edit_nodes(member)[3].link_connected = false;
    });
    const Finding finding = only(builder, "address-stale");
    CHECK(finding.message ==
          "pod redis-app-3 has the address 10.0.0.4, and 1 of 6 pods know it as 10.0.0.99 and do "
          "not reach it");
    CHECK(finding.remedy.to_text() == "kubectl redis node meet redis -n default --pod redis-app-3");
  }

  TEST_CASE("find_trouble leaves addresses alone by which nodes reach each other") {
    ViewBuilder announced = healthy();  // By a Service for each pod, say.
    for (int viewer = 0; viewer < 6; ++viewer) {
      announced.edit(viewer, [](Member& member) {
        for (Node& node : edit_nodes(member)) {
          node.address.ip = "10.96.0." + node.id.to_text().substr(7, 1);
        }
      });
    }
    CHECK(ids_of(find_trouble(announced.build())) == "");
  }

  TEST_CASE("find_trouble tells ghosts without slots from lost owners") {
    ViewBuilder forgotten = healthy();
    forgotten.edit(0, [](Member& member) { edit_nodes(member)->push_back(ghost("none")); });
    const Finding finding = only(forgotten, "ghost-node");
    CHECK(finding.severity == Severity::warning);
    CHECK(finding.remedy.to_text() == "kubectl redis init redis -n default");
    ViewBuilder owner = healthy();
    owner.edit(0, [](Member& member) { edit_nodes(member)->push_back(ghost("0-9")); });
    CHECK(only(owner, "ghost-node").severity == Severity::error);
  }

  TEST_CASE("find_trouble never advises to forget a node that lives") {
    ViewBuilder builder = healthy();
    for (const int viewer : {0, 1, 2, 3, 4, 5}) {
      builder.edit(viewer, [](Member& member) {
        Node stranger{.id = node_id(77)};
        stranger.address.ip = "10.9.9.9";
        stranger.role = Role::replica;
        stranger.master = node_id(0);
        edit_nodes(member)->push_back(stranger);
      });
    }
    const Finding finding = only(builder, "foreign-node");
    CHECK(finding.remedy.to_text() ==
          "see whose it is: kubectl get pods -A -o wide --field-selector status.podIP=10.9.9.9");
    for (const Finding& each : find_trouble(builder.build())) {
      CHECK_FALSE(says(each.remedy.to_text(), "FORGET"));
    }
  }

  TEST_CASE("find_trouble says what is served as the nodes themselves do, and what is to be done") {
    ViewBuilder builder = healthy();
    builder.silent(0).silent(1);
    for (const int viewer : {2, 3, 4, 5}) {
      builder.edit(viewer, [](Member& member) {
        member.cluster->state_ok = false;
        for (Node& node : edit_nodes(member)) {
          node.flags.pfail = node.id == node_id(0) || node.id == node_id(1);
        }
      });
    }
    const ClusterView view = builder.build();
    CHECK(served_slots(view).empty());
    const auto found = find_trouble(view);
    CHECK(health_of(view, found) == Health::down);
    const Finding finding = only(builder, "no-majority");
    CHECK(says(finding.message, "2 of 3 masters are away (pod redis-app-0 and pod redis-app-1)"));
    CHECK(says(finding.remedy.to_text(),
               "kubectl redis failover redis -n default --takeover --pod redis-app-"));
    CHECK(std::ranges::count(found, "cluster-state-fail", &Finding::id) == 0);
  }

  TEST_CASE("find_trouble reaches the same cluster as the call that it follows") {
    ClusterView view = healthy().silent(5).build();
    view.call = {.cluster = " -l 'app in (a, b)'",
                 .kube = " -n web --context blue",
                 .access = " --auth-secret pw"};
    CHECK(status_command(view) ==
          "kubectl redis status -l 'app in (a, b)' -n web --context blue --auth-secret pw");
    CHECK(redis_cli_command(view, "p-0", "PING") ==
          "kubectl redis cli -l 'app in (a, b)' -n web --context blue --auth-secret pw --pod p-0 "
          "-- PING");
    CHECK(kubectl_command(view, "logs p-0") == "kubectl logs p-0 -n web --context blue");
    CHECK(shell_word("it's") == "'it'\\''s'");
    CHECK(shell_word("app=x,b-1") == "app=x,b-1");
  }

  TEST_CASE("find_trouble takes the node of a silent pod for no stranger") {
    ViewBuilder builder = healthy();
    builder.silent(5);
    const auto found = find_trouble(builder.build());
    CHECK(std::ranges::count(found, "foreign-node", &Finding::id) == 0);
    const Finding finding = only(builder, "no-answer");
    CHECK(finding.message == "pod redis-app-5 does not answer: connection refused");
    CHECK(finding.severity == Severity::error);
  }

  TEST_CASE("find_trouble names pods outside the cluster and masters without slots") {
    ViewBuilder outside{7};
    outside.slots(0, "0-5460").slots(1, "5461-10922").slots(2, "10923-16383");
    outside.replica(3, 0).replica(4, 1).replica(5, 2).met({0, 1, 2, 3, 4, 5});
    CHECK(says(only(outside, "pod-outside").message, "redis-app-6"));
    outside.all_met();
    CHECK(says(only(outside, "master-without-slots").message, "redis-app-6"));
  }

  TEST_CASE("find_trouble names replicas beside their masters") {
    ViewBuilder builder = healthy();
    builder.on(3, "node-0", "zone-0");
    const Finding finding = only(builder, "replica-on-masters-node");
    CHECK(says(finding.message, "pod redis-app-3 replicates pod redis-app-0"));
    CHECK(says(finding.message, "node-0"));
    CHECK(finding.remedy.to_text() ==
          "kubectl cordon node-0 && kubectl delete pod redis-app-3 -n default && kubectl uncordon "
          "node-0");
    builder.on(3, "node-3", "zone-0");
    CHECK(only(builder, "replica-in-masters-zone").severity == Severity::info);
    CHECK(health(builder) == Health::ok);
  }

  TEST_CASE("find_trouble says once that everything runs on one node") {
    ViewBuilder builder = healthy();
    for (int pod = 0; pod < 6; ++pod) {
      builder.on(pod, "laptop");
    }
    CHECK(ids_of(find_trouble(builder.build())) == "one-node");
  }

  TEST_CASE("find_trouble names the node without which no majority is left") {
    ViewBuilder builder = healthy();
    builder.on(1, "node-0", "zone-0").on(4, "node-3", "zone-1");
    const Finding finding = only(builder, "majority-on-one-node");
    CHECK(says(finding.message, "without Kubernetes node node-0"));
    CHECK(says(finding.message, "2 of 3"));
    CHECK(finding.severity == Severity::warning);
    for (int pod = 0; pod < 6; ++pod) {
      builder.on(pod, pod == 0 || pod == 2 || pod == 4 ? "a" : "b");
    }
    CHECK(only(builder, "majority-on-one-node").severity == Severity::info);
    CHECK(health(builder) == Health::ok);
  }

  TEST_CASE("find_trouble hands one of two masters on a node to a replica elsewhere") {
    ViewBuilder builder = healthy();
    builder.on(1, "node-0", "zone-0").on(4, "node-1", "zone-1");
    CHECK(only(builder, "majority-on-one-node").remedy.to_text() ==
          "kubectl redis failover redis -n default --pod redis-app-3");
  }

  TEST_CASE("find_trouble counts replicas and says whose to move") {
    ViewBuilder none{5};
    none.slots(0, "0-5460").slots(1, "5461-10922").slots(2, "10923-16383");
    none.replica(3, 0).replica(4, 0).all_met().shape(3, 1);
    const auto found = find_trouble(none.build());
    CHECK(std::ranges::count(found, "no-replica", &Finding::id) == 2);
    const auto first = std::ranges::find(found, "no-replica", &Finding::id);
    CHECK(says(first->message, "pod redis-app-1 has no replica"));
    CHECK(says(first->remedy.to_text(), "kubectl redis node replicate redis -n default"));
    CHECK(says(first->remedy.to_text(), "--pod redis-app-4 --master redis-app-1"));
    CHECK(says(only(none, "pods-missing").remedy.to_text(),
               "scale statefulset/redis-app --replicas=6"));
  }

  TEST_CASE(
      "find_trouble has the pod that has no part in the cluster taken in, not one more made") {
    ViewBuilder spare{6};
    spare.slots(0, "0-5460").slots(1, "5461-10922").slots(2, "10923-16383");
    spare.replica(3, 0).replica(4, 1).shape(3, 1);
    spare.met({0, 1, 2, 3, 4});
    CHECK(only(spare, "no-replica").remedy.to_text() == "kubectl redis init redis -n default");
    spare.edit(5, [](Member& member) { member.pod.running = false; }).silent(5);
    CHECK(only(spare, "no-replica").remedy.to_text() ==
          "when pod redis-app-5 runs: kubectl redis init redis -n default");
    ViewBuilder full{5};
    full.slots(0, "0-5460").slots(1, "5461-10922").slots(2, "10923-16383");
    full.replica(3, 0).replica(4, 1).all_met().shape(3, 1);
    CHECK(says(only(full, "no-replica").remedy.to_text(),
               "scale statefulset/redis-app --replicas=6"));
  }

  TEST_CASE("find_trouble accepts lag at the limit and names one byte more") {
    constexpr std::int64_t k_limit = 16 << 20;
    const auto behind = [](std::int64_t lag) {
      return healthy().edit(
          0, [lag](Member& member) { member.server->replication_offset = 1000 + lag; });
    };
    CHECK(ids_of(find_trouble(behind(k_limit).build())) == "");
    CHECK(says(only(behind(k_limit + 1), "replication-lag").message,
               "pod redis-app-3, replica of pod redis-app-0, is 16 MiB behind"));
  }

  TEST_CASE("find_trouble names a replica that lost its master") {
    ViewBuilder builder = healthy();
    builder.edit(5, [](Member& member) { member.server->master_link_up = false; });
    CHECK(says(only(builder, "replica-link-down").message,
               "redis-app-5, replica of pod redis-app-2"));
    builder.edit(5, [](Member& member) { member.server->master_host = "192.0.2.9"; });
    const Finding finding = only(builder, "replica-link-down");
    CHECK(says(finding.message, "looks for it at 192.0.2.9"));
    CHECK(says(finding.remedy.command, "node replicate"));
    CHECK(says(finding.remedy.command, "--pod redis-app-5 --master redis-app-2"));
    const std::string ip = builder.build().members.at(2).pod.ip;
    builder.edit(5, [&](Member& member) { member.server->master_host = ip; });
    CHECK_FALSE(says(only(builder, "replica-link-down").remedy.command, "node replicate"));
  }

  TEST_CASE("find_trouble checks memory against the pod's limit") {
    constexpr std::int64_t k_mib = 1 << 20;
    const auto with = [](std::int64_t used, std::int64_t most) {
      return healthy().edit(2, [used, most](Member& member) {
        member.pod.memory_limit_bytes = 120 * k_mib;
        member.server->used_memory_bytes = used;
        member.server->max_memory_bytes = most;
      });
    };
    CHECK(ids_of(find_trouble(with(80 * k_mib, 90 * k_mib).build())) == "");
    CHECK(says(only(with(80 * k_mib + 3, 0), "fork-headroom").message, "80 MiB of 120 MiB"));
    CHECK(only(with(1, 90 * k_mib + 4), "maxmemory-headroom").severity == Severity::warning);
    const Finding over = only(with(1, 120 * k_mib + 1), "maxmemory-over-limit");
    CHECK(over.severity == Severity::error);
    CHECK(says(over.remedy.to_text(), "CONFIG SET maxmemory " + std::to_string(90 * k_mib)));
  }

  TEST_CASE("find_trouble names servers that keep nothing, and only when that is known") {
    ViewBuilder builder = healthy();
    builder.edit(1, [](Member& member) { member.server->aof_enabled = false; });
    CHECK(ids_of(find_trouble(builder.build())) == "");
    builder.edit(1, [](Member& member) { member.server->rdb_enabled = false; });
    CHECK(says(only(builder, "no-persistence").message, "redis-app-1 keeps nothing on disk"));
  }

  TEST_CASE("find_trouble names pods that do not run, are not ready, load, or differ in version") {
    ViewBuilder builder = healthy();
    builder.edit(0, [](Member& member) {
      member.server->loading = true;
      member.trouble = Error::unreachable("LOADING Redis is loading the dataset in memory");
    });
    builder.edit(1, [](Member& member) {
      member.pod.ready = false;
      member.pod.trouble = "Readiness probe failed";
    });
    builder.edit(2, [](Member& member) { member.server->version = "7.2.1"; });
    builder.edit(5, [](Member& member) {
      member.pod.running = false;
      member.pod.trouble = "0/3 nodes are available";
    });
    builder.silent(5);
    CHECK(ids_of(find_trouble(builder.build())) ==
          "pod-not-running pod-not-ready loading node-holds-last-copy mixed-versions");
    CHECK(says(only(builder, "pod-not-running").message, "0/3 nodes are available"));
    CHECK(says(only(builder, "mixed-versions").message, "redis 7.2.1 on redis-app-2"));
  }

  TEST_CASE("find_trouble has a pod deleted that waits for a claim which nobody makes") {
    ViewBuilder builder = healthy();
    builder.edit(5, [](Member& member) {
      member.pod.running = false;
      member.pod.trouble =
          "Unschedulable: 0/3 nodes are available: persistentvolumeclaim "
          "\"redis-data-redis-app-5\" not found.";
    });
    builder.silent(5);
    CHECK(
        says(only(builder, "pod-not-running").remedy.to_text(), "kubectl delete pod redis-app-5"));
    builder.edit(5, [](Member& member) {
      member.pod.trouble = "Unschedulable: persistentvolumeclaim \"x\" is being deleted";
    });
    CHECK(says(only(builder, "pod-not-running").remedy.to_text(),
               "kubectl describe pod redis-app-5"));
  }

  TEST_CASE("find_trouble notes an even number of masters and too few") {
    ViewBuilder even = ViewBuilder::whole(4, 0);
    CHECK(only(even, "even-masters").severity == Severity::info);
    CHECK(says(only(ViewBuilder::whole(2, 0), "few-masters").message, "only 2 masters"));
  }

  TEST_CASE("health_of tells what is down from what was not seen") {
    ViewBuilder mute = healthy();
    for (int pod = 0; pod < 6; ++pod) {
      mute.silent(pod);
    }
    CHECK(health(mute) == Health::unknown);  // They are ready, and we do not reach them.
    ViewBuilder late = healthy();
    for (int pod = 0; pod < 6; ++pod) {
      late.silent(pod).edit(pod, [](Member& member) {
        member.pod.ready = false;
        member.trouble = Error::timeout("did not answer in time");
      });
    }
    CHECK(health(late) == Health::unknown);
    for (int pod = 0; pod < 6; ++pod) {
      mute.edit(pod, [](Member& member) { member.pod.ready = false; });
    }
    CHECK(health(mute) == Health::down);  // Nothing listens, and Kubernetes knows it.
    ViewBuilder gone = healthy();
    gone.edit(0, [](Member& member) { member.pod.running = false; }).silent(0);
    gone.edit(1, [](Member& member) { member.pod.running = false; }).silent(1);
    CHECK(health(gone) == Health::down);
  }

  TEST_CASE("severities and healths keep their names, which scripts read") {
    CHECK(to_text(Health::ok) == "ok");
    CHECK(to_text(Health::degraded) == "degraded");
    CHECK(to_text(Health::down) == "down");
    CHECK(to_text(Severity::info) == "info");
    CHECK(to_text(Severity::warning) == "warning");
    CHECK(to_text(Severity::error) == "error");
  }
}

}  // namespace
}  // namespace kredis::core
