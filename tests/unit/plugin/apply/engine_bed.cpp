// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/plugin/apply/engine_bed.hpp"

#include <algorithm>
#include <variant>

#include "plugin/apply/object_name.hpp"
#include "tests/support/nodes_text.hpp"

namespace kredis::plugin {
namespace {

using testing::edit_nodes;

std::string nodes_text(const core::Member& member) {
  std::string text;
  for (const core::Node& node : member.view->nodes()) {
    text += tests::node_line(node);
  }
  return text;
}

std::string info_text(const core::ServerInfo& server) {
  const bool replica = server.role == core::Role::replica;
  const bool valkey = server.server == "valkey";
  return (valkey ? "redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:"
                 : "redis_version:") +
         server.version + "\r\nused_memory:" + std::to_string(server.used_memory_bytes) +
         "\r\nloading:" + (server.loading ? "1" : "0") +
         "\r\ncluster_enabled:1\r\nrole:" + (replica ? "slave" : "master") +
         "\r\nmaster_link_status:" + (server.master_link_up ? "up" : "down") + "\r\n";
}

}  // namespace

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

ViewedCluster::ViewedCluster(core::ClusterView what) : view(std::move(what)) {
  for (std::size_t i = 0; i < view.members.size(); ++i) {
    redis.put(view.members[i].pod.ip,
              [this, i](const core::Command& command) { return answer(i, command); });
  }
}

void ViewedCluster::move(int pod, const std::string& ip) {
  const auto at = static_cast<std::size_t>(pod);
  redis.kill(view.members[at].pod.ip);
  view.members[at].pod.ip = ip;
  redis.put(ip, [this, at](const core::Command& command) { return answer(at, command); });
}

core::Reply ViewedCluster::answer(std::size_t member, const core::Command& command) {
  const core::Member& asked = view.members.at(member);
  if (command.front() == "INFO") {
    return tests::text_reply(info_text(*asked.server));
  }
  if (command.size() > 1 && command[1] == "GET") {
    return {.kind = core::Reply::Kind::array,
            .items = {tests::text_reply(command[2]), tests::text_reply("")}};
  }
  std::string line = command.front();
  for (std::size_t i = 1; i < command.size(); ++i) {
    line += " " + command[i];
  }
  {
    const std::scoped_lock lock(mutex_);
    heard_[asked.pod.name].push_back(line);
  }
  if (line == "CLUSTER NODES") {
    return tests::text_reply(nodes_text(asked));
  }
  if (line == "CLUSTER INFO") {
    return tests::text_reply(std::string("cluster_state:") +
                             (asked.cluster->state_ok ? "ok" : "fail") + "\r\n");
  }
  return on_command(asked.pod.name, command);
}

std::vector<std::string> ViewedCluster::heard(int pod) const {
  const std::scoped_lock lock(mutex_);
  const auto found = heard_.find(testing::pod_name(pod));
  return found == heard_.end() ? std::vector<std::string>{} : found->second;
}

std::vector<std::string> ViewedCluster::told(int pod) const {
  std::vector<std::string> lines = heard(pod);
  std::erase_if(lines, [](const std::string& line) {
    return line == "CLUSTER NODES" || line == "CLUSTER INFO";
  });
  return lines;
}

core::Plan one_stage(std::vector<core::Step> steps, const std::string& title) {
  core::Plan plan;
  plan.stages.push_back({.title = title, .steps = std::move(steps)});
  return plan;
}

core::Plan one_step(core::StepKind what) { return one_stage({{.what = std::move(what)}}); }

std::vector<std::pair<std::string, core::Step>> every_kind() {
  const std::string pod = testing::pod_name(1);
  const std::string other = testing::pod_name(0);
  const core::ObjectName workload = name_of("StatefulSet", "default", "redis-app");
  std::vector<std::pair<std::string, core::Step>> steps;
  const auto add = [&](core::StepKind what) {
    core::Step step{.what = std::move(what)};
    const std::string text = core::to_text(step);
    steps.emplace_back(text.substr(0, text.find(' ')), std::move(step));
  };
  add(core::Meet{.pod = pod, .other = other});
  add(core::AddSlots{.pod = pod, .slots = *core::SlotSet::parse("5461-10922")});
  add(core::SetEpoch{.pod = pod, .epoch = 2});
  add(core::BumpEpoch{.pod = pod});
  add(core::Replicate{.pod = pod, .master_pod = other, .master = id_of(0)});
  add(core::Failover{
      .pod = pod, .replica = id_of(1), .master_pod = other, .master = id_of(0), .how = {}});
  add(core::Forget{.pod = pod, .node = id_of(9)});
  add(core::Reset{.pod = pod});
  add(core::ClaimSlots{.pod = pod, .node = id_of(1), .slots = *core::SlotSet::parse("7-9")});
  add(core::StabiliseSlots{.pod = pod, .slots = *core::SlotSet::parse("7-8")});
  add(core::AssignSlots{
      .pod = pod, .node_pod = other, .node = id_of(0), .slots = *core::SlotSet::parse("7-8")});
  add(core::SetConfig{.pod = pod, .settings = {{.name = "maxmemory", .value = "1mb"}}});
  add(core::CopyFunctions{.pod = pod, .from_pod = other});
  add(core::MoveSlots{.pod = pod,
                      .source = id_of(1),
                      .target_pod = other,
                      .target = id_of(0),
                      .slots = *core::SlotSet::parse("5461")});
  add(core::ReturnKeys{
      .pod = pod, .owner_pod = other, .owner = id_of(0), .slots = *core::SlotSet::parse("7")});
  add(core::ApplyObject{.object = workload, .json = object_of("StatefulSet", "redis-app").dump()});
  add(core::ScaleWorkload{.workload = workload, .replicas = 6});
  add(core::RestartPod{.pod = pod});
  add(core::DeleteObject{.object = workload});
  add(core::WaitFor{core::Gone{.object = workload}});
  return steps;
}

void swap_roles(core::ClusterView& view, int heir, int master) {
  const auto heir_at = static_cast<std::size_t>(heir);
  const auto master_at = static_cast<std::size_t>(master);
  for (core::Member& viewer : view.members) {
    auto nodes = edit_nodes(viewer);
    for (core::Node& node : nodes) {
      const bool moves = node.id == id_of(heir) || node.id == id_of(master);
      if (!moves && node.master == id_of(master)) {
        node.master = id_of(heir);
      }
    }
    const auto at = [&](int ordinal) {
      return std::ranges::find(nodes, id_of(ordinal), &core::Node::id);
    };
    const auto next = at(heir);
    const auto old = at(master);
    next->role = core::Role::master;
    next->master.reset();
    std::swap(next->slots, old->slots);
    old->role = core::Role::replica;
    old->master = id_of(heir);
  }
  view.members[heir_at].server->role = core::Role::master;
  view.members[master_at].server->role = core::Role::replica;
  view.members[master_at].server->master_link_up = true;
}

Json object_of(const std::string& kind, const std::string& name) {
  return {{"apiVersion", name_of(kind, "default", name).api_version},
          {"kind", kind},
          {"metadata", {{"name", name}, {"namespace", "default"}}}};
}

}  // namespace kredis::plugin
