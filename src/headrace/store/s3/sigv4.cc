// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3/sigv4.h"

#include <algorithm>
#include <utility>

#include "headrace/base/encoding.h"
#include "headrace/base/text.h"

namespace headrace::s3 {
namespace {

void AppendHex(std::string& out, std::span<const std::byte> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const size_t begin = out.size();
  out.resize(begin + 2 * bytes.size());
  char* at = out.data() + begin;
  for (const std::byte b : bytes) {
    const auto value = std::to_integer<unsigned>(b);
    *at++ = kDigits[value >> 4U];
    *at++ = kDigits[value & 15U];
  }
}

// `value` in `width` digits at the end of `field`'s first `width` characters.
void PutDigits(char* field, unsigned value, int width) {
  for (int place = width - 1; place >= 0; --place) {
    field[place] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

// The names of a header list in lower case, each in one piece of `storage`.
using HeaderFields = std::vector<std::pair<std::string_view, std::string_view>>;
HeaderFields WithLowerNames(std::span<const std::pair<std::string_view, std::string_view>> fields,
                            std::string& storage) {
  size_t size = 0;
  for (const auto& [name, value] : fields) size += name.size();
  storage.resize(size);
  HeaderFields lowered;
  lowered.reserve(fields.size());
  char* at = storage.data();
  for (const auto& [name, value] : fields) {
    std::transform(name.begin(), name.end(), at, LowerLetter);
    lowered.emplace_back(std::string_view(at, name.size()), value);
    at += name.size();
  }
  return lowered;
}

// By name; repeated fields keep their order.
void SortByName(HeaderFields& fields) {
  // What a client sends is a handful and nearly sorted; what arrives may be anything.
  constexpr size_t kHandful = 16;
  const auto is_before = [](const auto& a, const auto& b) { return a.first < b.first; };
  if (fields.size() > kHandful) {
    std::ranges::stable_sort(fields, is_before);
    return;
  }
  for (size_t i = 1; i < fields.size(); ++i) {
    const auto field = fields[i];
    size_t place = i;
    for (; place > 0 && is_before(field, fields[place - 1]); --place) {
      fields[place] = fields[place - 1];
    }
    fields[place] = field;
  }
}

// Trimmed, and every inner run of spaces as one.
void AppendTrimmed(std::string& out, std::string_view value) {
  // Most values have nothing to trim.
  const bool is_trimmed = !value.empty() && value.front() != ' ' && value.back() != ' ' &&
                          value.find('\t') == value.npos && value.find("  ") == value.npos;
  if (is_trimmed) {
    out.append(value);
    return;
  }
  bool space_is_due = false;
  bool is_start = true;
  for (const char c : value) {
    if (c == ' ' || c == '\t') {
      space_is_due = !is_start;
      continue;
    }
    if (space_is_due) out.push_back(' ');
    space_is_due = false;
    is_start = false;
    out.push_back(c);
  }
}

}  // namespace

std::string FormatAmzDate(SystemTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto day = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(seconds - day);
  std::string text = "yyyymmddThhmmssZ";
  PutDigits(text.data(), static_cast<unsigned>(static_cast<int>(date.year())), 4);
  PutDigits(text.data() + 4, static_cast<unsigned>(date.month()), 2);
  PutDigits(text.data() + 6, static_cast<unsigned>(date.day()), 2);
  PutDigits(text.data() + 9, static_cast<unsigned>(clock.hours().count()), 2);
  PutDigits(text.data() + 11, static_cast<unsigned>(clock.minutes().count()), 2);
  PutDigits(text.data() + 13, static_cast<unsigned>(clock.seconds().count()), 2);
  return text;
}

std::optional<SystemTime> ParseAmzDate(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  const auto number = [&](size_t begin, size_t width) -> int {
    int value = 0;
    for (const char c : text.substr(begin, width)) {
      if (c < '0' || c > '9') return -1;
      value = value * 10 + (c - '0');
    }
    return value;
  };
  const int year = number(0, 4);
  const int month = number(4, 2);
  const int day = number(6, 2);
  const int hour = number(9, 2);
  const int minute = number(11, 2);
  const int second = number(13, 2);
  // SystemTime counts nanoseconds in 64 bits: 1677 to 2262.
  if (year < 1678 || year > 2261 || month < 0 || day < 0 || hour < 0 || hour > 23 || minute < 0 ||
      minute > 59 || second < 0 || second > 60) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return SystemTime(std::chrono::sys_days(date)) + std::chrono::hours(hour) +
         std::chrono::minutes(minute) + std::chrono::seconds(second);
}

std::string CredentialScope::Text() const {
  std::string text;
  text.reserve(date.size() + region.size() + service.size() + 16);
  text.append(date).append("/").append(region).append("/").append(service);
  return text.append("/aws4_request");
}

std::optional<std::string> CanonicalUri(std::string_view path) {
  if (path.empty()) return "/";
  const auto decoded = UriDecode(path);
  if (!decoded) return std::nullopt;
  return UriEncodePath(*decoded);
}

std::optional<std::string> CanonicalQuery(std::string_view query, std::string_view left_out) {
  std::vector<std::pair<std::string, std::string>> parameters;
  while (!query.empty()) {
    const std::string_view piece = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), piece.size() + 1));
    if (piece.empty()) continue;
    const size_t equals = piece.find('=');
    const auto name = UriDecode(piece.substr(0, equals), true);
    const auto value =
        UriDecode(equals == std::string_view::npos ? "" : piece.substr(equals + 1), true);
    if (!name || !value) return std::nullopt;
    if (!left_out.empty() && *name == left_out) continue;
    parameters.emplace_back(UriEncode(*name), UriEncode(*value));
  }
  std::sort(parameters.begin(), parameters.end());
  std::string text;
  for (const auto& [name, value] : parameters) {
    if (!text.empty()) text.push_back('&');
    text.append(name).append("=").append(value);
  }
  return text;
}

CanonicalHeaderList CanonicalHeaders(
    std::span<const std::pair<std::string_view, std::string_view>> fields) {
  std::string storage;
  HeaderFields sorted = WithLowerNames(fields, storage);
  size_t values_bytes = 0;
  for (const auto& [name, value] : fields) values_bytes += value.size() + 1;
  SortByName(sorted);
  CanonicalHeaderList list;
  list.names.reserve(storage.size() + sorted.size());
  list.text.reserve(storage.size() + sorted.size() + values_bytes);
  for (size_t i = 0; i < sorted.size(); ++i) {
    const auto& [name, value] = sorted[i];
    if (i > 0 && sorted[i - 1].first == name) {
      list.text.back() = ',';
    } else {
      if (i > 0) list.names.push_back(';');
      list.names.append(name);
      list.text.append(name).push_back(':');
    }
    AppendTrimmed(list.text, value);
    list.text.push_back('\n');
  }
  return list;
}

std::optional<CanonicalHeaderList> CanonicalHeadersListed(const net::HttpHeaders& headers,
                                                          std::string_view signed_names) {
  std::vector<std::pair<std::string_view, std::string_view>> fields;
  fields.reserve(static_cast<size_t>(std::ranges::count(signed_names, ';')) + 1);
  std::string_view rest = signed_names;
  while (!rest.empty()) {
    const std::string_view name = rest.substr(0, rest.find(';'));
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    bool is_there = false;
    for (const auto& [field_name, value] : headers.fields()) {
      if (!EqualIgnoringCase(field_name, name)) continue;
      is_there = true;
      fields.emplace_back(name, value);
    }
    if (!is_there) return std::nullopt;
  }
  return CanonicalHeaders(fields);
}

std::string CanonicalRequest(std::string_view method, std::string_view canonical_uri,
                             std::string_view canonical_query, const CanonicalHeaderList& headers,
                             std::string_view payload_hash) {
  std::string text;
  text.reserve(method.size() + canonical_uri.size() + canonical_query.size() + headers.text.size() +
               headers.names.size() + payload_hash.size() + 8);
  text.append(method).push_back('\n');
  text.append(canonical_uri).push_back('\n');
  text.append(canonical_query).push_back('\n');
  text.append(headers.text).push_back('\n');
  text.append(headers.names).push_back('\n');
  text.append(payload_hash);
  return text;
}

std::string StringToSign(std::string_view timestamp, std::string_view scope,
                         std::string_view canonical_request) {
  std::string text;
  text.reserve(kSigV4Algorithm.size() + timestamp.size() + scope.size() + 64 + 3);
  text.append(kSigV4Algorithm).push_back('\n');
  text.append(timestamp).push_back('\n');
  text.append(scope).push_back('\n');
  AppendHex(text, Sha256(canonical_request));
  return text;
}

Sha256Digest DeriveSigningKey(std::string_view secret_access_key, const CredentialScope& scope) {
  const std::string start = "AWS4" + std::string(secret_access_key);
  const Sha256Digest date_key = HmacSha256(AsBytes(start), scope.date);
  const Sha256Digest region_key = HmacSha256(date_key, scope.region);
  const Sha256Digest service_key = HmacSha256(region_key, scope.service);
  return HmacSha256(service_key, "aws4_request");
}

std::string Signature(const Sha256Digest& signing_key, std::string_view string_to_sign) {
  return HexEncode(HmacSha256(signing_key, string_to_sign));
}

Sha256Digest SigningKeyCache::KeyFor(std::string_view secret_access_key,
                                     const CredentialScope& scope) {
  const MutexLock lock(mutex_);
  for (const Entry& entry : entries_) {
    if (entry.scope == scope && entry.secret_access_key == secret_access_key) return entry.key;
  }
  Entry entry{.secret_access_key = std::string(secret_access_key),
              .scope = scope,
              .key = DeriveSigningKey(secret_access_key, scope)};
  const Sha256Digest key = entry.key;
  if (entries_.size() < kEntryCountMax) {
    entries_.push_back(std::move(entry));
  } else {
    entries_[next_replaced_] = std::move(entry);
    next_replaced_ = (next_replaced_ + 1) % kEntryCountMax;
  }
  return key;
}

}  // namespace headrace::s3
