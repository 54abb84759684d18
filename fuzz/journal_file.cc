// A journal file of any content: opening and reading it ends with records or with an error, never
// with a crash. The first byte says whether checksums are made right first, so that what is behind
// them is reached too.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/digest.h"
#include "base/log.h"
#include "base/mem_env.h"
#include "journal/format.h"
#include "journal/journal_engine.h"

namespace {

using namespace sluice;
namespace format = journal::format;

// Makes the checksums of frames (up to the first that is not one), batches and trailer right.
void make_checksums_right(std::string& file) {
  std::uint64_t at = 0;
  std::uint32_t previous = 0;
  while (at + sizeof(format::FrameHeader) <= file.size()) {
    auto header = format::load<format::FrameHeader>(file.data() + at);
    if (!format::looks_like_frame(header, 1, file.size() - at)) break;
    const std::size_t head = sizeof(header) + format::directory_bytes(header);
    if (at > 0) header.previous_crc = previous;
    format::store(file.data() + at, header);
    header.crc =
        base::crc32c(std::string_view(file).substr(at, head).substr(format::kFrameCrcFrom));
    format::store(file.data() + at, header);
    previous = header.crc;
    if (header.bytes == 0) break;
    at += header.bytes;
  }
  if (file.size() < sizeof(format::Trailer)) return;
  char* const end = file.data() + file.size() - sizeof(format::Trailer);
  auto trailer = format::load<format::Trailer>(end);
  trailer.crc = format::crc_of(trailer);
  format::store(end, trailer);
}

void walk_run(std::string_view run) {
  std::uint32_t crc = 0;
  std::uint32_t count = 0;
  std::uint32_t batches = 0;
  for (auto rest = run; rest.size() >= sizeof(format::BatchHeader);) {
    const auto header = format::load<format::BatchHeader>(rest);
    if (header.bytes > rest.size() - sizeof(header)) break;
    crc = base::crc32c(rest.substr(0, sizeof(header)), crc);
    count += header.count;
    ++batches;
    rest.remove_prefix(sizeof(header) + header.bytes);
  }
  format::RunCursor cursor(run, 1, count, batches, crc);
  while (cursor.next_batch()) {
    format::RecordView record;
    while (cursor.next_record(record)) {
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  base::set_log_level(base::LogLevel::kOff);
  if (size == 0 || size > (64 << 10)) return 0;
  std::string file(reinterpret_cast<const char*>(data) + 1, size - 1);
  walk_run(file);
  if (data[0] % 2 == 1) make_checksums_right(file);
  base::MemEnv env;
  base::ManualClock clock(1'700'000'000'000);
  base::SeededRandom random(1);
  if (!env.make_dirs("/journal")) std::abort();
  {
    auto made = env.open("/journal/0000000000000001.sluicelog", base::OpenMode::kCreateExclusive);
    if (!made || !(*made)->write_at(0, file)) std::abort();
  }
  const auto journal = journal::open_journal({.env = &env,
                                              .clock = &clock,
                                              .random = &random,
                                              .folder = "/journal",
                                              .file_bytes = 128 << 10,
                                              .reserve_bytes = 0,
                                              .own_threads = false});
  if (!journal) return 0;
  for (const auto lane : (*journal)->lanes()) {
    (void)(*journal)->seek(lane, 1'700'000'000'000);
    journal::Index from(0);
    for (int pages = 0; pages < 100; ++pages) {
      const auto page = (*journal)->read(lane, from, journal::Index(~std::uint64_t{0}), {});
      if (!page || page->records.empty()) break;
      if (!(from < page->next)) std::abort();
      from = page->next;
    }
  }
  return 0;
}
