// A Delta log is input: other engines write it too. Whatever the bytes: no crash, and what was
// understood means the same after it is written and read again.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "delta/actions.h"
#include "delta/paths.h"
#include "delta/protocol.h"
#include "delta/stats.h"

namespace {

using namespace sluice::delta;

void require(bool condition) {
  if (!condition) std::abort();
}

void check_actions(std::string_view text) {
  const auto actions = parse_actions(text, "fuzz");
  if (!actions) {
    require(actions.error().code == DeltaError::kCorrupt && !actions.error().message.empty());
    return;
  }
  std::string lines;
  if (actions->protocol) append_protocol(lines, *actions->protocol);
  if (actions->metadata) append_metadata(lines, *actions->metadata, actions->schema_string);
  for (const auto& txn : actions->txns)
    append_txn(lines, txn);
  for (const auto& add : actions->adds)
    append_add(lines, add);
  for (const auto& remove : actions->removes)
    append_remove(lines, remove);
  const auto again = parse_actions(lines, "again");
  require(again.has_value());
  require(again->protocol.has_value() == actions->protocol.has_value());
  require(again->schema_string == actions->schema_string);
  require(again->txns.size() == actions->txns.size());
  require(again->adds.size() == actions->adds.size());
  for (std::size_t i = 0; i < again->adds.size(); ++i) {
    require(again->adds[i].path == actions->adds[i].path);
    require(again->adds[i].partition_values == actions->adds[i].partition_values);
    require(again->adds[i].records() == actions->adds[i].records());
  }
  require(again->removes.size() == actions->removes.size());
  if (actions->protocol && actions->metadata) {
    (void)check_readable(*actions->protocol, *actions->metadata, actions->format);
    (void)check_writable(*actions->protocol, *actions->metadata, actions->schema_string);
    (void)protocol_for(*actions->metadata);
  }
}

void check_texts(std::string_view text) {
  if (const auto path = local_path(text)) {
    require(!path->empty() && path->front() != '/' && path->find('\0') == std::string::npos);
    require(("/" + *path + "/").find("/../") == std::string::npos);
  }
  require(decode_path(encode_path(text)).value_or(std::string(text)) == text);
  (void)parse_log_name(text);
  (void)parse_checkpoint_hint(text);
  (void)parse_interval_ms(text);
  (void)schema_metadata_keys(text);
  using sluice::types::DataType;
  using sluice::types::TypeKind;
  for (const auto kind : {TypeKind::kString, TypeKind::kTimestamp, TypeKind::kTimestampNtz,
                          TypeKind::kDate, TypeKind::kDouble, TypeKind::kLong}) {
    (void)min_json(DataType::of(kind), text);
    (void)max_json(DataType::of(kind), text);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_actions(text);
  check_texts(text);
  return 0;
}
