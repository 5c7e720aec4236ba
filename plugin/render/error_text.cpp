// SPDX-License-Identifier: Apache-2.0
#include "plugin/render/error_text.hpp"

#include "shared/json/json.hpp"

namespace kredis::plugin {
namespace {

/// What to do about it: what the error says, else to try again where that can help.
std::string way_on(const core::Error& error) {
  const core::Retry retry = core::traits(error.code).retry;
  const bool may_help = retry == core::Retry::same_call || retry == core::Retry::from_fresh_view;
  return error.hint.empty() && may_help ? "run the same command again" : error.hint;
}

}  // namespace

std::string render_error(const core::Error& error, const TextStyle& style) {
  std::string text = style.red("error:") + " " + error.message + "\n";
  if (const std::string fix = way_on(error); !fix.empty()) {
    text += "  " + style.green("fix:") + " " + fix + "\n";
  }
  for (const std::string& activity : error.context) {
    text += style.dim("  while " + activity) + "\n";
  }
  return text;
}

std::string render_error_json(const core::Error& error) {
  const Json body = {{"error",
                      {{"code", std::string(core::traits(error.code).name)},
                       {"message", error.message},
                       {"hint", way_on(error)},
                       {"context", error.context}}}};
  return body.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace kredis::plugin
