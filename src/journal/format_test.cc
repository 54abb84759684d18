// The worked example of docs/formats/journal.md, decoded; and written again, byte for byte.
#include "journal/format.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <charconv>
#include <cstdlib>

#include "journal/recovery.h"
#include "journal/test_journal.h"

namespace sluice::journal {
namespace {

class FixedRandom final : public base::Random {
 public:
  std::uint64_t next() override { return 0x0123456789abcdef; }
};

// The lines of the page between ```hex and ```: an offset, bytes, and after two blanks a comment.
std::string example_of_page() {
  const auto page = base::read_file(base::posix_env(),
                                    std::string(SLUICE_SOURCE_DIR) + "/docs/formats/journal.md");
  if (!page) return "";
  const auto from = page->find("```hex\n");
  if (from == std::string::npos) return "";
  std::string_view text = std::string_view(*page).substr(from + 7);
  text = text.substr(0, text.find("```"));
  std::string bytes;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    std::size_t offset = 0;
    std::from_chars(line.begin(), line.begin() + 4, offset, 16);
    bytes.resize(offset, '\0');  // zeros are left out
    for (std::size_t at = 6; at + 2 <= line.size() && line[at] != ' '; at += 3) {
      unsigned value = 0;
      std::from_chars(line.begin() + at, line.begin() + at + 2, value, 16);
      bytes.push_back(static_cast<char>(value));
    }
  }
  return bytes;
}

std::string hex_lines(const std::string& bytes) {
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += 16) {
    const auto piece = std::string_view(bytes).substr(at, 16);
    if (piece.find_first_not_of('\0') == std::string_view::npos) continue;
    out += fmt::format("{:04x} ", at);
    for (const char c : piece)
      out += fmt::format(" {:02x}", static_cast<unsigned char>(c));
    out += '\n';
  }
  return out;
}

// One record, "Hi" under the key "k" in lane 7, with a token; then the file is sealed.
std::string file_as_written() {
  TestDisk disk;
  FixedRandom random;
  disk.options.env = disk.disk.get();
  disk.options.clock = &disk.clock;
  disk.options.random = &random;
  disk.options.file_bytes = 16 << 10;
  {
    auto journal = open_journal(disk.options);
    if (!journal) return "";
    (*journal)->append({{LaneId(7), {{"k", "Hi", std::nullopt}}}},
                       RequestToken{base::make_uint128(1, 2)}, [](const TestDisk::Answer&) {});
    (*journal)->pump();
  }
  const auto file = base::read_file(*disk.disk, "/journal/0000000000000001.sluicelog");
  return file ? *file : "";
}

TEST(Format, the_page_shows_what_is_written) {
  const std::string written = file_as_written();
  EXPECT_EQ(hex_lines(example_of_page()), hex_lines(written));
  EXPECT_EQ(example_of_page().size(), written.size());
}

TEST(Format, the_example_of_the_page_is_decoded) {
  TestDisk disk;
  ASSERT_TRUE(disk.disk->make_dirs("/journal"));
  {
    auto file =
        disk.disk->open("/journal/0000000000000001.sluicelog", base::OpenMode::kCreateExclusive);
    ASSERT_TRUE((*file)->write_at(0, example_of_page()));
  }
  auto journal = disk.open();
  ASSERT_NE(journal, nullptr);
  const auto page = journal->read(LaneId(7), Index(1), Index(2), {});
  ASSERT_TRUE(page) << page.error().message;
  ASSERT_EQ(page->records.size(), 1U);
  EXPECT_EQ(page->records[0].partition_key, "k");
  EXPECT_EQ(page->records[0].data, "Hi");
  EXPECT_EQ(page->records[0].arrival_ms, kTestStartMs);
  EXPECT_EQ(
      disk.put(*journal, {{LaneId(7), {"x"}}}, RequestToken{base::make_uint128(1, 2)})->at(0).first,
      Index(1));
}

TEST(Format, a_run_that_lies_is_refused) {
  std::string run(sizeof(format::BatchHeader), '\0');
  format::store(run.data(), format::BatchHeader{.bytes = 100, .count = 1});
  format::RunCursor cursor(run, 1, 1, 1, 0);
  EXPECT_TRUE(cursor.flaw());
  EXPECT_FALSE(cursor.next_batch());
}

}  // namespace
}  // namespace sluice::journal
