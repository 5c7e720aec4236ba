// SPDX-License-Identifier: Apache-2.0
//
// A request and its answer as the webhook's parts see them. How bytes become one is in server.hpp.
#pragma once

#include <functional>
#include <string>

namespace kredis::webhook {

struct Request {
  std::string method;
  std::string target;  ///< With its query.
  std::string content_type;
  std::string body;

  /// The target without its query.
  std::string path() const { return target.substr(0, target.find('?')); }
};

struct Answer {
  int status = 200;
  std::string body = {};
  std::string content_type = "application/json";
};

/// Threads: called from several at once.
using Handler = std::function<Answer(const Request&)>;

}  // namespace kredis::webhook
