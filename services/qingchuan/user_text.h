// Accounts and tokens for people and for other programs (`qingchuan user`). No text here holds a secret. Functions of
// their arguments; any thread.
#pragma once

#include <string>
#include <vector>

#include "console/identity.h"
#include "core/alert.h"
#include "qingchuan/words.h"

namespace qc::commands {

std::string roles_text(const std::vector<console::Grant>& grants);  // "operator@fenyang viewer@*"
std::string refusal_text(console::Refused refused, Language language);

std::string to_text(const std::vector<console::AccountView>& accounts, Language language);  // a table
// One account with its tokens and what the ledger has of it.
std::string to_text(const console::AccountView& account, const std::vector<console::TokenView>& tokens,
                    const std::vector<core::LedgerEntry>& history, Language language);
std::string to_text(const std::vector<console::TokenView>& tokens, Language language);

std::string to_json(const console::AccountView& account);  // one line
std::string to_json(const console::TokenView& token);

}  // namespace qc::commands
