// SPDX-License-Identifier: Apache-2.0
#include "shared/core/plans/plan_restart.hpp"

#include <doctest/doctest.h>

#include <variant>

#include "shared/core/findings/whole.hpp"
#include "tests/support/builders.hpp"

namespace kredis::core {
namespace {

using testing::edit_nodes;
using testing::ViewBuilder;
using Lines = std::vector<std::string>;

Lines texts(const Stage& stage) {
  Lines lines;
  for (const Step& step : stage.steps) {
    lines.push_back(to_text(step));
  }
  return lines;
}

TEST_SUITE("core/plan_restart") {
  TEST_CASE("a pod is restarted when the cluster is whole, a master after it handed over") {
    struct Case {
      std::string label;
      ViewBuilder view;
      std::string pod;
      Lines steps;
      Risk risk;
    };
    const std::string wait = "wait the cluster is whole";
    for (const Case& each : {Case{"a replica",
                                  ViewBuilder::whole(3, 1),
                                  "redis-app-3",
                                  {wait, "restart redis-app-3"},
                                  Risk::none},
                             Case{"a master with an heir",
                                  ViewBuilder::whole(3, 1),
                                  "redis-app-0",
                                  {wait, "failover redis-app-3 redis-app-0", "restart redis-app-0"},
                                  Risk::none},
                             Case{"a master without slots",
                                  ViewBuilder(2).met({0, 1}),
                                  "redis-app-0",
                                  {wait, "restart redis-app-0"},
                                  Risk::none},
                             Case{"a silent pod",
                                  ViewBuilder::whole(3, 1).silent(0),
                                  "redis-app-0",
                                  {wait, "restart redis-app-0"},
                                  Risk::none},
                             Case{"a master without an heir",
                                  ViewBuilder::whole(3, 0),
                                  "redis-app-0",
                                  {wait, "restart redis-app-0"},
                                  Risk::availability},
                             Case{"a master whose heir is silent",
                                  ViewBuilder::whole(3, 1).silent(3),
                                  "redis-app-0",
                                  {wait, "restart redis-app-0"},
                                  Risk::availability}}) {
      CAPTURE(each.label);
      const Stage stage = plan_restart(each.view.build(), each.pod, "new image");
      CHECK(texts(stage) == each.steps);
      CHECK(stage.title == "restarting " + each.pod);
      CHECK(stage.done == "restarted " + each.pod);
      const Step& last = stage.steps.back();
      CHECK(last.reason == "new image");
      CHECK(last.risk == each.risk);
      CHECK((last.cost.find("has no replica that could take over") != std::string::npos) ==
            (each.risk != Risk::none));
    }
  }
}

TEST_SUITE("core/whole") {
  TEST_CASE("a cluster is whole until one thing is not, and that is said") {
    struct Case {
      std::string label;
      ViewBuilder view;
      std::string text;
    };
    const auto whole = [] { return ViewBuilder::whole(3, 1); };
    for (const Case& each :
         {Case{"whole", whole(), ""},
          Case{"silent", whole().silent(4), "redis-app-4 does not answer yet"},
          Case{"silent for a reason",
               whole().silent(4).edit(4, [](Member& member) { member.pod.trouble = "crashes"; }),
               "redis-app-4: crashes"},
          Case{"not ready",
               whole().edit(4, [](Member& member) { member.pod.ready = false; }),
               "redis-app-4 is not ready yet"},
          Case{"loading",
               whole().edit(4, [](Member& member) { member.server->loading = true; }),
               "redis-app-4 loads its data"},
          Case{"failed",
               whole().edit(4, [](Member& member) { member.cluster->state_ok = false; }),
               "redis-app-4 sees the cluster as failed"},
          Case{"copying",
               whole().edit(4, [](Member& member) { member.server->master_link_up = false; }),
               "redis-app-4 copies from its master"},
          Case{"half moved",
               whole().edit(1,
                            [](Member& member) {
                              edit_nodes(member)[1].open_slots = {
                                  {.slot = 9,
                                   .direction = OpenSlot::Direction::importing,
                                   .other = testing::node_id(0)}};
                            }),
               "slot 9 is half moved on redis-app-1"},
          Case{"a master has no link",
               whole().edit(1, [](Member& member) { member.server->master_link_up = false; }),
               ""},
          Case{"another view",
               whole().edit(4, [](Member& member) { edit_nodes(member)->pop_back(); }),
               "the nodes do not agree on who is master of what yet"}}) {
      CAPTURE(each.label);
      CHECK(not_whole(each.view.build()) == each.text);
    }
  }

  TEST_CASE("a pod that is missing keeps a cluster from being whole, where its number is known") {
    ClusterView view = ViewBuilder::whole(3, 1).build();
    view.members.pop_back();
    CHECK(not_whole(view) == "5 of 6 pods are there");
    view.shape.inferred = true;
    CHECK(not_whole(view).empty());
  }

  TEST_CASE("nodes can be asked when all pods are there and answer, however they are") {
    ClusterView view = ViewBuilder::whole(3, 1)
                           .edit(4, [](Member& member) { member.server->loading = true; })
                           .build();
    CHECK(not_answering(view).empty());
    CHECK(not_answering(ViewBuilder::whole(3, 1).silent(4).build()) ==
          "redis-app-4 does not answer yet");
    view.members.pop_back();
    CHECK(not_answering(view) == "5 of 6 pods are there");
    view.shape.inferred = true;
    CHECK(not_answering(view).empty());
  }
}

}  // namespace
}  // namespace kredis::core
