// SPDX-License-Identifier: Apache-2.0
#include "testing/fault_proxy.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "headrace/base/text.h"

namespace headrace::testing {

bool FaultyStream::NeedsHead() const {
  return fault_.counts_from_body || fault_.content_length_delta != 0;
}

void FaultyStream::RewriteHead() {
  if (fault_.content_length_delta == 0) return;
  constexpr std::string_view kName = "content-length:";
  for (size_t line = 0; line < head_size_bytes_;) {
    const size_t end = held_.find("\r\n", line);
    const std::string_view name = std::string_view(held_).substr(line, kName.size());
    if (EqualIgnoringCase(name, kName)) {
      const size_t digits = held_.find_first_of("0123456789", line);
      const auto length = static_cast<int64_t>(
          ParseDecimal(std::string_view(held_).substr(digits, end - digits)).value_or(0));
      const std::string changed = fmt::format("{}", length + fault_.content_length_delta);
      held_.replace(digits, end - digits, changed);
      head_size_bytes_ = held_.find("\r\n\r\n") + 4;
      return;
    }
    line = end + 2;
  }
}

FaultyStream::Output FaultyStream::Feed(std::string bytes) {
  Output output;
  if (!has_begun_) {
    held_ += bytes;
    if (NeedsHead()) {
      const size_t end = held_.find("\r\n\r\n");
      if (end == std::string::npos) return output;
      head_size_bytes_ = end + 4;
      RewriteHead();
    }
    has_begun_ = true;
    bytes = fault_.garbage_before + std::exchange(held_, {});
  }
  const size_t origin = fault_.counts_from_body ? head_size_bytes_ : 0;
  // The place in `bytes` of a byte of the whole stream; nothing when it is not among them.
  const auto place = [&](std::optional<size_t> at, bool may_be_end) -> std::optional<size_t> {
    if (!at || origin + *at < sent_bytes_) return std::nullopt;
    const size_t index = origin + *at - sent_bytes_;
    if (index < bytes.size() || (may_be_end && index == bytes.size())) return index;
    return std::nullopt;
  };
  if (const auto at = place(fault_.flip_byte_at, false)) {
    bytes[*at] = static_cast<char>(~bytes[*at]);
  }
  if (!has_stalled_) {
    output.stall_at = place(fault_.stall_after_bytes, true);
    has_stalled_ = output.stall_at.has_value();
  }
  if (const auto at = place(fault_.reset_after_bytes, true)) {
    output.end = Output::End::kReset;
    bytes.resize(*at);
  } else if (const auto close_at = place(fault_.close_after_bytes, true)) {
    output.end = Output::End::kClose;
    bytes.resize(*close_at);
  }
  sent_bytes_ += bytes.size();
  if (output.stall_at) output.stall_at = std::min(*output.stall_at, bytes.size());
  output.bytes = std::move(bytes);
  return output;
}

FaultProxy::FaultProxy(uint16_t server_port) : server_port_(server_port) { Accept(); }

FaultProxy::~FaultProxy() {
  Refuse();
  std::vector<std::thread> threads;
  {
    const MutexLock lock(mutex_);
    is_stopping_ = true;
    for (Connection& connection : connections_) {
      if (connection.fault.stall_gate) connection.fault.stall_gate->Open();
      connection.client.Shutdown();
      connection.server.Shutdown();
    }
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
}

std::string FaultProxy::url() const { return fmt::format("http://127.0.0.1:{}", port_); }

FaultProxy& FaultProxy::Then(ConnectionFault fault) {
  if (fault.stall_after_bytes && !fault.stall_gate) fault.stall_gate = ThreadGate::Make();
  const MutexLock lock(mutex_);
  script_.push_back(std::move(fault));
  return *this;
}

void FaultProxy::Refuse() {
  std::unique_ptr<Listener> listener;
  std::thread acceptor;
  {
    const MutexLock lock(mutex_);
    listener = std::move(listener_);
    acceptor = std::move(acceptor_);
  }
  if (!listener) return;
  listener->Shutdown();
  acceptor.join();
}

void FaultProxy::Accept() {
  const MutexLock lock(mutex_);
  if (listener_) return;
  listener_ = std::make_unique<Listener>(false, port_);
  port_ = listener_->port();
  acceptor_ = std::thread([this, listener = listener_.get()] { AcceptConnections(*listener); });
}

size_t FaultProxy::connection_count() const {
  const MutexLock lock(mutex_);
  return connections_.size();
}

void FaultProxy::AcceptConnections(Listener& listener) {
  while (true) {
    Socket client = listener.Accept();
    if (!client.is_open()) return;
    Socket server = Socket::ConnectTo(server_port_);
    const MutexLock lock(mutex_);
    if (is_stopping_) return;
    Connection& connection = connections_.emplace_back();
    connection.client = std::move(client);
    connection.server = std::move(server);
    if (!script_.empty()) {
      connection.fault = std::move(script_.front());
      script_.pop_front();
    }
    threads_.emplace_back([&connection] { CopyToServer(connection); });
    threads_.emplace_back([this, &connection] { CopyToClient(connection); });
  }
}

void FaultProxy::CopyToServer(Connection& connection) {
  while (true) {
    const std::string bytes = connection.client.Receive();
    if (bytes.empty() || !connection.server.SendAll(bytes)) break;
  }
  connection.server.ShutdownSend();
}

void FaultProxy::CopyToClient(Connection& connection) {
  using End = FaultyStream::Output::End;
  FaultyStream stream(connection.fault);
  const auto send = [&connection](std::string_view bytes) {
    if (!connection.fault.drips) return connection.client.SendAll(bytes);
    return std::ranges::all_of(bytes,
                               [&](char byte) { return connection.client.SendAll({&byte, 1}); });
  };
  End end = End::kGoesOn;
  while (end == End::kGoesOn) {
    std::string bytes = connection.server.Receive();
    if (bytes.empty()) break;
    const FaultyStream::Output output = stream.Feed(std::move(bytes));
    const std::string_view text = output.bytes;
    if (output.stall_at) {
      send(text.substr(0, *output.stall_at));
      connection.fault.stall_gate->Wait();
    }
    if (!send(text.substr(output.stall_at.value_or(0)))) break;
    end = output.end;
  }
  this->End(connection, end == End::kReset);
}

void FaultProxy::End(Connection& connection, bool is_reset) {
  const MutexLock lock(mutex_);
  connection.server.Shutdown();
  if (is_reset) {
    connection.client.Reset();
  } else {
    connection.client.Shutdown();
  }
}

}  // namespace headrace::testing
