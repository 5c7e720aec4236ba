// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/node/exec.hpp"

#include <fcntl.h>

#include <utility>

#include "tests/sandbox/node/command_session.hpp"
#include "tests/sandbox/node/jail.hpp"
#include "tests/sandbox/node/pty.hpp"
#include "tests/sandbox/node/spdy.hpp"
#include "tests/sandbox/node/websocket.hpp"

namespace kredis::sandbox {
namespace {

constexpr std::chrono::seconds k_channels_open_within{30};

/// A client whose channels are all there.
struct Client {
  std::unique_ptr<Channels> channels;
  CommandRoles roles;
  std::vector<ChannelEvent> early;  // What it sent meanwhile.
};

bool wants_terminal(const Query& query) { return query.flag("tty"); }

CommandRoles expected_roles(const Query& query) {
  // The numbers are those of the WebSocket protocol.
  CommandRoles roles{.status = 3};
  roles.input = query.flag("stdin") ? 0 : CommandRoles::k_none;
  roles.output = query.flag("stdout") ? 1 : CommandRoles::k_none;
  roles.errors = query.flag("stderr") && !wants_terminal(query) ? 2 : CommandRoles::k_none;
  roles.resize = wants_terminal(query) ? 4 : CommandRoles::k_none;
  return roles;
}

std::uint32_t* role_of(CommandRoles& roles, const std::string& stream_type) {
  return stream_type == "stdin"    ? &roles.input
         : stream_type == "stdout" ? &roles.output
         : stream_type == "stderr" ? &roles.errors
         : stream_type == "error"  ? &roles.status
         : stream_type == "resize" ? &roles.resize
                                   : nullptr;
}

int count(const CommandRoles& roles) {
  int there = 0;
  for (const std::uint32_t role :
       {roles.input, roles.output, roles.errors, roles.status, roles.resize}) {
    there += role != CommandRoles::k_none ? 1 : 0;
  }
  return there;
}

// Over SPDY the client opens one channel after the other, each with what it is for.
Status gather_channels(Client& client, const CommandRoles& expected) {
  const auto deadline = std::chrono::steady_clock::now() + k_channels_open_within;
  while (count(client.roles) < count(expected)) {
    if (std::chrono::steady_clock::now() > deadline) {
      return Error::timeout("the client did not open its streams");
    }
    KREDIS_TRY(std::vector<ChannelEvent> events, client.channels->read(std::chrono::seconds(1)));
    for (ChannelEvent& event : events) {
      const auto type = event.headers.find("streamtype");
      if (event.kind != ChannelEvent::Kind::opened) {
        client.early.push_back(std::move(event));
      } else if (std::uint32_t* role =
                     type == event.headers.end() ? nullptr : role_of(client.roles, type->second)) {
        *role = event.channel;
      }
    }
  }
  return {};
}

Result<Client> welcome(const StreamRequest& request, ByteStream& stream) {
  const CommandRoles expected = expected_roles(request.query);
  if (wants_websocket(request)) {
    KREDIS_CHECK(accept_websocket(request, stream, {"v5.channel.k8s.io", "v4.channel.k8s.io"}));
    return Client{make_websocket_channels(stream), expected, {}};
  }
  if (!wants_spdy(request)) {
    return Error::invalid_argument(
        "unable to upgrade: the request asks for neither WebSocket nor SPDY/3.1");
  }
  KREDIS_CHECK(accept_spdy(stream, "v4.channel.k8s.io"));
  return Client{make_spdy_channels(stream), {}, {}};
}

void say_how_it_ended(Client& client, const std::string& status) {
  for (const std::uint32_t channel : {client.roles.output, client.roles.errors}) {
    if (channel != CommandRoles::k_none) {
      static_cast<void>(client.channels->close_channel(channel));
    }
  }
  static_cast<void>(client.channels->write(client.roles.status, status));
  static_cast<void>(client.channels->close_channel(client.roles.status));
  part(*client.channels);
}

/// The program inside the container, and our ends of its descriptors.
struct StartedCommand {
  Child child;
  CommandEnds ends;
};

Fd duplicate_of(const Fd& fd) { return Fd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3)); }

Result<StartedCommand> start_on_terminal(SpawnRequest request, pid_t container) {
  KREDIS_TRY(Pty pty, Pty::open("/proc/" + std::to_string(container) + "/root"));
  request.terminal = pty.path;
  request.environment.emplace("TERM", "xterm");
  StartedCommand command;
  KREDIS_TRY(command.child, spawn(request));
  command.ends.kind = CommandEnds::Kind::terminal;
  command.ends.output = duplicate_of(pty.master);
  command.ends.input = std::move(pty.master);
  return command;
}

Result<StartedCommand> start_on_pipes(SpawnRequest request, const CommandRoles& roles) {
  KREDIS_TRY(Pipe input, Pipe::make());
  KREDIS_TRY(Pipe output, Pipe::make());
  KREDIS_TRY(Pipe errors, Pipe::make());
  request.input = roles.input != CommandRoles::k_none ? input.read.get() : -1;
  request.output = output.write.get();
  request.error = errors.write.get();
  StartedCommand command;
  KREDIS_TRY(command.child, spawn(request));
  command.ends.input = std::move(input.write);
  command.ends.output = std::move(output.read);
  command.ends.errors = std::move(errors.read);
  return command;
}

std::string path_of(const Environment& environment) {
  const auto path = environment.find("PATH");
  return path == environment.end() ? "/usr/bin:/bin" : path->second;
}

Result<StartedCommand> start_command(const StreamRequest& request,
                                     const ContainerPlace& place,
                                     const CommandRoles& roles) {
  std::vector<std::string> argv = request.query.all("command");
  if (argv.empty()) {
    return Error::invalid_argument("you must specify at least 1 command for the container");
  }
  if (const Status found = check_program(place.pid, argv.front(), path_of(place.environment));
      !found) {
    return Error::internal(
        "Internal error occurred: error executing command in container: failed to exec in "
        "container: failed to start exec: OCI runtime exec failed: exec failed: unable to "
        "start container process: " +
        found.error().message + ": unknown");
  }
  if (wants_terminal(request.query)) {
    // The session must be led from inside: a shell there cannot name a process group from outside.
    argv.insert(argv.begin(), {"setsid", "--ctty"});
  }
  SpawnRequest spawn_request;
  spawn_request.arguments = enter_argv(place.pid, argv, own_privilege());
  spawn_request.environment = place.environment;
  KREDIS_TRY(StartedCommand command,
             wants_terminal(request.query) ? start_on_terminal(std::move(spawn_request), place.pid)
                                           : start_on_pipes(std::move(spawn_request), roles));
  command.ends.exited = duplicate_of(command.child.exited);
  return command;
}

}  // namespace

Status serve_exec(const StreamRequest& request, ByteStream& stream, const ContainerPlace& place) {
  KREDIS_TRY(Client client, welcome(request, stream));
  // From here on there is no HTTP left: whatever happens is told on the status channel.
  if (!gather_channels(client, expected_roles(request.query))) {
    return {};
  }
  auto command = start_command(request, place, client.roles);
  if (!command) {
    say_how_it_ended(client, failure_status_json(command.error().message));
    return {};
  }
  CommandSession session(*client.channels, client.roles, std::move(command->ends));
  session.take_early(client.early);
  if (session.run() == CommandSession::End::client) {
    end_child(command->child);
    return {};
  }
  say_how_it_ended(client, exit_status_json(exit_code_of(command->child)));
  return {};
}

Status serve_attach(const StreamRequest& request, ByteStream& stream, const ContainerPlace& place) {
  CommandEnds ends;
  ends.kind = place.has_terminal ? CommandEnds::Kind::terminal : CommandEnds::Kind::pipes;
  ends.input = Fd(place.input_fd);
  KREDIS_TRY(Pipe tap, Pipe::make());
  KREDIS_TRY(Client client, welcome(request, stream));
  if (!gather_channels(client, expected_roles(request.query))) {
    return {};
  }
  place.log->add_tap(std::move(tap.write));
  ends.output = std::move(tap.read);
  CommandSession session(*client.channels, client.roles, std::move(ends));
  session.take_early(client.early);
  if (session.run() == CommandSession::End::program) {
    say_how_it_ended(client, exit_status_json(0));
  }
  return {};
}

}  // namespace kredis::sandbox
