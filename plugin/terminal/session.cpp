// SPDX-License-Identifier: Apache-2.0
#include "plugin/terminal/session.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "plugin/terminal/interrupt.hpp"
#include "shared/core/result.hpp"
#include "shared/kube/client.hpp"
#include "shared/manifest/yaml_writer.hpp"

namespace kredis::plugin {
namespace {

bool is_terminal(int fd) { return ::isatty(fd) == 1; }

/// Colour as asked; by default only on a terminal that wants it. https://no-color.org
Colour colour_for(int fd, ColourWish wish) {
  if (wish == ColourWish::always) {
    return Colour::on;
  }
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool refused = (no_color != nullptr && *no_color != '\0') ||
                       (term != nullptr && std::string(term) == "dumb");
  return wish == ColourWish::auto_ && is_terminal(fd) && !refused ? Colour::on : Colour::off;
}

std::size_t width_of(int fd) {
  winsize size{};
  const bool known = is_terminal(fd) && ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 100;
}

}  // namespace

struct Session::Connection {
  std::unique_ptr<ports::KubePort> kube;
  std::string namespace_;
};

Session::Session(GlobalOptions options, std::ostream& out, std::ostream& err)
    : options_(std::move(options)),
      out_(out),
      err_(err),
      out_style_(colour_for(STDOUT_FILENO, options_.color), width_of(STDOUT_FILENO)),
      err_style_(colour_for(STDERR_FILENO, options_.color), width_of(STDERR_FILENO)),
      progress_(std::make_unique<Progress>(
          err_, err_style_, is_terminal(STDERR_FILENO) ? Live::yes : Live::no)) {}

Session::~Session() { on_interrupt({}); }

Result<ports::KubePort*> Session::kube() {
  if (!connection_) {
    kube::KubeOptions wanted{.kubeconfig = options_.kubeconfig,
                             .context = options_.context,
                             .cluster = options_.cluster,
                             .user = options_.user,
                             .namespace_ = options_.namespace_,
                             .server = options_.server,
                             .as = options_.as,
                             .as_groups = options_.as_groups};
    if (options_.request_timeout.count() != 0) {
      wanted.request_timeout = options_.request_timeout;
    }
    wanted.on_warning = [this](const std::string& text) {
      progress_->note(err_style_.yellow("warning:") + " " + text);
    };
    KREDIS_TRY(auto client, kube::connect(wanted));
    connection_ = std::make_unique<Connection>();
    connection_->namespace_ = client->default_namespace();
    on_interrupt([kube = client.get()] { kube->cancel(); });
    connection_->kube = std::move(client);
  }
  return connection_->kube.get();
}

Result<std::string> Session::namespace_name() {
  if (!options_.namespace_.empty()) {
    return options_.namespace_;
  }
  KREDIS_CHECK(kube());
  return connection_->namespace_;
}

Result<std::unique_ptr<ports::RedisPort>> Session::redis(const std::string& namespace_,
                                                         const observe::RedisAccess& access) {
  KREDIS_TRY(ports::KubePort * kube, this->kube());
  return observe::open_redis(*kube, namespace_, access, options_.via);
}

void Session::print_object(const Json& object, Output output) {
  out_ << (output == Output::yaml ? manifest::to_yaml(object) : object.dump(2) + "\n");
}

bool Session::confirm(const std::string& question) {
  if (!is_terminal(STDIN_FILENO)) {
    return false;
  }
  progress_->clear();
  err_ << question << " [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

bool Session::confirm_by_typing(const std::string& question, const std::string& expected) {
  if (!is_terminal(STDIN_FILENO)) {
    return false;
  }
  progress_->clear();
  err_ << question << "\n  type " << err_style_.bold(expected) << " to go on: " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == expected;
}

std::string Session::namespace_flag() const {
  const std::string& name =
      connection_ && options_.namespace_.empty() ? connection_->namespace_ : options_.namespace_;
  return name.empty() || name == "default" ? "" : " -n " + name;
}

}  // namespace kredis::plugin
