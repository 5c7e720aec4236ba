// SPDX-License-Identifier: Apache-2.0
//
// Carries a program's input, output and end between its descriptors and a client's channels: the
// common part of exec and attach.
#pragma once

#include <functional>
#include <vector>

#include "tests/sandbox/node/channels.hpp"
#include "tests/sandbox/node/process.hpp"

namespace kredis::sandbox {

/// What the client is connected to.
struct CommandEnds {
  Fd input = {};  ///< Closed when the client says so; may be absent.
  Fd output = {};
  Fd errors = {};
  Fd exited = {};  ///< Readable at the end; absent: the end is when `output` ends.
  enum class Kind { pipes, terminal } kind = Kind::pipes;
};

class CommandSession {
 public:
  enum class End { program, client };

  CommandSession(Channels& channels, CommandRoles roles, CommandEnds ends);

  /// Events that came while the channels were being opened.
  void take_early(const std::vector<ChannelEvent>& events);
  /// Carries on until the program has ended or the client has gone.
  End run();

 private:
  bool take_client();
  void take(const ChannelEvent& event);
  bool forward(Fd& from, std::uint32_t to);
  void drain();
  void write_input();
  void close_input();

  Channels& channels_;
  CommandRoles roles_;
  CommandEnds ends_;
  std::string pending_input_;
  bool input_ended_ = false;
};

/// The Status that ends every exec: how the command ended.
std::string exit_status_json(int exit_code);
std::string failure_status_json(const std::string& message);

}  // namespace kredis::sandbox
