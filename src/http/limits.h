// Every limit of the HTTP server, with its default. docs/limits.md lists them with their settings
// and the tests that hit them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace sluice::http {

struct ParserLimits {
  std::size_t target_bytes = std::size_t{16} << 10;  // 414
  std::size_t header_bytes = std::size_t{64} << 10;  // request line and headers; trailers too; 431
  std::size_t headers = 100;                         // 431
  // PutRecords takes 10 MiB of data, which is 13.4 MiB in base64, and names and keys. 413
  std::uint64_t body_bytes = std::uint64_t{16} << 20;
};

struct ServerLimits {
  ParserLimits parser;
  std::size_t connections = 4096;  // further ones get 503
  std::size_t pipelined = 64;      // requests of one connection in flight; then it is not read
  // Unsent output of one connection: above it no request is read, and a stream whose producer does
  // not pause is cut off at twice this.
  std::size_t output_bytes = std::size_t{1} << 20;
  // Bodies being received or handled, all connections together: 503.
  std::uint64_t inflight_body_bytes = std::uint64_t{512} << 20;
  std::chrono::milliseconds idle_timeout{75'000};    // between requests: closed without a word
  std::chrono::milliseconds header_timeout{10'000};  // first byte to end of header: 408
  std::chrono::milliseconds body_timeout{60'000};    // end of header to end of body: 408
  std::chrono::milliseconds write_timeout{30'000};   // output waits and the client takes nothing
  std::chrono::milliseconds linger_timeout{
      2'000};  // reading on after a refusal, so that it arrives
};

}  // namespace sluice::http
