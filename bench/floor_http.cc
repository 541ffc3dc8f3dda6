// SPDX-License-Identifier: Apache-2.0
// The floor of every HTTP client: one thread, one epoll, keep-alive sockets, buffers that are
// reused, heads written beforehand, bodies read into memory and forgotten. Signs nothing.
//
// usage: floor_http --url http://127.0.0.1:PORT --connections N --list FILE [--put BYTES]
//                   [--tolerate]
//   --list      a request a line, fields apart by tabs: PATH [OFFSET LENGTH [HEADERS]]. PATH as it
//               goes on the wire, percent-encoded; OFFSET and LENGTH ("-": the whole object) ask
//               for a range; HEADERS are further header lines, apart by "|". Every line is asked
//               once, in order, by whichever connection is free next.
//   --put       send PUT with a body of that many bytes instead of GET
//   --tolerate  failed requests do not make the exit code 1
// Prints one line of JSON. An answer other than 2xx is a failed request, and so is a connection
// that breaks (a new one takes its place). Latency: from the head's first byte sent to the body's
// last received.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace {

using Clock = std::chrono::steady_clock;

// One read: a socket's receive buffer after growing, and small enough to stay in the second cache.
constexpr size_t kReadBytes = 256U << 10U;

struct Options {
  sockaddr_in server{};
  std::string host_field;
  size_t connection_count = 1;
  std::string list;
  std::optional<uint64_t> put_bytes;
  bool tolerates_failure = false;
};

struct Totals {
  uint64_t body_bytes = 0;
  uint64_t failed = 0;
  std::vector<uint32_t> latencies_us;
};

[[noreturn]] void Die(const std::string& why) {
  fmt::print(stderr, "floor_http: {}\n", why);
  std::exit(2);
}

uint64_t ToNumber(std::string_view text) {
  uint64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || rest != text.data() + text.size()) {
    Die(fmt::format("not a number: {}", text));
  }
  return number;
}

void SetServer(Options& options, std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) Die("--url is http://ADDRESS:PORT");
  url.remove_prefix(kScheme.size());
  const size_t colon = url.find(':');
  if (colon == std::string_view::npos) Die("--url is http://ADDRESS:PORT");
  options.host_field = url;
  options.server.sin_family = AF_INET;
  options.server.sin_port = htons(static_cast<uint16_t>(ToNumber(url.substr(colon + 1))));
  if (inet_pton(AF_INET, std::string(url.substr(0, colon)).c_str(), &options.server.sin_addr) !=
      1) {
    Die("--url needs a numeric address");
  }
}

Options ParseOptions(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--tolerate") {
      options.tolerates_failure = true;
      continue;
    }
    if (++i == argc) Die(fmt::format("{} needs a value", name));
    const std::string_view value = argv[i];
    if (name == "--url") {
      SetServer(options, value);
    } else if (name == "--connections") {
      options.connection_count = std::max<uint64_t>(1, ToNumber(value));
    } else if (name == "--list") {
      options.list = value;
    } else if (name == "--put") {
      options.put_bytes = ToNumber(value);
    } else {
      Die(fmt::format("unknown option {}", name));
    }
  }
  if (options.host_field.empty() || options.list.empty()) Die("--url and --list are needed");
  return options;
}

std::string_view TakeField(std::string_view& text, char separator) {
  const size_t end = std::min(text.find(separator), text.size());
  const std::string_view field = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return field;
}

std::string HeadOf(std::string_view line, const Options& options) {
  const std::string_view path = TakeField(line, '\t');
  const std::string_view offset = TakeField(line, '\t');
  const std::string_view length = TakeField(line, '\t');
  std::string head = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n",
                                 options.put_bytes ? "PUT" : "GET", path, options.host_field);
  if (!offset.empty() && offset != "-") {
    const uint64_t first = ToNumber(offset);
    head += fmt::format("Range: bytes={}-{}\r\n", first, first + ToNumber(length) - 1);
  }
  if (options.put_bytes) head += fmt::format("Content-Length: {}\r\n", *options.put_bytes);
  while (!line.empty()) head.append(TakeField(line, '|')).append("\r\n");
  return head + "\r\n";
}

std::vector<std::string> ReadHeads(const Options& options) {
  std::ifstream file(options.list);
  if (!file) Die(fmt::format("cannot read {}", options.list));
  std::vector<std::string> heads;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) heads.push_back(HeadOf(line, options));
  }
  return heads;
}

// What an answer's head says about the rest.
struct Answer {
  bool is_good = false;
  bool closes = false;
  uint64_t body_bytes = 0;
};

bool StartsWith(std::string_view line, std::string_view name) {
  return line.size() >= name.size() && strncasecmp(line.data(), name.data(), name.size()) == 0;
}

Answer ReadAnswer(std::string_view head) {
  Answer answer;
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  if (!head.starts_with(kVersion)) Die("the answer is not HTTP/1.1");
  answer.is_good = head[kVersion.size()] == '2';
  const std::string_view status = head.substr(kVersion.size(), 3);
  bool has_length = status == "204" || status == "304";
  while (!head.empty()) {
    std::string_view line = TakeField(head, '\n');
    constexpr std::string_view kLength = "content-length: ";
    constexpr std::string_view kClose = "connection: close";
    if (StartsWith(line, kLength)) {
      line.remove_prefix(kLength.size());
      answer.body_bytes = ToNumber(line.substr(0, line.find('\r')));
      has_length = true;
    } else if (StartsWith(line, kClose)) {
      answer.closes = true;
    }
  }
  if (!has_length) Die("an answer without Content-Length");
  return answer;
}

class Loop {
 public:
  Loop(const Options& options, const std::vector<std::string>& heads)
      : options_(options),
        heads_(heads),
        body_(options.put_bytes.value_or(0), 'x'),
        buffer_(kReadBytes),
        epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    totals_.latencies_us.reserve(heads.size());
  }

  // Asks for everything and returns when the last answer is there.
  const Totals& Run() {
    connections_.resize(std::min(options_.connection_count, heads_.size()));
    for (Connection& connection : connections_) {
      Open(connection);
      StartNext(connection);
    }
    std::array<epoll_event, 256> events{};
    while (running_ > 0) {
      const int count = epoll_wait(epoll_, events.data(), events.size(), -1);
      if (count < 0 && errno != EINTR) Die("epoll_wait failed");
      for (int i = 0; i < count; ++i) Serve(*static_cast<Connection*>(events[i].data.ptr));
    }
    return totals_;
  }

 private:
  struct Connection {
    int socket = -1;
    bool is_running = false;
    bool waits_to_write = false;
    size_t request = 0;
    uint64_t sent = 0;  // Of head and body together.
    std::string head;   // Of an answer that came in pieces.
    bool has_head = false;
    Answer answer;
    uint64_t body_left = 0;
    Clock::time_point begin;
  };

  void Open(Connection& connection) {
    connection.socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto* address = reinterpret_cast<const sockaddr*>(&options_.server);
    if (connect(connection.socket, address, sizeof(options_.server)) != 0) Die("cannot connect");
    const int on = 1;
    setsockopt(connection.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    fcntl(connection.socket, F_SETFL, O_NONBLOCK);
    connection.waits_to_write = false;
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &connection}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.socket, &event);
  }

  void StartNext(Connection& connection) {
    connection.is_running = next_ < heads_.size();
    if (!connection.is_running) return;
    ++running_;
    connection.request = next_++;
    connection.sent = 0;
    connection.has_head = false;
    connection.head.clear();
    connection.begin = Clock::now();
    if (!Write(connection)) Replace(connection);
  }

  // The connection broke under its request.
  void Replace(Connection& connection) {
    close(connection.socket);
    Open(connection);
    if (!connection.is_running) return;
    ++totals_.failed;
    --running_;
    StartNext(connection);
  }

  void WaitToWrite(Connection& connection, bool waits) {
    if (connection.waits_to_write == waits) return;
    connection.waits_to_write = waits;
    const uint32_t wanted = waits ? EPOLLIN | EPOLLOUT : EPOLLIN;
    epoll_event event{.events = wanted, .data = {.ptr = &connection}};
    epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.socket, &event);
  }

  // False: the connection broke.
  bool Write(Connection& connection) {
    const std::string& head = heads_[connection.request];
    while (connection.sent < head.size() + body_.size()) {
      const uint64_t of_head = std::min<uint64_t>(connection.sent, head.size());
      const uint64_t of_body = connection.sent - of_head;
      std::array<iovec, 2> pieces{
          iovec{const_cast<char*>(head.data()) + of_head, head.size() - of_head},
          iovec{body_.data() + of_body, body_.size() - of_body}};
      msghdr message{};
      message.msg_iov = pieces.data();
      message.msg_iovlen = pieces.size();
      const ssize_t count = sendmsg(connection.socket, &message, MSG_NOSIGNAL);
      if (count >= 0) {
        connection.sent += static_cast<uint64_t>(count);
      } else if (errno == EAGAIN) {
        WaitToWrite(connection, true);
        return true;
      } else if (errno != EINTR) {
        return false;
      }
    }
    WaitToWrite(connection, false);
    return true;
  }

  void Serve(Connection& connection) {
    if (connection.waits_to_write && !Write(connection)) return Replace(connection);
    while (true) {
      const ssize_t count = recv(connection.socket, buffer_.data(), buffer_.size(), 0);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && errno == EAGAIN) return;
      if (count <= 0) return Replace(connection);
      Take(connection, {buffer_.data(), static_cast<size_t>(count)});
      if (static_cast<size_t>(count) < buffer_.size()) return;
    }
  }

  void Take(Connection& connection, std::string_view bytes) {
    if (!connection.is_running) Die("bytes nobody asked for");
    if (!connection.has_head) {
      // Most heads come whole, with the body's begin behind them.
      const bool in_pieces = !connection.head.empty();
      if (in_pieces) bytes = connection.head.append(bytes);
      const size_t end = bytes.find("\r\n\r\n");
      if (end == std::string_view::npos) {
        if (!in_pieces) connection.head = bytes;
        return;
      }
      connection.answer = ReadAnswer(bytes.substr(0, end + 2));
      connection.has_head = true;
      connection.body_left = connection.answer.body_bytes;
      bytes.remove_prefix(end + 4);
    }
    if (bytes.size() > connection.body_left) Die("more bytes than the answer has");
    connection.body_left -= bytes.size();
    if (connection.body_left == 0) Finish(connection);
  }

  void Finish(Connection& connection) {
    const auto passed =
        std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - connection.begin);
    totals_.latencies_us.push_back(static_cast<uint32_t>(passed.count()));
    totals_.body_bytes += options_.put_bytes.value_or(connection.answer.body_bytes);
    if (!connection.answer.is_good) ++totals_.failed;
    --running_;
    connection.is_running = false;
    if (connection.answer.closes) Replace(connection);
    StartNext(connection);
  }

  const Options& options_;
  const std::vector<std::string>& heads_;
  std::string body_;  // Of every PUT.
  std::vector<char> buffer_;
  int epoll_;
  std::vector<Connection> connections_;
  size_t next_ = 0;
  size_t running_ = 0;
  Totals totals_;
};

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

uint32_t Quantile(const std::vector<uint32_t>& sorted, double quantile) {
  if (sorted.empty()) return 0;
  const auto index = static_cast<size_t>(quantile * static_cast<double>(sorted.size()));
  return sorted[std::min(index, sorted.size() - 1)];
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = ParseOptions(argc, argv);
  const std::vector<std::string> heads = ReadHeads(options);
  Loop loop(options, heads);
  const double cpu_before = CpuSeconds();
  const auto begin = Clock::now();
  Totals totals = loop.Run();
  const std::chrono::duration<double> passed = Clock::now() - begin;
  const double cpu_seconds = CpuSeconds() - cpu_before;
  std::ranges::sort(totals.latencies_us);
  fmt::print(
      "{{\"seconds\": {:.6f}, \"cpu_seconds\": {:.6f}, \"requests\": {}, \"bytes\": {}, "
      "\"failed\": {}, \"p50_us\": {}, \"p99_us\": {}, \"p999_us\": {}}}\n",
      passed.count(), cpu_seconds, heads.size(), totals.body_bytes, totals.failed,
      Quantile(totals.latencies_us, 0.5), Quantile(totals.latencies_us, 0.99),
      Quantile(totals.latencies_us, 0.999));
  return totals.failed > 0 && !options.tolerates_failure ? 1 : 0;
}
