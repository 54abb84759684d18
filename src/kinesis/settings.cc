// What may be changed while a stream lives: tags, retention, capacity mode.
#include <fmt/core.h>

#include <algorithm>

#include "base/json_writer.h"
#include "kinesis/limits.h"
#include "kinesis/operations.h"

namespace sluice::kinesis {
namespace {

using base::JsonWriter;
using streams::StreamError;
using streams::StreamMode;
using streams::StreamSettings;

// Letters beyond ASCII pass as whole: AWS allows every Unicode letter.
bool valid_tag_text(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80 || std::isalnum(byte) != 0 ||
           std::string_view("_./=+-@%: ").find(c) != std::string_view::npos;
  });
}

// `wanted`: "add tags to" or "remove tags from". AWS lists % among the valid characters and refuses
// it all the same, in other words (recorded).
std::expected<void, ApiError> check_tag_texts(std::span<const Value> texts, std::string_view wanted,
                                              const streams::StreamKey& key) {
  for (const Value& text : texts) {
    if (!valid_tag_text(text.text))
      return invalid_argument(
          "Some tags contain invalid characters. Valid characters: Unicode letters, digits, white "
          "space, _ . / = + - % @.");
  }
  for (const Value& text : texts) {
    if (text.text.find('%') != std::string_view::npos)
      return invalid_argument(fmt::format(
          "Failed to {} stream {} under account {} because some tags contained illegal characters. "
          "The allowed characters are Unicode letters, white-spaces, '_',',','/','=','+','-','@'.",
          wanted, key.name, key.account));
  }
  return {};
}

// Tags may change in any state; AWS lets nothing else change but while the stream is ACTIVE.
enum class Needs { kStream, kActiveStream };

ApiResult change_settings(
    const Call& call, Needs needs,
    const std::function<std::expected<void, ApiError>(const streams::StreamKey&, StreamSettings&)>&
        edit) {
  const auto stream = needs == Needs::kActiveStream ? find_active(call) : find_stream(call);
  if (!stream) return std::unexpected(stream.error());
  const streams::StreamKey& key = (*stream)->key;
  // The engine speaks of streams only: what the edit refuses with is carried past it.
  std::optional<ApiError> refused;
  const auto changed =
      call.engine.change(key, [&](StreamSettings& settings) -> streams::StreamResult<void> {
        auto ok = edit(key, settings);
        if (ok) return {};
        refused = ok.error();
        return base::fail(StreamError::kInvalid, refused->message);
      });
  if (refused) return std::unexpected(*refused);
  if (!changed) return std::unexpected(api_error(changed.error(), key));
  return "";
}

std::expected<void, ApiError> check_hours(std::int64_t hours) {
  if (hours < kRetentionHoursMin)
    return invalid_argument(
        fmt::format("Minimum allowed retention period is {} hours. Requested "
                    "retention period ({} hours) is too short.",
                    kRetentionHoursMin, hours));
  return {};
}

void write_tag(JsonWriter& w, const std::string& key, const std::string& value) {
  w.begin_object().field("Key", std::string_view(key));
  w.field("Value", std::string_view(value)).end_object();
}

}  // namespace

ApiResult add_tags_to_stream(const Call& call) {
  const auto pairs = call.in.members(call.in["Tags"], 2);
  return change_settings(
      call, Needs::kStream,
      [&](const streams::StreamKey& key,
          StreamSettings& settings) -> std::expected<void, ApiError> {
        if (auto ok = check_tag_texts(pairs, "add tags to", key); !ok) return ok;
        for (std::size_t i = 0; i < pairs.size(); i += 2)
          settings.tags.insert_or_assign(std::string(pairs[i].text),
                                         std::string(pairs[i + 1].text));
        if (settings.tags.size() > kTagsPerStreamMax)
          return invalid_argument(fmt::format(
              "Failed to add tags to stream {} under account {} because a given stream cannot have "
              "more than {} tags associated with it.",
              key.name, key.account, kTagsPerStreamMax));
        return {};
      });
}

ApiResult remove_tags_from_stream(const Call& call) {
  const auto keys = call.in.members(call.in["TagKeys"]);
  return change_settings(call, Needs::kStream,
                         [&](const streams::StreamKey& stream,
                             StreamSettings& settings) -> std::expected<void, ApiError> {
                           if (auto ok = check_tag_texts(keys, "remove tags from", stream); !ok)
                             return ok;
                           for (const Value& key : keys)
                             settings.tags.erase(std::string(key.text));
                           return {};
                         });
}

ApiResult list_tags_for_stream(const Call& call) {
  const auto stream = find_stream(call);
  if (!stream) return std::unexpected(stream.error());
  std::size_t limit = static_cast<std::size_t>(kListTagsMax);
  if (const Value& wanted = call.in["Limit"]; wanted.present)
    limit = static_cast<std::size_t>(wanted.integer);
  const auto& tags = (*stream)->settings.tags;
  const Value& after = call.in["ExclusiveStartTagKey"];
  auto at = after.present ? tags.upper_bound(std::string(after.text)) : tags.begin();

  std::string body;
  JsonWriter w(body);
  w.begin_object().key("Tags").begin_array();
  for (std::size_t written = 0; at != tags.end() && written < limit; ++at, ++written)
    write_tag(w, at->first, at->second);
  w.end_array().field("HasMoreTags", at != tags.end()).end_object();
  return body;
}

ApiResult list_tags_for_resource(const Call& call) {
  const auto stream = find_stream(call);
  if (!stream) return std::unexpected(stream.error());
  std::string body;
  JsonWriter w(body);
  w.begin_object().key("Tags").begin_array();
  for (const auto& [key, value] : (*stream)->settings.tags)
    write_tag(w, key, value);
  w.end_array().end_object();
  return body;
}

ApiResult increase_retention(const Call& call) {
  const std::int64_t hours = call.in["RetentionPeriodHours"].integer;
  return change_settings(call, Needs::kActiveStream,
                         [hours](const streams::StreamKey& key,
                                 StreamSettings& settings) -> std::expected<void, ApiError> {
                           if (auto ok = check_hours(hours); !ok) return ok;
                           if (hours < settings.retention_hours)
                             return invalid_argument(fmt::format(
                                 "Requested retention period ({} hours) for stream {} can not be "
                                 "shorter than existing "
                                 "retention period ({} hours). Use DecreaseRetentionPeriod API.",
                                 hours, key.name, settings.retention_hours));
                           settings.retention_hours = static_cast<int>(hours);
                           return {};
                         });
}

ApiResult decrease_retention(const Call& call) {
  const std::int64_t hours = call.in["RetentionPeriodHours"].integer;
  return change_settings(
      call, Needs::kActiveStream,
      [hours](const streams::StreamKey& key,
              StreamSettings& settings) -> std::expected<void, ApiError> {
        if (auto ok = check_hours(hours); !ok) return ok;
        if (hours > settings.retention_hours)
          return invalid_argument(fmt::format(
              "Requested retention period ({} hours) for stream {} can not be longer than existing "
              "retention period ({} hours). Use IncreaseRetentionPeriod API.",
              hours, key.name, settings.retention_hours));
        settings.retention_hours = static_cast<int>(hours);
        return {};
      });
}

ApiResult update_stream_mode(const Call& call) {
  const bool on_demand = call.in.members(call.in["StreamModeDetails"])[0].text == "ON_DEMAND";
  if (call.in["WarmThroughputMiBps"].present)
    return invalid_argument("WarmThroughputMiBps is not supported yet.");
  return change_settings(
      call, Needs::kActiveStream, [on_demand](const streams::StreamKey&, StreamSettings& settings) {
        settings.mode = on_demand ? StreamMode::kOnDemand : StreamMode::kProvisioned;
        return std::expected<void, ApiError>();
      });
}

}  // namespace sluice::kinesis
