#include "http/http.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace sluice::http {

namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The byte of the escape at text[at] = '%', or -1 when it is broken.
int escaped_byte(std::string_view text, std::size_t at) {
  if (at + 2 >= text.size()) return -1;
  const int high = hex_value(text[at + 1]);
  const int low = hex_value(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// Decodes '%XX' and '+'; broken escapes stay as they are.
std::string decode_leniently(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int byte = text[i] == '%' ? escaped_byte(text, i) : -1;
    if (byte >= 0) {
      out.push_back(static_cast<char>(byte));
      i += 2;
    } else {
      out.push_back(text[i] == '+' ? ' ' : text[i]);
    }
  }
  return out;
}

}  // namespace

void Headers::add(std::string_view name, std::string_view value) {
  const std::less<const char*> before;
  const char* const end = text_.data() + text_.size();
  if (!before(value.data(), text_.data()) && before(value.data(), end)) {
    add(name, std::string(value));  // a view of our own text, which may move
    return;
  }
  places_.push_back({static_cast<std::uint32_t>(text_.size()),
                     static_cast<std::uint32_t>(name.size()),
                     static_cast<std::uint32_t>(value.size())});
  text_.append(name).append(value);
}

void Headers::set(std::string_view name, std::string_view value) {
  remove(name);
  add(name, value);
}

std::optional<std::string_view> Headers::find(std::string_view name) const {
  for (std::size_t i = 0; i < places_.size(); ++i) {
    if (places_[i].name_size != name.size()) continue;
    const Item found = item(i);
    if (same_name(found.first, name)) return found.second;
  }
  return std::nullopt;
}

std::string_view Headers::get(std::string_view name) const {
  return find(name).value_or(std::string_view());
}

void Headers::remove(std::string_view name) {
  // The text stays; only its place is forgotten.
  std::erase_if(places_, [&](const Place& p) {
    return same_name(std::string_view(text_).substr(p.name_at, p.name_size), name);
  });
}

void Headers::clear() {
  text_.clear();
  places_.clear();
}

void Headers::reserve(std::size_t headers, std::size_t text_bytes) {
  places_.reserve(headers);
  text_.reserve(text_bytes);
}

std::string_view Request::path() const {
  return std::string_view(target).substr(0, target.find('?'));
}

std::string_view Request::query() const {
  const std::size_t mark = target.find('?');
  return mark == std::string::npos ? std::string_view() : std::string_view(target).substr(mark + 1);
}

Responder& Responder::operator=(Responder&& other) noexcept {
  if (this != &other) {
    abandon();
    sink_ = std::move(other.sink_);
    started_ = other.started_;
  }
  return *this;
}

Responder::~Responder() {
  abandon();
}

void Responder::abandon() {
  if (sink_ == nullptr) return;
  if (started_) {
    sink_->abort();
  } else {
    Response response;
    response.status = 500;
    response.headers.add("Content-Type", "text/plain");
    response.body = "The request was dropped without an answer.\n";
    sink_->send(std::move(response));
  }
  sink_ = nullptr;
}

void Responder::send(Response response) {
  assert(sink_ != nullptr && !started_);
  sink_->send(std::move(response));
  sink_ = nullptr;
}

void Responder::start(Response head) {
  assert(sink_ != nullptr && !started_);
  started_ = true;
  sink_->start(std::move(head));
}

bool Responder::write(std::string chunk) {
  assert(sink_ != nullptr && started_);
  return sink_->write(std::move(chunk));
}

void Responder::finish() {
  assert(sink_ != nullptr && started_);
  sink_->finish();
  sink_ = nullptr;
}

std::size_t Responder::pending_bytes() const {
  return sink_ == nullptr ? 0 : sink_->pending_bytes();
}

void Responder::when_writable(std::function<void()> ready) {
  assert(sink_ != nullptr && started_);
  sink_->when_writable(std::move(ready));
}

void Responder::resume(std::function<void()> task) {
  assert(sink_ != nullptr);
  const auto sink = sink_;  // the task may finish this responder
  sink->resume(std::move(task));
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      const int byte = escaped_byte(text, i);
      if (byte < 0) return std::nullopt;
      out.push_back(static_cast<char>(byte));
      i += 2;
    } else {
      out.push_back(plus_is_space && text[i] == '+' ? ' ' : text[i]);
    }
  }
  return out;
}

std::string percent_encode(std::string_view text, std::string_view keep) {
  static constexpr std::string_view hex = "0123456789ABCDEF";
  std::array<bool, 256> kept{};
  for (const char c : keep)
    kept[static_cast<unsigned char>(c)] = true;
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (alnum || kept[byte]) {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(hex[byte >> 4]);
      out.push_back(hex[byte & 15]);
    }
  }
  return out;
}

std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> out;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view part = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (part.empty()) continue;
    const std::size_t equals = std::min(part.find('='), part.size());
    out.emplace_back(decode_leniently(part.substr(0, equals)),
                     equals < part.size() ? decode_leniently(part.substr(equals + 1)) : "");
  }
  return out;
}

}  // namespace sluice::http
