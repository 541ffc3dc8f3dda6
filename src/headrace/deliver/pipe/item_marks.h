// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

namespace headrace::pipe {

// Where items end in an epoch's bytes, as far back as a reader may not have read them: tells how
// many items it has read.
// Memory: 16 bytes for each place where an item ends in the kernel's bytes, so at most 16 MiB with
// a pipe of 1 MiB, when every item is a byte.
class ItemMarks {
 public:
  // `kernel_bytes`: the most that can be written and not read.
  explicit ItemMarks(size_t kernel_bytes) : kernel_bytes_(kernel_bytes) {}

  // So many bytes have been written.
  void AddBytes(uint64_t size_bytes) { written_bytes_ += size_bytes; }
  // So many items, over all, end in what has been written.
  void EndItems(uint64_t items) {
    if (items == marks_.back().items) return;
    if (marks_.back().end == written_bytes_) marks_.pop_back();
    marks_.push_back({.end = written_bytes_, .items = items});
    while (marks_.size() > 1 && marks_[1].end + kernel_bytes_ <= written_bytes_) {
      marks_.pop_front();
    }
  }
  // Items that were read to their end, when so many bytes are unread.
  uint64_t ItemsRead(uint64_t unread_bytes) const {
    uint64_t items = 0;
    for (const Mark& mark : marks_) {
      if (mark.end + unread_bytes > written_bytes_) break;
      items = mark.items;
    }
    return items;
  }
  uint64_t items_written() const { return marks_.back().items; }

 private:
  struct Mark {
    uint64_t end = 0;
    uint64_t items = 0;
  };

  size_t kernel_bytes_;
  uint64_t written_bytes_ = 0;
  std::deque<Mark> marks_ = {Mark{}};  // Ends ascend; never empty.
};

}  // namespace headrace::pipe
