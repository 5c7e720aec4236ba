// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/apply_plan.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <variant>

#include "plugin/apply/object_name.hpp"
#include "tests/support/cluster_bed.hpp"
#include "tests/support/fake_kube.hpp"
#include "tests/unit/plugin/apply/engine_bed.hpp"

namespace kredis::plugin {
namespace {

using namespace std::chrono_literals;
using core::Step;
using testing::pod_name;
using testing::ViewBuilder;
using Lines = std::vector<std::string>;

Step step(core::StepKind what) { return {.what = std::move(what)}; }

Step set_config(int pod, const std::string& name) {
  return step(core::SetConfig{.pod = pod_name(pod), .settings = {{.name = name, .value = "1"}}});
}

Step hand_over(int heir, int master) {
  return step(core::Failover{.pod = pod_name(heir),
                             .replica = id_of(heir),
                             .master_pod = pod_name(master),
                             .master = id_of(master)});
}

Step scale(std::uint32_t replicas) {
  return step(core::ScaleWorkload{.workload = name_of("StatefulSet", "default", "redis-app"),
                                  .replicas = replicas});
}

/// A cluster in Redis and in Kubernetes, and one who works on it.
struct Bed {
  explicit Bed(const ViewBuilder& view) : nodes(view.build()), cluster(nodes.cluster()) {
    kube.put("statefulsets", object_of("StatefulSet", "redis-app"));
    cluster.ask(observe::Ask::everything, watcher.clock.now());
  }
  Status run(const core::Plan& plan, std::chrono::milliseconds time = 60s) {
    return apply_plan(site, plan, watcher.conduct(time));
  }

  ViewedCluster nodes;
  observe::Cluster cluster;
  tests::FakeKube kube;
  Watcher watcher;
  Site site{.kube = &kube, .cluster = &cluster};
};

TEST_SUITE("apply/apply_plan") {
  TEST_CASE("stages run in order, with a tick for each that has words for its end") {
    Bed bed{ViewBuilder::whole(3, 1)};
    core::Plan plan = one_stage({scale(6)}, "scaling");
    plan.stages.front().done = "scaled";
    plan.stages.push_back({.title = "telling the nodes", .steps = {set_config(0, "maxmemory")}});

    REQUIRE(bed.run(plan).has_value());

    const std::string said = bed.watcher.said();
    CHECK(said.starts_with("scaling\n  statefulset.apps/redis-app  scaled to 6\n✓ scaled"));
    CHECK(said.ends_with("telling the nodes\n"));
    CHECK(bed.kube.changes == Lines{"patch statefulsets/redis-app/scale"});
    CHECK(bed.nodes.told(0) == Lines{"CONFIG SET maxmemory 1"});
  }

  TEST_CASE("an error carries the title of its stage, ends it with a cross, and ends the plan") {
    Bed bed{ViewBuilder::whole(3, 1)};
    bed.kube.refuse("statefulsets", Error::unreachable("the API server is away"));
    core::Plan plan = one_stage({scale(6)}, "scaling");
    plan.stages.front().done = "scaled";
    plan.stages.push_back({.title = "next", .steps = {set_config(0, "maxmemory")}});

    const Status done = bed.run(plan);

    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().message == "the API server is away");
    CHECK(done.error().context.back() == "scaling");
    CHECK(contains(bed.watcher.said(), "✗ scaling"));
    CHECK(bed.nodes.told(0).empty());
  }

  TEST_CASE("a pod's commands go out as one exchange, and meetings after all others") {
    Bed bed{ViewBuilder(2).met({0, 1})};
    const auto slots = *core::SlotSet::parse("0-9");
    bed.nodes.view = ViewBuilder(2).met({0, 1}).slots(0, "0-9").build();

    REQUIRE(bed.run(one_stage({step(core::Meet{.pod = pod_name(0), .other = pod_name(1)}),
                               step(core::SetEpoch{.pod = pod_name(0), .epoch = 1}),
                               step(core::AddSlots{.pod = pod_name(0), .slots = slots}),
                               step(core::SetEpoch{.pod = pod_name(1), .epoch = 2})}))
                .has_value());

    Lines heard = bed.nodes.heard(0);
    heard.erase(heard.begin(), heard.begin() + 2);  // What the bed asked.
    REQUIRE(heard.size() >= 4);
    heard.resize(4);
    CHECK(heard == Lines{"CLUSTER SET-CONFIG-EPOCH 1",
                         "CLUSTER ADDSLOTSRANGE 0 9",
                         "CLUSTER MEET 10.0.0.2 6379",
                         "CLUSTER NODES"});
    CHECK(bed.nodes.told(1) == Lines{"CLUSTER SET-CONFIG-EPOCH 2"});
  }

  TEST_CASE("a step is over when it shows, and what does not show in time is said") {
    Bed bed{ViewBuilder::whole(3, 1)};
    const Step follow =
        step(core::Replicate{.pod = pod_name(3), .master_pod = pod_name(1), .master = id_of(1)});
    SUBCASE("it shows after a while") {
      int sleeps = 0;
      bed.watcher.clock.on_sleep = [&] {
        if (++sleeps == 5) {
          bed.nodes.view = ViewBuilder::whole(3, 1).replica(3, 1).build();
        }
      };
      REQUIRE(bed.run(one_stage({follow})).has_value());
      CHECK(sleeps == 5);
      CHECK(contains(bed.watcher.said(), "redis-app-3 does not follow redis-app-1"));
    }
    SUBCASE("it does not") {
      const Status done = bed.run(one_stage({follow}), 10s);
      REQUIRE_FALSE(done.has_value());
      CHECK(done.error().code == ErrorCode::timeout);
      CHECK(contains(done.error().message, "redis-app-3 does not follow redis-app-1"));
      CHECK(bed.watcher.clock.slept() > 9s);
    }
    CHECK(bed.nodes.told(3).size() == 1);  // It is not told twice.
  }

  TEST_CASE("after an introduction everybody has to know everybody") {
    Bed bed{ViewBuilder(3)};
    const auto meet = [](int pod) {
      return step(core::Meet{.pod = pod_name(pod), .other = pod_name(0)});
    };
    bed.watcher.clock.on_sleep = [&] { bed.nodes.view = ViewBuilder(3).all_met().build(); };
    REQUIRE(bed.run(one_stage({meet(1), meet(2)})).has_value());
    CHECK(contains(bed.watcher.said(),
                   "0 of 3 nodes reach all others; redis-app-0 does not reach redis-app-1 yet"));
  }

  TEST_CASE("a reply that fails names the pod and the step, and nothing else is done") {
    Bed bed{ViewBuilder::whole(3, 1)};
    bed.nodes.on_command = [](const std::string& pod, const core::Command&) {
      return pod == pod_name(1) ? tests::error_reply("ERR it is Sunday") : tests::ok();
    };
    const Status done =
        bed.run(one_stage({set_config(0, "maxmemory"), set_config(1, "maxmemory"), scale(3)}));
    REQUIRE_FALSE(done.has_value());
    CHECK(contains(done.error().message, "redis-app-1"));
    CHECK(contains(done.error().message, "it is Sunday"));
    CHECK(done.error().context.front() == "set_config redis-app-1 maxmemory 1");
    CHECK(bed.kube.changes.empty());
  }

  TEST_CASE("a node that is dead by now is named") {
    Bed bed{ViewBuilder::whole(3, 1)};
    bed.nodes.redis.kill(bed.nodes.view.members[1].pod.ip);
    const Status done = bed.run(one_stage({set_config(1, "maxmemory")}));
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().code == ErrorCode::unreachable);
  }

  TEST_CASE("a pod that went away since is a conflict, whatever was to be done with it") {
    Bed bed{ViewBuilder::whole(3, 1)};
    for (const Step& each :
         {set_config(7, "maxmemory"),
          step(core::AddSlots{.pod = pod_name(7), .slots = core::SlotSet::all()}),
          step(core::Meet{.pod = pod_name(7), .other = pod_name(0)}),
          step(core::Meet{.pod = pod_name(0), .other = pod_name(7)})}) {
      CAPTURE(core::to_text(each));
      const Status done = bed.run(one_stage({each}));
      REQUIRE_FALSE(done.has_value());
      CHECK(done.error().code == ErrorCode::conflict);
      CHECK(done.error().message == "pod redis-app-7 went away");
      CHECK(contains(done.error().hint, "run the same command again"));
    }
  }

  TEST_CASE("a hand-over that the replica gave up is asked for again after six seconds") {
    Bed bed{ViewBuilder::whole(3, 1)};
    int asked = 0;
    bed.nodes.on_command = [&](const std::string&, const core::Command& command) {
      asked += command[1] == "FAILOVER" ? 1 : 0;
      return tests::ok();
    };
    bed.watcher.clock.on_sleep = [&] {
      if (asked == 2 && bed.nodes.view.members[3].self()->role == core::Role::replica) {
        CHECK(bed.watcher.clock.slept() > 5s);
        CHECK(bed.watcher.clock.slept() <= 7s);
        swap_roles(bed.nodes.view, 3, 0);
      }
    };
    REQUIRE(bed.run(one_stage({hand_over(3, 0)})).has_value());
    CHECK(asked == 2);
  }

  TEST_CASE("of two hand-overs only the one that was given up is asked for again") {
    Bed bed{ViewBuilder::whole(3, 1)};
    bed.watcher.clock.on_sleep = [&] {
      const bool again = bed.nodes.told(4).size() == 2;
      const int heir = again ? 4 : 3;
      if (bed.nodes.view.by_pod(pod_name(heir))->self()->role == core::Role::replica) {
        swap_roles(bed.nodes.view, heir, heir - 3);
      }
    };
    REQUIRE(bed.run(one_stage({hand_over(3, 0), hand_over(4, 1)})).has_value());
    CHECK(bed.nodes.told(3).size() == 1);
    CHECK(bed.nodes.told(4).size() == 2);
  }

  TEST_CASE("a hand-over that nobody takes ends with the time, a takeover is asked for once") {
    Bed bed{ViewBuilder::whole(3, 1)};
    Step step = hand_over(3, 0);
    std::size_t tries = 0;
    SUBCASE("planned") { tries = 4; }
    SUBCASE("without a vote") {
      std::get<core::Failover>(step.what).how = core::TakeOver::takeover;
      tries = 1;
    }
    const Status done = bed.run(one_stage({step}), 20s);
    REQUIRE_FALSE(done.has_value());
    CHECK(contains(done.error().message, "redis-app-3 has not taken over from redis-app-0"));
    CHECK(bed.nodes.told(3).size() == tries);
  }

  TEST_CASE("a dry run on the server passes over what is not its to judge, and keeps nothing") {
    Bed bed{ViewBuilder::whole(3, 1)};
    bed.site.dry_run = ports::DryRun::server;
    const Json before = bed.kube.object("statefulsets", "redis-app");
    std::vector<Step> steps;
    for (const auto& [label, each] : every_kind()) {
      steps.push_back(each);
    }
    REQUIRE(bed.run(one_stage(steps)).has_value());
    CHECK(bed.kube.changes == Lines{"apply statefulsets/redis-app",
                                    "patch statefulsets/redis-app/scale",
                                    "delete statefulsets/redis-app"});
    CHECK(bed.kube.object("statefulsets", "redis-app") == before);
    CHECK(bed.site.applied.size() == 3);
    for (int pod = 0; pod < 6; ++pod) {
      CHECK(bed.nodes.told(pod).empty());
    }
  }

  TEST_CASE("who is told to end does so before the next step, and says which") {
    Bed bed{ViewBuilder::whole(3, 1)};
    Conduct conduct = bed.watcher.conduct();
    conduct.cancelled = [&] { return !bed.kube.changes.empty(); };
    const Status done = apply_plan(bed.site, one_stage({scale(3), scale(6)}), conduct);
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().code == ErrorCode::cancelled);
    CHECK(contains(done.error().message, "scale statefulset.apps/redis-app 6"));
    CHECK(bed.kube.changes.size() == 1);
  }

  TEST_CASE("every kind of step is told to its node or carried out on its own") {
    const auto kinds = every_kind();
    REQUIRE(kinds.size() == std::variant_size_v<core::StepKind>);
    for (std::size_t i = 0; i < kinds.size(); ++i) {
      CAPTURE(kinds[i].first);
      CHECK(kinds[i].second.what.index() == i);
      Bed bed{ViewBuilder::whole(3, 1)};
      bed.nodes.on_command = [](const std::string&, const core::Command&) {
        return tests::error_reply("ERR refused");
      };
      bed.kube.before = [](const std::string&, const ports::ResourcePath&) {
        return Status{Error::unreachable("refused")};
      };
      const Status done = bed.run(one_stage({kinds[i].second}));
      // An epoch that is not taken is for the nodes to settle; everything else was refused.
      CHECK(done.has_value() == (kinds[i].first == "set_epoch"));
      CHECK((done.has_value() || contains(done.error().message, "refused")));
    }
  }
}

TEST_SUITE("apply/apply_plan on real servers") {
  using tests::ClusterBed;

  Status run(ClusterBed & bed, core::StepKind what) {
    auto cluster = bed.cluster();
    cluster->ask(observe::Ask::everything, std::chrono::steady_clock::now() + 10s);
    Site site{.cluster = cluster.get()};
    return apply_plan(
        site, one_step(std::move(what)), {.deadline = std::chrono::steady_clock::now() + 30s});
  }

  core::NodeId real_id(const ClusterBed& bed, std::size_t node) {
    return *core::NodeId::parse(bed.ask(node, {"CLUSTER", "MYID"}).text);
  }

  TEST_CASE("epochs are bumped, nodes forgotten and reset, and each may be done twice") {
    ClusterBed bed(6, 5000);
    const auto made = bed.init(3);
    REQUIRE_MESSAGE(made.has_value(), made.error().message);

    for (int i = 0; i < 2; ++i) {
      CAPTURE(i);
      const Status bumped = run(bed, core::BumpEpoch{.pod = pod_name(1)});
      CHECK_MESSAGE(bumped.has_value(), bumped.error().message);
    }
    const core::NodeId gone = real_id(bed, 5);
    REQUIRE(bed.ask(5, {"ROLE"}).items.front().text == "slave");
    CHECK(run(bed, core::Reset{.pod = pod_name(5), .kind = core::ResetKind::hard}).has_value());
    CHECK(real_id(bed, 5) != gone);
    for (std::size_t i = 0; i < 5; ++i) {
      for (int again = 0; again < 2; ++again) {
        const Status forgot =
            run(bed, core::Forget{.pod = pod_name(static_cast<int>(i)), .node = gone});
        CHECK_MESSAGE(forgot.has_value(), forgot.error().message);
      }
      CHECK_FALSE(contains(bed.ask(i, {"CLUSTER", "NODES"}).text, gone.to_text()));
    }
  }

  TEST_CASE("a master with keys is not reset, and its own words say why") {
    ClusterBed bed(1, 5000);
    REQUIRE(bed.ask(0, {"CLUSTER", "ADDSLOTSRANGE", "0", "16383"}).is_ok());
    CHECK(
        run(bed,
            core::SetConfig{.pod = pod_name(0),
                            .settings = {{.name = "cluster-require-full-coverage", .value = "no"}}})
            .has_value());
    const auto cluster = bed.cluster();
    const Status serves =
        wait_until_seen(*cluster,
                        {.deadline = std::chrono::steady_clock::now() + 30s},
                        [](const core::ClusterView& view) {
                          return view.members[0].cluster->state_ok ? "" : "it does not serve yet";
                        });
    REQUIRE(serves.has_value());
    REQUIRE(bed.ask(0, {"SET", "k", "v"}).is_ok());
    const Status done = run(bed, core::Reset{.pod = pod_name(0)});
    REQUIRE_FALSE(done.has_value());
    CHECK(contains(done.error().message, "containing keys"));
    CHECK(bed.ask(0, {"GET", "k"}).text == "v");
  }
}

}  // namespace
}  // namespace kredis::plugin
