#include "http/answer_queue.h"

#include <fmt/format.h>

#include <cassert>
#include <iterator>
#include <utility>

#include "base/log.h"

namespace sluice::http {

namespace {
constexpr base::Logger kLog{"http"};
}

AnswerQueue::~AnswerQueue() {
  for (const Slot& slot : slots_) {
    host_.inflight_body_bytes->fetch_sub(slot.question.body_bytes, std::memory_order_relaxed);
  }
}

Ticket AnswerQueue::open(const Question& question) {
  slots_.emplace_back().question = question;
  return first_ + slots_.size() - 1;
}

AnswerQueue::Slot* AnswerQueue::find(Ticket ticket) {
  if (ticket < first_ || ticket - first_ >= slots_.size()) return nullptr;
  return &slots_[ticket - first_];
}

void AnswerQueue::send(Ticket ticket, Response response) {
  Slot* slot = find(ticket);
  if (slot == nullptr) return;
  assert(slot->kind == Kind::kWaiting);
  slot->kind = Kind::kWhole;
  slot->response = std::move(response);
  buffered_ += slot->response.body.size();
}

void AnswerQueue::start(Ticket ticket, Response head) {
  Slot* slot = find(ticket);
  if (slot == nullptr) return;
  assert(slot->kind == Kind::kWaiting);
  slot->kind = Kind::kStream;
  slot->response = std::move(head);
  if (!slot->response.body.empty()) write(ticket, std::exchange(slot->response.body, {}));
}

void AnswerQueue::write(Ticket ticket, std::string chunk) {
  Slot* slot = find(ticket);
  if (slot == nullptr || chunk.empty()) return;  // an empty chunk would end the body
  assert(slot->kind == Kind::kStream && !slot->finished);
  if (slot->question.is_head || !status_has_body(slot->response.status)) return;
  buffered_ += chunk.size();
  slot->pieces.push_back(std::move(chunk));
}

void AnswerQueue::finish(Ticket ticket) {
  Slot* slot = find(ticket);
  if (slot != nullptr) slot->finished = true;
}

void AnswerQueue::abort(Ticket ticket) {
  Slot* slot = find(ticket);
  if (slot != nullptr) slot->aborted = true;
}

void AnswerQueue::when_writable(Ticket ticket, std::function<void()> ready) {
  Slot* slot = find(ticket);
  if (slot != nullptr) slot->waiter = std::move(ready);
}

std::vector<std::function<void()>> AnswerQueue::take_waiters() {
  std::vector<std::function<void()>> waiters;
  for (Slot& slot : slots_) {
    if (slot.waiter) waiters.push_back(std::exchange(slot.waiter, nullptr));
  }
  return waiters;
}

void AnswerQueue::write_head(Slot& slot, OutputQueue& out, bool close, bool chunked,
                             std::string_view date) {
  Framing framing;
  framing.http10 = slot.question.http10;
  framing.keep_alive = !close;
  framing.chunked = chunked;
  framing.until_close = slot.kind == Kind::kStream && !chunked;
  framing.content_length = slot.response.body.size();
  head_.clear();
  if (!append_head(head_, slot.response, framing, date)) {
    kLog.error("an answer with status {} has a header that cannot be sent; answered 500",
               slot.response.status);
    slot.kind = Kind::kWhole;
    slot.pieces.clear();
    slot.response = Response{};
    slot.response.status = 500;
    slot.response.body = "The answer has a header that cannot be sent.\n";
    framing.chunked = framing.until_close = false;
    framing.content_length = slot.response.body.size();
    head_.clear();
    const bool written = append_head(head_, slot.response, framing, date);
    assert(written);
    static_cast<void>(written);
  }
  if (slot.response.status >= 500) host_.metrics->server_errors.add();
  out.append(std::string_view(head_));
  slot.head_written = true;
  slot.closes = close;
}

AnswerQueue::After AnswerQueue::advance_stream(Slot& slot, OutputQueue& out, bool close,
                                               std::string_view date) {
  const bool bodyless = slot.question.is_head || !status_has_body(slot.response.status);
  const bool chunked = !slot.question.http10 && status_has_body(slot.response.status);
  if (!slot.head_written) {
    // HTTP/1.0 knows no chunks: the end of such a stream is the end of the connection.
    write_head(slot, out, close || (slot.question.http10 && !bodyless), chunked, date);
    if (slot.kind != Kind::kStream) {  // it could not be written
      out.append(std::move(slot.response.body));
      slot.finished = true;
      return slot.closes ? After::kClose : After::kGoOn;
    }
  }
  for (std::string& piece : slot.pieces) {
    buffered_ -= piece.size();
    if (chunked) out.append(std::string_view(fmt::format("{:x}\r\n", piece.size())));
    out.append(std::move(piece));
    if (chunked) out.append(std::string_view("\r\n"));
  }
  slot.pieces.clear();
  if (slot.aborted) return After::kAbort;
  if (slot.finished && chunked && !bodyless) out.append(std::string_view("0\r\n\r\n"));
  return slot.closes ? After::kClose : After::kGoOn;
}

AnswerQueue::After AnswerQueue::advance(OutputQueue& out, bool closing, SteadyTime now,
                                        std::string_view date) {
  while (!slots_.empty()) {
    Slot& slot = slots_.front();
    const bool close = !slot.question.keep_alive || (closing && slots_.size() == 1);
    if (slot.kind == Kind::kWaiting) {
      return slot.aborted ? After::kAbort : After::kGoOn;
    }
    After after = After::kGoOn;
    if (slot.kind == Kind::kWhole) {
      buffered_ -= slot.response.body.size();
      write_head(slot, out, close, false, date);
      if (!slot.question.is_head && status_has_body(slot.response.status)) {
        out.append(std::move(slot.response.body));
      }
      slot.finished = true;
      after = slot.closes ? After::kClose : After::kGoOn;
    } else {
      after = advance_stream(slot, out, close, date);
    }
    if (after == After::kAbort) return after;
    if (!slot.finished) return After::kGoOn;
    pop_front(now);
    if (after == After::kClose) return after;
  }
  return After::kGoOn;
}

void AnswerQueue::pop_front(SteadyTime now) {
  const Question& question = slots_.front().question;
  host_.inflight_body_bytes->fetch_sub(question.body_bytes, std::memory_order_relaxed);
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(now - question.received);
  host_.metrics->duration.observe_us(
      static_cast<std::uint64_t>(std::max<std::int64_t>(0, took.count())));
  slots_.pop_front();
  ++first_;
}

}  // namespace sluice::http
