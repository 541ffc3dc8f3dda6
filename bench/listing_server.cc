// SPDX-License-Identifier: Apache-2.0
// A synthetic S3 bucket that can only be listed, for `headrace ls` of many keys: speaks as much of
// ListObjectsV2 over HTTP/1.1 as a client needs and writes its answers from arithmetic, so that it
// is not what is measured. Signatures are not looked at. Loopback only.
//
// usage: listing_server [--keys N] [--folder-keys N] [--latency-ms N] [--port N]
//   --keys         keys in the bucket (any bucket name will do); default 1,000,000
//   --folder-keys  keys a folder, 0: all directly below "data/"; default 1,000
//   --latency-ms   delay before each answer, to stand for a distant store; default 0
//   --port         default 0: any free one
// Prints "listening on http://127.0.0.1:PORT" and serves until it is killed.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace {

struct Options {
  uint64_t key_count = 1'000'000;
  uint64_t folder_key_count = 1'000;
  uint64_t latency_ms = 0;
  uint16_t port = 0;
};

constexpr size_t kRequestBytesMax = 64U << 10U;
constexpr uint64_t kPageKeysMax = 1'000;

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  std::exit(1);
}

uint64_t ToNumber(std::string_view text) {
  uint64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || rest != text.data() + text.size()) {
    std::fprintf(stderr, "not a number: %.*s\n", static_cast<int>(text.size()), text.data());
    std::exit(2);
  }
  return number;
}

Options ParseOptions(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; i += 2) {
    const std::string_view name = argv[i];
    if (i + 1 == argc) Die("option without value");
    const uint64_t value = ToNumber(argv[i + 1]);
    if (name == "--keys") {
      options.key_count = value;
    } else if (name == "--folder-keys") {
      options.folder_key_count = value;
    } else if (name == "--latency-ms") {
      options.latency_ms = value;
    } else if (name == "--port") {
      options.port = static_cast<uint16_t>(value);
    } else {
      std::fprintf(stderr, "unknown option %s\n", argv[i]);
      std::exit(2);
    }
  }
  return options;
}

void AppendPadded(std::string& text, uint64_t number, size_t width) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof(digits), number).ptr;
  const auto size = static_cast<size_t>(end - digits);
  if (size < width) text.append(width - size, '0');
  text.append(digits, size);
}

void AppendKey(std::string& text, const Options& options, uint64_t index) {
  text += "data/";
  if (options.folder_key_count > 0) {
    AppendPadded(text, index / options.folder_key_count, 6);
    text += '/';
  }
  text += "image_";
  AppendPadded(text, index, 10);
  text += ".jpg";
}

// The first index whose key is after `key` (or, with `or_equal`, not before it): keys rise with
// their index.
uint64_t IndexAfter(const Options& options, std::string_view key, bool or_equal) {
  uint64_t begin = 0;
  uint64_t end = options.key_count;
  std::string candidate;
  while (begin < end) {
    const uint64_t middle = begin + (end - begin) / 2;
    candidate.clear();
    AppendKey(candidate, options, middle);
    if (or_equal ? candidate < key : candidate <= key) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return begin;
}

int HexValue(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return -1;
}

// The decoded value of a query parameter.
std::optional<std::string> Parameter(std::string_view target, std::string_view name) {
  size_t begin = target.find('?');
  while (begin != std::string_view::npos) {
    ++begin;
    const size_t end = std::min(target.find('&', begin), target.size());
    const std::string_view pair = target.substr(begin, end - begin);
    begin = end == target.size() ? std::string_view::npos : end;
    if (!pair.starts_with(name) || pair.substr(name.size(), 1) != "=") continue;
    const std::string_view encoded = pair.substr(name.size() + 1);
    std::string value;
    for (size_t i = 0; i < encoded.size(); ++i) {
      if (encoded[i] == '%' && i + 2 < encoded.size()) {
        value += static_cast<char>(HexValue(encoded[i + 1]) * 16 + HexValue(encoded[i + 2]));
        i += 2;
      } else {
        value += encoded[i];
      }
    }
    return value;
  }
  return std::nullopt;
}

void AppendObject(std::string& body, const Options& options, uint64_t index) {
  body += "<Contents><Key>";
  AppendKey(body, options, index);
  body +=
      "</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>"
      "<ETag>&quot;0123456789abcdef";
  AppendPadded(body, index, 16);
  body += "&quot;</ETag><Size>40960</Size><StorageClass>STANDARD</StorageClass></Contents>";
}

std::string PageBody(const Options& options, std::string_view target) {
  const std::string prefix = Parameter(target, "prefix").value_or("");
  const std::string start_after = Parameter(target, "start-after").value_or("");
  const std::string token = Parameter(target, "continuation-token").value_or("");
  const std::string max_keys = Parameter(target, "max-keys").value_or("1000");
  uint64_t begin = IndexAfter(options, prefix, true);
  if (!token.empty()) {
    begin = ToNumber(token);
  } else if (!start_after.empty()) {
    begin = std::max(begin, IndexAfter(options, start_after, false));
  }
  const uint64_t prefix_end = IndexAfter(options, prefix + "\xFF", true);
  const uint64_t end =
      std::max(begin, std::min(begin + std::min(ToNumber(max_keys), kPageKeysMax), prefix_end));
  std::string body;
  body.reserve(300 * (end - begin) + 1'000);
  body +=
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult "
      "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>bench</Name><MaxKeys>1000"
      "</MaxKeys>";
  // Every character of the keys stands for itself in the url encoding too.
  if (Parameter(target, "encoding-type")) body += "<EncodingType>url</EncodingType>";
  body += "<KeyCount>" + std::to_string(end - begin) + "</KeyCount>";
  if (end < prefix_end) {
    body += "<IsTruncated>true</IsTruncated><NextContinuationToken>" + std::to_string(end) +
            "</NextContinuationToken>";
  } else {
    body += "<IsTruncated>false</IsTruncated>";
  }
  for (uint64_t index = begin; index < end; ++index) AppendObject(body, options, index);
  return body + "</ListBucketResult>";
}

bool WriteAll(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

bool AnswerOne(const Options& options, int socket, std::string_view head) {
  const size_t begin = head.find(' ') + 1;
  const std::string_view target = head.substr(begin, head.find(' ', begin) - begin);
  std::string body;
  if (head.starts_with("GET ")) body = PageBody(options, target);
  if (options.latency_ms > 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(options.latency_ms));
  }
  const std::string answer =
      "HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n";
  return WriteAll(socket, answer + body);
}

// One connection; requests have no body.
void Serve(const Options& options, int socket) {
  std::string received;
  char buffer[16'384];
  for (;;) {
    const size_t end = received.find("\r\n\r\n");
    if (end != std::string::npos) {
      if (!AnswerOne(options, socket, std::string_view(received).substr(0, end))) break;
      received.erase(0, end + 4);
      continue;
    }
    const ssize_t size = ::recv(socket, buffer, sizeof(buffer), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0 || received.size() > kRequestBytesMax) break;
    received.append(buffer, static_cast<size_t>(size));
  }
  ::close(socket);
}

int Listen(uint16_t port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0) Die("socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  socklen_t size = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener, generic, size) != 0) Die("bind");
  if (::listen(listener, 512) != 0) Die("listen");
  if (::getsockname(listener, generic, &size) != 0) Die("getsockname");
  std::printf("listening on http://127.0.0.1:%u\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return listener;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = ParseOptions(argc, argv);
  const int listener = Listen(options.port);
  for (;;) {
    const int socket = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) continue;
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    std::thread(Serve, options, socket).detach();
  }
}
