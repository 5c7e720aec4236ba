// SPDX-License-Identifier: Apache-2.0
//
// What a node of the model does with a command, and what it answers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tests/model/world.hpp"

namespace kredis::model {

/// The next command of one call at one node.
class Commands {
 public:
  Commands(World& world, ModelNode& node, Call& call) : world_(world), node_(node), call_(call) {}

  /// Does it and keeps the answer; a MIGRATE keeps the node busy until then.
  void next();

 private:
  using Command = core::Command;
  using Reply = core::Reply;

  std::optional<Reply> answer(const Command& command);
  Reply cluster(const Command& command);
  Reply of_slot(const Command& command);
  Reply set_slot(const Command& command);
  Reply set_slot_node(std::uint32_t slot, Ident id);
  Reply change(const Command& command);
  Reply fail_over(bool forced);
  Reply reset(bool hard);
  Reply config(const Command& command);
  Reply write(const Command& command);
  std::optional<Reply> on_key(const Command& command);
  std::optional<Reply> migrate(const Command& command);
  std::vector<Command> restores(const Command& migrate, std::uint32_t slot);
  /// Where a command on `key` has to go; nothing where it is right here.
  std::optional<Reply> elsewhere(std::uint32_t slot, const std::string& key);
  std::string nodes_text() const;
  std::string flags_of(Ident id, const Seen& seen) const;
  std::string info() const;
  std::string cluster_info() const;
  Ident ident_of(const std::string& text) const;
  std::string address_of(Ident id) const;
  std::int64_t count_keys() const;

  World& world_;
  ModelNode& node_;
  Call& call_;
};

}  // namespace kredis::model
