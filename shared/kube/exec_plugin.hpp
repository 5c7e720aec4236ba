// SPDX-License-Identifier: Apache-2.0
//
// Credential plugins: programs that print an ExecCredential.
// https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "shared/core/result.hpp"
#include "shared/kube/access.hpp"
#include "shared/kube/connection.hpp"

namespace kredis::kube {

struct ExecCredential {
  std::string token = {};
  std::string certificate_pem = {};
  std::string key_pem = {};
  std::optional<std::chrono::system_clock::time_point> expires = {};
};

/// Runs the plugin of `access.exec` and reads what it prints.
/// Errors: unauthorized (missing, failed, printed rubbish), invalid_argument (bad settings),
/// timeout.
Result<ExecCredential> run_exec_plugin(const Access& access,
                                       Deadline deadline,
                                       const Interrupt& interrupt);

/// The text for KUBERNETES_EXEC_INFO.
std::string exec_info(const Access& access, bool is_interactive);

/// Errors: unauthorized, saying what is wrong but never quoting `output`.
Result<ExecCredential> parse_exec_credential(std::string_view output, const ExecCommand& exec);

}  // namespace kredis::kube
