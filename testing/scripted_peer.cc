// SPDX-License-Identifier: Apache-2.0
#include "testing/scripted_peer.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "headrace/base/text.h"
#include "headrace/net/http_message.h"

namespace headrace::testing {
namespace {

bool HasHeader(const HeaderList& headers, std::string_view name) {
  return std::ranges::any_of(
      headers, [&](const auto& field) { return EqualIgnoringCase(field.first, name); });
}

std::string HeadOf(const Reply& reply) {
  std::string head =
      fmt::format("HTTP/1.1 {} {}\r\n", reply.status, net::ReasonPhrase(reply.status));
  for (const auto& [name, value] : reply.headers) head += name + ": " + value + "\r\n";
  if (!HasHeader(reply.headers, "Content-Length") &&
      !HasHeader(reply.headers, "Transfer-Encoding")) {
    head += fmt::format("Content-Length: {}\r\n", reply.body.size());
  }
  return head + "\r\n";
}

}  // namespace

std::string ReceivedRequest::Header(std::string_view name) const {
  for (const auto& [field, value] : headers) {
    if (EqualIgnoringCase(field, name)) return value;
  }
  return "";
}

size_t Reply::head_size_bytes() const { return raw ? 0 : HeadOf(*this).size(); }

std::string Reply::Text() const { return raw ? *raw : HeadOf(*this) + body; }

ScriptedPeer::ScriptedPeer(bool is_ipv6)
    : listener_(is_ipv6), is_ipv6_(is_ipv6), acceptor_([this] { AcceptConnections(); }) {}

ScriptedPeer::~ScriptedPeer() {
  listener_.Shutdown();
  std::vector<std::thread> threads;
  {
    const MutexLock lock(mutex_);
    is_stopping_ = true;
    for (const auto& gate : gates_) gate->Open();
    for (Connection& connection : connections_) connection.socket.Shutdown();
  }
  acceptor_.join();
  {
    const MutexLock lock(mutex_);
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
}

std::string ScriptedPeer::url() const {
  return fmt::format("http://{}:{}", is_ipv6_ ? "[::1]" : "127.0.0.1", port());
}

ScriptedPeer& ScriptedPeer::Then(Reply reply) {
  const MutexLock lock(mutex_);
  if (reply.stall_gate) gates_.push_back(reply.stall_gate);
  script_.push_back(std::move(reply));
  return *this;
}

ScriptedPeer& ScriptedPeer::ThenDropConnection(PeerEnd end) {
  const MutexLock lock(mutex_);
  drops_.push_back(end);
  return *this;
}

void ScriptedPeer::SetHandler(Handler handler) {
  const MutexLock lock(mutex_);
  handler_ = std::move(handler);
}

std::vector<ReceivedRequest> ScriptedPeer::requests() const {
  const MutexLock lock(mutex_);
  return requests_;
}

void ScriptedPeer::AwaitRequests(size_t count) {
  const MutexLock lock(mutex_);
  while (requests_.size() < count) changed_.Wait(mutex_);
}

size_t ScriptedPeer::connection_count() const {
  const MutexLock lock(mutex_);
  return connections_.size();
}

size_t ScriptedPeer::unexpected_count() const {
  const MutexLock lock(mutex_);
  return unexpected_count_;
}

void ScriptedPeer::AcceptConnections() {
  while (true) {
    Socket socket = listener_.Accept();
    if (!socket.is_open()) return;
    std::optional<PeerEnd> drop;
    Connection* connection = nullptr;
    {
      const MutexLock lock(mutex_);
      if (is_stopping_) return;
      connection = &connections_.emplace_back(
          Connection{.socket = std::move(socket), .index = connections_.size(), .unread = ""});
      if (!drops_.empty()) {
        drop = drops_.front();
        drops_.pop_front();
      } else {
        threads_.emplace_back([this, connection] { ServeConnection(*connection); });
      }
    }
    if (drop) End(*connection, *drop);
  }
}

void ScriptedPeer::ServeConnection(Connection& connection) {
  while (ServeRequest(connection)) {
  }
}

bool ScriptedPeer::ServeRequest(Connection& connection) {
  ReceivedRequest request;
  request.connection_index = connection.index;
  if (!ReadHead(connection, request)) {
    End(connection, PeerEnd::kClose);
    return false;
  }
  std::optional<Reply> step = NextStep();
  const bool reads_body = !step || step->reads_body;
  if (reads_body) {
    if ((!step || step->sends_continue) &&
        EqualIgnoringCase(request.Header("Expect"), "100-continue")) {
      connection.socket.SendAll("HTTP/1.1 100 Continue\r\n\r\n");
    }
    if (!ReadBody(connection, request)) {
      End(connection, PeerEnd::kClose);
      return false;
    }
  }
  {
    const MutexLock lock(mutex_);
    requests_.push_back(request);
    changed_.NotifyAll();
  }
  const Reply reply = step ? *std::move(step) : AnswerBeyondScript(request);
  const bool was_sent = SendReply(connection, reply);
  if (was_sent && reads_body && reply.end == PeerEnd::kKeepAlive) return true;
  End(connection, reply.end);
  return false;
}

void ScriptedPeer::End(Connection& connection, PeerEnd end) {
  const MutexLock lock(mutex_);
  if (end == PeerEnd::kReset) {
    connection.socket.Reset();
    return;
  }
  // Not closed: what the client sent and nobody read would turn the orderly end into a reset.
  connection.socket.Shutdown();
}

std::optional<Reply> ScriptedPeer::NextStep() {
  const MutexLock lock(mutex_);
  if (script_.empty()) return std::nullopt;
  Reply reply = std::move(script_.front());
  script_.pop_front();
  return reply;
}

Reply ScriptedPeer::AnswerBeyondScript(const ReceivedRequest& request) {
  Handler handler;
  {
    const MutexLock lock(mutex_);
    handler = handler_;
    if (!handler) ++unexpected_count_;
  }
  if (!handler) return {.status = 500, .body = "the script has no step for this request"};
  Reply reply = handler(request);
  if (reply.stall_gate) {
    const MutexLock lock(mutex_);
    gates_.push_back(reply.stall_gate);
    if (is_stopping_) reply.stall_gate->Open();
  }
  return reply;
}

bool ScriptedPeer::SendReply(Connection& connection, const Reply& reply) {
  const std::string text = reply.Text();
  const size_t end = std::min(text.size(), reply.cut_after_bytes);
  size_t sent = 0;
  if (reply.stall_gate) {
    sent = std::min(end, reply.stall_after_bytes);
    connection.socket.SendAll(std::string_view(text).substr(0, sent));
    reply.stall_gate->Wait();
  }
  const bool is_sent = connection.socket.SendAll(std::string_view(text).substr(sent, end - sent));
  return is_sent && end == text.size();
}

bool ScriptedPeer::ReadLine(Connection& connection, std::string& line) {
  while (true) {
    const size_t end = connection.unread.find("\r\n");
    if (end != std::string::npos) {
      line = connection.unread.substr(0, end);
      connection.unread.erase(0, end + 2);
      return true;
    }
    const std::string some = connection.socket.Receive();
    if (some.empty()) return false;
    connection.unread += some;
  }
}

bool ScriptedPeer::ReadBytes(Connection& connection, size_t size_bytes, std::string& bytes) {
  const size_t ready = std::min(size_bytes, connection.unread.size());
  bytes.append(connection.unread, 0, ready);
  connection.unread.erase(0, ready);
  for (size_t missing = size_bytes - ready; missing > 0;) {
    const std::string some = connection.socket.Receive(std::min<size_t>(missing, 1U << 20U));
    if (some.empty()) return false;
    bytes += some;
    missing -= some.size();
  }
  return true;
}

bool ScriptedPeer::ReadHead(Connection& connection, ReceivedRequest& request) {
  std::string line;
  if (!ReadLine(connection, line)) return false;
  const size_t method_end = line.find(' ');
  const size_t target_end = line.rfind(' ');
  if (method_end == std::string::npos || target_end <= method_end) return false;
  request.method = line.substr(0, method_end);
  request.target = line.substr(method_end + 1, target_end - method_end - 1);
  while (ReadLine(connection, line)) {
    if (line.empty()) return true;
    const size_t colon = line.find(':');
    if (colon == std::string::npos) return false;
    const size_t value = line.find_first_not_of(" \t", colon + 1);
    request.headers.emplace_back(line.substr(0, colon),
                                 value == std::string::npos ? "" : line.substr(value));
  }
  return false;
}

bool ScriptedPeer::ReadBody(Connection& connection, ReceivedRequest& request) {
  if (EqualIgnoringCase(request.Header("Transfer-Encoding"), "chunked")) {
    return ReadChunked(connection, request);
  }
  const auto size_bytes = ParseDecimal(request.Header("Content-Length"));
  return ReadBytes(connection, size_bytes.value_or(0), request.body);
}

bool ScriptedPeer::ReadChunked(Connection& connection, ReceivedRequest& request) {
  std::string line;
  while (ReadLine(connection, line)) {
    size_t size_bytes = 0;
    const auto parsed = std::from_chars(line.data(), line.data() + line.size(), size_bytes, 16);
    if (parsed.ec != std::errc()) return false;
    if (size_bytes == 0) {
      while (ReadLine(connection, line)) {
        if (line.empty()) return true;
      }
      return false;
    }
    if (!ReadBytes(connection, size_bytes, request.body) || !ReadLine(connection, line)) {
      return false;
    }
  }
  return false;
}

}  // namespace headrace::testing
