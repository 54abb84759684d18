// Whole calls against a server with keys: each refusal in AWS' words.
#include "aws/authenticator.h"

#include <gmock/gmock.h>

namespace sluice::aws {
namespace {

constexpr std::int64_t kNowMs = 1'795'000'000'000;  // 20261118T110640Z

const Credentials kKey{"AKIDEXAMPLE", "secret", ""};
const Credentials kSession{"ASIAEXAMPLE", "other secret", "token"};

struct Call {
  Headers headers = {{"Host", "localhost:4566"},
                     {"Content-Type", "application/x-amz-json-1.1"},
                     {"X-Amz-Target", "Kinesis_20131202.ListStreams"}};
  std::string query;
  std::string body = "{}";

  Call& sign(const Credentials& key, std::string_view service = "kinesis",
             std::int64_t at_ms = kNowMs) {
    const auto added =
        sign_headers({"POST", "/", query, headers, body}, key, "us-east-1", service, at_ms);
    headers.insert(headers.end(), added.begin(), added.end());
    return *this;
  }
  std::string& header(std::string_view name) {
    return std::ranges::find(headers, name, &Headers::value_type::first)->second;
  }
};

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

class AuthenticatorTest : public testing::Test {
 protected:
  // "Type: message", or "" where the call may go on.
  std::string check(const Call& call) { return check(call, with_keys_); }
  static std::string check(const Call& call, const Authenticator& authenticator) {
    const HeaderLookup lookup = [&](std::string_view name) -> std::string_view {
      for (const auto& [key, value] : call.headers) {
        if (std::ranges::equal(key, name,
                               [](char a, char b) { return std::tolower(a) == std::tolower(b); }))
          return value;
      }
      return {};
    };
    const auto refused = authenticator.check("kinesis", lookup, call.query, [&] {
      return SignedRequest{"POST", "/", call.query, call.headers, call.body};
    });
    return refused ? refused->type + ": " + refused->message : "";
  }

  base::ManualClock clock_{kNowMs};
  Authenticator with_keys_{{{"default", kKey}, {"session", kSession}}, clock_};
  Authenticator without_keys_{{}, clock_};
};

TEST_F(AuthenticatorTest, LetsSignedCallsIn) {
  EXPECT_EQ(check(Call().sign(kKey)), "");
  EXPECT_EQ(check(Call().sign(kSession)), "");
  EXPECT_EQ(check(Call().sign(kKey, "kinesis", kNowMs - kClockSkewMaxMs)), "");
  EXPECT_EQ(check(Call().sign(kKey, "kinesis", kNowMs + kClockSkewMaxMs)), "");
}

TEST_F(AuthenticatorTest, WithoutKeysEverybodyMayButHalfASignature) {
  EXPECT_EQ(check(Call(), without_keys_), "");
  EXPECT_EQ(check(Call().sign({"anything", "wrong", ""}, "", 0), without_keys_), "");
  Call half;
  half.headers.emplace_back("Authorization", "X");
  const std::string incomplete =
      "IncompleteSignatureException: Authorization header requires 'Credential' parameter. "
      "Authorization header requires 'Signature' parameter. Authorization header requires "
      "'SignedHeaders' parameter. Authorization header requires existence of either a 'X-Amz-Date' "
      "or a 'Date' header. Authorization=X";
  EXPECT_EQ(check(half, without_keys_), incomplete);
  EXPECT_EQ(check(half), incomplete);
  half.query = "X-Amz-Algorithm";
  EXPECT_EQ(check(half, without_keys_),
            "InvalidSignatureException: Found both 'X-Amz-Algorithm' as a query-string param and "
            "'Authorization' as HTTP header.");
}

TEST_F(AuthenticatorTest, NamesWhatIsWrong) {
  EXPECT_EQ(check(Call()), "MissingAuthenticationTokenException: Missing Authentication Token");
  constexpr std::string_view unknown =
      "UnrecognizedClientException: The security token included in the request is invalid.";
  EXPECT_EQ(check(Call().sign({"AKIDOTHER", "secret", ""})), unknown);
  EXPECT_EQ(check(Call().sign({"AKIDEXAMPLE", "secret", "a token of nobody"})), unknown);
  EXPECT_EQ(check(Call().sign({"ASIAEXAMPLE", "other secret", ""})), unknown);
  constexpr std::string_view mismatch =
      "InvalidSignatureException: The request signature we calculated does not match the signature "
      "you provided. Check your AWS Secret Access Key and signing method. Consult the service "
      "documentation for details.";
  EXPECT_EQ(check(Call().sign({"AKIDEXAMPLE", "wrong", ""})), mismatch);
  Call changed = Call().sign(kKey);
  changed.body = "{ }";
  EXPECT_EQ(check(changed), mismatch);
  changed = Call().sign(kKey);
  changed.header("X-Amz-Target") = "Kinesis_20131202.DeleteStream";
  EXPECT_EQ(check(changed), mismatch);
  EXPECT_EQ(check(Call().sign(kKey, "dynamodb")),
            "InvalidSignatureException: Credential should be scoped to correct service: "
            "'kinesis'. ");
}

TEST_F(AuthenticatorTest, TellsTimesApart) {
  EXPECT_EQ(check(Call().sign(kKey, "kinesis", kNowMs - kClockSkewMaxMs - 1000)),
            "InvalidSignatureException: Signature expired: 20261118T105139Z is now earlier than "
            "20261118T105140Z (20261118T110640Z - 15 min.)");
  EXPECT_EQ(check(Call().sign(kKey, "kinesis", kNowMs + kClockSkewMaxMs + 1000)),
            "InvalidSignatureException: Signature not yet current: 20261118T112141Z is still later "
            "than 20261118T112140Z (20261118T110640Z + 15 min.)");
  Call other_day = Call().sign(kKey);
  other_day.header("Authorization") =
      replaced(other_day.header("Authorization"), "/20261118/", "/20261117/");
  EXPECT_EQ(check(other_day),
            "InvalidSignatureException: Date in Credential scope does not match YYYYMMDD from "
            "ISO-8601 version of date from HTTP: '20261117' != '20261118', from "
            "'20261118T110640Z'.");
}

TEST_F(AuthenticatorTest, NamesMalformedParts) {
  const auto with = [&](std::string_view from, std::string_view to) {
    Call call = Call().sign(kKey);
    call.header("Authorization") = replaced(call.header("Authorization"), from, to);
    return check(call);
  };
  EXPECT_EQ(
      with("AKIDEXAMPLE", "AKID/EXAMPLE"),
      "IncompleteSignatureException: Credential must have exactly 5 slash-delimited elements, "
      "e.g. keyid/date/region/service/term, got "
      "'AKID/EXAMPLE/20261118/us-east-1/kinesis/aws4_request'");
  EXPECT_EQ(with("AWS4-HMAC-SHA256", "AWS4-HMAC-MD5"),
            "IncompleteSignatureException: Unsupported AWS 'algorithm': 'AWS4-HMAC-MD5'.");
  EXPECT_EQ(with("aws4_request", "aws3_request"),
            "InvalidSignatureException: Credential should be scoped with a valid terminator: "
            "'aws4_request', not 'aws3_request'. ");
  EXPECT_EQ(with("host;", ""),
            "InvalidSignatureException: 'Host' or ':authority' must be a 'SignedHeader' in the AWS "
            "Authorization.");
  EXPECT_EQ(with(";x-amz-target", ""),
            "InvalidSignatureException: 'X-Amz-Target' must be a 'SignedHeader' in the AWS "
            "Authorization.");
  Call date = Call().sign(kKey);
  date.header("X-Amz-Date") = "Wed, 18 Nov 2026 11:06:40 GMT";
  EXPECT_EQ(check(date),
            "IncompleteSignatureException: Date must be in ISO-8601 'basic format'. Got 'Wed, 18 "
            "Nov 2026 11:06:40 GMT'. See http://en.wikipedia.org/wiki/ISO_8601");
}

TEST_F(AuthenticatorTest, RefusesTooManySignedHeaders) {
  Call call;
  for (int i = 0; i < 100; ++i)
    call.headers.emplace_back("x-more-" + std::to_string(i), "v");
  EXPECT_EQ(check(call.sign(kKey)), "IncompleteSignatureException: too many signed headers");
}

// A presigned call: everything but the signature is in the query that is signed.
Call presigned(std::int64_t signed_ms, int expires_s) {
  const CredentialScope scope{kKey.access_key_id, format_amz_date(signed_ms).substr(0, 8),
                              "us-east-1", "kinesis"};
  Call call;
  call.headers = {{"Host", "localhost:4566"}};
  call.query = "Action=x&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" + kKey.access_key_id +
               "%2F" + scope.date +
               "%2Fus-east-1%2Fkinesis%2Faws4_request&X-Amz-Date=" + format_amz_date(signed_ms) +
               "&X-Amz-Expires=" + std::to_string(expires_s) + "&X-Amz-SignedHeaders=host";
  const SignedRequest request{"POST", "/", call.query, call.headers, call.body};
  call.query += "&X-Amz-Signature=" + sign(kKey.secret, format_amz_date(signed_ms), scope,
                                           canonical_request(request, {"host"}));
  return call;
}

TEST_F(AuthenticatorTest, PresignedCallsLastAsLongAsTheySay) {
  EXPECT_EQ(check(presigned(kNowMs - 3'000'000, 3600)), "");
  EXPECT_EQ(check(presigned(kNowMs - 61'000, 60)),
            "InvalidSignatureException: Signature expired: 20261118T110539Z is now earlier than "
            "20261118T110540Z (20261118T110640Z - 60 sec.)");
  Call longer = presigned(kNowMs - 61'000, 60);
  longer.query = replaced(longer.query, "Expires=60", "Expires=3600");
  EXPECT_THAT(check(longer), testing::HasSubstr("does not match the signature you provided"));
}

TEST(Credentials, ReadsProfilesAsAwsWritesThem) {
  const auto profiles = parse_credentials(R"(# of the team
[default]
aws_access_key_id = AKIDEXAMPLE
aws_secret_access_key=wJalr/XUt=n
region = eu-west-1

[ session ]
aws_access_key_id=ASIA
  aws_secret_access_key = nested, so not ours
aws_secret_access_key = s
aws_session_token = t
[sso]
sso_start_url = https://example.test
)");
  ASSERT_TRUE(profiles) << profiles.error().message;
  ASSERT_EQ(profiles->size(), 2U);
  EXPECT_EQ((*profiles)[0].name, "default");
  EXPECT_EQ((*profiles)[0].credentials.secret, "wJalr/XUt=n");
  EXPECT_EQ((*profiles)[1].name, "session");
  EXPECT_EQ((*profiles)[1].credentials.secret, "s");
  EXPECT_EQ((*profiles)[1].credentials.session_token, "t");
}

TEST(Credentials, NeverPrintsASecret) {
  for (const auto& [text, message] : std::vector<std::pair<std::string, std::string>>{
           {"aws_secret_access_key = s3cr3t", "line 1: a value stands before the first [profile]"},
           {"[a]\ns3cr3t", "line 2: neither [profile] nor a = b"},
           {"[a\n", "line 1: a profile's name must end with ]"},
           {"[a]\naws_secret_access_key=s3cr3t",
            "profile a needs both aws_access_key_id and aws_secret_access_key"},
           {"[a]\naws_access_key_id=K\naws_secret_access_key=s3cr3t\n[b]\n"
            "aws_access_key_id=K\naws_secret_access_key=other",
            "access key K has two secrets"}}) {
    const auto profiles = parse_credentials(text);
    ASSERT_FALSE(profiles) << text;
    EXPECT_EQ(profiles.error().message, message);
  }
}

}  // namespace
}  // namespace sluice::aws
