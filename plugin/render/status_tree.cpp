// SPDX-License-Identifier: Apache-2.0
#include "plugin/render/status_tree.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "plugin/render/human.hpp"
#include "plugin/render/table.hpp"

namespace kredis::plugin {
namespace {

using core::ClusterView;
using core::Health;
using core::Member;
using core::Node;

std::string painted_health(Health health, const TextStyle& style) {
  const std::string text(core::to_text(health));
  switch (health) {
    case Health::ok:
      return style.green(text);
    case Health::degraded:
      return style.yellow(text);
    case Health::broken:
    case Health::down:
      return style.red(text);
    case Health::unknown:
      return style.yellow(text);
  }
  return text;
}

/// What the nodes agree on, once there is a cluster: some slot has a master.
const core::Topology* formed(const ClusterView& view) {
  const core::Topology* agreed = view.agreed();
  return agreed == nullptr || agreed->assigned_slots().empty() ? nullptr : agreed;
}

/// Masters with slots or replicas, and those replicas.
struct Counts {
  std::size_t masters = 0;
  std::size_t replicas = 0;
};

Counts counts_of(const ClusterView& view) {
  Counts counts;
  for (const core::ShardView& shard : core::shards_of(view)) {
    counts.masters += shard.master.node->slots.empty() ? 0U : 1U;
    counts.replicas += shard.replicas.size();
  }
  return counts;
}

std::string headline(const StatusPicture& picture, const TextStyle& style) {
  const ClusterView& view = picture.view;
  const std::string start =
      fmt::format("{}  {}/{}  ", painted_health(picture.health, style), view.namespace_, view.name);
  if (picture.health == Health::unknown) {
    return fmt::format("{}none of {} pods answered\n", start, view.members.size());
  }
  const Counts counts = counts_of(view);
  return fmt::format("{}{} masters, {} replicas, {} of {} slots served{}\n",
                     start,
                     counts.masters,
                     counts.replicas,
                     human_count(core::served_slots(view).size()),
                     human_count(core::k_slot_count),
                     view.shape.inferred ? style.dim("  (shape inferred)") : "");
}

std::string lag_text(const ClusterView& view, const Member& replica, const Node& node) {
  if (!replica.server || !node.master) {
    return "?";
  }
  if (!replica.server->master_link_up) {
    return "link down";
  }
  const Member* master = view.by_id(*node.master);
  if (master == nullptr || !master->server) {
    return "?";
  }
  return human_bytes(std::max<std::int64_t>(
      0, master->server->replication_offset - replica.server->replication_offset));
}

/// Where the node is now. A node may go on naming the address of its pod's earlier life.
std::string address_of(const Member& member, const Node& node) {
  const std::string& pod = core::expected_ip(member.pod);
  return pod.empty() ? node.address.ip : pod;
}

/// The cells of one node's row after its name.
std::vector<std::string> cells_of(const ClusterView& view,
                                  const Member& member,
                                  const Node& node,
                                  Detail detail) {
  const bool master = node.role == core::Role::master;
  std::vector<std::string> cells = {
      member.pod.domain.node,
      member.pod.domain.zone,
      address_of(member, node),
      master ? node.slots.to_text() : "",
      member.server ? human_count(member.server->keys) : "?",
      member.server ? human_bytes(member.server->used_memory_bytes) : "?",
      master ? "" : lag_text(view, member, node),
      human_age(member.pod.age_seconds),
      std::to_string(member.pod.restarts)};
  if (detail == Detail::wide) {
    cells.push_back(node.id.to_text());
    cells.push_back(node.address.hostname.empty() ? "-" : node.address.hostname);
    cells.push_back(member.server ? member.server->server + " " + member.server->version : "?");
  }
  return cells;
}

/// A node that no pod is: what the others say of it, so that its replicas hang under something.
std::vector<std::string> cells_without_pod(const Node& node, Detail detail) {
  std::vector<std::string> cells = {
      "", "", node.address.ip, node.slots.to_text(), "?", "?", "", "", ""};
  if (detail == Detail::wide) {
    cells.insert(cells.end(), {node.id.to_text(), node.address.hostname, "?"});
  }
  return cells;
}

std::vector<std::string> titles_of(Detail detail) {
  std::vector<std::string> titles = {
      "POD", "NODE", "ZONE", "ADDRESS", "SLOTS", "KEYS", "MEMORY", "LAG", "AGE", "RESTARTS"};
  if (detail == Detail::wide) {
    titles.insert(titles.end(), {"ID", "HOSTNAME", "VERSION"});
  }
  return titles;
}

void add_row(std::vector<std::vector<std::string>>& rows,
             std::string name,
             std::vector<std::string> cells) {
  cells.insert(cells.begin(), std::move(name));
  rows.push_back(std::move(cells));
}

std::string marked(const Member& member, const TextStyle& style) {
  return member.pod.ready && !member.trouble ? member.pod.name
                                             : style.yellow(member.pod.name + " !");
}

/// In a narrow terminal the least telling columns give way.
Fit fit_for(const TextStyle& style) {
  return {.columns = style.width(),
          .optional = {"RESTARTS", "AGE", "MEMORY", "ZONE", "ADDRESS", "KEYS", "LAG"}};
}

std::string tree(const StatusPicture& picture, const TextStyle& style, Detail detail) {
  const ClusterView& view = picture.view;
  const core::Topology* agreed = formed(view);
  std::vector<std::vector<std::string>> rows;
  std::vector<const Member*> shown;
  auto masters = agreed == nullptr ? std::vector<const Node*>{} : agreed->masters();
  std::sort(masters.begin(), masters.end(), [](const Node* a, const Node* b) {
    const auto start = [](const Node& node) {
      return node.slots.empty() ? core::k_slot_count : node.slots.ranges().front().first();
    };
    return start(*a) < start(*b);
  });
  for (const Node* master : masters) {
    const auto replicas = agreed->replicas_of(master->id);
    if (const Member* member = view.by_node(*master); member != nullptr) {
      add_row(rows, style.bold(marked(*member, style)), cells_of(view, *member, *master, detail));
      shown.push_back(member);
    } else if (!master->slots.empty() || !replicas.empty()) {
      const std::string name = "node " + master->id.short_text() + " !";
      add_row(rows, style.bold(style.yellow(name)), cells_without_pod(*master, detail));
    }
    for (const Node* replica : replicas) {
      if (const Member* member = view.by_node(*replica); member != nullptr) {
        const std::string branch = replica == replicas.back() ? "└ " : "├ ";
        add_row(rows, branch + marked(*member, style), cells_of(view, *member, *replica, detail));
        shown.push_back(member);
      }
    }
  }
  std::string text = rows.empty() ? "" : render_table(titles_of(detail), rows, fit_for(style));
  for (const Member& member : view.members) {
    const bool is_shown = std::find(shown.begin(), shown.end(), &member) != shown.end();
    if (!is_shown || member.self() == nullptr) {
      const std::string why = !member.pod.trouble.empty() ? member.pod.trouble
                              : member.trouble            ? member.trouble->message
                                                          : "not part of the cluster";
      text += style.yellow("! " + member.pod.name) + "  " + why + "\n";
    }
  }
  return text;
}

std::string loss_text(const core::Loss& loss, const TextStyle& style) {
  if (loss.survived()) {
    return style.green("survives");
  }
  std::string text = "loses ";
  if (!loss.slots.empty()) {
    text += human_count(loss.slots.size()) + (loss.slots.size() == 1 ? " slot" : " slots");
  }
  if (loss.majority_gone) {
    text += std::string(loss.slots.empty() ? "" : " and ") + "the majority of masters";
  }
  return style.red(text);
}

std::string losses(const std::string& what,
                   const std::map<std::string, core::Loss>& by_domain,
                   const TextStyle& style) {
  // A single zone (or none) says nothing that the nodes do not.
  if (by_domain.empty() || (what == "zone" && by_domain.size() == 1)) {
    return {};
  }
  std::string text = "without " + what + ":";
  for (const auto& [name, loss] : by_domain) {
    text += "  " + (name.empty() ? "(unknown)" : name) + " " + loss_text(loss, style);
  }
  return text + "\n";
}

/// Who changes it, and how far that is; nothing where nobody does.
std::string change_text(const ClusterView& view) {
  if (!view.change) {
    return {};
  }
  const core::Change& change = *view.change;
  return "changing: " + change.doing + ", by " + change.who + " since " + change.since + "\n" +
         (change.progress.empty() ? "" : "          " + change.progress + "\n");
}

/// Where clients connect, and a command that does; nothing where nobody looked.
std::string connect_text(const ClusterView& view) {
  const core::Connect& connect = view.connect;
  if (connect.services.empty()) {
    return {};
  }
  const core::ClientService& best = connect.services.front();
  std::string text = "connect: " + best.address + " (" + best.type + ")";
  if (best.node_port != 0) {
    text += fmt::format(", port {} of every node", best.node_port);
  }
  for (const std::string& address : best.external) {
    text += ", from outside " + address;
  }
  text += connect.tls ? ", TLS" : "";
  if (!connect.auth_secret.empty()) {
    text += ", password in Secret " + connect.auth_secret +
            (connect.auth_key.empty() ? "" : " (" + connect.auth_key + ")");
  }
  return text + "\n         " + core::redis_command(view, "cli") + "\n";
}

std::string painted_severity(core::Severity severity, const TextStyle& style) {
  const std::string text(core::to_text(severity));
  return severity == core::Severity::error     ? style.red(text)
         : severity == core::Severity::warning ? style.yellow(text)
                                               : style.dim(text);
}

}  // namespace

StatusPicture picture_of(core::ClusterView view) {
  StatusPicture picture{.view = std::move(view)};
  picture.findings = core::find_trouble(picture.view);
  picture.survival = core::survival_of(picture.view);
  picture.health = core::health_of(picture.view, picture.findings);
  return picture;
}

std::string render_status(const StatusPicture& picture, const TextStyle& style, Detail detail) {
  std::string text = headline(picture, style) + change_text(picture.view) + "\n" +
                     tree(picture, style, detail) + "\n";
  if (formed(picture.view) != nullptr) {
    text += losses("node", picture.survival.nodes, style);
    text += losses("zone", picture.survival.zones, style);
  }
  text += connect_text(picture.view);
  for (const core::Finding& finding : picture.findings) {
    text += painted_severity(finding.severity, style) + " [" + finding.id + "] " + finding.message +
            "\n";
    if (const std::string fix = finding.remedy.to_text(); !fix.empty()) {
      text += "  fix: " + fix + "\n";
    }
  }
  return text;
}

std::string render_status_table(const std::vector<StatusPicture>& pictures,
                                const TextStyle& style) {
  std::vector<std::vector<std::string>> rows;
  for (const StatusPicture& picture : pictures) {
    const auto errors = std::count_if(
        picture.findings.begin(), picture.findings.end(), [](const core::Finding& finding) {
          return finding.severity == core::Severity::error;
        });
    rows.push_back({picture.view.namespace_,
                    picture.view.name,
                    painted_health(picture.health, style),
                    picture.view.made_by,
                    std::to_string(counts_of(picture.view).masters),
                    std::to_string(picture.view.members.size()),
                    human_count(core::served_slots(picture.view).size()),
                    std::to_string(errors),
                    std::to_string(picture.findings.size())});
  }
  return render_table(
      {"NAMESPACE", "NAME", "HEALTH", "MADE BY", "MASTERS", "PODS", "SLOTS", "ERRORS", "FINDINGS"},
      rows,
      {.columns = style.width(), .optional = {"FINDINGS", "MADE BY", "SLOTS", "PODS"}});
}

}  // namespace kredis::plugin
