// The words people read at a terminal, Chinese and English from one table. Functions; any thread.
#pragma once

#include <string>
#include <string_view>

#include "core/emergency.h"

namespace qc::commands {

enum class Language { Chinese, English };

// The AQI's level (HJ 633, the same in both editions): 0 for 优 up to 5 for 严重污染.
int aqi_class(int aqi);
std::string_view aqi_class_name(int cls, Language language);
// The level's colour as a 256-colour terminal sequence; text is wrapped in it.
std::string coloured(std::string_view text, int cls, bool colour);

std::string_view state_word(int signal_state, Language language);      // by the number of v1::SignalState
std::string_view rule_word(std::string_view rule, Language language);  // the rule's own id where it has no word
std::string_view mark_word(int mark, Language language);
std::string_view status_word(int status, Language language);  // by the number of v1::Status

std::string_view level_word(core::EmergencyLevel level, Language language);  // "橙色（Ⅱ级）"
std::string_view rating_word(core::Rating rating, Language language);
std::string_view confidence_word(core::Confidence confidence, Language language);
std::string_view warning_level_word(int level, Language language);  // 0: none, 1..3: yellow, orange, red
std::string_view basis_word(int basis, Language language);          // by the number of core::Basis

}  // namespace qc::commands
