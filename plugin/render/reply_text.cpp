// SPDX-License-Identifier: Apache-2.0
#include "plugin/render/reply_text.hpp"

namespace kredis::plugin {

std::string reply_text(const core::Reply& reply) {
  using Kind = core::Reply::Kind;
  switch (reply.kind) {
    case Kind::nil:
      return "(nil)";
    case Kind::integer:
      return std::to_string(reply.integer);
    case Kind::boolean:
      return reply.integer != 0 ? "true" : "false";
    case Kind::array:
      break;
    case Kind::status:
    case Kind::text:
    case Kind::real:
    case Kind::error:
      return reply.text;
  }
  std::string text;
  for (const core::Reply& item : reply.items) {
    text += (text.empty() ? "" : "\n") + reply_text(item);
  }
  return reply.items.empty() ? "(empty)" : text;
}

}  // namespace kredis::plugin
