// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/node/action.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "tests/sandbox/controllers/objects.hpp"
#include "tests/sandbox/node/jail.hpp"

namespace kredis::sandbox {
namespace {

constexpr std::size_t k_most_output = 10 * 1024;  // What the kubelet keeps of a probe's output.

int port_of(const Json& handler, const ActionTarget& target) {
  const Json& port = at(handler, "port");
  if (port.is_number_integer()) {
    return port.get<int>();
  }
  const std::string name = port.is_string() ? port.get<std::string>() : "";
  for (const Json& entry : target.ports) {
    if (text_at(entry, "name") == name) {
      return static_cast<int>(number_at(entry, "containerPort"));
    }
  }
  return std::atoi(name.c_str());
}

/// What all kinds share: the answer is given once, and not before `start` has returned.
class TimedAction : public Action {
 public:
  TimedAction(Loop& loop, Done done) : loop_(loop), done_(std::move(done)) {}
  ~TimedAction() override { loop_.cancel(timer_); }

 protected:
  void answer_after(std::chrono::milliseconds delay, ActionResult result) {
    loop_.cancel(timer_);
    timer_ = loop_.after(delay, [this, result = std::move(result)] { answer(result); });
  }
  // Nothing may follow a call of this: the owner is free to destroy the action.
  void answer(const ActionResult& result) {
    release();
    const Done done = std::move(done_);
    // The result may be a part of this action.
    // NOLINTNEXTLINE(performance-unnecessary-copy-initialization)
    const ActionResult copy = result;
    done(copy);
  }
  virtual void release() {}
  Loop& loop() { return loop_; }

 private:
  Loop& loop_;
  Done done_;
  Loop::TimerId timer_ = 0;
};

class Pause : public TimedAction {
 public:
  Pause(Loop& loop, std::chrono::milliseconds length, ActionResult result, Done done)
      : TimedAction(loop, std::move(done)) {
    answer_after(length, std::move(result));
  }
};

/// A child process whose exit status is the answer.
class Command : public TimedAction {
 public:
  /// Turns exit status and output into the answer.
  using Judge = std::function<ActionResult(int exit_code, const std::string& output)>;

  Command(
      Loop& loop, SpawnRequest request, std::chrono::milliseconds timeout, Judge judge, Done done)
      : TimedAction(loop, std::move(done)), judge_(std::move(judge)) {
    auto pipe = Pipe::make();
    if (!pipe) {
      answer_after({}, {false, pipe.error().message});
      return;
    }
    request.output = pipe->write.get();
    auto child = spawn(request);
    if (!child) {
      answer_after({}, {false, child.error().message});
      return;
    }
    child_ = std::move(*child);
    output_ = std::move(pipe->read);
    ::fcntl(output_.get(), F_SETFL, O_NONBLOCK);
    this->loop().watch(output_.get(), [this] { read_output(); });
    this->loop().watch(child_.exited.get(), [this] { finish(); });
    answer_after(
        timeout,
        {false, "command timed out after " + std::to_string(timeout.count() / 1'000) + "s"});
  }
  ~Command() override { end(); }

 protected:
  void release() override { end(); }

 private:
  void read_output() {
    std::array<char, 4096> buffer{};
    ssize_t size = 0;
    while ((size = ::read(output_.get(), buffer.data(), buffer.size())) > 0) {
      const std::size_t room = k_most_output - std::min(k_most_output, text_.size());
      text_.append(buffer.data(), std::min(room, static_cast<std::size_t>(size)));
    }
    if (size == 0) {
      loop().forget(output_.get());
    }
  }

  void finish() {
    read_output();
    const int exit_code = exit_code_of(child_);
    loop().forget(child_.exited.get());
    child_.pid = -1;
    answer(judge_(exit_code, text_));
  }

  void end() {
    if (output_) {
      loop().forget(output_.get());
    }
    if (child_.pid > 0) {
      loop().forget(child_.exited.get());
      end_child(child_);
    }
  }

  Judge judge_;
  Child child_;
  Fd output_;
  std::string text_;
};

/// A TCP connection that only has to come about.
class Dial : public TimedAction {
 public:
  Dial(Loop& loop,
       const std::string& address,
       int port,
       std::chrono::milliseconds timeout,
       Done done)
      : TimedAction(loop, std::move(done)), name_(address + ":" + std::to_string(port)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    to.sin_addr.s_addr = ::inet_addr(address.c_str());
    socket_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the sockets API is made so.
    if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) {
      answer_after({}, {true, ""});
    } else if (errno == EINPROGRESS) {
      answer_after(timeout, {false, "dial tcp " + name_ + ": i/o timeout"});
      this->loop().watch_writable(socket_.get(), [this] { finish(); });
    } else {
      answer_after({}, refusal(errno));
    }
  }
  ~Dial() override { release(); }

 protected:
  void release() override {
    if (socket_) {
      loop().forget(socket_.get());
    }
  }

 private:
  ActionResult refusal(int error) const {
    std::string reason = std::strerror(error);
    reason.front() = static_cast<char>(std::tolower(static_cast<unsigned char>(reason.front())));
    return {false, "dial tcp " + name_ + ": connect: " + reason};
  }

  void finish() {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    answer(error == 0 ? ActionResult{true, ""} : refusal(error));
  }

  std::string name_;
  Fd socket_;
};

SpawnRequest exec_request(const Json& handler, const ActionTarget& target) {
  SpawnRequest request;
  request.arguments =
      enter_argv(target.pid, handler.value("command", std::vector<std::string>{}), own_privilege());
  request.environment = target.environment;
  return request;
}

std::string url_of(const Json& handler, const ActionTarget& target) {
  const std::string scheme = text_at(handler, "scheme") == "HTTPS" ? "https://" : "http://";
  const std::string host =
      text_at(handler, "host").empty() ? target.address : text_at(handler, "host");
  const std::string path = text_at(handler, "path");
  return scheme + host + ":" + std::to_string(port_of(handler, target)) +
         (path.starts_with("/") ? "" : "/") + path;
}

SpawnRequest http_request(const Json& handler, const ActionTarget& target) {
  SpawnRequest request;
  request.arguments = {"curl",
                       "--silent",
                       "--show-error",
                       "--insecure",
                       "--noproxy",
                       "*",
                       "--output",
                       "/dev/null",
                       "--write-out",
                       "%{http_code}",
                       "--user-agent",
                       "kube-probe/1.32"};
  for (const Json& header : handler.value("httpHeaders", Json::array())) {
    request.arguments.insert(
        request.arguments.end(),
        {"--header", text_at(header, "name") + ": " + text_at(header, "value")});
  }
  request.arguments.push_back(url_of(handler, target));
  return request;
}

ActionResult judge_http(const std::string& url, int exit_code, const std::string& output) {
  if (exit_code != 0) {
    return {false, "Get \"" + url + "\": " + output};
  }
  const int status = std::atoi(output.c_str());
  const bool ok = status >= 200 && status < 400;
  return {ok, ok ? "" : "HTTP probe failed with statuscode: " + output};
}

}  // namespace

std::unique_ptr<Action> Action::start(Loop& loop,
                                      const Json& action,
                                      const ActionTarget& target,
                                      std::chrono::milliseconds timeout,
                                      Done done) {
  if (const auto handler = action.find("exec"); handler != action.end()) {
    return std::make_unique<Command>(
        loop,
        exec_request(*handler, target),
        timeout,
        [](int exit_code, const std::string& output) {
          return ActionResult{exit_code == 0, output};
        },
        std::move(done));
  }
  if (const auto handler = action.find("httpGet"); handler != action.end()) {
    return std::make_unique<Command>(
        loop,
        http_request(*handler, target),
        timeout,
        [url = url_of(*handler, target)](int exit_code, const std::string& output) {
          return judge_http(url, exit_code, output);
        },
        std::move(done));
  }
  for (const char* kind : {"tcpSocket", "grpc"}) {
    if (const auto handler = action.find(kind); handler != action.end()) {
      const std::string host =
          text_at(*handler, "host").empty() ? target.address : text_at(*handler, "host");
      return std::make_unique<Dial>(
          loop, host, port_of(*handler, target), timeout, std::move(done));
    }
  }
  const std::chrono::seconds pause(number_at(action, "sleep.seconds"));
  return std::make_unique<Pause>(loop,
                                 std::min<std::chrono::milliseconds>(pause, timeout),
                                 ActionResult{true, ""},
                                 std::move(done));
}

}  // namespace kredis::sandbox
