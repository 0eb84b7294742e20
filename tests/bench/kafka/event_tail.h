// A client of the console's stream that only reads: for measuring when an event is there. A thread's own.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

namespace qc::bench {

class EventTail {
 public:
  // Connects to HOST:PORT and waits for the event `live`; dies with a line where that fails.
  EventTail(const std::string& address, const std::string& token);
  ~EventTail();
  EventTail(const EventTail&) = delete;
  EventTail& operator=(const EventTail&) = delete;

  // Calls `use` with each event's name and data, until a stop is asked for.
  void run(const std::stop_token& stop, const std::function<void(std::string_view event, std::string_view data)>& use);

 private:
  // At most `wait_ms` for more bytes; false: the connection is over.
  bool read(int wait_ms);
  bool next(std::string& event, std::string& data);

  int socket_ = -1;
  std::string buffer_;
  std::size_t at_ = 0;
};

}  // namespace qc::bench
