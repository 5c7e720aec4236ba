// SPDX-License-Identifier: Apache-2.0
#include "plugin/terminal/session.hpp"

#include <algorithm>
#include <cstdlib>
#include <ostream>

#include "shared/core/result.hpp"
#include "shared/core/text.hpp"
#include "shared/manifest/yaml_writer.hpp"

namespace kredis::plugin {
namespace {

/// Colour as asked; by default only on a terminal that wants it. https://no-color.org
Colour colour_for(const Terminal& terminal, Stream stream, ColourWish wish) {
  if (wish == ColourWish::always) {
    return Colour::on;
  }
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool refused = (no_color != nullptr && *no_color != '\0') ||
                       (term != nullptr && std::string(term) == "dumb");
  return wish == ColourWish::auto_ && terminal.is_terminal(stream) && !refused ? Colour::on
                                                                               : Colour::off;
}

TextStyle style_for(Terminal& terminal, Stream stream, const GlobalOptions& options) {
  const Colour colour = colour_for(terminal, stream, options.color);
  terminal.let_colours_pass(stream, colour);
  return TextStyle(colour, terminal.width(stream));
}

Result<KubeAccess> connect(const kube::KubeOptions& options) {
  KREDIS_TRY(auto client, kube::connect(options));
  KubeAccess access{.namespace_ = client->default_namespace(),
                    .cancel = [client = client.get()] { client->cancel(); }};
  access.port = std::move(client);
  return access;
}

/// The real world where a test gave nothing else.
Means completed(Means means, Terminal* terminal) {
  means.terminal = means.terminal != nullptr ? means.terminal : terminal;
  if (!means.kube) {
    means.kube = connect;
  }
  if (!means.redis) {
    means.redis = observe::open_redis;
  }
  return means;
}

}  // namespace

std::vector<std::string> kubectl_flags(const GlobalOptions& options) {
  std::vector<std::string> flags;
  const auto add = [&flags](const std::string& flag, const std::string& value) {
    if (!value.empty()) {
      flags.push_back(flag + "=" + value);
    }
  };
  add("--kubeconfig", options.kubeconfig);
  add("--context", options.context);
  add("--cluster", options.cluster);
  add("--user", options.user);
  add("--server", options.server);
  add("--as", options.as);
  for (const std::string& group : options.as_groups) {
    add("--as-group", group);
  }
  return flags;
}

Session::Session(GlobalOptions options, std::ostream& out, std::ostream& err)
    : Session(std::move(options), Means{}, system_terminal(out, err)) {}

Session::Session(GlobalOptions options, Means means)
    : Session(std::move(options), std::move(means), nullptr) {}

Session::Session(GlobalOptions options, Means means, std::unique_ptr<Terminal> own)
    : options_(std::move(options)),
      own_terminal_(std::move(own)),
      means_(completed(std::move(means), own_terminal_.get())),
      out_style_(style_for(*means_.terminal, Stream::out, options_)),
      err_style_(style_for(*means_.terminal, Stream::err, options_)),
      progress_(std::make_unique<Progress>(
          err(), err_style_, terminal().is_terminal(Stream::err) ? Live::yes : Live::no)) {}

Session::~Session() { terminal().on_interrupt({}); }

Result<ports::KubePort*> Session::kube() {
  if (!kube_) {
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
    KREDIS_TRY(KubeAccess access, means_.kube(wanted));
    terminal().on_interrupt(access.cancel);
    kube_ = std::make_unique<KubeAccess>(std::move(access));
  }
  return kube_->port.get();
}

Result<std::string> Session::namespace_name() {
  if (!options_.namespace_.empty()) {
    return options_.namespace_;
  }
  KREDIS_CHECK(kube());
  return kube_->namespace_;
}

Result<std::unique_ptr<ports::RedisPort>> Session::redis(const std::string& namespace_,
                                                         const observe::RedisAccess& access) {
  KREDIS_TRY(ports::KubePort * kube, this->kube());
  return means_.redis(*kube, namespace_, access, options_.via);
}

void Session::print_object(const Json& object, Output output) {
  constexpr int k_indent = 2;
  // What Redis says need not be UTF-8, which JSON has to be.
  out() << (output == Output::yaml
                ? manifest::to_yaml(object)
                : object.dump(k_indent, ' ', false, Json::error_handler_t::replace) + "\n");
}

bool Session::confirm(const std::string& question) {
  if (!terminal().is_terminal(Stream::in)) {
    return false;
  }
  progress_->clear();
  err() << question << " [y/N] " << std::flush;
  const std::string answer = terminal().read_line().value_or("");
  return answer == "y" || answer == "Y" || answer == "yes";
}

bool Session::confirm_by_typing(const std::string& question, const std::string& expected) {
  if (!terminal().is_terminal(Stream::in)) {
    return false;
  }
  progress_->clear();
  err() << question << "\n  type " << err_style_.bold(expected) << " to go on: " << std::flush;
  return terminal().read_line() == expected;
}

const std::string& Session::known_namespace() const {
  return kube_ && options_.namespace_.empty() ? kube_->namespace_ : options_.namespace_;
}

std::string Session::kube_flags() const {
  const std::string& name = known_namespace();
  std::string flags = " -n " + core::shell_word(name.empty() ? "default" : name);
  for (const std::string& flag : kubectl_flags(options_)) {
    flags += " " + core::shell_word(flag);
  }
  return flags;
}

std::string Session::namespace_flag() const {
  const std::string& name = known_namespace();
  return name.empty() || name == "default" ? "" : " -n " + name;
}

}  // namespace kredis::plugin
