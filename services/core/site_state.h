// One site's state as keyed bytes: a header, and of its hours, days and months each that changed. Used by whatever
// stage has sites; each has key letters of its own. Keys: "<header><site>"; of the parts
// "<letter><site>\0<hours from the epoch to its start>".
//
// Functions; threads: none of their business.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/site.h"

namespace qc::core {

struct SiteKeys {
  char header, hour, day, month;
};

using PutState = std::function<void(std::string_view key, std::string_view bytes)>;

// Puts what is dirty, and empty bytes for what was erased; then nothing is dirty.
void save_site(Site& site, const SiteKeys& keys, const PutState& put);

enum class SiteLoaded { Done, Bad, NotASite };  // NotASite: the key is another's
// `named`: the site of an id, a new one where there is none.
SiteLoaded load_site(const SiteKeys& keys, std::string_view key, std::string_view bytes,
                     const std::function<Site&(std::string_view id)>& named);

// The offsets that the state names become those of another log: `change(offset)` for each that there is.
void renumber_site(Site& site, const std::function<Offset(Offset)>& change);

}  // namespace qc::core
