// Alerts and means as JSON, the one shape that the API, the stream and the page share; docs/api.md describes it, the
// OpenAPI document is checked against the running server. Times are RFC 3339 with +08:00; values are numbers in the
// named unit. Functions; any thread.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "console/model.h"

namespace qc::console {

// As a webhook's object (docs/alerts-out.md), and beside it what a console needs: numbers, names, the formal warning.
boost::json::object alert_json(const AlertEntry& entry, const wire::AlertWords& words, const Places* places);
boost::json::object row_json(const core::FoldRow& row, const wire::AlertWords& words, const Places* places);
boost::json::object maintenance_json(const core::Maintenance& m, const Places* places);
// A point of a series, without its key; and with it, as the stream and the lists of latest values show it.
boost::json::object point_json(const SeriesPoint& point, core::Factor factor);
boost::json::object mean_json(const SeriesKey& key, const Series& series, const SeriesPoint& point,
                              const Places* places);
boost::json::object warning_json(const core::FormalWarning& formal);
boost::json::object episode_json(const core::Signal& signal, const Places* places);

// A concentration in the unit that people read for that factor (ug/m3; CO mg/m3; indices: points), and its name.
double shown_value(std::int64_t pg, core::Factor factor);
std::string_view shown_unit(core::Factor factor);   // "ug/m3"
std::string_view factor_name(core::Factor factor);  // "PM2.5"
std::string_view window_name(core::Window window);  // "1h"

}  // namespace qc::console
