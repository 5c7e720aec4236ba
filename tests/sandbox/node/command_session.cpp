// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/node/command_session.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "shared/json/json.hpp"
#include "tests/sandbox/controllers/objects.hpp"
#include "tests/sandbox/node/pty.hpp"

namespace kredis::sandbox {
namespace {

constexpr std::size_t k_most_pending = 256 * 1024;  // More than that and the client has to wait.
constexpr int k_poll_milliseconds = 60'000;

void never_block(const Fd& fd) {
  if (fd) {
    ::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
  }
}

}  // namespace

CommandSession::CommandSession(Channels& channels, CommandRoles roles, CommandEnds ends)
    : channels_(channels), roles_(roles), ends_(std::move(ends)) {
  never_block(ends_.input);
  never_block(ends_.output);
  never_block(ends_.errors);
}

void CommandSession::take_early(const std::vector<ChannelEvent>& events) {
  for (const ChannelEvent& event : events) {
    take(event);
  }
}

CommandSession::End CommandSession::run() {
  while (true) {
    write_input();
    const bool full = pending_input_.size() > k_most_pending;
    const short input_events = pending_input_.empty() ? 0 : POLLOUT;
    // A negative descriptor is passed over.
    std::array<pollfd, 5> watched{{{full ? -1 : channels_.fd(), POLLIN, 0},
                                   {ends_.output.get(), POLLIN, 0},
                                   {ends_.errors.get(), POLLIN, 0},
                                   {ends_.exited.get(), POLLIN, 0},
                                   {input_events != 0 ? ends_.input.get() : -1, input_events, 0}}};
    const bool ready = !full && channels_.has_buffered();
    ::poll(watched.data(), watched.size(), ready ? 0 : k_poll_milliseconds);
    if ((ready || watched[0].revents != 0) && !take_client()) {
      return End::client;
    }
    if (watched[1].revents != 0 && !forward(ends_.output, roles_.output) && !ends_.exited) {
      return End::program;
    }
    if (watched[2].revents != 0) {
      forward(ends_.errors, roles_.errors);
    }
    if (watched[3].revents != 0) {
      drain();
      return End::program;
    }
  }
}

bool CommandSession::take_client() {
  const auto events = channels_.read(std::chrono::milliseconds(0));
  if (!events) {
    return false;
  }
  take_early(*events);
  return true;
}

void CommandSession::take(const ChannelEvent& event) {
  if (event.channel == roles_.input && event.kind == ChannelEvent::Kind::data) {
    pending_input_ += event.bytes;
  } else if (event.channel == roles_.input && event.kind == ChannelEvent::Kind::half_closed) {
    input_ended_ = true;
  } else if (event.channel == roles_.resize && event.kind == ChannelEvent::Kind::data) {
    const Json size = Json::parse(event.bytes, nullptr, false);
    if (size.is_object()) {
      resize_terminal(ends_.input.get(),
                      static_cast<unsigned>(number_at(size, "Width", 80)),
                      static_cast<unsigned>(number_at(size, "Height", 24)));
    }
  }
}

// Passes on what there is. False once the descriptor has ended.
bool CommandSession::forward(Fd& from, std::uint32_t to) {
  std::array<char, 16 * 1024> buffer{};
  while (from) {
    const ssize_t size = ::read(from.get(), buffer.data(), buffer.size());
    if (size > 0) {
      // A client that is gone is noticed by reading from it.
      if (to != CommandRoles::k_none) {
        static_cast<void>(channels_.write(to, {buffer.data(), static_cast<std::size_t>(size)}));
      }
      continue;
    }
    if (size < 0 && errno == EAGAIN) {
      return true;
    }
    from.reset();  // The end; of a terminal it shows as EIO.
  }
  return false;
}

void CommandSession::drain() {
  forward(ends_.output, roles_.output);
  forward(ends_.errors, roles_.errors);
}

void CommandSession::write_input() {
  while (!pending_input_.empty() && ends_.input) {
    const ssize_t size = ::write(ends_.input.get(), pending_input_.data(), pending_input_.size());
    if (size > 0) {
      pending_input_.erase(0, static_cast<std::size_t>(size));
    } else if (errno == EAGAIN) {
      return;
    } else {
      ends_.input.reset();  // The program does not read any more.
    }
  }
  pending_input_ = ends_.input ? pending_input_ : "";
  if (std::exchange(input_ended_, false)) {
    close_input();
  }
}

void CommandSession::close_input() {
  if (ends_.kind == CommandEnds::Kind::terminal && ends_.input) {
    constexpr char k_end_of_transmission = 4;  // A terminal has no other way to say it.
    [[maybe_unused]] const auto size = ::write(ends_.input.get(), &k_end_of_transmission, 1);
    return;
  }
  ends_.input.reset();
}

std::string exit_status_json(int exit_code) {
  if (exit_code == 0) {
    return Json{{"metadata", Json::object()}, {"status", "Success"}}.dump();
  }
  const std::string code = std::to_string(exit_code);
  return Json{{"metadata", Json::object()},
              {"status", "Failure"},
              {"message", "command terminated with non-zero exit code: exit status " + code},
              {"reason", "NonZeroExitCode"},
              {"details", {{"causes", {{{"reason", "ExitCode"}, {"message", code}}}}}}}
      .dump();
}

std::string failure_status_json(const std::string& message) {
  return Json{{"metadata", Json::object()},
              {"status", "Failure"},
              {"message", message},
              {"reason", "InternalError"},
              {"details", {{"causes", {{{"message", message}}}}}},
              {"code", 500}}
      .dump();
}

}  // namespace kredis::sandbox
