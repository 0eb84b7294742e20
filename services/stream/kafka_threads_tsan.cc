// For the thread sanitizer's build alone. librdkafka starts its threads and locks by C11's <threads.h>, which the
// sanitizer does not know: a thread that it has not seen begin crashes it, and a lock that it has not seen taken orders
// nothing. These stand in front of the C library's; they do what those do, by pthreads, which it does know.
#include <pthread.h>
#include <threads.h>

#include <cerrno>
#include <cstdint>
#include <memory>

namespace {

static_assert(sizeof(mtx_t) >= sizeof(pthread_mutex_t) && sizeof(cnd_t) == sizeof(pthread_cond_t));

pthread_mutex_t* of(mtx_t* mutex) {
  return reinterpret_cast<pthread_mutex_t*>(mutex);
}
pthread_cond_t* of(cnd_t* condition) {
  return reinterpret_cast<pthread_cond_t*>(condition);
}
int code(int error) {
  return error == 0 ? thrd_success : error == ETIMEDOUT ? thrd_timedout : thrd_error;
}

struct Start {
  thrd_start_t function;
  void* argument;
};

void* run(void* start_of) {
  const std::unique_ptr<Start> start(static_cast<Start*>(start_of));
  return reinterpret_cast<void*>(static_cast<std::intptr_t>(start->function(start->argument)));
}

}  // namespace

extern "C" {

int thrd_create(thrd_t* thread, thrd_start_t function, void* argument) {
  auto start = std::make_unique<Start>(Start{function, argument});
  const int error = pthread_create(thread, nullptr, &run, start.get());
  if (error == 0) static_cast<void>(start.release());
  return code(error);
}

int thrd_join(thrd_t thread, int* result) {
  void* returned = nullptr;
  const int error = pthread_join(thread, &returned);
  if (result != nullptr) *result = static_cast<int>(reinterpret_cast<std::intptr_t>(returned));
  return code(error);
}

int mtx_init(mtx_t* mutex, int type) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  if ((type & mtx_recursive) != 0) pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
  const int error = pthread_mutex_init(of(mutex), &attributes);
  pthread_mutexattr_destroy(&attributes);
  return code(error);
}

int mtx_lock(mtx_t* mutex) {
  return code(pthread_mutex_lock(of(mutex)));
}
int mtx_unlock(mtx_t* mutex) {
  return code(pthread_mutex_unlock(of(mutex)));
}
void mtx_destroy(mtx_t* mutex) {
  pthread_mutex_destroy(of(mutex));
}

int cnd_init(cnd_t* condition) {
  return code(pthread_cond_init(of(condition), nullptr));
}
int cnd_signal(cnd_t* condition) {
  return code(pthread_cond_signal(of(condition)));
}
int cnd_broadcast(cnd_t* condition) {
  return code(pthread_cond_broadcast(of(condition)));
}
int cnd_wait(cnd_t* condition, mtx_t* mutex) {
  return code(pthread_cond_wait(of(condition), of(mutex)));
}
int cnd_timedwait(cnd_t* condition, mtx_t* mutex, const timespec* until) {
  return code(pthread_cond_timedwait(of(condition), of(mutex), until));
}
void cnd_destroy(cnd_t* condition) {
  pthread_cond_destroy(of(condition));
}
}
