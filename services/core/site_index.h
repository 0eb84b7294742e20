// Sites by id. A lookup stands before every packet and its cache misses are most of what it costs, so a place is one
// cache line that holds the id itself. Open addressing; nothing is ever taken out. A value with pointers to sites that
// somebody else owns; threads: none of its business.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "core/site.h"

namespace qc::core {

class SiteIndex {
 public:
  Site* find(std::string_view id) const {
    if (places_.empty()) return nullptr;
    for (std::size_t i = hash(id);; ++i) {
      const Place& place = places_[i & (places_.size() - 1)];
      if (place.site == nullptr || place.holds(id)) return place.site;
    }
  }
  // REQUIRES: no site of that id is there; the site and its id stay where and what they are.
  void add(Site& site) {
    if ((size_ + 1) * 2 > places_.size()) {
      std::vector<Place> old(std::max<std::size_t>(16, places_.size() * 2));
      old.swap(places_);
      for (const Place& place : old) {
        if (place.site != nullptr) put(*place.site);
      }
    }
    put(site);
    ++size_;
  }

 private:
  struct alignas(64) Place {
    Site* site = nullptr;
    std::uint8_t size = 0;  // of the id; greater than head: it doesn't fit
    char head[55] = {};
    bool holds(std::string_view id) const {
      if (id.size() > sizeof(head)) return site->info.id == id;
      return size == id.size() && std::memcmp(head, id.data(), id.size()) == 0;
    }
  };
  static std::size_t hash(std::string_view id) { return std::hash<std::string_view>{}(id); }
  void put(Site& site) {
    const std::string_view id = site.info.id;
    std::size_t i = hash(id);
    while (places_[i & (places_.size() - 1)].site != nullptr) ++i;
    Place& place = places_[i & (places_.size() - 1)];
    place.site = &site;
    place.size = static_cast<std::uint8_t>(std::min(id.size(), sizeof(place.head) + 1));
    if (id.size() <= sizeof(place.head)) std::memcpy(place.head, id.data(), id.size());
  }

  std::vector<Place> places_;  // a power of two, at most half full
  std::size_t size_ = 0;
};

}  // namespace qc::core
