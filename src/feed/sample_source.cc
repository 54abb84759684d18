#include "feed/sample_source.h"

#include <fmt/core.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <span>
#include <string_view>

#include "base/random.h"
#include "base/sqlite.h"
#include "base/uuid.h"

namespace sluice::feed {
namespace {

using Words = std::span<const std::string_view>;

constexpr std::array<std::string_view, 14> kCategories = {
    "art",     "beauty",     "christmas",    "diy-and-crafts", "education", "event-planning",
    "finance", "home-decor", "mens-fashion", "mental-health",  "quotes",    "tattoos",
    "travel",  "vehicles"};
constexpr std::array<std::string_view, 3> kMedia = {"image", "video",
                                                    "multi-video(story page format)"};
constexpr std::array<std::string_view, 16> kCountries = {
    "Afghanistan",
    "Albania",
    "American Samoa",
    "Antarctica (the territory South of 60 deg S)",
    "Armenia",
    "Aruba",
    "Bahamas, The",
    "Barbados",
    "Cote d'Ivoire",
    "Curaçao",
    "French Polynesia",
    "Korea, Republic of",
    "Lao People's Democratic Republic",
    "São Tomé and Príncipe",
    "Virgin Islands, U.S.",
    "Åland Islands"};
constexpr std::array<std::string_view, 12> kFirstNames = {"Abigail", "Aaron",   "Chloé", "Dmitri",
                                                          "Emma",    "José",    "Li",    "Mary-Ann",
                                                          "O'Shea",  "Siobhán", "Zoë",   "李雷"};
constexpr std::array<std::string_view, 12> kLastNames = {
    "Ali",    "Brown",       "D'Angelo",     "García", "Müller", "Nguyễn",
    "O'Neil", "Smith-Jones", "van der Berg", "Yılmaz", "Łukasz", "王"};
constexpr std::array<std::string_view, 10> kPosters = {"Of Life & Lisa | Lifestyle Blog",
                                                       "Cultura Colectiva",
                                                       "The \"Good\" Home",
                                                       "Mädchen und Mode",
                                                       "TravelMag ✈",
                                                       "Hans' Garage",
                                                       "Naïve Café",
                                                       "DIY\\Crafts",
                                                       "Crafts, Kids & Co.",
                                                       "日本の旅"};
constexpr std::array<std::string_view, 12> kTitles = {"25 Super Fun Summer Crafts for Kids",
                                                      "The \"best\" ideas, they said",
                                                      "C:\\photos\\travel — a back\\slash story",
                                                      "Weekend in Paris 🥐🗼",
                                                      "東京の夜景",
                                                      "Идеи для дома",
                                                      "First line\nsecond line",
                                                      "Tabs\tand 'single quotes'",
                                                      "أفكار للسفر",
                                                      "Crème brûlée & more",
                                                      "100% cotton; 50% off!",
                                                      "Nested {braces} [brackets] <tags>"};
constexpr std::array<std::string_view, 10> kDescriptions = {
    "Keep the kids busy this summer with these easy diy crafts and projects. Creative and...",
    "She said: \"never again\" — and did it again.",
    "Path is D:\\data\\new, mind the \\n that is no line break",
    "Line one\r\nline two\n\nline four",
    "Emoji only 🎉🎄👩‍👩‍👧‍👦",
    "Описание на русском языке",
    "说明文字,带有逗号",
    "Price: $25 #deal @shop",
    "Trailing blank ",
    "It's a plain description"};
constexpr std::array<std::string_view, 4> kTagLists = {
    "Summer Crafts For Kids,Fun Crafts For Kids,Summer Kids,Toddler Crafts", "Home,Décor,Ideas",
    "旅行,東京,夜景", "O'Neil,\"quoted\",back\\slash"};

class Maker {
 public:
  explicit Maker(std::uint64_t seed) : random_(seed) {}

  std::string_view pick(Words words) { return words[random_.below(words.size())]; }
  bool chance(unsigned percent) { return random_.below(100) < percent; }
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low +
           static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(high - low + 1)));
  }
  std::string uuid() { return base::random_uuid(random_); }

  // A moment of the years asked for, as MySQL prints a DATETIME.
  std::string date_time(int first_year, int last_year) {
    using namespace std::chrono;
    const sys_seconds from = sys_days(year(first_year) / January / 1);
    const sys_seconds to = sys_days(year(last_year + 1) / January / 1);
    const sys_seconds at =
        from + seconds(random_.below(static_cast<std::uint64_t>((to - from).count())));
    const sys_days day = floor<days>(at);
    const year_month_day date(day);
    const hh_mm_ss time(at - day);
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       time.hours().count(), time.minutes().count(), time.seconds().count());
  }

  // Degrees with at most four decimals, as the source has them.
  double degrees(int limit) {
    return static_cast<double>(between(-limit * 10'000, limit * 10'000)) / 10'000;
  }

  std::string follower_count() {
    switch (random_.below(20)) {
      case 0:
        return "User Info Error";
      case 1:
        return "0";
      case 2:
        return "";
      case 3:
        return fmt::format("{}m", between(1, 9));
      case 4:
        return fmt::format("{}.{}M", between(1, 9), between(1, 9));
      case 5:
      case 6:
        return fmt::format("{}M", between(1, 15));
      case 7:
      case 8:
      case 9:
      case 10:
      case 11:
      case 12:
        return fmt::format("{}k", between(1, 999));
      default:
        return std::to_string(between(1, 999));
    }
  }

 private:
  base::SeededRandom random_;
};

struct Pin {
  std::int64_t index = 0;
  std::string unique_id, title, description, poster_name, follower_count, tag_list,
      is_image_or_video, image_src;
  std::int64_t downloaded = 0;
  std::string save_location, category;
};

Pin make_pin(Maker& make, std::int64_t row) {
  Pin pin;
  pin.index = row;
  pin.unique_id = make.uuid();
  pin.category = make.pick(kCategories);
  pin.title = make.chance(4) ? "No Title Data Available"
                             : fmt::format("{} ({})", make.pick(kTitles), make.between(1, 9'999));
  pin.description = make.pick(kDescriptions);
  if (make.chance(3)) pin.description = "No description available";
  if (make.chance(3)) pin.description = "No description available Story format";
  pin.poster_name = make.chance(4) ? "User Info Error" : std::string(make.pick(kPosters));
  pin.follower_count = make.follower_count();
  pin.tag_list =
      make.chance(4) ? "N,o, ,T,a,g,s, ,A,v,a,i,l,a,b,l,e" : std::string(make.pick(kTagLists));
  pin.is_image_or_video = make.pick(kMedia);
  pin.image_src = fmt::format("https://example.invalid/{}.jpg", row);
  if (make.chance(2)) pin.image_src = "Image src error";
  if (make.chance(2)) pin.image_src = "Image src error.";
  pin.downloaded = make.between(0, 1);
  pin.save_location = fmt::format("Local save in /data/{}", pin.category);
  return pin;
}

base::SqliteResult<void> insert_pin(base::SqliteStatement& insert, const Pin& pin) {
  insert.reset();
  insert.bind(0, pin.index).bind(1, pin.unique_id).bind(2, pin.title).bind(3, pin.description);
  insert.bind(4, pin.poster_name)
      .bind(5, pin.follower_count)
      .bind(6, pin.tag_list)
      .bind(7, pin.is_image_or_video);
  insert.bind(8, pin.image_src)
      .bind(9, pin.downloaded)
      .bind(10, pin.save_location)
      .bind(11, pin.category);
  auto done = insert.step();
  if (!done) return std::unexpected(done.error());
  return {};
}

base::SqliteResult<void> fill_pins(base::Sqlite& db, Maker& make) {
  auto insert = db.prepare("INSERT INTO pinterest_data VALUES (?,?,?,?,?,?,?,?,?,?,?,?)");
  if (!insert) return std::unexpected(insert.error());
  Pin pin;
  for (std::int64_t row = 0; row < kSampleRows; ++row) {
    // A twin: the row before once more with only `downloaded` changed. Other parsed row, equal
    // cleaned row.
    const bool twin = row % 100 == 99;
    if (twin) {
      pin.downloaded = 1 - pin.downloaded;
    } else {
      pin = make_pin(make, row);
    }
    if (auto ok = insert_pin(*insert, pin); !ok) return ok;
  }
  return {};
}

base::SqliteResult<void> fill_places(base::Sqlite& db, Maker& make) {
  auto insert =
      db.prepare("INSERT INTO geolocation_data VALUES (?,?,CAST(? AS REAL),CAST(? AS REAL),?)");
  if (!insert) return std::unexpected(insert.error());
  for (std::int64_t row = 0; row < kSampleRows; ++row) {
    insert->reset();
    insert->bind(0, row).bind(1, make.date_time(2017, 2022));
    insert->bind(2, fmt::format("{}", make.degrees(90)))
        .bind(3, fmt::format("{}", make.degrees(180)));
    insert->bind(4, make.pick(kCountries));
    if (auto done = insert->step(); !done) return std::unexpected(done.error());
  }
  return {};
}

base::SqliteResult<void> fill_users(base::Sqlite& db, Maker& make) {
  auto insert = db.prepare("INSERT INTO user_data VALUES (?,?,?,?,?)");
  if (!insert) return std::unexpected(insert.error());
  std::string first;
  std::string last;
  std::string joined;
  std::int64_t age = 0;
  for (std::int64_t row = 0; row < kSampleRows; ++row) {
    if (row % 10 != 9) {  // every tenth row belongs to the person of the row before
      first = make.pick(kFirstNames);
      last = make.pick(kLastNames);
      age = make.between(18, 60);
      joined = make.date_time(2015, 2017);
    }
    insert->reset();
    insert->bind(0, row).bind(1, first).bind(2, last).bind(3, age).bind(4, joined);
    if (auto done = insert->step(); !done) return std::unexpected(done.error());
  }
  return {};
}

base::SqliteResult<void> fill(base::Sqlite& db, Maker& make) {
  constexpr const char* kTables = R"(
    CREATE TABLE pinterest_data("index" INTEGER, unique_id TEXT, title TEXT, description TEXT, poster_name TEXT,
      follower_count TEXT, tag_list TEXT, is_image_or_video TEXT, image_src TEXT, downloaded INTEGER,
      save_location TEXT, category TEXT);
    CREATE TABLE geolocation_data(ind INTEGER, timestamp DATETIME, latitude REAL, longitude REAL, country TEXT);
    CREATE TABLE user_data(ind INTEGER, first_name TEXT, last_name TEXT, age INTEGER, date_joined DATETIME);)";
  if (auto ok = db.execute(kTables); !ok) return ok;
  auto transaction = base::SqliteTransaction::begin(db);
  if (!transaction) return std::unexpected(transaction.error());
  if (auto ok = fill_pins(db, make); !ok) return ok;
  if (auto ok = fill_places(db, make); !ok) return ok;
  if (auto ok = fill_users(db, make); !ok) return ok;
  return transaction->commit();
}

}  // namespace

FeedResult<void> make_sample_source(const std::string& path, std::uint64_t seed) {
  if (std::filesystem::exists(path)) {
    return base::fail(FeedError::kInvalid, fmt::format("{} is there already", path));
  }
  auto db = base::Sqlite::open(path, base::Sqlite::Mode::kMetadata);
  if (!db) return base::fail(FeedError::kSource, db.error().message);
  Maker make(seed);
  if (auto ok = fill(*db, make); !ok) return base::fail(FeedError::kSource, ok.error().message);
  return {};
}

}  // namespace sluice::feed
