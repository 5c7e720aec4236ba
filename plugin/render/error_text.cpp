// SPDX-License-Identifier: Apache-2.0
#include "plugin/render/error_text.hpp"

#include "shared/json/json.hpp"

namespace kredis::plugin {

std::string render_error(const core::Error& error, const TextStyle& style) {
  std::string text = style.red("error:") + " " + error.message + "\n";
  if (!error.hint.empty()) {
    text += "  " + style.green("fix:") + " " + error.hint + "\n";
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
                       {"hint", error.hint},
                       {"context", error.context}}}};
  return body.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace kredis::plugin
