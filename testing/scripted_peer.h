// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "headrace/base/mutex.h"
#include "testing/socket.h"
#include "testing/thread_gate.h"

namespace headrace::testing {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

// A request as it arrived.
struct ReceivedRequest {
  std::string method;
  std::string target;
  HeaderList headers;
  std::string body;             // Decoded where it was chunked.
  size_t connection_index = 0;  // 0: the first connection the peer accepted.

  // The first header of that name, compared without case; empty when there is none.
  std::string Header(std::string_view name) const;
};

// How the peer ends a connection.
enum class PeerEnd {
  kKeepAlive,  // Waits for the next request.
  kClose,      // In order.
  kReset,      // RST: the client sees "connection reset".
};

// One answer. The plain case needs only `status` and `body`.
struct Reply {
  int status = 200;
  HeaderList headers;  // Content-Length is added unless `raw` or a Transfer-Encoding stands here.
  std::string body;
  // The whole answer byte for byte; status, headers and body are not looked at.
  std::optional<std::string> raw;
  // Only so many bytes of the answer, head included, are sent; then `end` happens, kKeepAlive
  // meaning kClose. By default all.
  size_t cut_after_bytes = std::numeric_limits<size_t>::max();
  // The answer stops at this byte until the gate is opened.
  size_t stall_after_bytes = 0;
  std::shared_ptr<ThreadGate> stall_gate;
  // Sends "100 Continue" between the head and the body of a request that expects it.
  bool sends_continue = true;
  // False answers before the body of the request is read and then ends the connection.
  bool reads_body = true;
  PeerEnd end = PeerEnd::kKeepAlive;

  // Size of the head that goes before `body`: for cut_after_bytes and stall_after_bytes.
  size_t head_size_bytes() const;
  std::string Text() const;
};

// An HTTP/1.1 server on a free port of 127.0.0.1 that plays a script: one step per request, in the
// order requests arrive, over as many connections as come. Beyond the script it asks the handler;
// without one it answers 500 and counts the request as unexpected.
//
// Threads: one per connection; all methods may be called at once. Destruction opens the gates of
// every reply, ends the connections and joins.
class ScriptedPeer {
 public:
  using Handler = std::function<Reply(const ReceivedRequest&)>;

  explicit ScriptedPeer(bool is_ipv6 = false);
  ~ScriptedPeer();
  ScriptedPeer(const ScriptedPeer&) = delete;
  ScriptedPeer& operator=(const ScriptedPeer&) = delete;

  uint16_t port() const { return listener_.port(); }
  // "http://127.0.0.1:<port>"
  std::string url() const;

  // Adds a step to the script.
  ScriptedPeer& Then(Reply reply) HR_EXCLUDES(mutex_);
  // The next connection that has not been accepted yet is ended before any request is read.
  ScriptedPeer& ThenDropConnection(PeerEnd end = PeerEnd::kReset) HR_EXCLUDES(mutex_);
  // Answers everything beyond the script; called on several threads at once.
  void SetHandler(Handler handler) HR_EXCLUDES(mutex_);

  std::vector<ReceivedRequest> requests() const HR_EXCLUDES(mutex_);
  // Blocks until so many requests have arrived whole.
  void AwaitRequests(size_t count) HR_EXCLUDES(mutex_);
  size_t connection_count() const HR_EXCLUDES(mutex_);
  size_t unexpected_count() const HR_EXCLUDES(mutex_);

 private:
  struct Connection {
    Socket socket;
    size_t index = 0;
    std::string unread;
  };

  void AcceptConnections();
  void ServeConnection(Connection& connection);
  // False when the connection has ended.
  bool ServeRequest(Connection& connection);
  bool ReadHead(Connection& connection, ReceivedRequest& request);
  bool ReadBody(Connection& connection, ReceivedRequest& request);
  bool ReadChunked(Connection& connection, ReceivedRequest& request);
  bool ReadLine(Connection& connection, std::string& line);
  bool ReadBytes(Connection& connection, size_t size_bytes, std::string& bytes);
  std::optional<Reply> NextStep() HR_EXCLUDES(mutex_);
  Reply AnswerBeyondScript(const ReceivedRequest& request) HR_EXCLUDES(mutex_);
  static bool SendReply(Connection& connection, const Reply& reply);
  // Under the lock, because destruction looks at the same sockets.
  void End(Connection& connection, PeerEnd end) HR_EXCLUDES(mutex_);

  Listener listener_;
  const bool is_ipv6_;

  mutable Mutex mutex_;
  CondVar changed_;
  bool is_stopping_ HR_GUARDED_BY(mutex_) = false;
  std::deque<Reply> script_ HR_GUARDED_BY(mutex_);
  std::deque<PeerEnd> drops_ HR_GUARDED_BY(mutex_);
  Handler handler_ HR_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<ThreadGate>> gates_ HR_GUARDED_BY(mutex_);
  std::vector<ReceivedRequest> requests_ HR_GUARDED_BY(mutex_);
  std::list<Connection> connections_ HR_GUARDED_BY(mutex_);
  size_t unexpected_count_ HR_GUARDED_BY(mutex_) = 0;
  std::vector<std::thread> threads_ HR_GUARDED_BY(mutex_);

  std::thread acceptor_;  // Last: starts when everything else is there.
};

}  // namespace headrace::testing
