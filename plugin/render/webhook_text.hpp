// SPDX-License-Identifier: Apache-2.0
//
// What `webhook status` prints for people.
#pragma once

#include <cstdint>
#include <string>

#include "plugin/terminal/text_style.hpp"
#include "shared/wire/webhook_report.hpp"

namespace kredis::plugin {

/// Units: `now_seconds` since 1970.
std::string render_webhook(const wire::WebhookView& view,
                           const TextStyle& style,
                           std::int64_t now_seconds);

}  // namespace kredis::plugin
