// java.lang.Integer, Long, Double, Boolean; and Velocity's arithmetic: whole numbers stay whole
// (Integer grows to Long, Long to BigInteger), a Double makes a Double, division by zero is null.
#include <openssl/bn.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <memory>

#include "gateway/value/decimal.h"
#include "gateway/vtl/interpreter.h"

namespace sluice::gateway::vtl {
namespace {

using Args = std::span<const Value>;

struct FreeBig {
  void operator()(BIGNUM* b) const { BN_free(b); }
  void operator()(BN_CTX* c) const { BN_CTX_free(c); }
};
using Big = std::unique_ptr<BIGNUM, FreeBig>;

Big big(const std::string& digits) {
  BIGNUM* b = nullptr;
  BN_dec2bn(&b, digits.c_str());
  return Big(b);
}

std::string big_text(const Big& b) {
  char* text = BN_bn2dec(b.get());
  std::string out = text == nullptr ? "0" : text;
  OPENSSL_free(text);
  return out == "-0" ? "0" : out;
}

bool is_big(const Value& v) {
  return v.kind == Kind::kBigInteger || v.kind == Kind::kBigDecimal;
}

double as_double(const Value& v) {
  if (v.kind == Kind::kDouble) return v.real;
  if (v.is_integral()) return static_cast<double>(v.integer);
  return std::strtod(std::string(v.text()).c_str(), nullptr);
}

Decimal as_decimal(const Value& v) {
  std::string text;
  append_java(text, v, 1 << 20);
  return parse_decimal(text).value_or(Decimal{"0", 0});
}

Value fit(const Value& left, const Value& right, std::int64_t n) {
  const bool is_long = left.kind == Kind::kLong || right.kind == Kind::kLong ||
                       n > std::numeric_limits<std::int32_t>::max() ||
                       n < std::numeric_limits<std::int32_t>::min();
  return is_long ? Value::of_long(n) : Value::of_int(n);
}

// Both sides brought to one scale.
constexpr int kScaleMax = 10'000;

bool align(Decimal& a, Decimal& b) {
  if (std::abs(a.scale) > kScaleMax || std::abs(b.scale) > kScaleMax) return false;
  Decimal& shorter = a.scale < b.scale ? a : b;
  const int scale = std::max(a.scale, b.scale);
  shorter.unscaled.append(static_cast<std::size_t>(scale - shorter.scale), '0');
  shorter.scale = scale;
  return true;
}

// a / b rounded half down; whole: cut off.
Big divide(const Big& a, const Big& b, BN_CTX* context, bool whole) {
  Big quotient(BN_new());
  const Big rest(BN_new());
  BN_div(quotient.get(), rest.get(), a.get(), b.get(), context);
  if (whole) return quotient;
  const Big twice(BN_new());
  BN_lshift1(twice.get(), rest.get());
  if (BN_ucmp(twice.get(), b.get()) > 0) {
    const bool negative = BN_is_negative(a.get()) != BN_is_negative(b.get());
    if (negative) {
      BN_sub_word(quotient.get(), 1);
    } else {
      BN_add_word(quotient.get(), 1);
    }
  }
  return quotient;
}

Value big_calculate(Interpreter& in, NodeType op, const Value& left, const Value& right) {
  const std::unique_ptr<BN_CTX, FreeBig> context(BN_CTX_new());
  const bool whole = left.kind != Kind::kBigDecimal && right.kind != Kind::kBigDecimal &&
                     left.kind != Kind::kDouble && right.kind != Kind::kDouble;
  for (const Value* v : {&left, &right}) {
    if (v->kind == Kind::kDouble && !std::isfinite(v->real)) return in.fail("Infinite or NaN");
  }
  Decimal a = as_decimal(left);
  Decimal b = as_decimal(right);
  if (a.unscaled.size() + b.unscaled.size() > static_cast<std::size_t>(kScaleMax)) {
    return in.fail(RenderError::kLimit, "a number grows too long");
  }
  const int left_scale = a.scale;
  if (op == NodeType::kMultiply) {
    const Big x = big(a.unscaled);
    const Big y = big(b.unscaled);
    const Big product(BN_new());
    BN_mul(product.get(), x.get(), y.get(), context.get());
    const Decimal d{big_text(product), a.scale + b.scale};
    return whole ? Value::of(in.arena().copy(d.unscaled), Kind::kBigInteger)
                 : Value::of(in.arena().copy(to_java(d)), Kind::kBigDecimal);
  }
  if (!align(a, b)) return in.fail(RenderError::kLimit, "a number grows too long");
  const Big x = big(a.unscaled);
  const Big y = big(b.unscaled);
  Big result(BN_new());
  int scale = a.scale;
  switch (op) {
    case NodeType::kAdd:
      BN_add(result.get(), x.get(), y.get());
      break;
    case NodeType::kSubtract:
      BN_sub(result.get(), x.get(), y.get());
      break;
    case NodeType::kDivide: {
      if (BN_is_zero(y.get())) return Value::null();
      scale = left_scale;
      const Big shifted =
          big(a.unscaled + std::string(static_cast<std::size_t>(std::max(0, scale)), '0'));
      result = divide(shifted, y, context.get(), whole);
      break;
    }
    default:
      if (!whole) return in.fail("Cannot calculate the modulo of BigDecimals.");
      if (BN_is_zero(y.get())) return Value::null();
      BN_nnmod(result.get(), x.get(), y.get(), context.get());
  }
  const Decimal d{big_text(result), scale};
  return whole ? Value::of(in.arena().copy(d.unscaled), Kind::kBigInteger)
               : Value::of(in.arena().copy(to_java(d)), Kind::kBigDecimal);
}

Value whole_calculate(Interpreter& in, NodeType op, const Value& left, const Value& right) {
  const std::int64_t a = left.integer;
  const std::int64_t b = right.integer;
  std::int64_t n = 0;
  switch (op) {
    case NodeType::kAdd:
      if (__builtin_add_overflow(a, b, &n)) return big_calculate(in, op, left, right);
      break;
    case NodeType::kSubtract:
      if (__builtin_sub_overflow(a, b, &n)) return big_calculate(in, op, left, right);
      break;
    case NodeType::kMultiply:
      if (__builtin_mul_overflow(a, b, &n)) return big_calculate(in, op, left, right);
      break;
    case NodeType::kDivide:
      if (b == 0) return Value::null();
      n = b == -1 ? static_cast<std::int64_t>(0 - static_cast<std::uint64_t>(a)) : a / b;
      break;
    default:
      if (b == 0) return Value::null();
      n = b == -1 ? 0 : a % b;
  }
  return fit(left, right, n);
}

// "12" as Java's parseInt and parseLong read it.
Value parse_whole(Interpreter& in, std::string_view text, Method m) {
  std::int64_t n = 0;
  std::string_view digits = text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), n);
  const bool fits = m != Method::k_parseInt || (n >= std::numeric_limits<std::int32_t>::min() &&
                                                n <= std::numeric_limits<std::int32_t>::max());
  if (end.ec != std::errc() || end.ptr != digits.data() + digits.size() || !fits ||
      digits.starts_with("-") != text.starts_with("-")) {
    return in.fail("For input string: \"" + std::string(text) + "\"");
  }
  return m == Method::k_parseInt ? Value::of_int(n) : Value::of_long(n);
}

Value parse_double(Interpreter& in, std::string_view text) {
  const std::string copy(text);
  char* end = nullptr;
  const double d = std::strtod(copy.c_str(), &end);
  if (copy.empty() || *end != '\0') return in.fail("For input string: \"" + copy + "\"");
  return Value::of(d);
}

Value radix(Interpreter& in, const Value& v, int base) {
  char buffer[65];
  const auto unsigned_value =
      v.kind == Kind::kInt ? static_cast<std::uint64_t>(static_cast<std::uint32_t>(v.integer))
                           : static_cast<std::uint64_t>(v.integer);
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), unsigned_value, base);
  return in.string({buffer, static_cast<std::size_t>(end.ptr - buffer)});
}

Value narrow(const Value& self, Method m) {
  std::int64_t n = 0;
  if (self.is_integral()) {
    n = self.integer;
  } else {
    const double d = as_double(self);
    constexpr auto kMax = static_cast<double>(std::numeric_limits<std::int64_t>::max());
    n = std::isnan(d) ? 0
        : d >= kMax   ? std::numeric_limits<std::int64_t>::max()
        : d <= -kMax  ? std::numeric_limits<std::int64_t>::min()
                      : static_cast<std::int64_t>(d);
    if (m != Method::k_longValue) {
      n = std::clamp<std::int64_t>(n, std::numeric_limits<std::int32_t>::min(),
                                   std::numeric_limits<std::int32_t>::max());
    }
  }
  if (m == Method::k_longValue) return Value::of_long(n);
  if (m == Method::k_shortValue) return Value::of_int(static_cast<std::int16_t>(n));
  return Value::of_int(static_cast<std::int32_t>(n));
}

}  // namespace

int compare_numbers(const Value& left, const Value& right) {
  if (left.is_integral() && right.is_integral()) {
    return left.integer < right.integer ? -1 : static_cast<int>(left.integer > right.integer);
  }
  if (is_big(left) || is_big(right)) {
    Decimal a = as_decimal(left);
    Decimal b = as_decimal(right);
    if (align(a, b)) return BN_cmp(big(a.unscaled).get(), big(b.unscaled).get());
  }
  const double a = as_double(left);
  const double b = as_double(right);
  return a < b ? -1 : static_cast<int>(a > b);
}

Value calculate(Interpreter& in, NodeType op, const Value& left, const Value& right) {
  if (!left.is_number() || !right.is_number()) return Value::null();
  if (left.is_integral() && right.is_integral()) return whole_calculate(in, op, left, right);
  if (is_big(left) || is_big(right)) return big_calculate(in, op, left, right);
  const double a = as_double(left);
  const double b = as_double(right);
  switch (op) {
    case NodeType::kAdd:
      return Value::of(a + b);
    case NodeType::kSubtract:
      return Value::of(a - b);
    case NodeType::kMultiply:
      return Value::of(a * b);
    case NodeType::kDivide:
      return b == 0 ? Value::null() : Value::of(a / b);
    default:
      return b == 0 ? Value::null() : Value::of(std::fmod(a, b));
  }
}

Value call_number(Interpreter& in, const Value& self, Method m, Args args) {
  switch (m) {
    case Method::k_intValue:
    case Method::k_shortValue:
    case Method::k_longValue:
      return args.empty() ? narrow(self, m) : Value::null();
    case Method::k_doubleValue:
    case Method::k_floatValue:
      return args.empty() ? Value::of(as_double(self)) : Value::null();
    case Method::k_compareTo:
      if (args.size() != 1 || args[0].is_null()) return Value::null();
      if (args[0].kind != self.kind) return in.fail("compareTo takes a value of the same class");
      return Value::of_int(compare_numbers(self, args[0]));
    case Method::k_isNaN:
      return self.kind == Kind::kDouble ? Value::of(std::isnan(self.real)) : Value::null();
    case Method::k_isInfinite:
      return self.kind == Kind::kDouble ? Value::of(std::isinf(self.real)) : Value::null();
    case Method::k_parseInt:
      return self.kind == Kind::kInt && args.size() == 1 && args[0].is_string()
                 ? parse_whole(in, args[0].text(), m)
                 : Value::null();
    case Method::k_parseLong:
      return self.kind == Kind::kLong && args.size() == 1 && args[0].is_string()
                 ? parse_whole(in, args[0].text(), m)
                 : Value::null();
    case Method::k_parseDouble:
      return self.kind == Kind::kDouble && args.size() == 1 && args[0].is_string()
                 ? parse_double(in, args[0].text())
                 : Value::null();
    case Method::k_valueOf:
      if (args.size() != 1) return Value::null();
      if (args[0].kind == self.kind) return args[0];
      if (!args[0].is_string()) return Value::null();
      if (self.kind == Kind::kDouble) return parse_double(in, args[0].text());
      return parse_whole(in, args[0].text(),
                         self.kind == Kind::kInt ? Method::k_parseInt : Method::k_parseLong);
    case Method::k_toHexString:
    case Method::k_toBinaryString:
      return self.is_integral() && args.size() == 1 && args[0].is_integral()
                 ? radix(in, args[0], m == Method::k_toHexString ? 16 : 2)
                 : Value::null();
    case Method::k_toString:
      return args.size() == 1 && args[0].kind == self.kind ? Value::of(in.text_of(args[0]))
                                                           : Value::null();
    case Method::k_max:
    case Method::k_min:
      if (args.size() != 2 || args[0].kind != self.kind || args[1].kind != self.kind) {
        return Value::null();
      }
      return (compare_numbers(args[0], args[1]) > 0) == (m == Method::k_max) ? args[0] : args[1];
    default:
      return Value::null();
  }
}

Value call_bool(Interpreter& in, bool self, Method m, Args args) {
  switch (m) {
    case Method::k_booleanValue:
      return args.empty() ? Value::of(self) : Value::null();
    case Method::k_parseBoolean:
    case Method::k_valueOf: {
      if (args.size() != 1 || !args[0].is_string()) return Value::null();
      std::string text(args[0].text());
      for (char& c : text)
        c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
      return Value::of(text == "true");
    }
    case Method::k_compareTo:
      if (args.size() != 1 || args[0].is_null()) return Value::null();
      if (args[0].kind != Kind::kBool) {
        return in.fail("compareTo takes a value of the same class");
      }
      return Value::of_int(static_cast<int>(self) - static_cast<int>(args[0].boolean));
    default:
      return Value::null();
  }
}

}  // namespace sluice::gateway::vtl
