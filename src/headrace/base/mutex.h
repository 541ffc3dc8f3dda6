// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

// Clang's thread-safety analysis: every guarded field names its lock, every private method that
// needs it says so. g++ ignores these.
#if defined(__clang__)
#define HR_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define HR_THREAD_ANNOTATION(x)
#endif
#define HR_GUARDED_BY(x) HR_THREAD_ANNOTATION(guarded_by(x))
#define HR_REQUIRES(...) HR_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define HR_EXCLUDES(...) HR_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))

namespace headrace {

// std::mutex with annotations (libstdc++'s has none).
class HR_THREAD_ANNOTATION(capability("mutex")) Mutex {
 public:
  void Lock() HR_THREAD_ANNOTATION(acquire_capability()) { mutex_.lock(); }
  void Unlock() HR_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

// Holds a Mutex for a scope. No lock is held over I/O or a callback.
class HR_THREAD_ANNOTATION(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) HR_THREAD_ANNOTATION(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.Lock();
  }
  ~MutexLock() HR_THREAD_ANNOTATION(release_capability()) { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// A condition variable for Mutex. Waits may wake for no reason: test the condition in a loop.
class CondVar {
 public:
  void Wait(Mutex& mutex) HR_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  // False when `deadline` passed first.
  bool WaitUntil(Mutex& mutex, std::chrono::steady_clock::time_point deadline) HR_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const bool in_time = condition_.wait_until(lock, deadline) == std::cv_status::no_timeout;
    lock.release();
    return in_time;
  }
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace headrace
