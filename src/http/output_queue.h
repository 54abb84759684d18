// Bytes on their way to a socket. Small pieces are joined, large ones are moved in, so that many
// answers leave in one writev and no body is copied twice.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::http {

class OutputQueue {
 public:
  void append(std::string_view text) {
    if (text.empty()) return;
    open_piece().append(text);
    size_ += text.size();
  }
  void append(std::string&& text) {
    if (text.size() < kMoveFrom) return append(std::string_view(text));
    size_ += text.size();
    pieces_.push_back(std::move(text));
    open_ = false;
  }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // Fills up to `out.size()` entries; how many were filled.
  std::size_t fill(std::span<iovec> out) {
    std::size_t n = 0;
    for (std::string& piece : pieces_) {
      if (n == out.size()) break;
      const std::size_t skip = n == 0 ? sent_ : 0;
      out[n++] = {piece.data() + skip, piece.size() - skip};
    }
    return n;
  }

  void consume(std::size_t bytes) {
    size_ -= bytes;
    bytes += sent_;
    while (!pieces_.empty() && bytes >= pieces_.front().size()) {
      bytes -= pieces_.front().size();
      if (pieces_.size() == 1 && open_) {
        pieces_.front().clear();  // its memory serves the next answers
        if (pieces_.front().capacity() > kKeep) pieces_.clear();
        break;
      }
      pieces_.pop_front();
    }
    sent_ = bytes;
    if (size_ == 0) sent_ = 0;
  }

 private:
  static constexpr std::size_t kMoveFrom = std::size_t{16} << 10;
  static constexpr std::size_t kJoinTo = std::size_t{64} << 10;
  static constexpr std::size_t kKeep = std::size_t{16} << 10;

  std::string& open_piece() {
    if (pieces_.empty() || !open_ || pieces_.back().size() >= kJoinTo) pieces_.emplace_back();
    open_ = true;
    return pieces_.back();
  }

  std::deque<std::string> pieces_;  // only the last may be empty
  std::size_t sent_ = 0;            // of the first piece
  std::size_t size_ = 0;
  bool open_ = false;  // the last piece may be appended to
};

}  // namespace sluice::http
