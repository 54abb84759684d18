#include <gmock/gmock.h>

#include "aws/arn.h"
#include "aws/json_protocol.h"
#include "aws/sigv4.h"
#include "base/digest.h"

namespace sluice::aws {
namespace {

// The credentials and the date of AWS' published Signature Version 4 test suite.
constexpr std::string_view kKey = "AKIDEXAMPLE";
constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
constexpr std::string_view kDate = "20150830T123600Z";

struct Vector {
  std::string name;
  std::string method, path, query;
  Headers headers;
  std::string body;
  std::string signature;
};

std::vector<Vector> suite() {
  const Headers plain = {{"Host", "example.amazonaws.com"}, {"X-Amz-Date", std::string(kDate)}};
  const auto with = [&](Headers more) {
    more.insert(more.begin(), plain.begin(), plain.end());
    return more;
  };
  const std::string vanilla = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
  return {
      {"get-vanilla", "GET", "/", "", plain, "", vanilla},
      {"get-slash-dot-slash", "GET", "/./", "", plain, "", vanilla},
      {"get-relative-relative", "GET", "/example1/example2/../..", "", plain, "", vanilla},
      {"get-slashes", "GET", "//", "", plain, "", vanilla},
      {"get-vanilla-query-order-key-case", "GET", "/", "Param2=value2&Param1=value1", plain, "",
       "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
      {"get-vanilla-utf8-query", "GET", "/", "ሴ=bar", plain, "",
       "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
      {"get-utf8", "GET", "/ሴ", "", plain, "",
       "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
      {"get-space", "GET", "/example space/", "", plain, "",
       "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
      {"get-header-value-trim", "GET", "/", "",
       with({{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}}), "",
       "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
      {"post-vanilla", "POST", "/", "", plain, "",
       "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
      {"post-x-www-form-urlencoded", "POST", "/", "",
       with({{"Content-Type", "application/x-www-form-urlencoded"}}), "Param1=value1",
       "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
  };
}

SignedRequest request_of(const Vector& v) {
  return {v.method, v.path, v.query, v.headers, v.body};
}

HeaderLookup lookup(const Headers& headers) {
  return [&headers](std::string_view name) -> std::string_view {
    for (const auto& [key, value] : headers) {
      if (std::ranges::equal(key, name,
                             [](char a, char b) { return std::tolower(a) == std::tolower(b); }))
        return value;
    }
    return {};
  };
}

std::optional<std::string> secret_of(std::string_view key) {
  if (key != kKey) return std::nullopt;
  return std::string(kSecret);
}

TEST(SigV4, SignsAsThePublishedSuite) {
  for (const Vector& v : suite()) {
    std::vector<std::string> names;
    for (const auto& [name, value] : v.headers) {
      std::string lower = name;
      std::ranges::transform(lower, lower.begin(), [](char c) { return std::tolower(c); });
      names.push_back(lower);
    }
    const CredentialScope scope{std::string(kKey), "20150830", "us-east-1", "service"};
    EXPECT_EQ(sign(kSecret, kDate, scope, canonical_request(request_of(v), names)), v.signature)
        << v.name << "\n"
        << canonical_request(request_of(v), names);
  }
}

TEST(SigV4, DerivesTheKeyOfTheDocumentation) {
  const std::string key = signing_key(kSecret, {std::string(kKey), "20150830", "us-east-1", "iam"});
  EXPECT_EQ(base::to_hex(key), "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
}

Headers signed_headers(const std::string& body, std::int64_t now_ms) {
  Headers headers = {{"Host", "localhost:4566"},
                     {"Content-Type", "application/x-amz-json-1.1"},
                     {"X-Amz-Target", "Kinesis_20131202.ListStreams"}};
  const auto added = sign_headers({"POST", "/", "", headers, body},
                                  {std::string(kKey), std::string(kSecret), "token"}, "eu-west-1",
                                  "kinesis", now_ms);
  headers.insert(headers.end(), added.begin(), added.end());
  return headers;
}

TEST(SigV4, VerifiesWhatItSigned) {
  const std::int64_t now_ms = *parse_amz_date(kDate);
  const Headers headers = signed_headers("{}", now_ms);
  const auto signature = read_signature(SignaturePlace::kHeader, lookup(headers), "");
  ASSERT_TRUE(signature) << signature.error().message;
  EXPECT_EQ(signature->scope.region, "eu-west-1");
  EXPECT_EQ(signature->scope.service, "kinesis");
  EXPECT_EQ(signature->scope.access_key_id, kKey);
  EXPECT_EQ(signature->session_token, "token");
  const SignedRequest good{"POST", "/", "", headers, "{}"};
  EXPECT_TRUE(verify(good, *signature, "kinesis", secret_of, now_ms + 60'000));

  const auto code = [&](const SignedRequest& r, std::int64_t at_ms) {
    const auto result = verify(r, *signature, "kinesis", secret_of, at_ms);
    return result ? std::optional<SigError>() : result.error().code;
  };
  EXPECT_EQ(code({"POST", "/", "", headers, "{ }"}, now_ms), SigError::kMismatch);
  EXPECT_EQ(code({"GET", "/", "", headers, "{}"}, now_ms), SigError::kMismatch);
  EXPECT_EQ(code({"POST", "/x", "", headers, "{}"}, now_ms), SigError::kMismatch);
  EXPECT_EQ(code({"POST", "/", "a=b", headers, "{}"}, now_ms), SigError::kMismatch);
  EXPECT_EQ(code(good, now_ms + kClockSkewMaxMs), std::nullopt);
  EXPECT_EQ(code(good, now_ms + kClockSkewMaxMs + 1000), SigError::kSkewed);
  EXPECT_EQ(code(good, now_ms - kClockSkewMaxMs - 1000), SigError::kSkewed);
  Headers changed = headers;
  changed[2].second = "Kinesis_20131202.DeleteStream";
  EXPECT_EQ(code({"POST", "/", "", changed, "{}"}, now_ms), SigError::kMismatch);
}

TEST(SigV4, TellsWhatIsMissing) {
  const Headers none;
  EXPECT_EQ(*find_signature(lookup(none), "a=b&X-Amz-Signature=1"), SignaturePlace::kNone);
  const Headers bare = {{"Authorization", "AWS4-HMAC-SHA256 Signature=00"}};
  EXPECT_EQ(find_signature(lookup(bare), "").error().message,
            "Authorization header requires 'Credential' parameter. Authorization header requires "
            "'SignedHeaders' parameter. Authorization header requires existence of either a "
            "'X-Amz-Date' or a 'Date' header. Authorization=AWS4-HMAC-SHA256 Signature=00");
  EXPECT_EQ(find_signature(lookup(bare), "X-Amz-Algorithm").error().code, SigError::kBothPlaces);
  EXPECT_EQ(find_signature(lookup(none), "X-Amz-Algorithm=a&X-Amz-Credential=b&X-Amz-Date=d")
                .error()
                .message,
            "AWS query-string parameters must include 'X-Amz-Signature'. AWS query-string "
            "parameters must include 'X-Amz-SignedHeaders'. Re-examine the query-string "
            "parameters.");
  const std::string long_one(100'000, 'x');
  const Headers endless = {{"Authorization", long_one}};
  EXPECT_LT(find_signature(lookup(endless), "").error().message.size(), 5000U);
}

TEST(SigV4, ReadsPresignedQueries) {
  const Headers none;
  const std::string query =
      "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=123456789012%2F20150830%2Fus-west-2%"
      "2Fkinesis%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-Expires=60&X-Amz-SignedHeaders="
      "host&X-Amz-Signature=00";
  EXPECT_EQ(*find_signature(lookup(none), query), SignaturePlace::kQuery);
  const auto presigned = read_signature(SignaturePlace::kQuery, lookup(none), query);
  ASSERT_TRUE(presigned);
  EXPECT_EQ(presigned->expires_s, 60);
  EXPECT_EQ(presigned->signed_headers, std::vector<std::string>{"host"});
  for (const char* expires : {"-1", "604801", "x", "1x"}) {
    const std::string bad = "X-Amz-Expires=" + std::string(expires) + "&" + query;
    EXPECT_FALSE(read_signature(SignaturePlace::kQuery, lookup(none), bad)) << expires;
  }
  const Caller caller = caller_of(read_scope("", query));
  EXPECT_EQ(caller.account, "123456789012");
  EXPECT_EQ(caller.region, "us-west-2");
}

TEST(SigV4, FindsTheCallerInAnyHeaderForm) {
  const auto caller = [](std::string_view authorization) {
    return caller_of(read_scope(authorization, ""));
  };
  const Caller key = caller(
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-central-1/kinesis/aws4_request, "
      "SignedHeaders=host, Signature=x");
  EXPECT_EQ(key.account, "000000000000");
  EXPECT_EQ(key.region, "eu-central-1");
  EXPECT_EQ(key.access_key_id, "AKIDEXAMPLE");
  EXPECT_EQ(
      caller("AWS4-HMAC-SHA256 "
             "Credential=111122223333/20150830/us-east-1/kinesis/aws4_request,SignedHeaders=a,"
             "Signature=b")
          .account,
      "111122223333");
  EXPECT_EQ(caller("").region, "us-east-1");
  EXPECT_EQ(caller("AWS4-HMAC-SHA256 Credential=broken").region, "us-east-1");
}

TEST(SigV4, ReadsDatesStrictly) {
  EXPECT_EQ(parse_amz_date("19700101T000001Z"), 1000);
  EXPECT_EQ(format_amz_date(*parse_amz_date(kDate)), kDate);
  for (const char* text : {"", "20150830T123600", "2015-08-30T12:36Z", "20151330T123600Z",
                           "20150230T123600Z", "20150830T246000Z", "2015083xT123600Z"})
    EXPECT_EQ(parse_amz_date(text), std::nullopt) << text;
}

TEST(Arn, ReadsItsParts) {
  const auto arn = parse_arn("arn:aws:kinesis:us-east-1:123456789012:stream/a:b");
  ASSERT_TRUE(arn);
  EXPECT_EQ(arn->resource, "stream/a:b");
  EXPECT_EQ(arn->to_string(), "arn:aws:kinesis:us-east-1:123456789012:stream/a:b");
  EXPECT_EQ(parse_arn("arn:aws:apigateway:us-east-1::/restapis")->account, "");
  for (const char* text : {"", "arn", "arn:aws:kinesis:us-east-1:1",
                           "arn:aws:kinesis:r:a:", "urn:aws:kinesis:r:a:b", "arn::kinesis:r:a:b"})
    EXPECT_FALSE(parse_arn(text)) << text;
}

TEST(JsonProtocol, ReadsTargetsAndTypes) {
  EXPECT_EQ(parse_target("Kinesis_20131202.PutRecord")->action, "PutRecord");
  EXPECT_EQ(parse_target("Kinesis_20131202.PutRecord")->service, "Kinesis_20131202");
  for (const char* text : {"", "PutRecord", ".PutRecord", "Kinesis_20131202.", "a.b.c"})
    EXPECT_FALSE(parse_target(text)) << text;
  EXPECT_EQ(media_type(" Application/X-Amz-Json-1.1 ; charset=utf-8"),
            "application/x-amz-json-1.1");
}

TEST(JsonProtocol, ShapesErrors) {
  EXPECT_EQ(error_body("ValidationException", "a \"b\""),
            R"({"__type":"ValidationException","message":"a \"b\""})");
  EXPECT_EQ(error_body("SerializationException", "x"),
            R"({"__type":"SerializationException","Message":"x"})");
  EXPECT_EQ(error_body("SerializationException", ""), R"({"__type":"SerializationException"})");
  const ServiceResponse cbor = cbor_error(400, "E", "m");
  EXPECT_EQ(base::to_hex(cbor.body), "a2790006" + base::to_hex("__type") + "79000145790007" +
                                         base::to_hex("message") + "7900016d");
  EXPECT_EQ(base::to_hex(cbor_error(400, "E", "").body),
            "a1790006" + base::to_hex("__type") + "79000145");
  EXPECT_EQ(xml_error(403, "E", "m").body, "<E>\n  <Message>m</Message>\n</E>\n");
  EXPECT_EQ(xml_error(404, "E").body, "<E/>\n");
}

TEST(JsonProtocol, GivesBothRequestIds) {
  ServiceResponse response = json_reply("{}");
  add_request_id_headers(response, "id-1");
  ASSERT_EQ(response.headers.size(), 2U);
  EXPECT_EQ(response.headers[0].second, "id-1");
  EXPECT_EQ(response.headers[1].second.size(), 96U);
  EXPECT_EQ(response.headers[1].second, extended_request_id("id-1"));
  EXPECT_NE(extended_request_id("id-2"), extended_request_id("id-1"));
}

}  // namespace
}  // namespace sluice::aws
