// SPDX-License-Identifier: Apache-2.0
#include "shared/kube/exec_plugin.hpp"

#include <unistd.h>

#include <algorithm>
#include <ctime>

#include "shared/json/json.hpp"
#include "shared/kube/encoding.hpp"
#include "shared/kube/subprocess.hpp"

namespace kredis::kube {
namespace {

constexpr std::string_view k_api_group = "client.authentication.k8s.io/";
/// A plugin without a terminal asks nobody: it makes a call or two to a cloud.
constexpr auto k_silent_limit = std::chrono::minutes(1);
/// A person may have to find a phone first.
constexpr auto k_interactive_limit = std::chrono::minutes(5);

Error plugin_error(const ExecCommand& exec, const std::string& what) {
  return Error::unauthorized("the credential plugin '" + exec.command + "' " + what)
      .with_hint("run it by hand to see what is wrong, or log in again with it");
}

Result<bool> wants_terminal(const ExecCommand& exec) {
  const bool has_terminal = ::isatty(STDIN_FILENO) == 1;
  switch (exec.interactive) {
    case InteractiveMode::never:
      return false;
    case InteractiveMode::always:
      if (!has_terminal) {
        return plugin_error(exec, "wants to ask something, but there is no terminal")
            .with_hint("run this from a terminal, or set interactiveMode: IfAvailable");
      }
      return true;
    // v1beta1 without a mode means IfAvailable; v1 has to say one (Kubernetes docs, "client-go
    // credential plugins").
    case InteractiveMode::unset:
    case InteractiveMode::if_available:
      break;
  }
  return has_terminal;
}

/// v1alpha1 went with Kubernetes 1.24; client-go refuses it as well.
Status check_settings(const ExecCommand& exec) {
  const bool is_v1 = exec.api_version == "client.authentication.k8s.io/v1";
  if (!is_v1 && exec.api_version != "client.authentication.k8s.io/v1beta1") {
    return Error::invalid_argument("the credential plugin '" + exec.command +
                                   "' has the apiVersion '" + printable(exec.api_version, 80) +
                                   "', which is not supported")
        .with_hint(
            "use client.authentication.k8s.io/v1 or v1beta1; update the plugin, then "
            "have it write the kubeconfig anew");
  }
  if (is_v1 && exec.interactive == InteractiveMode::unset) {
    return Error::invalid_argument("the credential plugin '" + exec.command +
                                   "' lacks interactiveMode, which v1 requires")
        .with_hint("set interactiveMode: IfAvailable in the kubeconfig");
  }
  return {};
}

std::optional<std::chrono::system_clock::time_point> parse_time(const std::string& text) {
  std::tm parts{};
  // RFC 3339 with an optional fraction, as Go writes times. A fraction of a second is cut off: the
  // margin in credentials.cpp is larger.
  const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) {
    return std::nullopt;
  }
  if (*rest == '.') {
    rest = std::find_if(rest + 1, text.c_str() + text.size(), [](char letter) {
      return letter < '0' || letter > '9';
    });
  }
  std::tm zone{};
  std::time_t shift = 0;
  if (*rest == '+' || *rest == '-') {
    const char* end = ::strptime(rest + 1, "%H:%M", &zone);
    if (end == nullptr || *end != '\0') {
      return std::nullopt;
    }
    shift = (zone.tm_hour * 60L + zone.tm_min) * 60L * (*rest == '-' ? -1 : 1);
  } else if (std::string_view(rest) != "Z") {
    return std::nullopt;
  }
  return std::chrono::system_clock::from_time_t(::timegm(&parts) - shift);
}

}  // namespace

std::string exec_info(const Access& access, bool is_interactive) {
  Json spec{{"interactive", is_interactive}};
  // Only where asked for, as the authority may be large (kubeconfig v1, ExecConfig).
  if (access.exec->provide_cluster_info) {
    Json cluster{{"server", access.server}};
    const auto add = [&cluster](const char* key, const std::string& value) {
      if (!value.empty()) {
        cluster[key] = value;
      }
    };
    add("tls-server-name", access.tls_server_name);
    add("certificate-authority-data", base64_encode(access.ca_pem));
    add("proxy-url", access.proxy_url);
    if (access.insecure) {
      cluster["insecure-skip-tls-verify"] = true;
    }
    if (Json config = Json::parse(access.exec_config, nullptr, false); !config.is_discarded()) {
      cluster["config"] = std::move(config);
    }
    spec["cluster"] = std::move(cluster);
  }
  return Json{{"apiVersion", access.exec->api_version},
              {"kind", "ExecCredential"},
              {"spec", std::move(spec)}}
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<ExecCredential> parse_exec_credential(std::string_view output, const ExecCommand& exec) {
  // No message quotes the output: it holds a token.
  const Json root = Json::parse(output, nullptr, false);
  if (!root.is_object()) {
    return plugin_error(exec, "printed something that is not an ExecCredential in JSON");
  }
  if (text_at(root, "/kind") != "ExecCredential" ||
      text_at(root, "/apiVersion").rfind(k_api_group, 0) != 0) {
    return plugin_error(exec, "printed JSON that is not an ExecCredential");
  }
  // client-go insists on the same version, too.
  if (text_at(root, "/apiVersion") != exec.api_version) {
    return plugin_error(exec,
                        "answers in apiVersion '" + printable(text_at(root, "/apiVersion"), 80) +
                            "', but the kubeconfig asks for '" + exec.api_version + "'");
  }
  const auto status = root.find("status");
  if (status == root.end() || !status->is_object()) {
    return plugin_error(exec, "printed an ExecCredential without a status");
  }
  ExecCredential credential{.token = text_at(*status, "/token"),
                            .certificate_pem = text_at(*status, "/clientCertificateData"),
                            .key_pem = text_at(*status, "/clientKeyData")};
  if (credential.certificate_pem.empty() != credential.key_pem.empty()) {
    return plugin_error(exec, "gave a client certificate without its key, or the reverse");
  }
  if (credential.token.empty() && credential.certificate_pem.empty()) {
    return plugin_error(exec, "gave neither a token nor a client certificate");
  }
  if (const std::string end = text_at(*status, "/expirationTimestamp"); !end.empty()) {
    credential.expires = parse_time(end);
    if (!credential.expires) {
      return plugin_error(exec, "gave an expirationTimestamp that is not a time");
    }
  }
  return credential;
}

Result<ExecCredential> run_exec_plugin(const Access& access,
                                       Deadline deadline,
                                       const Interrupt& interrupt) {
  const ExecCommand& exec = *access.exec;
  KREDIS_CHECK(check_settings(exec));
  KREDIS_TRY(const bool is_interactive, wants_terminal(exec));
  // The call's own deadline may be far away (a watch) or too near for a person to log in.
  const auto limit = Clock::now() + (is_interactive ? k_interactive_limit : k_silent_limit);
  const Deadline end = is_interactive ? limit : std::min(deadline, limit);
  Command command{.program = exec.command,
                  .arguments = exec.arguments,
                  .environment = exec.environment,
                  .shares_terminal = is_interactive};
  // The plugin's one input, beside its arguments (Kubernetes docs, as above).
  command.environment.emplace_back("KUBERNETES_EXEC_INFO", exec_info(access, is_interactive));
  const auto completed = run_command(command, end, interrupt);
  if (!completed && completed.error().code == ErrorCode::not_found) {
    const Error missing = plugin_error(exec, "is not installed");
    return exec.install_hint.empty() ? missing : missing.with_hint(exec.install_hint);
  }
  if (!completed && completed.error().code == ErrorCode::timeout) {
    return interrupt.raised()
               ? completed.error()
               : Error::timeout("the credential plugin '" + exec.command + "' did not end in time");
  }
  if (!completed) {
    return plugin_error(exec, "failed: " + completed.error().message);
  }
  if (completed->exit_status != 0) {
    return plugin_error(exec, "failed with exit status " + std::to_string(completed->exit_status));
  }
  return parse_exec_credential(completed->output, exec);
}

}  // namespace kredis::kube
