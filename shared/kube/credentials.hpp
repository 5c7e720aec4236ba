// SPDX-License-Identifier: Apache-2.0
//
// Who we are towards the API server, kept fresh: tokens, token files, certificates and what
// credential plugins give. Secrets never appear in an error.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "shared/core/result.hpp"
#include "shared/kube/access.hpp"
#include "shared/kube/connection.hpp"
#include "shared/kube/exec_plugin.hpp"
#include "shared/kube/interrupt.hpp"

namespace kredis::kube {

struct Identity {
  std::string authorization;  ///< Value of the header, or empty.
  std::string certificate_pem;
  std::string key_pem;
};

/// Threads: any.
class Credentials {
 public:
  Credentials(Access access, const Interrupt& interrupt);

  /// Gives what to show the server now; may run a plugin or read a file.
  /// Errors: unauthorized (plugin), timeout, invalid_argument.
  Result<Identity> current(Deadline deadline);

  /// Says that the server did not accept `refused`. True if trying again makes sense, because
  /// there is, or can be, something newer.
  bool renew(const Identity& refused);

 private:
  Result<std::string> bearer_token();
  Result<Identity> from_plugin(Deadline deadline);
  Identity identity_of(const ExecCredential& credential) const;

  const Access access_;
  const Interrupt& interrupt_;
  std::mutex mutex_;
  std::string file_token_;
  Deadline file_token_end_ = Deadline::min();
  std::optional<ExecCredential> plugin_credential_;
};

}  // namespace kredis::kube
