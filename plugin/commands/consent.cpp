// SPDX-License-Identifier: Apache-2.0
#include "plugin/commands/consent.hpp"

#include <ostream>

#include "plugin/render/plan_text.hpp"

namespace kredis::plugin {

Status agree(Session& session, const core::Plan& plan, const std::string& name, Ask ask) {
  return agree(session, core::worst_risk(plan), render_costs(plan), name, ask);
}

Status agree(
    Session& session, core::Risk risk, const std::string& costs, const std::string& name, Ask ask) {
  if (risk == core::Risk::none) {
    return {};
  }
  session.progress().clear();
  session.err() << costs;
  const bool agreed =
      ask == Ask::no ||
      (risk == core::Risk::data ? session.confirm_by_typing("this cannot be undone", name)
                                : session.confirm("go on?"));
  if (agreed) {
    return {};
  }
  return risk == core::Risk::data ? Error::unsafe("nothing was done: losing data was not confirmed")
                                        .with_hint("type " + name + " when asked, or add --yes")
                                  : Error::unsafe("nothing was done: it was not confirmed")
                                        .with_hint("answer y when asked, or add --yes");
}

}  // namespace kredis::plugin
