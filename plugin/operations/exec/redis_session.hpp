// SPDX-License-Identifier: Apache-2.0
//
// What a pod tells about the Redis in it, and the redis-cli that goes there. Pure.
#pragma once

#include <string>
#include <vector>

#include "plugin/terminal/session.hpp"
#include "shared/core/result.hpp"
#include "shared/json/json.hpp"

namespace kredis::plugin {

/// The part of a Pod object that a session needs.
struct RedisContainer {
  std::string pod = {};
  std::string name = {};
  std::string address = {};
  int port = 6379;
  bool knows_password = false;         ///< REDISCLI_AUTH is in its environment.
  observe::CertificateFiles tls = {};  ///< Empty without TLS.
};

/// What a session needs of `pod`, which runs Redis as `process` says.
/// Errors: conflict (the pod does not run: says why; or `access` names a TLS Secret that it does
/// not mount).
Result<RedisContainer> redis_container(const Json& pod,
                                       const observe::RedisProcess& process,
                                       const observe::RedisAccess& access);

/// How redis-cli is to log in where the container does not know the password itself.
struct Login {
  std::string user = {};
  std::string secret_file =
      {};  ///< A name made by secret_file_name, once keep_secret_command says so.
};

/// The command that starts redis-cli, or valkey-cli, with `arguments`. No secret is in it.
std::vector<std::string> cli_command(const RedisContainer& container,
                                     const Login& login,
                                     const std::vector<std::string>& arguments);

/// The command that keeps what it reads in a file of that name, in memory where it can, for the
/// next cli_command to read and remove. It says so in a line once the file is there, and goes on
/// until the file is gone, or removes it itself after a minute or at a signal.
std::vector<std::string> keep_secret_command(const std::string& secret_file);

/// A name that nobody guesses.
std::string secret_file_name();

}  // namespace kredis::plugin
